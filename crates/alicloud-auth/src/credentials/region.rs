use crate::environment::InvalidInput;

/// The ID of a region, such as `cn-shanghai`. It becomes part of host names, so it is always validated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Region(String);

impl Region {
    /// Parses an ID and ignores surrounding whitespace; `None` for an empty string. `origin` names its source in the
    /// error.
    pub fn parse(text: &str, origin: impl Into<String>) -> Result<Option<Self>, InvalidInput> {
        let text = text.trim();
        let is_region = text
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
        if !is_region || text.starts_with('-') || text.ends_with('-') {
            let problem =
                "is not a region ID: lower-case letters, digits and hyphens, such as cn-shanghai";
            return Err(InvalidInput::new(origin, problem));
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// Returns the ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_trimmed_and_rejected_if_it_could_change_a_host() {
        let parse = |text| Region::parse(text, "ALICLOUD_REGION");
        let trimmed = parse(" cn-shanghai\n").unwrap().unwrap();
        assert_eq!(trimmed.as_str(), "cn-shanghai");
        assert_eq!(parse(" ").unwrap(), None);
        for text in [
            "CN-Shanghai",
            "cn_shanghai",
            "a.example/",
            "a b",
            "-a",
            "a.",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.origin, "ALICLOUD_REGION", "{text}");
        }
    }
}
