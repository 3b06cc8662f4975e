//! Keys for a `CloudSSO` login that the CLI has made: those that it keeps in the profile while they can be used, then new
//! ones for its access token. Nothing renews that token, not even the CLI: people log in again.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::login::Login;
use super::profile_file::Profile;
use crate::credentials::response::{Keys, parse};
use crate::credentials::system::{HttpRequest, ProxyPolicy, SystemContext};
use crate::credentials::{LoadedCredentials, Source, SourceError};

pub(super) struct CloudSso {
    login: Login,
    sign_in_url: Url,
    account_id: String,
    access_configuration_id: String,
}

#[derive(Deserialize)]
struct CloudCredentialResponse {
    #[serde(rename = "CloudCredential")]
    cloud_credential: Keys,
}

impl CloudSso {
    pub(super) fn new(
        place: String,
        file: String,
        profile: &Profile,
        system: &SystemContext,
    ) -> Result<Self, String> {
        for (field, value) in [
            ("cloud_sso_sign_in_url", &profile.cloud_sso_sign_in_url),
            ("cloud_sso_account_id", &profile.cloud_sso_account_id),
            ("cloud_sso_access_config", &profile.cloud_sso_access_config),
        ] {
            if value.is_empty() {
                return Err(format!("{field} is empty"));
            }
        }
        let sign_in_url = Url::parse(&profile.cloud_sso_sign_in_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "https" | "http"));
        Ok(Self {
            login: Login::new(place, file, profile, system),
            sign_in_url: sign_in_url.ok_or("cloud_sso_sign_in_url is not a URL")?,
            account_id: profile.cloud_sso_account_id.to_string(),
            access_configuration_id: profile.cloud_sso_access_config.to_string(),
        })
    }
}

#[async_trait::async_trait]
impl Source for CloudSso {
    fn name(&self) -> String {
        self.login.place.clone()
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let profile = self.login.read().await?;
        if let Some(kept) = self.login.kept_keys(&profile) {
            return Ok(kept);
        }
        let seconds = profile.cloud_sso_access_token_expire;
        let expires_at = self.login.time("cloud_sso_access_token_expire", seconds)?;
        if expires_at <= self.login.system.clock.now() {
            let command = "aliyun configure --mode CloudSSO --profile";
            return Err(self.login.failed(&format!(
                "the CloudSSO login has expired; log in again: {command} {}",
                self.login.profile
            )));
        }
        let mut url = self.sign_in_url.clone();
        url.set_path("/cloud-credentials");
        url.set_query(None);
        let bearer = format!("Bearer {}", profile.access_token.0.expose_secret());
        let body = json!({
            "AccountId": self.account_id,
            "AccessConfigurationId": self.access_configuration_id,
        });
        let request = HttpRequest {
            method: "POST",
            url,
            headers: vec![
                ("authorization", bearer.into()),
                ("content-type", "application/json".into()),
                ("accept", "application/json".into()),
            ],
            body: body.to_string().into(),
            route: ProxyPolicy::FromEnvironment,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        };
        let sent = self.login.system.http.send(request).await;
        let reply = sent
            .map_err(|reason| SourceError::transient(format!("{}: {reason}", self.login.place)))?;
        if reply.status != 200 {
            return Err(SourceError {
                is_transient: reply.status >= 500,
                ..self.login.failed(&format!(
                    "the sign-in host answered with HTTP {}",
                    reply.status
                ))
            });
        }
        let unexpected =
            |reason| format!("the sign-in host returned an unexpected response: {reason}");
        let response: CloudCredentialResponse = parse(reply.body.expose_secret())
            .map_err(|reason| self.login.failed(&unexpected(reason)))?;
        let account_id = Some(self.account_id.clone());
        response
            .cloud_credential
            .loaded(&self.login.place, account_id)
    }
}
