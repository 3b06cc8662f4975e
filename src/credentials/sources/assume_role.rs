//! A role that is taken on with the keys of another source.

use super::given;
use crate::credentials::chain::{Broken, Chosen, Settings};
use crate::credentials::outside::Outside;
use crate::credentials::sts::{Role, Sts};
use crate::credentials::{Issued, Source, SourceError};

const ROLE_VARIABLES: &[&str] = &["ALICLOUD_ASSUME_ROLE_ARN", "ALIBABA_CLOUD_ROLE_ARN"];
const SESSION_VARIABLES: &[&str] = &[
    "ALICLOUD_ASSUME_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",
];
const EXPIRATION_VARIABLE: &str = "ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION";
pub(super) const SESSION_NAME: &str = "terraform";
pub(super) const SESSION_SECONDS: i64 = 3_600;

/// The block `assume_role`; an empty text counts as not given.
#[derive(Default, Clone, Debug)]
pub struct AssumeRole {
    /// `role_arn`
    pub role_arn: Option<String>,
    /// `session_name`
    pub session_name: Option<String>,
    /// `policy`
    pub policy: Option<String>,
    /// `session_expiration`, in seconds
    pub session_expiration: Option<i64>,
    /// `external_id`
    pub external_id: Option<String>,
}

pub(super) struct AssumedRole {
    pub(super) base: Box<dyn Source>,
    pub(super) role: Role,
    pub(super) sts: Sts,
}

#[async_trait::async_trait]
impl Source for AssumedRole {
    fn name(&self) -> String {
        format!("role {} taken on with {}", self.role.arn, self.base.name())
    }

    async fn issue(&self) -> Result<Issued, SourceError> {
        let keys = self.base.issue().await?;
        self.sts.assume_role(&keys.credentials, &self.role).await
    }
}

/// Puts the role of the block on top of what was chosen. A block that names no role, neither itself nor by a variable,
/// changes nothing: so it is in the official provider, where people turn roles off in this way.
pub(in crate::credentials) fn on_top(
    chosen: Chosen,
    settings: &Settings,
    outside: &Outside,
    sts: &Sts,
) -> Result<Chosen, Broken> {
    let Some(block) = &settings.assume_role else {
        return Ok(chosen);
    };
    let variable = |names| outside.environment.first(names);
    let Some(arn) = given(block.role_arn.as_ref()).or_else(|| variable(ROLE_VARIABLES)) else {
        return Ok(chosen);
    };
    let session_seconds = match (block.session_expiration, variable(&[EXPIRATION_VARIABLE])) {
        (Some(seconds), _) if seconds != 0 => seconds,
        (_, Some(text)) => text.parse().map_err(|_| {
            Broken::new(
                "assume_role",
                format!("{EXPIRATION_VARIABLE} is no number of seconds"),
            )
        })?,
        (_, None) => SESSION_SECONDS,
    };
    let role = Role {
        arn,
        session_name: given(block.session_name.as_ref())
            .or_else(|| variable(SESSION_VARIABLES))
            .unwrap_or_else(|| SESSION_NAME.to_owned()),
        session_seconds,
        policy: given(block.policy.as_ref()),
        external_id: given(block.external_id.as_ref()),
    };
    Ok(Chosen {
        source: Box::new(AssumedRole {
            base: chosen.source,
            role,
            sts: sts.clone(),
        }),
        ..chosen
    })
}
