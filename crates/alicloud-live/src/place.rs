use std::fmt;

use serde::{Deserialize, Serialize};

use super::LiveClient;

/// Where and as whom a client finds its jobs, as far as that is known without a call of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// Scheme, host and port.
    pub endpoint: String,
    /// The parameter `RegionId`, where somebody chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The account, 16 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The ID of a permanent access key, where the account is not known. Temporary ones change from run to run and tell
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
}

impl Place {
    /// Whether the same ID may name another job there, or none.
    pub fn may_differ(&self, other: &Self) -> bool {
        let differs = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        };
        self.endpoint != other.endpoint
            || self.region != other.region
            || differs(&self.account_id, &other.account_id)
            || differs(&self.access_key_id, &other.access_key_id)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.endpoint)?;
        let known = [
            ("region", &self.region),
            ("account", &self.account_id),
            ("access key", &self.access_key_id),
        ];
        let known: Vec<_> = known
            .into_iter()
            .filter_map(|(what, value)| Some(format!("{what} {}", value.as_ref()?)))
            .collect();
        if known.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", known.join(", "))
    }
}

impl LiveClient {
    /// Where this client finds its jobs. Makes no call when one was made before.
    pub async fn place(&self) -> Place {
        let credentials = self.credentials.get().await.ok();
        let account_id = credentials
            .as_ref()
            .and_then(|credentials| credentials.account_id.clone());
        let access_key_id = credentials
            .filter(|credentials| account_id.is_none() && credentials.security_token.is_none())
            .map(|credentials| credentials.access_key_id.clone());
        Place {
            endpoint: self.request.endpoint.to_string(),
            region: self.request.region.clone(),
            account_id,
            access_key_id,
        }
    }
}
