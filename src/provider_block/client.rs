//! From the provider block to a client.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::task::TaskTracker;

use alicloud_auth::credentials::{
    AssumeRole, AssumeRoleWithOidc, CredentialsConfig, Identity, NoCredentials, Region,
    ServerClock, SystemContext, Warning, select_source,
};
use alicloud_auth::environment::{Environment, InvalidInput};
use alicloud_auth::http::BuildError;
use alicloud_live::{Endpoint, LiveClientConfig, RetryPolicy, SignVersion};
use tfplugin::value::Value;
use tfplugin::{AttributePath, Diagnostic, Diagnostics, Number, diagnostic};

use super::{ProviderConfig, count, only, parse_sign_version, set, whole};
use crate::shared::reported;

const REGION_VARIABLES: &[&str] = &["ALICLOUD_REGION", "ALIBABA_CLOUD_REGION"];
/// As in the official provider.
const RETRY_TIMEOUT_VARIABLE: &str = "MAX_RETRY_TIMEOUT";

impl ProviderConfig {
    /// Returns what block, environment and files come to: the configuration of the client, and the identity of its credentials.
    /// Makes no network call. `None` always comes with an error.
    pub(crate) async fn resolve(
        self,
        diagnostics: &mut Diagnostics,
        terraform_version: &str,
        environment: &Environment,
        client_dependencies: &alicloud_live::Dependencies,
        work: &TaskTracker,
    ) -> Option<(LiveClientConfig, Identity)> {
        let user_agent = checked(self.user_agent(terraform_version, environment), diagnostics)?;
        let system = SystemContext::new(environment.clone(), user_agent.clone());
        let system = SystemContext {
            clock: Arc::new(ServerClock::new(Arc::clone(&client_dependencies.clock))),
            work: work.clone(),
            ..checked(system, diagnostics)?
        };
        system.roots.load().await;
        let sts_endpoint = self.sts_endpoint(diagnostics, environment);
        let sts_endpoint = reported(sts_endpoint, diagnostics)?;
        let chosen = select_source(&self.settings(sts_endpoint), &system).await;
        let chosen = reported(chosen.map_err(|error| no_credentials(&error)), diagnostics);
        let of_profile = chosen.as_ref().and_then(|chosen| chosen.region.clone());
        let region = checked(self.region(environment, of_profile), diagnostics)?;
        let region = region.map(|region| region.as_str().to_owned());
        let endpoint = self.live_endpoint(diagnostics, region.as_deref(), environment);
        let endpoint = reported(endpoint, diagnostics)?;
        let mut chosen = chosen?;
        warn(std::mem::take(&mut chosen.warnings), diagnostics);
        let proxy = system.proxies.for_url(endpoint.url()).cloned();
        let mut timeout = |argument, variable, default| {
            let read = milliseconds(argument, variable, environment);
            Some(checked(read, diagnostics)?.unwrap_or(default))
        };
        let (credentials, identity) = chosen.into_cache(system.clock);
        let default = LiveClientConfig::new(endpoint, credentials);
        let config = LiveClientConfig {
            region,
            proxy,
            roots: system.roots,
            sign_version: self.sign_version(),
            user_agent,
            connect_timeout: timeout(
                &self.client_connect_timeout,
                "CLIENT_CONNECT_TIMEOUT",
                default.connect_timeout,
            )?,
            attempt_timeout: timeout(
                &self.client_read_timeout,
                "CLIENT_READ_TIMEOUT",
                default.attempt_timeout,
            )?,
            retry: checked(self.retry_policy(environment), diagnostics)?,
            requests_per_minute: count(&self.max_requests_per_minute)
                .unwrap_or(default.requests_per_minute),
            dependencies: client_dependencies.clone(),
            ..default
        };
        Some((config, identity))
    }

    fn sign_version(&self) -> SignVersion {
        only(&self.sign_version)
            .and_then(|block| parse_sign_version(block.live.as_deref_option()?))
            .unwrap_or_default()
    }

    /// Where only a time is given, it alone ends the retries, as in the official provider. There, zero is no limit.
    pub(super) fn retry_policy(
        &self,
        environment: &Environment,
    ) -> Result<RetryPolicy, InvalidInput> {
        let policy = RetryPolicy::default();
        let seconds = match count(&self.max_retry_timeout) {
            Some(seconds) => seconds,
            None => match environment.text(&[RETRY_TIMEOUT_VARIABLE])? {
                Some(text) => text.parse().map_err(|_| {
                    InvalidInput::new(RETRY_TIMEOUT_VARIABLE, "is not a number of seconds")
                })?,
                None => 0,
            },
        };
        let max_elapsed = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
        let by_default = max_elapsed.map_or(policy.max_attempts, |_| u32::MAX);
        Ok(RetryPolicy {
            max_attempts: count(&self.max_retries)
                .map_or(by_default, |retries| retries.saturating_add(1)),
            max_elapsed,
            ..policy
        })
    }

    /// The argument, then the variables, then that of the profile. If none is chosen there is none: the API asks
    /// for none.
    fn region(
        &self,
        environment: &Environment,
        of_profile: Option<Region>,
    ) -> Result<Option<Region>, InvalidInput> {
        if let Some(text) = set(&self.region) {
            return Region::parse(&text, "argument region");
        }
        match environment.first(REGION_VARIABLES)? {
            Some(variable) => Region::parse(&variable.value, variable.name),
            None => Ok(of_profile),
        }
    }

    /// Who we are and, where they say so, on whose behalf: the module and whatever the user appends.
    pub(super) fn user_agent(
        &self,
        terraform_version: &str,
        environment: &Environment,
    ) -> Result<String, InvalidInput> {
        let mut user_agent = format!(
            "HashiCorp-Terraform/{terraform_version} terraform-provider-alicloud-live/{}",
            crate::VERSION
        );
        if let Some(source) = set(&self.configuration_source) {
            user_agent.push_str(" Terraform-Module/");
            user_agent.push_str(&source);
        }
        if let Some(suffix) = environment.text(&["TF_APPEND_USER_AGENT"])? {
            user_agent.push(' ');
            user_agent.push_str(&suffix);
        }
        user_agent.retain(|character| character == ' ' || character.is_ascii_graphic());
        Ok(user_agent)
    }

    fn settings(&self, sts_endpoint: Option<Endpoint>) -> CredentialsConfig {
        CredentialsConfig {
            access_key: set(&self.access_key),
            secret_key: set(&self.secret_key).map(SecretString::from),
            security_token: set(&self.security_token).map(SecretString::from),
            profile: set(&self.profile),
            shared_credentials_file: set(&self.shared_credentials_file),
            ecs_role_name: set(&self.ecs_role_name),
            credentials_uri: set(&self.credentials_uri),
            account_id: set(&self.account_id),
            assume_role: only(&self.assume_role).map(|block| AssumeRole {
                role_arn: set(&block.role_arn),
                session_name: set(&block.session_name),
                policy: set(&block.policy),
                session_expiration: whole(&block.session_expiration),
                external_id: set(&block.external_id),
            }),
            assume_role_with_oidc: only(&self.assume_role_with_oidc).map(|block| {
                AssumeRoleWithOidc {
                    oidc_provider_arn: set(&block.oidc_provider_arn),
                    role_arn: set(&block.role_arn),
                    oidc_token: set(&block.oidc_token).map(SecretString::from),
                    oidc_token_file: set(&block.oidc_token_file),
                    role_session_name: set(&block.role_session_name),
                    policy: set(&block.policy),
                    session_expiration: whole(&block.session_expiration),
                }
            }),
            sts_endpoint: sts_endpoint.map(|endpoint| endpoint.url().clone()),
            source_ip: set(&self.source_ip),
            secure_transport: set(&self.secure_transport).or_else(|| set(&self.security_transport)),
        }
    }
}

fn warn(warnings: Vec<Warning>, diagnostics: &mut Diagnostics) {
    for warning in warnings {
        diagnostics.add_warning(match warning {
            Warning::ExposedFile(detail) => {
                diagnostic::general("Credentials file is readable by other users", detail)
            }
            Warning::MissingProfile(detail) => diagnostic::general("Profile is not used", detail),
        });
    }
}

/// The value; an error goes to the diagnostics.
fn checked<T>(read: Result<T, InvalidInput>, diagnostics: &mut Diagnostics) -> Option<T> {
    reported(read.map_err(|input| invalid_input(&input)), diagnostics)
}

/// Input from outside the configuration is wrong.
pub(super) fn invalid_input(input: &InvalidInput) -> Diagnostic {
    diagnostic::general(
        "Invalid provider setting",
        format!("{input}. Correct it, or unset it."),
    )
}

pub(crate) fn no_https(error: &BuildError) -> Diagnostic {
    if let BuildError::Certificates(input) = error {
        return invalid_input(input);
    }
    diagnostic::general(
        "Unable to initialize TLS",
        format!(
            "The HTTP client could not be set up: {error}. Install the system's CA certificates (package \
             ca-certificates), or name a file of them in SSL_CERT_FILE."
        ),
    )
}

fn no_credentials(error: &NoCredentials) -> Diagnostic {
    diagnostic::at(
        error
            .argument()
            .map_or_else(AttributePath::root, AttributePath::new),
        "No credentials for Alibaba Cloud",
        format!(
            "{error}\nPrefer environment variables, a profile or a role: what is written into configuration ends up in \
             version control."
        ),
    )
}

/// A timeout in milliseconds, from the argument or its variable.
fn milliseconds(
    argument: &Value<Number>,
    variable: &'static str,
    environment: &Environment,
) -> Result<Option<Duration>, InvalidInput> {
    let number = match argument.as_option() {
        Some(number) => number.whole().and_then(|number| u64::try_from(number).ok()),
        None => match environment.text(&[variable])? {
            Some(text) => text.parse().ok(),
            None => return Ok(None),
        },
    };
    let number = number.filter(|number| *number > 0);
    let problem = "is not a number of milliseconds above zero";
    let number = number.ok_or_else(|| InvalidInput::new(variable, problem))?;
    Ok(Some(Duration::from_millis(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_warning_about_credentials_is_shown() {
        let mut diagnostics = Diagnostics::default();
        let warnings =
            [Warning::ExposedFile, Warning::MissingProfile].map(|of| of("why".to_owned()));
        warn(warnings.into(), &mut diagnostics);
        let warnings = diagnostics.warnings.iter();
        let shown: Vec<_> = warnings
            .map(|warning| (&*warning.summary, &*warning.detail))
            .collect();
        let exposed = "Credentials file is readable by other users";
        assert_eq!(shown, [(exposed, "why"), ("Profile is not used", "why")]);
    }
}
