//! Keys for a login in the browser (OAuth) that the CLI has made: those that it keeps in the profile while they can be
//! used, then new ones for its access token.
//!
//! An access token that has expired is renewed as the CLI and the SDKs renew it: with the refresh token, and what comes in
//! its place is written into the CLI's file. It cannot be kept in memory alone. The service gives a new refresh token with
//! each access token and nowhere says that the earlier one goes on working, so the CLI would have to log in again, and so
//! would the next process that Terraform starts. Whoever renews has the file to itself from before it looks whether that
//! is necessary until the new tokens are there, so that one refresh token is never used twice.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize as _};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tracing::warn;
use url::Url;
use url::form_urlencoded;

use super::login::Login;
use super::profile_file::{Profile, Secret};
use crate::credentials::response::{Keys, parse};
use crate::credentials::system::{
    HttpRequest, HttpResponse, LockedFile, ProxyPolicy, SystemContext,
};
use crate::credentials::{LoadedCredentials, Source, SourceError};

/// An access token that expires sooner than this is not used any more.
const MIN_REMAINING_LIFETIME: time::Duration = time::Duration::seconds(10);
/// Attempts to write the file where others change it at the same time.
const MAX_WRITES: usize = 5;

pub(super) struct OAuth {
    login: Login,
    site: &'static Site,
    /// Tokens that could not be written into the file.
    unsaved: Mutex<Option<Unsaved>>,
}

/// Where people of one of Alibaba Cloud's two sites log in, and as which program the CLI does.
/// <https://github.com/aliyun/aliyun-cli/blob/eadd68d9/config/configure.go#L41>
struct Site {
    name: &'static str,
    url: &'static str,
    client_id: &'static str,
}

const SITES: [Site; 2] = [
    Site {
        name: "CN",
        url: "https://oauth.aliyun.com",
        client_id: "4038181954557748008",
    },
    Site {
        name: "INTL",
        url: "https://oauth.alibabacloud.com",
        client_id: "4103531455503354461",
    },
];

#[derive(Deserialize)]
struct TokenResponse {
    access_token: SecretString,
    /// Where there is none, the earlier one is to be used again (RFC 6749, section 6).
    refresh_token: Option<SecretString>,
    expires_in: i64,
}

#[derive(Clone)]
struct Tokens {
    access_token: SecretString,
    refresh_token: SecretString,
    expires_at: OffsetDateTime,
}

struct Unsaved {
    /// The refresh token of the file, which is outdated.
    in_file: SecretString,
    tokens: Tokens,
}

impl OAuth {
    pub(super) fn new(
        place: String,
        file: String,
        profile: &Profile,
        system: &SystemContext,
    ) -> Result<Self, String> {
        let name = profile.oauth_site_type.to_ascii_uppercase();
        let site = SITES.iter().find(|site| site.name == name);
        Ok(Self {
            login: Login::new(place, file, profile, system),
            site: site.ok_or("oauth_site_type is neither CN nor INTL")?,
            unsaved: Mutex::default(),
        })
    }

    /// The access token of the profile, while it can be used.
    fn living_token(&self, profile: &Profile) -> Result<Option<SecretString>, SourceError> {
        let seconds = profile.oauth_access_token_expire;
        let expires_at = self.login.time("oauth_access_token_expire", seconds)?;
        let lives = expires_at - self.login.system.clock.now() > MIN_REMAINING_LIFETIME;
        let token = &profile.oauth_access_token;
        Ok((lives && !token.is_empty()).then(|| token.0.clone()))
    }

    /// Another access token: one that somebody else has put into the file meanwhile, or one for the refresh token.
    async fn renewed_token(&self) -> Result<SecretString, SourceError> {
        let system = &self.login.system;
        let path = system.path(&self.login.file);
        let locked = system.files.lock(&path).await.map_err(|error| {
            self.login.failed(&format!(
                "its access token has expired, and {} cannot be written to keep another one ({error}); renew it with the \
                 CLI: aliyun sts GetCallerIdentity --profile {}",
                self.login.file, self.login.profile
            ))
        })?;
        let text = locked.text().expose_secret();
        let profile = self.login.parse(text)?;
        let in_file = profile.oauth_refresh_token.0.clone();
        let profile = self.with_unsaved(profile);
        if let Some(token) = self.living_token(&profile)? {
            return Ok(token);
        }
        if profile.oauth_refresh_token.is_empty() {
            return Err(self.must_log_in("its login has expired"));
        }
        let tokens = self.refresh(&profile.oauth_refresh_token.0).await?;
        let token = tokens.access_token.clone();
        self.save(locked, in_file, tokens).await;
        Ok(token)
    }

    async fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, SourceError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", refresh_token.expose_secret())
            .append_pair("client_id", self.site.client_id)
            .finish();
        let form_type = "application/x-www-form-urlencoded".into();
        let headers = vec![("content-type", form_type)];
        let reply = self.post("/v1/token", headers, form.into()).await?;
        if reply.status != 200 {
            let reason = format!("{} answered with HTTP {}", self.site.url, reply.status);
            return Err(if reply.status >= 500 {
                SourceError::transient(format!("{}: {reason}", self.login.place))
            } else {
                self.must_log_in(&format!("its login cannot be renewed: {reason}"))
            });
        }
        let response: TokenResponse = parse(reply.body.expose_secret())
            .map_err(|reason| self.login.failed(&self.unexpected(&reason)))?;
        let given = response.refresh_token;
        let given = given.filter(|token| !token.expose_secret().is_empty());
        let lifetime = time::Duration::seconds(response.expires_in);
        Ok(Tokens {
            access_token: response.access_token,
            refresh_token: given.unwrap_or_else(|| refresh_token.clone()),
            expires_at: self.login.system.clock.now().saturating_add(lifetime),
        })
    }

    /// Writes the tokens into the file; where that fails they are kept in memory.
    async fn save(&self, locked: Box<dyn LockedFile>, in_file: SecretString, tokens: Tokens) {
        let saved = self.write(locked, &in_file, &tokens).await;
        *self.unsaved() = saved.err().map(|error| {
            let file = &self.login.file;
            warn!(
                file,
                error, "renewed tokens could not be saved: the CLI may have to log in again"
            );
            Unsaved { in_file, tokens }
        });
    }

    async fn write(
        &self,
        mut locked: Box<dyn LockedFile>,
        in_file: &SecretString,
        tokens: &Tokens,
    ) -> Result<(), String> {
        let shown = |error: io::Error| error.to_string();
        for _ in 0..MAX_WRITES {
            let text = with_tokens(locked.text(), &self.login.profile, in_file, tokens)?;
            match locked.replace(text).await {
                // Somebody has changed it meanwhile: the tokens go into what is there now.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let path = self.login.system.path(&self.login.file);
                    locked = self.login.system.files.lock(&path).await.map_err(shown)?;
                }
                finished => return finished.map_err(shown),
            }
        }
        Err("another program keeps changing it".to_owned())
    }

    fn unsaved(&self) -> MutexGuard<'_, Option<Unsaved>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The profile, with the tokens that came for those of the file and could not be written there.
    fn with_unsaved(&self, mut profile: Profile) -> Profile {
        let unsaved = self.unsaved();
        let in_file = profile.oauth_refresh_token.0.expose_secret();
        if let Some(unsaved) = unsaved.as_ref()
            && unsaved.in_file.expose_secret() == in_file
        {
            let tokens = unsaved.tokens.clone();
            profile.oauth_access_token = Secret(tokens.access_token);
            profile.oauth_refresh_token = Secret(tokens.refresh_token);
            profile.oauth_access_token_expire = tokens.expires_at.unix_timestamp();
        }
        profile
    }

    async fn exchange(
        &self,
        access_token: &SecretString,
    ) -> Result<LoadedCredentials, SourceError> {
        let bearer = format!("Bearer {}", access_token.expose_secret());
        let headers = vec![
            ("authorization", bearer.into()),
            ("content-type", "application/json".into()),
        ];
        let reply = self
            .post("/v1/exchange", headers, SecretString::default())
            .await?;
        if reply.status != 200 {
            let reason = format!("{} answered with HTTP {}", self.site.url, reply.status);
            return Err(SourceError {
                is_transient: reply.status >= 500,
                ..self.login.failed(&reason)
            });
        }
        parse::<Keys>(reply.body.expose_secret())
            .map_err(|reason| self.login.failed(&self.unexpected(&reason)))?
            .loaded(&self.login.place, None)
    }

    async fn post(
        &self,
        path: &str,
        headers: Vec<(&'static str, SecretString)>,
        body: SecretString,
    ) -> Result<HttpResponse, SourceError> {
        let mut url = Url::parse(self.site.url).map_err(|e| self.login.failed(&e.to_string()))?;
        url.set_path(path);
        let request = HttpRequest {
            method: "POST",
            url,
            headers,
            body,
            route: ProxyPolicy::FromEnvironment,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        };
        let sent = self.login.system.http.send(request).await;
        sent.map_err(|reason| SourceError::transient(format!("{}: {reason}", self.login.place)))
    }

    fn unexpected(&self, reason: &str) -> String {
        format!(
            "{} returned an unexpected response: {reason}",
            self.site.url
        )
    }

    fn must_log_in(&self, reason: &str) -> SourceError {
        self.login.failed(&format!(
            "{reason}; log in again: aliyun configure --mode OAuth --profile {}",
            self.login.profile
        ))
    }
}

/// The text of a `config.json` with other tokens in one profile, indented as the CLI does. What we do not know of stays.
/// An error where the profile has another refresh token than it had: somebody has logged in anew.
fn with_tokens(
    text: &SecretString,
    profile: &str,
    in_file: &SecretString,
    tokens: &Tokens,
) -> Result<SecretString, String> {
    let mut config: Value = parse(text.expose_secret())?;
    let profiles = config.get_mut("profiles").and_then(Value::as_array_mut);
    let mut profiles = profiles.into_iter().flatten();
    let is_named = |found: &&mut Value| {
        let name = found.get("name").and_then(Value::as_str);
        name.is_some_and(|name| name.trim() == profile)
    };
    let found = profiles.find(is_named).and_then(Value::as_object_mut);
    let found = found.ok_or("it has no such profile any more")?;
    let present = found.get("oauth_refresh_token").and_then(Value::as_str);
    if present.map(str::trim) != Some(in_file.expose_secret()) {
        return Err("somebody has logged in anew".to_owned());
    }
    let (access, refresh) = (&tokens.access_token, &tokens.refresh_token);
    found.insert("oauth_access_token".into(), json!(access.expose_secret()));
    found.insert("oauth_refresh_token".into(), json!(refresh.expose_secret()));
    let expires_at = tokens.expires_at.unix_timestamp();
    found.insert("oauth_access_token_expire".into(), json!(expires_at));
    let mut written = Vec::new();
    let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut writer = serde_json::Serializer::with_formatter(&mut written, tabs);
    config
        .serialize(&mut writer)
        .map_err(|error| error.to_string())?;
    let written = String::from_utf8(written).map_err(|error| error.to_string())?;
    Ok(written.into())
}

#[async_trait::async_trait]
impl Source for OAuth {
    fn name(&self) -> String {
        self.login.place.clone()
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let profile = self.with_unsaved(self.login.read().await?);
        if let Some(kept) = self.login.kept_keys(&profile) {
            return Ok(kept);
        }
        let token = match self.living_token(&profile)? {
            Some(token) => token,
            None => self.renewed_token().await?,
        };
        self.exchange(&token).await
    }
}
