//! The names of the operations, as the parameter `Action` has them.

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
