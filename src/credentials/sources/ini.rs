//! The INI file of the SDKs, told in the words of the command line tool's profiles.

use super::cli_profile::{Profile, ProfileFile};

/// Reads sections of `name = value` lines; `#` and `;` begin a comment at the start of a line.
pub(super) fn parse(file: &str, text: &str) -> Result<ProfileFile, String> {
    let mut profiles: Vec<Profile> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let at = || format!("line {} of {file}", number + 1);
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            profiles.push(Profile {
                name: name.trim().to_owned(),
                ..Profile::default()
            });
            continue;
        }
        let (Some((name, value)), Some(profile)) = (line.split_once('='), profiles.last_mut())
        else {
            return Err(format!("{} is neither [section] nor name = value", at()));
        };
        set(profile, name.trim(), value.trim().to_owned());
    }
    Ok(ProfileFile {
        file: file.to_owned(),
        current: "default".to_owned(),
        profiles,
    })
}

/// Names that mean nothing for credentials are passed over, as the SDKs do.
fn set(profile: &mut Profile, name: &str, value: String) {
    match name {
        "type" => {
            profile.mode = match value.as_str() {
                "access_key" => "AK".to_owned(),
                "sts" => "StsToken".to_owned(),
                "ecs_ram_role" => "EcsRamRole".to_owned(),
                "ram_role_arn" => "RamRoleArn".to_owned(),
                "oidc_role_arn" => "OIDC".to_owned(),
                "credentials_uri" => "CredentialsURI".to_owned(),
                _ => value,
            }
        }
        "access_key_id" => profile.access_key_id = value,
        "access_key_secret" => profile.access_key_secret = value.into(),
        "security_token" => profile.sts_token = value.into(),
        "role_name" => profile.ram_role_name = value,
        "role_arn" => profile.ram_role_arn = value,
        "role_session_name" => profile.ram_session_name = value,
        "policy" => profile.policy = value,
        "oidc_provider_arn" => profile.oidc_provider_arn = value,
        "oidc_token_file_path" => profile.oidc_token_file = value,
        "credentials_uri" => profile.credentials_uri = value,
        _ => {}
    }
}
