//! Credentials of a browser login (OAuth) of the CLI: new ones for the access token.
//!
//! An expired access token is renewed as the CLI and the SDKs renew it: with the refresh token, and the new tokens are
//! written to the CLI's file. Memory alone is not enough: the service returns a new refresh token with each access token
//! and does not document that the previous one stays valid, so the CLI, and the next process that Terraform starts, would
//! need a new login. The file stays locked from the check whether a renewal is necessary until the new tokens are
//! written, so that no refresh token is used twice. The process does not end meanwhile.

use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tracing::warn;
use url::Url;
use url::form_urlencoded;

use super::login::Login;
use super::oauth_tokens::{Tokens, with_tokens};
use super::profile_fields::{Profile, Trimmed};
use crate::credentials::account::{ACCOUNT_TIMEOUT, account_of};
use crate::credentials::response::{StsCredentials, parse_response};
use crate::credentials::source::{CredentialsSource, LoadedCredentials, SourceError};
use crate::credentials::sts::Sts;
use crate::credentials::system::{HttpResponse, LockedFile, SystemContext};

/// An access token that expires sooner is not used.
const MIN_REMAINING_LIFETIME: time::Duration = time::Duration::seconds(10);
/// Attempts to write the file while other programs change it.
const MAX_WRITES: usize = 5;
/// How long, and how often, a rejected refresh token is looked for in the file: the program that has used it writes its
/// successor within a moment.
const MAX_REPLACEMENT_READS: usize = 10;
const REPLACEMENT_READ_INTERVAL: Duration = Duration::from_millis(300);

pub(super) struct OAuth {
    login: Login,
    site: &'static Site,
    sts: Sts,
    /// The account of the first credentials whose account STS has told.
    account_id: OnceLock<String>,
    /// Tokens that could not be written to the file.
    unsaved: Mutex<Option<Unsaved>>,
}

/// The sign-in host of one of Alibaba Cloud's two sites, and the CLI's client ID there. Source:
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

impl Site {
    fn is_of(&self, profile: &Profile) -> bool {
        profile.oauth_site_type.eq_ignore_ascii_case(self.name)
    }
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: SecretString,
    /// If absent, the previous one stays valid (RFC 6749, section 6).
    refresh_token: Option<SecretString>,
    expires_in: i64,
}

enum Renewal {
    Renewed(SecretString),
    /// The host has rejected the refresh token.
    Rejected {
        in_file: SecretString,
        error: SourceError,
    },
}

struct Unsaved {
    /// The outdated refresh token of the file.
    in_file: SecretString,
    tokens: Tokens,
}

impl OAuth {
    pub(super) fn new(
        origin: &str,
        file: String,
        profile: &Profile,
        system: &SystemContext,
        sts: &Sts,
    ) -> Result<Self, String> {
        let site = SITES.iter().find(|site| site.is_of(profile));
        Ok(Self {
            login: Login::new(origin, file, profile, system)?,
            site: site.ok_or("oauth_site_type is neither CN nor INTL")?,
            sts: sts.clone(),
            account_id: OnceLock::new(),
            unsaved: Mutex::default(),
        })
    }

    /// Returns the profile, with the newer tokens that could not be written to the file. An error if users have made another
    /// login of it in the middle of a run.
    fn check(&self, profile: Profile) -> Result<Profile, SourceError> {
        if *profile.mode != *"OAuth" || !self.site.is_of(&profile) {
            let reason = "its mode or oauth_site_type was changed; run Terraform again";
            return Err(self.login.failed(reason));
        }
        Ok(self.with_unsaved(profile))
    }

    /// Adds the account to credentials. An error if it is not that of earlier ones: users may log in to another account in
    /// the middle of a run, and the tokens do not tell whose they are. Another user of the same account is not noticed, since
    /// the name of a session need not stay the same.
    async fn ensure_same_account(
        &self,
        mut loaded: LoadedCredentials,
    ) -> Result<LoadedCredentials, SourceError> {
        let credentials = &mut loaded.credentials;
        let Ok(account_id) = account_of(credentials, &self.sts, ACCOUNT_TIMEOUT).await else {
            return Ok(loaded);
        };
        let expected = self.account_id.get_or_init(|| account_id.clone());
        if *expected != account_id {
            let reason = format!(
                "its login was changed from account {expected} to {account_id}; run Terraform again"
            );
            return Err(self.login.failed(&reason));
        }
        credentials.account_id = Some(account_id);
        Ok(loaded)
    }

    /// Returns the access token of the profile, unless it has expired or was rejected.
    fn valid_token(
        &self,
        profile: &Profile,
        rejected: Option<&SecretString>,
    ) -> Result<Option<SecretString>, SourceError> {
        let seconds = profile.oauth_access_token_expire;
        let field = "oauth_access_token_expire";
        let is_valid = self.login.token_lifetime(field, seconds)? > MIN_REMAINING_LIFETIME;
        let token = &profile.oauth_access_token;
        let is_rejected = rejected.is_some_and(|it| it.expose_secret() == token.0.expose_secret());
        Ok((is_valid && !is_rejected && !token.is_empty()).then(|| token.0.clone()))
    }

    /// Renews the access token. The CLI does not lock its file, and the official provider reads it before it locks it. So
    /// one of them may have used the refresh token, and be about to write the next one: only a rejected token that stays
    /// in the file means that a person must log in.
    async fn renew_token(
        &self,
        rejected: Option<&SecretString>,
    ) -> Result<SecretString, SourceError> {
        let (in_file, error) = match self.renew_once(rejected).await? {
            Renewal::Renewed(token) => return Ok(token),
            Renewal::Rejected { in_file, error } => (in_file, error),
        };
        let is_replaced = |profile: Profile| {
            profile.oauth_refresh_token.0.expose_secret() != in_file.expose_secret()
        };
        for _ in 0..MAX_REPLACEMENT_READS {
            tokio::time::sleep(REPLACEMENT_READ_INTERVAL).await;
            if self.login.read().await.is_ok_and(is_replaced) {
                return match self.renew_once(rejected).await? {
                    Renewal::Renewed(token) => Ok(token),
                    Renewal::Rejected { error, .. } => Err(error),
                };
            }
        }
        Err(error)
    }

    /// Renews the access token under the lock, unless another process has renewed it meanwhile.
    async fn renew_once(&self, rejected: Option<&SecretString>) -> Result<Renewal, SourceError> {
        let system = &self.login.system;
        let path = &self.login.path;
        let locked = system.files.lock(path).await.map_err(|error| {
            let file = &self.login.file;
            self.login.must_log_in(&format!(
                "its access token has expired, and {file} cannot be written to save a new one ({error})"
            ))
        })?;
        let text = locked.text().expose_secret();
        let profile = self.login.parse(text)?;
        let in_file = profile.oauth_refresh_token.0.clone();
        let profile = self.check(profile)?;
        if let Some(token) = self.valid_token(&profile, rejected)? {
            return Ok(Renewal::Renewed(token));
        }
        if profile.oauth_refresh_token.is_empty() {
            return Err(self.login.must_log_in("its login has expired"));
        }
        // Were the process to end between the two, nobody would have a valid refresh token.
        let _until_saved = system.work.token();
        let refresh_token = &profile.oauth_refresh_token.0;
        let response = self.refresh(refresh_token).await?;
        if is_rejection(&response) {
            let reason = format!("{} responded with HTTP {}", self.site.url, response.status);
            let error = self
                .login
                .must_log_in(&format!("its login cannot be renewed: {reason}"));
            return Ok(Renewal::Rejected { in_file, error });
        }
        let tokens = self.tokens(&response, refresh_token)?;
        let token = tokens.access_token.clone();
        self.save(locked, in_file, tokens).await;
        Ok(Renewal::Renewed(token))
    }

    async fn refresh(&self, refresh_token: &SecretString) -> Result<HttpResponse, SourceError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", refresh_token.expose_secret())
            .append_pair("client_id", self.site.client_id)
            .finish();
        let form_type = "application/x-www-form-urlencoded".into();
        let headers = vec![("content-type", form_type)];
        self.post("/v1/token", headers, form.into()).await
    }

    /// Returns the tokens in a response to `refresh_token`.
    fn tokens(
        &self,
        response: &HttpResponse,
        refresh_token: &SecretString,
    ) -> Result<Tokens, SourceError> {
        let host = self.login.origin_of(self.site.url);
        // A proxy has responded, or the page of a network that wants a login of its own.
        if matches!(response.status, 300..=399 | 407) {
            let reason = format!("{host} responded with HTTP {}", response.status);
            return Err(SourceError::transient(reason));
        }
        let parsed: TokenResponse = parse_response(&host, response)?;
        let new = parsed.refresh_token;
        let new = new.filter(|token| !token.expose_secret().is_empty());
        let lifetime = time::Duration::seconds(parsed.expires_in);
        Ok(Tokens {
            access_token: parsed.access_token,
            refresh_token: new.unwrap_or_else(|| refresh_token.clone()),
            expires_at: self
                .login
                .system
                .clock
                .machine_time()
                .saturating_add(lifetime),
        })
    }

    /// Writes the tokens to the file, or keeps them in memory if that fails.
    async fn save(&self, locked: Box<dyn LockedFile>, in_file: SecretString, tokens: Tokens) {
        let saved = self.write(locked, &in_file, &tokens).await;
        *self.unsaved() = saved.err().map(|error| {
            let file = &self.login.file;
            warn!(
                file,
                error, "renewed tokens could not be saved: Alibaba Cloud CLI may need a new login"
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
        let reason = |error: io::Error| error.to_string();
        for _ in 0..MAX_WRITES {
            let text = with_tokens(locked.text(), &self.login.profile, in_file, tokens)?;
            match locked.replace(text).await {
                // Another program has changed it meanwhile: add the tokens to the current text.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let Login { system, path, .. } = &self.login;
                    locked = system.files.lock(path).await.map_err(reason)?;
                }
                finished => return finished.map_err(reason),
            }
        }
        Err("another program keeps changing it".to_owned())
    }

    fn unsaved(&self) -> MutexGuard<'_, Option<Unsaved>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the profile with the newer tokens that could not be written to the file.
    fn with_unsaved(&self, mut profile: Profile) -> Profile {
        let unsaved = self.unsaved();
        let in_file = profile.oauth_refresh_token.0.expose_secret();
        if let Some(unsaved) = unsaved.as_ref()
            && unsaved.in_file.expose_secret() == in_file
        {
            let tokens = unsaved.tokens.clone();
            profile.oauth_access_token = Trimmed(tokens.access_token);
            profile.oauth_refresh_token = Trimmed(tokens.refresh_token);
            profile.oauth_access_token_expire = tokens.expires_at.unix_timestamp();
        }
        profile
    }

    async fn exchange(&self, access_token: &SecretString) -> Result<HttpResponse, SourceError> {
        let bearer = format!("Bearer {}", access_token.expose_secret());
        let headers = vec![
            ("authorization", bearer.into()),
            ("content-type", "application/json".into()),
        ];
        let body = SecretString::default();
        self.post("/v1/exchange", headers, body).await
    }

    /// Returns the credentials in a response to an access token.
    async fn loaded(&self, response: &HttpResponse) -> Result<LoadedCredentials, SourceError> {
        let host = self.login.origin_of(self.site.url);
        let parsed: StsCredentials = parse_response(&host, response)?;
        let loaded = parsed.into_loaded(&self.login.origin, None)?;
        self.ensure_same_account(loaded).await
    }

    async fn post(
        &self,
        path: &str,
        headers: Vec<(&'static str, SecretString)>,
        body: SecretString,
    ) -> Result<HttpResponse, SourceError> {
        let mut url = Url::parse(self.site.url).map_err(|e| self.login.failed(&e.to_string()))?;
        url.set_path(path);
        self.login.post(url, headers, body).await
    }
}

/// Whether the sign-in host has rejected a token. Other failures, throttling among them, say nothing of it.
fn is_rejection(response: &HttpResponse) -> bool {
    matches!(response.status, 400..=499) && !matches!(response.status, 407 | 429)
}

#[async_trait::async_trait]
impl CredentialsSource for OAuth {
    fn name(&self) -> String {
        self.login.origin.clone()
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let profile = self.check(self.login.read().await?)?;
        let mut rejected = None;
        if let Some(token) = self.valid_token(&profile, None)? {
            let response = self.exchange(&token).await?;
            if !is_rejection(&response) {
                return self.loaded(&response).await;
            }
            // It was revoked, or has expired by a clock that is right.
            rejected = Some(token);
        }
        let token = self.renew_token(rejected.as_ref()).await?;
        let response = self.exchange(&token).await?;
        self.loaded(&response).await
    }
}
