//! Keys for a `CloudSSO` login that the command line tool has made: those that it keeps in the profile while they live,
//! then new ones for its access token.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use url::Url;

use super::kept_keys::kept_keys;
use super::profile_file::Profile;
use crate::credentials::clock::ServerClock;
use crate::credentials::outside::{Http, HttpRequest, Outside, Route};
use crate::credentials::response::{Keys, parse};
use crate::credentials::{Issued, Source, SourceError};

pub(super) struct CloudSso {
    place: String,
    sign_in_url: Url,
    account_id: String,
    access_configuration_id: String,
    access_token: SecretString,
    access_token_expires_at: OffsetDateTime,
    /// Given out once.
    kept: Mutex<Option<Issued>>,
    http: Arc<dyn Http>,
    clock: Arc<ServerClock>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "CloudCredential")]
    cloud_credential: Keys,
}

impl CloudSso {
    pub(super) fn new(place: String, profile: &Profile, outside: &Outside) -> Result<Self, String> {
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
            place,
            sign_in_url: sign_in_url.ok_or("cloud_sso_sign_in_url is no URL")?,
            account_id: profile.cloud_sso_account_id.to_string(),
            access_configuration_id: profile.cloud_sso_access_config.to_string(),
            access_token: profile.access_token.0.clone(),
            access_token_expires_at: OffsetDateTime::from_unix_timestamp(
                profile.cloud_sso_access_token_expire,
            )
            .map_err(|_| "cloud_sso_access_token_expire is no time")?,
            kept: Mutex::new(kept_keys(profile, &outside.clock)),
            http: Arc::clone(&outside.http),
            clock: Arc::clone(&outside.clock),
        })
    }

    fn kept(&self) -> Option<Issued> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take()
    }
}

#[async_trait::async_trait]
impl Source for CloudSso {
    fn name(&self) -> String {
        self.place.clone()
    }

    async fn issue(&self) -> Result<Issued, SourceError> {
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        let failed = |reason: String| SourceError::lasting(format!("{}: {reason}", self.place));
        if self.access_token_expires_at <= self.clock.now() {
            let reason = "the CloudSSO login has expired; log in again with: aliyun sso login";
            return Err(failed(reason.to_owned()));
        }
        let mut url = self.sign_in_url.clone();
        url.set_path("/cloud-credentials");
        url.set_query(None);
        let bearer = format!("Bearer {}", self.access_token.expose_secret());
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
            route: Route::Usual,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        };
        let reply = self
            .http
            .send(request)
            .await
            .map_err(|reason| SourceError::passing(format!("{}: {reason}", self.place)))?;
        if reply.status != 200 {
            return Err(SourceError {
                is_passing: reply.status >= 500,
                ..failed(format!(
                    "the sign-in host answered with HTTP {}",
                    reply.status
                ))
            });
        }
        let answer: Answer = parse(reply.body.expose_secret())
            .map_err(|reason| failed(format!("the sign-in host answered strangely: {reason}")))?;
        let account_id = Some(self.account_id.clone());
        answer.cloud_credential.issued(&self.place, account_id)
    }
}
