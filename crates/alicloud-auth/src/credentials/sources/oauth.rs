//! Keys for a login in the browser (OAuth) that the CLI has made: those that it keeps in the profile while they can be
//! used, then new ones for its access token.
//!
//! When the access token has expired too, the CLI must renew it: its refresh token works once, and what comes with the
//! new one belongs into the CLI's file, which we do not write. The file is read anew each time, so that what the CLI has
//! renewed is found.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;
use url::Url;

use super::kept_keys::kept_keys;
use super::profile_file::{Profile, ProfileFile};
use crate::credentials::outside::{HttpRequest, Outside, Route};
use crate::credentials::response::{Keys, parse};
use crate::credentials::{Issued, Source, SourceError};

pub(super) struct OAuth {
    place: String,
    file: String,
    profile: String,
    sign_in: Url,
    /// Those of the profile that were given out last: they are not given out again.
    given_out: Mutex<Option<String>>,
    outside: Outside,
}

impl OAuth {
    pub(super) fn new(
        place: String,
        file: String,
        profile: &Profile,
        outside: &Outside,
    ) -> Result<Self, String> {
        // As in the CLI and the Go SDK.
        let sign_in = match profile.oauth_site_type.to_ascii_uppercase().as_str() {
            "CN" => "https://oauth.aliyun.com",
            "INTL" => "https://oauth.alibabacloud.com",
            _ => return Err("oauth_site_type is neither CN nor INTL".to_owned()),
        };
        Ok(Self {
            place,
            file,
            profile: profile.name.to_string(),
            sign_in: Url::parse(sign_in).map_err(|error| error.to_string())?,
            given_out: Mutex::default(),
            outside: outside.clone(),
        })
    }

    fn failed(&self, reason: &str) -> SourceError {
        SourceError::lasting(format!("{}: {reason}", self.place))
    }

    async fn profile(&self) -> Result<Profile, SourceError> {
        let path = self.outside.path(&self.file);
        let read = self.outside.files.read(&path).await;
        let text = read.map_err(|error| self.failed(&error.to_string()))?.text;
        let parsed = ProfileFile::parse(&self.file, text.expose_secret());
        parsed
            .and_then(|parsed| parsed.profile(&self.profile).cloned())
            .map_err(|reason| self.failed(&reason))
    }

    /// The keys of the profile, unless they are those that were given out before.
    fn kept(&self, profile: &Profile) -> Option<Issued> {
        let kept = kept_keys(profile, &self.outside.clock)?;
        let mut given_out = self
            .given_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let id = &kept.credentials.access_key_id;
        let is_new = given_out.as_ref() != Some(id);
        *given_out = Some(id.clone());
        is_new.then_some(kept)
    }

    async fn exchange(&self, access_token: &SecretString) -> Result<Issued, SourceError> {
        let mut url = self.sign_in.clone();
        url.set_path("/v1/exchange");
        let bearer = format!("Bearer {}", access_token.expose_secret());
        let request = HttpRequest {
            method: "POST",
            url,
            headers: vec![
                ("authorization", bearer.into()),
                ("content-type", "application/json".into()),
            ],
            body: SecretString::default(),
            route: Route::Usual,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        };
        let sent = self.outside.http.send(request).await;
        let reply =
            sent.map_err(|reason| SourceError::passing(format!("{}: {reason}", self.place)))?;
        if reply.status != 200 {
            return Err(SourceError {
                is_passing: reply.status >= 500,
                ..self.failed(&format!(
                    "{} answered with HTTP {}",
                    self.sign_in, reply.status
                ))
            });
        }
        parse::<Keys>(reply.body.expose_secret())
            .map_err(|reason| {
                self.failed(&format!("{} answered strangely: {reason}", self.sign_in))
            })?
            .issued(&self.place, None)
    }
}

#[async_trait::async_trait]
impl Source for OAuth {
    fn name(&self) -> String {
        self.place.clone()
    }

    async fn issue(&self) -> Result<Issued, SourceError> {
        let profile = self.profile().await?;
        if let Some(kept) = self.kept(&profile) {
            return Ok(kept);
        }
        let expires_at = OffsetDateTime::from_unix_timestamp(profile.oauth_access_token_expire)
            .map_err(|_| self.failed("oauth_access_token_expire is not a time"))?;
        if profile.oauth_access_token.is_empty() || expires_at <= self.outside.clock.now() {
            let reason = "its keys and its access token have expired; renew them with the CLI: aliyun sts GetCallerIdentity";
            return Err(self.failed(reason));
        }
        self.exchange(&profile.oauth_access_token.0).await
    }
}
