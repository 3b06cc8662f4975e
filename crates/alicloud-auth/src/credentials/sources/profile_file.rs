use serde::Deserialize;

use super::ini;
use super::profile_fields::{Profile, Text, default_if_null};
use crate::credentials::response::parse;

/// A credentials file.
pub(super) struct ProfileFile {
    /// Its path, as the user wrote it.
    pub(super) path: String,
    /// The name of the current profile.
    pub(super) current: String,
    pub(super) profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct ConfigJson {
    #[serde(default)]
    current: Text,
    #[serde(deserialize_with = "default_if_null")]
    profiles: Vec<Profile>,
}

impl ProfileFile {
    /// Parses the CLI's JSON or the SDKs' INI. One variable can name either, so the content decides: only JSON begins with
    /// a brace.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let (current, profiles) = if text.trim_start().starts_with('{') {
            let config: ConfigJson =
                parse(text).map_err(|reason| format!("{path} cannot be parsed: {reason}"))?;
            (config.current.non_empty(), config.profiles)
        } else {
            (None, ini::parse(path, text)?)
        };
        Ok(Self {
            path: path.to_owned(),
            // The same default as in the CLI and the SDKs.
            current: current.unwrap_or_else(|| "default".to_owned()),
            profiles,
        })
    }

    /// Returns a profile by its name; `None` if there is none. An error if there are several.
    pub(super) fn find(&self, name: &str) -> Result<Option<&Profile>, String> {
        let mut found = self
            .profiles
            .iter()
            .filter(|profile| *profile.name == *name);
        let first = found.next();
        if found.next().is_some() {
            let path = &self.path;
            return Err(format!(
                "{path} has more than one profile {name:?}. Rename or remove the others"
            ));
        }
        Ok(first)
    }

    /// Returns a profile by its name. An error if there is not exactly one.
    pub(super) fn profile(&self, name: &str) -> Result<&Profile, String> {
        self.find(name)?.ok_or_else(|| {
            let names: Vec<_> = self.profiles.iter().map(|p| &*p.name).collect();
            let has = match names.join(", ") {
                none if none.is_empty() => "it has none".to_owned(),
                names => format!("it has: {names}"),
            };
            format!("{} has no profile {name:?}; {has}", self.path)
        })
    }
}
