use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CallContext, LiveClient};

/// Where the jobs of a client are: endpoint, region and account, as far as they are known without an API call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Location {
    /// Scheme, host and port.
    pub endpoint: String,
    /// The parameter `RegionId`, if it is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The account, 16 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The ID of a permanent access key. IDs of temporary credentials change from run to run and identify nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
}

impl Location {
    /// Whether the same ID may belong to another job here, or to none.
    pub fn may_differ(&self, here: &Self) -> bool {
        self.endpoint != here.endpoint || self.region != here.region || self.owner_may_differ(here)
    }

    fn owner_may_differ(&self, here: &Self) -> bool {
        // A key belongs to one account for ever.
        if self.access_key_id.is_some() && self.access_key_id == here.access_key_id {
            return false;
        }
        match &self.account_id {
            Some(account_id) => here.account_id.as_ref() != Some(account_id),
            None => true,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.endpoint)?;
        let fields = [
            ("region", &self.region),
            ("account", &self.account_id),
            ("access key", &self.access_key_id),
        ];
        let known: Vec<_> = fields
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)))
            .collect();
        if known.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", known.join(", "))
    }
}

impl LiveClient {
    /// Returns where the jobs of this client are. Makes no call if the credentials are loaded already; if `ctx` ends before
    /// they are, the owner is not known.
    pub async fn location(&self, ctx: &CallContext) -> Location {
        let credentials = tokio::select! {
            // Result first: credentials that are loaded name their owner even when no time is left.
            biased;
            loaded = self.credentials.get() => loaded.ok(),
            _ended = ctx.done() => None,
        };
        let account_id = credentials
            .as_ref()
            .and_then(|credentials| credentials.account_id.clone());
        let access_key_id = credentials
            .filter(|credentials| credentials.security_token.is_none())
            .map(|credentials| credentials.access_key_id.clone());
        Location {
            endpoint: self.request.endpoint.to_string(),
            region: self.request.region.clone(),
            account_id,
            access_key_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Endpoint, region, account and access key; empty: not known.
    fn location([endpoint, region, account_id, access_key_id]: [&str; 4]) -> Location {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Location {
            endpoint: endpoint.to_owned(),
            region: known(region),
            account_id: known(account_id),
            access_key_id: known(access_key_id),
        }
    }

    #[test]
    fn a_place_and_an_owner_that_were_known_must_be_the_same() {
        for (there, here, may_differ) in [
            (["a", "r", "", "K1"], ["a", "r", "", "K1"], false),
            (["a", "r", "", "K1"], ["a", "r", "1", "K1"], false),
            (["a", "r", "", "K1"], ["a", "r", "", ""], true),
            (["a", "r", "", "K1"], ["a", "r", "1", ""], true),
            (["a", "r", "", "K1"], ["a", "r", "", "K2"], true),
            (["a", "r", "1", ""], ["a", "r", "", "K1"], true),
            (["a", "r", "1", ""], ["a", "r", "", ""], true),
            (["a", "r", "1", ""], ["a", "r", "2", ""], true),
            (["a", "r", "1", "K1"], ["b", "r", "1", "K1"], true),
            (["a", "r", "1", "K1"], ["a", "s", "1", "K1"], true),
            (["a", "r", "1", "K1"], ["a", "r", "1", "K2"], false),
            (["a", "r", "1", "K1"], ["a", "r", "", "K1"], false),
            (["a", "r", "", ""], ["a", "r", "1", ""], true),
            (["a", "r", "", ""], ["a", "r", "", ""], true),
            (["a", "r", "", ""], ["a", "", "", ""], true),
            (["a", "r", "", ""], ["b", "r", "", ""], true),
        ] {
            let (there, here) = (location(there), location(here));
            assert_eq!(there.may_differ(&here), may_differ, "{there}, then {here}");
        }
    }

    #[test]
    fn a_location_is_shown_with_what_is_known() {
        let shown = |fields| location(fields).to_string();
        assert_eq!(shown(["a", "", "", ""]), "a");
        assert_eq!(
            shown(["a", "r", "1", "K1"]),
            "a (region r, account 1, access key K1)"
        );
    }
}
