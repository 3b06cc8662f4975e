//! Credentials of a `CloudSSO` login of the CLI: new ones for the access token. Nothing renews the token, not even the CLI:
//! users have to log in again.

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::login::Login;
use super::profile_fields::Profile;
use crate::credentials::response::{StsCredentials, parse_response};
use crate::credentials::source::{CredentialsSource, LoadedCredentials, SourceError};
use crate::credentials::system::SystemContext;
use crate::environment::{has_valid_host, is_loopback};

pub(super) struct CloudSso {
    login: Login,
    url: Url,
    /// The URL as the profile has it.
    sign_in_url: String,
    account_id: String,
    access_configuration_id: String,
}

#[derive(Deserialize)]
struct CloudCredentialResponse {
    #[serde(rename = "CloudCredential")]
    cloud_credential: StsCredentials,
}

impl CloudSso {
    pub(super) fn new(
        origin: &str,
        file: String,
        profile: &Profile,
        system: &SystemContext,
    ) -> Result<Self, String> {
        let sign_in_url = profile
            .cloud_sso_sign_in_url
            .required("cloud_sso_sign_in_url")?;
        let account_id = profile
            .cloud_sso_account_id
            .required("cloud_sso_account_id")?;
        let configuration = &profile.cloud_sso_access_config;
        let access_configuration_id = configuration.required("cloud_sso_access_config")?;
        let url = Url::parse(&sign_in_url).ok().filter(has_valid_host);
        let url = url.ok_or("cloud_sso_sign_in_url is not a valid URL")?;
        // The access token must not be sent in clear text.
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err("cloud_sso_sign_in_url is not an https URL".to_owned());
        }
        Ok(Self {
            login: Login::new(origin, file, profile, system)?,
            url,
            sign_in_url,
            account_id,
            access_configuration_id,
        })
    }
}

#[async_trait::async_trait]
impl CredentialsSource for CloudSso {
    fn name(&self) -> String {
        self.login.origin.clone()
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let profile = self.login.read().await?;
        let is_same = *profile.mode == *"CloudSSO"
            && *profile.cloud_sso_sign_in_url == *self.sign_in_url
            && *profile.cloud_sso_account_id == *self.account_id
            && *profile.cloud_sso_access_config == *self.access_configuration_id;
        if !is_same {
            let reason = "its mode, sign-in URL, account or access configuration was changed; run Terraform again";
            return Err(self.login.failed(reason));
        }
        let seconds = profile.cloud_sso_access_token_expire;
        let field = "cloud_sso_access_token_expire";
        if !self.login.token_lifetime(field, seconds)?.is_positive() {
            return Err(self.login.must_log_in("the CloudSSO login has expired"));
        }
        let mut url = self.url.clone();
        url.set_path("/cloud-credentials");
        url.set_query(None);
        let bearer = format!("Bearer {}", profile.access_token.0.expose_secret());
        let body = json!({
            "AccountId": self.account_id,
            "AccessConfigurationId": self.access_configuration_id,
        });
        let headers = vec![
            ("authorization", bearer.into()),
            ("content-type", "application/json".into()),
            ("accept", "application/json".into()),
        ];
        let body = body.to_string().into();
        let response = self.login.post(url, headers, body).await?;
        if let status @ (401 | 403) = response.status {
            let reason = format!("the sign-in host responded with HTTP {status}");
            return Err(self.login.must_log_in(&reason));
        }
        let host = self.login.origin_of("the sign-in host");
        let parsed: CloudCredentialResponse = parse_response(&host, &response)?;
        let account_id = Some(self.account_id.clone());
        parsed
            .cloud_credential
            .into_loaded(&self.login.origin, account_id)
    }
}
