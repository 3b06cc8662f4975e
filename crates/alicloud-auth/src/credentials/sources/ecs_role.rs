//! The RAM role of the ECS instance that this process runs on, from its metadata service.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::argument_or_variable;
use crate::credentials::discovery::{CredentialsConfig, Discovery, SourceConfigError};
use crate::credentials::response::{StsCredentials, parse_response};
use crate::credentials::source::{CredentialsSource, LoadedCredentials, SourceError};
use crate::credentials::system::{HttpRequest, HttpResponse, HttpSend, ProxyPolicy, SystemContext};
use crate::environment::{InvalidInput, has_valid_host};

const VARIABLES: &[&str] = &["ALICLOUD_ECS_ROLE_NAME", "ALIBABA_CLOUD_ECS_METADATA"];
const DISABLED: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
const V1_DISABLED: &str = "ALIBABA_CLOUD_IMDSV1_DISABLED";
/// For tests: another endpoint of the metadata service.
const ENDPOINT_VARIABLE: &str = "ALICLOUD_LIVE_ECS_METADATA_ENDPOINT";
const ENDPOINT: &str = "http://100.100.100.200";
/// The service is one hop away or absent.
const TIMEOUT: Duration = Duration::from_secs(1);
const ROLES: &str = "/latest/meta-data/ram/security-credentials/";

pub(super) struct EcsRole {
    /// By default, the service returns its name.
    role: Option<String>,
    endpoint: Url,
    may_use_v1: bool,
    http: Arc<dyn HttpSend>,
}

pub(in crate::credentials) fn discover(
    config: &CredentialsConfig,
    system: &SystemContext,
) -> Result<Discovery, SourceConfigError> {
    let role = argument_or_variable(config.ecs_role_name.as_ref(), VARIABLES, system)?;
    let Some(role) = role else {
        return Ok(Discovery::not_configured("ecs_role_name", VARIABLES));
    };
    EcsRole::new(Some(role), system).map(Discovery::found)
}

impl EcsRole {
    pub(super) fn new(
        role: Option<String>,
        system: &SystemContext,
    ) -> Result<Self, SourceConfigError> {
        let environment = &system.environment;
        if environment.is_on(DISABLED)? {
            let reason = format!("{DISABLED} turns the metadata service off");
            return Err(SourceConfigError::new("ecs_role_name", reason));
        }
        let is_name = |name: &String| !name.contains(['/', '?', '#', '%']);
        if !role.as_ref().is_none_or(is_name) {
            let reason = "the name of the role contains an invalid character";
            return Err(SourceConfigError::new("ecs_role_name", reason));
        }
        let endpoint = environment.text(&[ENDPOINT_VARIABLE])?;
        let endpoint = Url::parse(endpoint.as_deref().unwrap_or(ENDPOINT)).ok();
        let endpoint = endpoint
            .filter(has_valid_host)
            .ok_or_else(|| InvalidInput::new(ENDPOINT_VARIABLE, "is not a valid URL"))?;
        Ok(Self {
            role,
            endpoint,
            may_use_v1: !environment.is_on(V1_DISABLED)?,
            http: Arc::clone(&system.http),
        })
    }

    /// Returns the response, whatever its status.
    async fn call(
        &self,
        method: &'static str,
        path: &str,
        header: Option<(&'static str, SecretString)>,
    ) -> Result<HttpResponse, SourceError> {
        let mut url = self.endpoint.clone();
        url.set_path(path);
        let request = HttpRequest {
            headers: header.into_iter().collect(),
            proxy_policy: ProxyPolicy::Bypass,
            timeout: TIMEOUT,
            ..HttpRequest::new(method, url)
        };
        let sent = self.http.send(request).await;
        sent.map_err(|reason| SourceError::transient(format!("{}: {reason}", origin(method, path))))
    }

    async fn get(
        &self,
        path: &str,
        session: Option<&SecretString>,
    ) -> Result<HttpResponse, SourceError> {
        let header = session.map(|session| ("X-aliyun-ecs-metadata-token", session.clone()));
        let response = self.call("GET", path, header).await?;
        match response.status {
            200 => Ok(response),
            404 => Err(SourceError::permanent(format!(
                "{} responded with HTTP 404: the instance has no such role",
                origin("GET", path)
            ))),
            status => Err(unexpected("GET", path, status)),
        }
    }

    /// Returns the session token of version 2; `None` if only version 1 exists.
    async fn session(&self) -> Result<Option<SecretString>, SourceError> {
        let path = "/latest/api/token";
        let lifetime = ("X-aliyun-ecs-metadata-token-ttl-seconds", "21600".into());
        let error = match self.call("PUT", path, Some(lifetime)).await {
            Ok(response) if response.status == 200 => return Ok(Some(response.body)),
            Ok(response) if !matches!(response.status, 404 | 405 | 501) => {
                // Version 2 exists and rejects the call.
                return Err(unexpected("PUT", path, response.status));
            }
            Ok(response) => unexpected("PUT", path, response.status),
            Err(error) => error,
        };
        if self.may_use_v1 {
            return Ok(None);
        }
        Err(SourceError {
            reason: format!(
                "{} ({V1_DISABLED} forbids the fallback to version 1)",
                error.reason
            ),
            ..error
        })
    }
}

fn origin(method: &str, path: &str) -> String {
    format!("{method} {path} of the metadata service")
}

fn unexpected(method: &str, path: &str, status: u16) -> SourceError {
    SourceError::of_status(&origin(method, path), status)
}

#[async_trait::async_trait]
impl CredentialsSource for EcsRole {
    fn name(&self) -> String {
        match &self.role {
            Some(role) => format!("ECS instance role {role:?}"),
            None => "role of the ECS instance".to_owned(),
        }
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        let session = self.session().await?;
        let role = if let Some(role) = &self.role {
            role.clone()
        } else {
            let listed = self.get(ROLES, session.as_ref()).await?;
            let first = listed.body.expose_secret().lines().next();
            first.unwrap_or_default().trim().to_owned()
        };
        let path = format!("{ROLES}{role}");
        let response = self.get(&path, session.as_ref()).await?;
        let origin = format!("the metadata service, for role {role:?},");
        let parsed: StsCredentials = parse_response(&origin, &response)?;
        parsed.into_loaded(&origin, None)
    }
}
