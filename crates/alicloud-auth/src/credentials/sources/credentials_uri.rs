//! A URL that returns credentials: a helper on the same machine or in the same pod.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::argument_or_variable;
use crate::credentials::discovery::{CredentialsConfig, Discovery, SourceConfigError};
use crate::credentials::response::{StsCredentials, parse};
use crate::credentials::source::{CredentialsSource, LoadedCredentials, SourceError};
use crate::credentials::system::{HttpRequest, HttpSend, ProxyPolicy, SystemContext};

const VARIABLES: &[&str] = &["ALICLOUD_CREDENTIALS_URI", "ALIBABA_CLOUD_CREDENTIALS_URI"];

pub(super) struct CredentialsUri {
    uri: Url,
    http: Arc<dyn HttpSend>,
}

pub(in crate::credentials) fn discover(
    config: &CredentialsConfig,
    system: &SystemContext,
) -> Result<Discovery, SourceConfigError> {
    let Some(uri) = argument_or_variable(config.credentials_uri.as_ref(), VARIABLES, system)?
    else {
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
            uri: uri.ok_or("the credentials URI is not a valid http or https URL")?,
            http: Arc::clone(&system.http),
        })
    }

    /// Returns the URI without the parts that may be secret.
    fn redacted(&self) -> String {
        let mut redacted = self.uri.clone();
        redacted.set_query(None);
        redacted.set_fragment(None);
        // Fails only for URLs that can have neither.
        let _ = redacted.set_password(None);
        let _ = redacted.set_username("");
        redacted.to_string()
    }
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "Code")]
    code: Option<String>,
}

#[async_trait::async_trait]
impl CredentialsSource for CredentialsUri {
    fn name(&self) -> String {
        format!("credentials URI {}", self.redacted())
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let origin = self.name();
        let request = HttpRequest {
            method: "GET",
            url: self.uri.clone(),
            headers: Vec::new(),
            body: SecretString::default(),
            proxy_policy: ProxyPolicy::FromEnvironment,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        };
        let response = self
            .http
            .send(request)
            .await
            .map_err(|reason| SourceError::transient(format!("{origin}: {reason}")))?;
        if response.status != 200 {
            return Err(SourceError {
                reason: format!("{origin} responded with HTTP {}", response.status),
                is_transient: response.status >= 500,
            });
        }
        let body = response.body.expose_secret();
        let unexpected = |reason| {
            let reason = format!("{origin} returned an unexpected response: {reason}");
            SourceError::permanent(reason)
        };
        let status: Status = parse(body).map_err(unexpected)?;
        // The official libraries disagree on whether the code is required.
        if status.code.as_deref().is_some_and(|code| code != "Success") {
            return Err(unexpected("its Code is not Success".to_owned()));
        }
        parse::<StsCredentials>(body)
            .map_err(unexpected)?
            .into_loaded(&origin, None)
    }
}
