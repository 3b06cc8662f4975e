//! A web address that gives keys to whoever asks: a helper on the same machine or in the same pod.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::given_or_variable;
use crate::credentials::discovery::{CredentialsConfig, Discovery, SourceConfigError};
use crate::credentials::response::{Keys, parse};
use crate::credentials::system::{HttpRequest, HttpSend, ProxyPolicy, SystemContext};
use crate::credentials::{LoadedCredentials, Source, SourceError};

const VARIABLES: &[&str] = &["ALICLOUD_CREDENTIALS_URI", "ALIBABA_CLOUD_CREDENTIALS_URI"];

pub(super) struct CredentialsUri {
    uri: Url,
    http: Arc<dyn HttpSend>,
}

pub(in crate::credentials) fn discover(
    settings: &CredentialsConfig,
    system: &SystemContext,
) -> Result<Discovery, SourceConfigError> {
    let Some(uri) = given_or_variable(settings.credentials_uri.as_ref(), VARIABLES, system)? else {
        return Ok(Discovery::NotConfigured(format!(
            "neither argument credentials_uri nor one of {} is set",
            VARIABLES.join(", ")
        )));
    };
    CredentialsUri::new(&uri, system)
        .map(Discovery::found)
        .map_err(|reason| SourceConfigError::new("credentials_uri", reason))
}

impl CredentialsUri {
    pub(super) fn new(uri: &str, system: &SystemContext) -> Result<Self, String> {
        let uri = Url::parse(uri)
            .ok()
            .filter(|uri| matches!(uri.scheme(), "http" | "https") && uri.has_host());
        Ok(Self {
            uri: uri.ok_or("the credentials URI is no http or https URL")?,
            http: Arc::clone(&system.http),
        })
    }

    /// The URI without what may be secret in it.
    fn shown(&self) -> String {
        let mut shown = self.uri.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        // Fails only for URLs that can have neither.
        let _ = shown.set_password(None);
        let _ = shown.set_username("");
        shown.to_string()
    }
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "Code")]
    code: Option<String>,
}

#[async_trait::async_trait]
impl Source for CredentialsUri {
    fn name(&self) -> String {
        format!("credentials URI {}", self.shown())
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let place = self.name();
        let request = HttpRequest {
            method: "GET",
            url: self.uri.clone(),
            headers: Vec::new(),
            body: SecretString::default(),
            route: ProxyPolicy::FromEnvironment,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        };
        let reply = self
            .http
            .send(request)
            .await
            .map_err(|reason| SourceError::transient(format!("{place}: {reason}")))?;
        if reply.status != 200 {
            return Err(SourceError {
                reason: format!("{place} answered with HTTP {}", reply.status),
                is_transient: reply.status >= 500,
            });
        }
        let body = reply.body.expose_secret();
        let unexpected =
            |reason| SourceError::permanent(format!("{place} answered strangely: {reason}"));
        let status: Status = parse(body).map_err(unexpected)?;
        // The official libraries disagree on whether it must be there.
        if status.code.as_deref().is_some_and(|code| code != "Success") {
            return Err(unexpected("its Code is not Success".to_owned()));
        }
        parse::<Keys>(body)
            .map_err(unexpected)?
            .loaded(&place, None)
    }
}
