//! What the targets share: the provider in this process, an API that has one response, and changes of inputs.

mod mutator;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alicloud_auth::credentials::Clock;
use alicloud_auth::environment::Environment;
use alicloud_live::{Dependencies, Exchange, Failure, HttpRequest, HttpResponse, Random};
use async_trait::async_trait;
use http::HeaderMap;
use terraform_provider_alicloud_live::definition_in;
use tfplugin::{Change, Diagnostics, EncodedValue, ProviderDefinition, ResourceInstanceObject};
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};

pub use mutator::Mutator;

/// The resource type.
pub const JOB: &str = "alicloud_live_edge_transcode_job";

/// Responds to every call with this status and body.
pub struct Api(u16, Vec<u8>);

impl Api {
    /// One that has no job. The provider takes that for a final response, so nothing is retried.
    pub fn empty() -> Arc<Self> {
        let body = br#"{"Code":"JobNotFound","Message":"no job","RequestId":"16A96B9A-F203-4EC5-8E43-CB92E68F4CD8"}"#;
        Self::responding(404, body)
    }

    /// One that responds with this status and body.
    pub fn responding(status: u16, body: &[u8]) -> Arc<Self> {
        Arc::new(Self(status, body.to_vec()))
    }
}

#[async_trait]
impl Exchange for Api {
    async fn exchange(&self, _: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        Ok(HttpResponse {
            status: self.0,
            headers: HeaderMap::new(),
            body: self.1.clone(),
        })
    }
}

/// One time, and random bits in a fixed series: as little as possible of what an input does depends on anything else.
struct Deterministic(AtomicUsize);

impl Clock for Deterministic {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000)
    }
}

impl Random for Deterministic {
    fn bits(&self) -> Option<u128> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) as u128;
        Some(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
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
    let deterministic = Arc::new(Deterministic(AtomicUsize::new(0)));
    let dependencies = Dependencies {
        exchange: Some(api),
        clock: deterministic.clone(),
        random: deterministic,
    };
    let environment = Environment::from_iter([
        ("LIVE_ENDPOINT", "http://api.invalid"),
        // STS is not part of the exchange: nobody listens there.
        ("STS_ENDPOINT", "http://127.0.0.1:1"),
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

/// The configuration of a job, with one field set to this value.
pub fn config_with(field: &str, value: impl Into<serde_json::Value>) -> EncodedValue {
    let mut config = serde_json::json!({
        "id": null, "cluster_id": "cluster-1", "job_id": null, "name": "job", "template_id": "t",
        "stream_input": "rtmp://a.example.com/live/i", "stream_output": "rtmp://b.example.com/live/o", "status": null,
        "allow_stopping_for_update": null, "deletion_protection": null, "create_time": null, "last_start_at": null,
        "last_stop_at": null, "template_name": null, "type": null, "timeouts": null,
    });
    config[field] = value.into();
    EncodedValue::Json(config.to_string().into_bytes())
}

/// No object.
pub fn null() -> EncodedValue {
    EncodedValue::null()
}

/// A change to be planned or applied, without private data.
pub fn change(prior: EncodedValue, target: EncodedValue) -> Change {
    Change {
        prior,
        config: target.clone(),
        target,
        private: Vec::new(),
        is_repeated: false,
    }
}

/// An object without private data and identity.
pub fn held(state: EncodedValue) -> ResourceInstanceObject {
    ResourceInstanceObject {
        state,
        private: Vec::new(),
        identity: None,
    }
}

/// The first byte, which chooses among `count` ways, and the rest.
pub fn choice(data: &[u8], count: u8) -> Option<(u8, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((first % count, rest))
}
