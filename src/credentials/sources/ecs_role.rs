//! The RAM role of the ECS instance that we run on, from its metadata service.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::given;
use crate::credentials::chain::{Lookup, Settings};
use crate::credentials::outside::{Http, HttpReply, HttpRequest, Outside, Route};
use crate::credentials::sts::{Keys, Sts, parse};
use crate::credentials::{Issued, Source, SourceError};

const VARIABLES: &[&str] = &["ALICLOUD_ECS_ROLE_NAME", "ALIBABA_CLOUD_ECS_METADATA"];
const DISABLED: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
const V1_DISABLED: &str = "ALIBABA_CLOUD_IMDSV1_DISABLED";
/// For tests: another place for the metadata service.
const ENDPOINT_VARIABLE: &str = "ALICLOUD_LIVE_METADATA_ENDPOINT";
const ENDPOINT: &str = "http://100.100.100.200";
/// The service is one hop away or not there at all.
const TIMEOUT: Duration = Duration::from_secs(1);
const ROLES: &str = "/latest/meta-data/ram/security-credentials/";

pub(super) struct EcsRole {
    /// Without it the service is asked.
    role: Option<String>,
    endpoint: Url,
    may_use_v1: bool,
    http: Arc<dyn Http>,
}

pub(in crate::credentials) fn look(settings: &Settings, outside: &Outside, _sts: &Sts) -> Lookup {
    let role =
        given(settings.ecs_role_name.as_ref()).or_else(|| outside.environment.first(VARIABLES));
    let Some(role) = role else {
        return Lookup::NotConfigured(format!(
            "neither argument ecs_role_name nor one of {} is set",
            VARIABLES.join(", ")
        ));
    };
    match EcsRole::new(Some(role), outside) {
        Ok(source) => Lookup::found(source),
        Err(reason) => Lookup::broken("ecs_role_name", reason),
    }
}

impl EcsRole {
    pub(super) fn new(role: Option<String>, outside: &Outside) -> Result<Self, String> {
        if outside.is_on(DISABLED) {
            return Err(format!("{DISABLED} turns the metadata service off"));
        }
        let endpoint = outside
            .environment
            .first(&[ENDPOINT_VARIABLE])
            .unwrap_or_else(|| ENDPOINT.to_owned());
        Ok(Self {
            role,
            endpoint: Url::parse(&endpoint)
                .map_err(|_| format!("{ENDPOINT_VARIABLE} is no URL"))?,
            may_use_v1: !outside.is_on(V1_DISABLED),
            http: Arc::clone(&outside.http),
        })
    }

    async fn ask(
        &self,
        method: &'static str,
        path: &str,
        header: Option<(&'static str, SecretString)>,
    ) -> Result<HttpReply, SourceError> {
        let mut url = self.endpoint.clone();
        url.set_path(path);
        let request = HttpRequest {
            method,
            url,
            headers: header.into_iter().collect(),
            body: SecretString::default(),
            route: Route::Direct,
            connect_timeout: TIMEOUT,
            timeout: TIMEOUT,
        };
        let place = format!("{method} {path} of the metadata service");
        let reply = self
            .http
            .send(request)
            .await
            .map_err(|reason| SourceError::passing(format!("{place}: {reason}")))?;
        match reply.status {
            200 => Ok(reply),
            404 if path.starts_with(ROLES) => Err(SourceError::lasting(format!(
                "{place} answered with HTTP 404: the instance has no such role"
            ))),
            status => Err(SourceError {
                reason: format!("{place} answered with HTTP {status}"),
                is_passing: status >= 500,
            }),
        }
    }

    /// The session token of version 2; none where version 1 has to do.
    async fn session(&self) -> Result<Option<SecretString>, SourceError> {
        let lifetime = ("X-aliyun-ecs-metadata-token-ttl-seconds", "21600".into());
        match self.ask("PUT", "/latest/api/token", Some(lifetime)).await {
            Ok(reply) => Ok(Some(reply.body)),
            Err(_) if self.may_use_v1 => Ok(None),
            Err(error) => Err(SourceError {
                reason: format!(
                    "{} ({V1_DISABLED} forbids to go on without it)",
                    error.reason
                ),
                ..error
            }),
        }
    }
}

#[async_trait::async_trait]
impl Source for EcsRole {
    fn name(&self) -> String {
        match &self.role {
            Some(role) => format!("ECS instance role {role:?}"),
            None => "role of the ECS instance".to_owned(),
        }
    }

    async fn issue(&self) -> Result<Issued, SourceError> {
        let session = self.session().await?;
        let header = || Some(("X-aliyun-ecs-metadata-token", session.clone()?));
        let role = if let Some(role) = &self.role {
            role.clone()
        } else {
            let listed = self.ask("GET", ROLES, header()).await?;
            let first = listed.body.expose_secret().lines().next();
            first.unwrap_or_default().trim().to_owned()
        };
        let reply = self.ask("GET", &format!("{ROLES}{role}"), header()).await?;
        let place = format!("the metadata service, for role {role:?},");
        parse::<Keys>(reply.body.expose_secret())
            .map_err(|reason| {
                SourceError::lasting(format!("{place} answered strangely: {reason}"))
            })?
            .issued(&place, None)
    }
}
