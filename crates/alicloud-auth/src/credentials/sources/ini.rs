//! The INI file of the SDKs, read into the CLI's profiles.
//!
//! No suitable crate reads what the SDKs read: `configparser` cuts secrets at `#` and keeps quotes; `rust-ini` comes
//! closest, but has nine dependencies, one under a license that we do not accept.

use super::profile_fields::{Profile, Text};

/// Reads what the Go SDK reads: `=` or `:` between name and value, quotes around values, and comments after `#` or `;`, on
/// lines of their own and after values. A repeated section continues the first one, and later values win. (The Python SDK
/// keeps quotes and text after a `;`, ignores the case of names and rejects repetitions.)
/// `path` names the file in errors.
pub(super) fn parse(path: &str, text: &str) -> Result<Vec<Profile>, String> {
    let mut profiles: Vec<Profile> = Vec::new();
    let mut current = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.rsplit_once(']').map(|(name, _)| name);
            let name: Text = name.ok_or_else(|| invalid_line(path, number))?.into();
            let earlier = profiles.iter().position(|earlier| *earlier.name == *name);
            current = Some(earlier.unwrap_or(profiles.len()));
            if earlier.is_none() {
                profiles.push(Profile {
                    name,
                    ..Profile::default()
                });
            }
            continue;
        }
        let section = current.and_then(|index| profiles.get_mut(index));
        let (Some((name, value)), Some(profile)) = (line.split_once(['=', ':']), section) else {
            return Err(invalid_line(path, number));
        };
        let name = name.trim().to_ascii_lowercase();
        set(
            profile,
            &name,
            without_quotes(without_comment(value.trim())),
        );
    }
    Ok(profiles)
}

/// Returns an error without the line itself, which may be a secret that lost its name.
fn invalid_line(path: &str, number: usize) -> String {
    format!(
        "line {} of {path} is neither [section] nor name = value",
        number + 1
    )
}

fn without_comment(value: &str) -> &str {
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\''))
        && let Some(end) = value[1..].find(quote)
    {
        // A comment character within quotes is part of the value.
        return &value[..end + 2];
    }
    let end = value.find(['#', ';']).unwrap_or(value.len());
    value[..end].trim_end()
}

fn without_quotes(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

/// Sets a field. Ignores names that do not concern credentials, as the SDKs do.
fn set(profile: &mut Profile, name: &str, value: &str) {
    match name {
        "type" => {
            profile.mode = match value {
                "access_key" => "AK",
                "sts" => "StsToken",
                "ecs_ram_role" => "EcsRamRole",
                "ram_role_arn" => "RamRoleArn",
                "oidc_role_arn" => "OIDC",
                "credentials_uri" => "CredentialsURI",
                _ => value,
            }
            .into();
        }
        "access_key_id" => profile.access_key_id = value.into(),
        "access_key_secret" => profile.access_key_secret = value.into(),
        "security_token" => profile.sts_token = value.into(),
        "role_name" => profile.ram_role_name = value.into(),
        "role_arn" => profile.ram_role_arn = value.into(),
        "role_session_name" => profile.ram_session_name = value.into(),
        "policy" => profile.policy = value.into(),
        "oidc_provider_arn" => profile.oidc_provider_arn = value.into(),
        "oidc_token_file_path" => profile.oidc_token_file = value.into(),
        "credentials_uri" => profile.credentials_uri = value.into(),
        "region_id" => profile.region_id = value.into(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn values_are_read_without_comments_and_quotes() {
        for (written, read) in [
            ("abc", "abc"),
            ("abc # comment", "abc"),
            ("abc\t; comment", "abc"),
            ("abc#def", "abc"),
            ("\"abc\"", "abc"),
            ("'abc # def' # comment", "abc # def"),
            ("\"abc", "\"abc"),
            ("a=b:c==", "a=b:c=="),
            ("# nothing", ""),
            ("", ""),
        ] {
            let text = format!("[ my profile ] # mine\r\nRole_Name : {written}\r\n");
            let [profile] = &parse("f", &text).unwrap()[..] else {
                panic!("{written}")
            };
            assert_eq!(&*profile.name, "my profile");
            assert_eq!(&*profile.ram_role_name, read, "{written}");
        }
    }

    #[test]
    fn a_repeated_section_continues_the_first_and_later_values_win() {
        let text = "[a]\nrole_name = 1\npolicy = 1\n[b]\nrole_name = 2\n[ a ]\nrole_name = 3\nregion_id = 3\n";
        let [a, b] = &parse("f", text).unwrap()[..] else {
            panic!()
        };
        let values = [
            &*a.ram_role_name,
            &*a.policy,
            &*a.region_id,
            &*b.ram_role_name,
        ];
        assert_eq!(values, ["3", "1", "3", "2"]);
    }

    #[test]
    fn every_name_sets_its_field() {
        type Field = fn(&Profile) -> &str;
        let fields: [(&str, Field); 10] = [
            ("access_key_id", |profile| &profile.access_key_id),
            ("access_key_secret", |profile| {
                profile.access_key_secret.0.expose_secret()
            }),
            ("security_token", |profile| {
                profile.sts_token.0.expose_secret()
            }),
            ("role_arn", |profile| &profile.ram_role_arn),
            ("role_session_name", |profile| &profile.ram_session_name),
            ("policy", |profile| &profile.policy),
            ("oidc_provider_arn", |profile| &profile.oidc_provider_arn),
            ("oidc_token_file_path", |profile| &profile.oidc_token_file),
            ("credentials_uri", |profile| &profile.credentials_uri),
            ("region_id", |profile| &profile.region_id),
        ];
        for (name, field) in fields {
            let [profile] = &parse("f", &format!("[a]\n{name} = v")).unwrap()[..] else {
                panic!("{name}")
            };
            assert_eq!(field(profile), "v", "{name}");
        }
    }

    #[test]
    fn every_type_is_a_mode_of_the_cli() {
        for (name, mode) in [
            ("access_key", "AK"),
            ("sts", "StsToken"),
            ("ecs_ram_role", "EcsRamRole"),
            ("ram_role_arn", "RamRoleArn"),
            ("oidc_role_arn", "OIDC"),
            ("credentials_uri", "CredentialsURI"),
            ("bearer", "bearer"),
        ] {
            let [profile] = &parse("f", &format!("[a]\ntype = {name}")).unwrap()[..] else {
                panic!("{name}")
            };
            assert_eq!(&*profile.mode, mode, "{name}");
        }
    }

    #[test]
    fn an_invalid_line_is_named_by_its_number_and_not_quoted() {
        for text in ["type = x", "[a]\nhunter2", "[a\n"] {
            let error = parse("f", text).err().unwrap();
            assert!(
                error.starts_with("line ") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
