//! A URL that returns credentials: a helper on the same machine or in the same pod.

use std::sync::Arc;

use serde::Deserialize;
use url::Url;

use super::argument_or_variable;
use crate::credentials::discovery::{CredentialsConfig, Discovery, SourceConfigError};
use crate::credentials::response::{StsCredentials, parse_response};
use crate::credentials::source::{CredentialsSource, LoadedCredentials, SourceError};
use crate::credentials::system::{HttpRequest, HttpSend, SystemContext};
use crate::environment::has_valid_host;

pub(super) const VARIABLES: &[&str] =
    &["ALICLOUD_CREDENTIALS_URI", "ALIBABA_CLOUD_CREDENTIALS_URI"];

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
        return Ok(Discovery::not_configured("credentials_uri", VARIABLES));
    };
    CredentialsUri::new(&uri, system)
        .map(Discovery::found)
        .map_err(|reason| SourceConfigError::new("credentials_uri", reason))
}

impl CredentialsUri {
    pub(super) fn new(uri: &str, system: &SystemContext) -> Result<Self, String> {
        let uri = Url::parse(uri)
            .ok()
            .filter(|uri| matches!(uri.scheme(), "http" | "https") && has_valid_host(uri));
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
        let request = HttpRequest::new("GET", self.uri.clone());
        let sent = self.http.send(request).await;
        let response =
            sent.map_err(|reason| SourceError::transient(format!("{origin}: {reason}")))?;
        let status: Status = parse_response(&origin, &response)?;
        // The official libraries disagree on whether the code is required.
        if status.code.as_deref().is_some_and(|code| code != "Success") {
            return Err(SourceError::unexpected(&origin, "its Code is not Success"));
        }
        let parsed: StsCredentials = parse_response(&origin, &response)?;
        parsed.into_loaded(&origin, None)
    }
}
