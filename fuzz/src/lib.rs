//! What the targets share: the provider in this process, and an API that answers what it is told.

use std::sync::{Arc, Mutex};

use alicloud_auth::environment::Environment;
use alicloud_live::{Exchange, Failure, HttpRequest, HttpResponse, Dependencies};
use async_trait::async_trait;
use http::HeaderMap;
use terraform_provider_alicloud_live::definition_in;
use tfplugin::{Diagnostics, EncodedValue, ProviderDefinition};
use tokio::runtime::{Builder, Runtime};

/// The resource type.
pub const JOB: &str = "alicloud_live_edge_transcode_job";

/// Answers every call in the same way.
pub struct Api {
    reply: Mutex<(u16, Vec<u8>)>,
}

impl Api {
    /// One that has no job. The provider takes that for a final answer, so nothing is tried again.
    pub fn empty() -> Arc<Self> {
        let body = br#"{"Code":"JobNotFound","Message":"no job","RequestId":"16A96B9A-F203-4EC5-8E43-CB92E68F4CD8"}"#;
        Self::answering(404, body)
    }

    /// One that answers with this status and body.
    pub fn answering(status: u16, body: &[u8]) -> Arc<Self> {
        Arc::new(Self {
            reply: Mutex::new((status, body.to_vec())),
        })
    }
}

#[async_trait]
impl Exchange for Api {
    async fn exchange(&self, _: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        let (status, body) = self.reply.lock().unwrap().clone();
        Ok(HttpResponse {
            status,
            headers: HeaderMap::new(),
            body,
        })
    }
}

/// A runtime in whose virtual time no pause takes any.
pub fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

/// The provider, not configured yet.
pub fn provider(api: Arc<Api>) -> ProviderDefinition {
    let dependencies = Dependencies {
        exchange: Some(api),
        ..Dependencies::default()
    };
    let environment = Environment::from_iter([
        ("LIVE_ENDPOINT", "http://api.invalid"),
        ("ALICLOUD_ACCESS_KEY", "fuzz-access-key-id"),
        ("ALICLOUD_SECRET_KEY", "fuzz-access-key-secret"),
    ]);
    definition_in(environment, dependencies)
}

/// The provider, ready to call this API.
pub async fn configured(api: Arc<Api>) -> ProviderDefinition {
    let definition = provider(api);
    let mut diagnostics = Diagnostics::default();
    let empty = EncodedValue::Json(b"{}".to_vec());
    definition
        .provider
        .configure(&mut diagnostics, "1.16.0".to_owned(), &empty)
        .await;
    assert!(diagnostics.errors.is_empty(), "{:?}", diagnostics.errors);
    definition
}

/// The state of a job.
pub fn state() -> EncodedValue {
    EncodedValue::Json(
        br#"{"id":"cluster-1:J","cluster_id":"cluster-1","job_id":"J","name":"job","template_id":"t","stream_input":"rtmp://a.example.com/live/i","stream_output":"rtmp://b.example.com/live/o","status":"Running","allow_stopping_for_update":null,"deletion_protection":null,"create_time":"2023-07-24T16:44:55Z","last_start_at":null,"last_stop_at":null,"template_name":"t","type":"common","timeouts":null}"#
            .to_vec(),
    )
}

/// The configuration of a job, with one field set to a text.
pub fn config_with(field: &str, text: &str) -> EncodedValue {
    let mut config = serde_json::json!({
        "id": null, "cluster_id": "cluster-1", "job_id": null, "name": "job", "template_id": "t",
        "stream_input": "rtmp://a.example.com/live/i", "stream_output": "rtmp://b.example.com/live/o", "status": null,
        "allow_stopping_for_update": null, "deletion_protection": null, "create_time": null, "last_start_at": null,
        "last_stop_at": null, "template_name": null, "type": null, "timeouts": null,
    });
    config[field] = text.into();
    EncodedValue::Json(config.to_string().into_bytes())
}

/// The first byte, which chooses among `count` ways, and the rest.
pub fn choice(data: &[u8], count: u8) -> Option<(u8, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((first % count, rest))
}
