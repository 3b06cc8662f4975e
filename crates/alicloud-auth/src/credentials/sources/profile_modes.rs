//! The modes of profiles of Alibaba Cloud CLI (`aliyun configure`).

use super::assume_role::AssumedRole;
use super::cloud_sso::CloudSso;
use super::credentials_uri::{self, CredentialsUri};
use super::ecs_role::EcsRole;
use super::external::External;
use super::oauth::OAuth;
use super::oidc::{self, OidcRole, Token};
use super::profile_fields::{Profile, Text};
use super::profile_file::ProfileFile;
use crate::credentials::discovery::Candidate;
use crate::credentials::source::{CredentialsSource, StaticCredentials};
use crate::credentials::sts::Sts;
use crate::credentials::system::SystemContext;

const MODES: &str = "AK, StsToken, RamRoleArn, EcsRamRole, RamRoleArnWithRoleName, ChainableRamRoleArn, OIDC, \
                     CredentialsURI, CloudSSO, OAuth, External";
/// Profiles whose source is another profile.
const MAX_CHAIN: usize = 8;

/// Returns the source that a profile configures; by default the current profile of the file.
pub(super) fn select_source(
    file: &ProfileFile,
    name: Option<&str>,
    system: &SystemContext,
    sts: &Sts,
) -> Result<Candidate, String> {
    let name = name.unwrap_or(&file.current);
    let profile = file.profile(name)?;
    let builder = SourceBuilder { file, system, sts };
    let origin = builder.origin(profile);
    let sts = profile.sts(&origin, sts)?;
    // An `assume_role` block replaces the role of this mode; the roles of other modes are part of the source.
    let (source, role) = if &*profile.mode == "RamRoleArn" {
        let base: Box<dyn CredentialsSource> = Box::new(static_credentials(profile, &origin)?);
        (base, Some(profile.role(&origin)?))
    } else {
        (builder.source(profile, &sts, MAX_CHAIN)?, None)
    };
    Ok(Candidate {
        source,
        role,
        sts: Some(sts),
        region: profile.region(&origin)?,
        warnings: Vec::new(),
    })
}

struct SourceBuilder<'a> {
    file: &'a ProfileFile,
    system: &'a SystemContext,
    /// Without the settings of a profile.
    sts: &'a Sts,
}

impl SourceBuilder<'_> {
    fn origin(&self, profile: &Profile) -> String {
        format!("profile {:?} of {}", &*profile.name, self.file.path)
    }

    fn source(
        &self,
        profile: &Profile,
        sts: &Sts,
        chain_left: usize,
    ) -> Result<Box<dyn CredentialsSource>, String> {
        let origin = self.origin(profile);
        profile.check_mode(&origin)?;
        let path = self.file.path.clone();
        let invalid = |reason: String| format!("{origin}: {reason}");
        let required = |field: &str, value: &Text| value.required(field).map_err(invalid);
        Ok(match &*profile.mode {
            "AK" | "" | "StsToken" => Box::new(static_credentials(profile, &origin)?),
            "RamRoleArn" => {
                let base = static_credentials(profile, &origin)?;
                assumed_role(profile, sts, Box::new(base), &origin)?
            }
            "EcsRamRole" => Box::new(self.ecs_role(profile).map_err(invalid)?),
            "RamRoleArnWithRoleName" => {
                let base = self.ecs_role(profile).map_err(invalid)?;
                assumed_role(profile, sts, Box::new(base), &origin)?
            }
            "ChainableRamRoleArn" => {
                let name = required("source_profile", &profile.source)?;
                let source = self.file.profile(&name).map_err(invalid)?;
                let source_sts = source.sts(&self.origin(source), self.sts)?;
                let too_long = "its source_profile chain is too long or circular";
                let left = chain_left.checked_sub(1);
                let left = left.ok_or_else(|| invalid(too_long.to_owned()))?;
                let base = self.source(source, &source_sts, left)?;
                assumed_role(profile, sts, base, &origin)?
            }
            "OIDC" => Box::new(self.oidc_role(profile, sts, &origin)?),
            "CredentialsURI" => {
                self.check_external_allowed().map_err(invalid)?;
                let uri = &profile.credentials_uri;
                let uri = self.or_variable("credentials_uri", uri, credentials_uri::VARIABLES);
                let uri = uri.map_err(invalid)?;
                Box::new(CredentialsUri::new(&uri, self.system).map_err(invalid)?)
            }
            "External" => {
                self.check_external_allowed().map_err(invalid)?;
                let command = required("process_command", &profile.process_command)?;
                Box::new(External::new(origin.clone(), &command, self.system).map_err(invalid)?)
            }
            "CloudSSO" => {
                Box::new(CloudSso::new(&origin, path, profile, self.system).map_err(invalid)?)
            }
            "OAuth" => {
                Box::new(OAuth::new(&origin, path, profile, self.system, sts).map_err(invalid)?)
            }
            mode => {
                return Err(invalid(format!(
                    "its mode {mode:?} is not supported; supported modes: {MODES}"
                )));
            }
        })
    }

    fn ecs_role(&self, profile: &Profile) -> Result<EcsRole, String> {
        EcsRole::new(profile.ram_role_name.non_empty(), self.system).map_err(|error| error.reason)
    }

    fn oidc_role(&self, profile: &Profile, sts: &Sts, origin: &str) -> Result<OidcRole, String> {
        let field = |name: &str, value: &Text, variable| {
            let value = self.or_variable(name, value, &[variable]);
            value.map_err(|reason| format!("{origin}: {reason}"))
        };
        let provider = &profile.oidc_provider_arn;
        let path = field(
            "oidc_token_file",
            &profile.oidc_token_file,
            oidc::TOKEN_FILE,
        )?;
        let arn = field("ram_role_arn", &profile.ram_role_arn, oidc::ROLE)?;
        Ok(OidcRole {
            provider_arn: field("oidc_provider_arn", provider, oidc::PROVIDER)?,
            token: Token::File {
                path,
                system: Box::new(self.system.clone()),
            },
            role: profile.role_with_arn(arn, origin)?,
            sts: sts.clone(),
        })
    }

    /// Returns the value of a field or, if it is empty, of the first of these variables that is set. The CLI does the
    /// same: <https://github.com/aliyun/aliyun-cli/blob/eadd68d9/config/profile.go#L358>
    fn or_variable(
        &self,
        field: &str,
        value: &Text,
        variables: &[&'static str],
    ) -> Result<String, String> {
        match value.non_empty() {
            Some(value) => Ok(value),
            None => self.system.environment.text(variables)?.ok_or_else(|| {
                let variables = variables.join(" or ");
                format!("{field} is empty: set it, or {variables}")
            }),
        }
    }

    /// Checks the variable with which users turn helpers off, as the CLI does.
    fn check_external_allowed(&self) -> Result<(), String> {
        const DISABLED: &str = "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS";
        if self.system.environment.is_on(DISABLED)? {
            return Err(format!("{DISABLED} forbids its mode"));
        }
        Ok(())
    }
}

fn assumed_role(
    profile: &Profile,
    sts: &Sts,
    base: Box<dyn CredentialsSource>,
    origin: &str,
) -> Result<Box<dyn CredentialsSource>, String> {
    Ok(Box::new(AssumedRole {
        base,
        role: profile.role(origin)?,
        sts: sts.clone(),
    }))
}

fn static_credentials(profile: &Profile, origin: &str) -> Result<StaticCredentials, String> {
    let needs_token = &*profile.mode == "StsToken";
    let fields = [
        ("access_key_id", profile.access_key_id.is_empty()),
        ("access_key_secret", profile.access_key_secret.is_empty()),
        ("sts_token", needs_token && profile.sts_token.is_empty()),
    ];
    if let Some((field, _)) = fields.into_iter().find(|(_, is_missing)| *is_missing) {
        return Err(format!("{origin}: {field} is empty"));
    }
    let credentials = profile.credentials();
    Ok(StaticCredentials {
        credentials: credentials.map_err(|problem| format!("{origin}: the {problem}"))?,
        origin: origin.to_owned(),
    })
}
