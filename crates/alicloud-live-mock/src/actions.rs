//! The names of the operations, as the parameter `Action` has them.

use serde::{Deserialize as _, Deserializer, de};

/// Those of the product `live`.
pub(super) const LIVE: [&str; 10] = [
    "CreateEdgeTranscodeJob",
    "GetEdgeTranscodeJob",
    "ListEdgeTranscodeJob",
    "UpdateEdgeTranscodeJob",
    "DeleteEdgeTranscodeJob",
    "StartEdgeTranscodeJob",
    "StopEdgeTranscodeJob",
    "GetEdgeTranscodeTemplate",
    "ListEdgeTranscodeTemplate",
    "DescribeLiveStreamState",
];

pub(super) const ASSUME_ROLE: &str = "AssumeRole";
pub(super) const ASSUME_ROLE_WITH_OIDC: &str = "AssumeRoleWithOIDC";
pub(super) const GET_CALLER_IDENTITY: &str = "GetCallerIdentity";
/// Those of the Security Token Service.
pub(super) const STS: [&str; 3] = [ASSUME_ROLE, ASSUME_ROLE_WITH_OIDC, GET_CALLER_IDENTITY];

/// Whether the mock knows this operation.
pub(super) fn is_known(action: &str) -> bool {
    LIVE.contains(&action) || STS.contains(&action)
}

/// Reads an optional name of an operation that the mock knows.
pub(super) fn read_known<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    match Option::<String>::deserialize(reader)? {
        Some(name) if !is_known(&name) => {
            let message = format!("expected the name of an operation, not `{name}`");
            Err(de::Error::custom(message))
        }
        name => Ok(name),
    }
}
