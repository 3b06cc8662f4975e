//! The official SDKs for Python use the mock, unchanged: `python/scenario.py` says what they do.

use std::collections::BTreeMap;

use alicloud_live::mock::{Call, SignatureCheck};

use crate::caller::mock;
use crate::python;

/// The calls that the scenario makes through an SDK.
#[track_caller]
fn calls_of(sdk: &str) -> Vec<Call> {
    let mock = mock();
    python::run("scenario.py", &[sdk, &mock.url()]);
    mock.calls()
}

fn signatures(calls: &[Call], action: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        if call.action.as_deref() == Some(action) {
            *counts.entry(format!("{:?}", call.signature)).or_default() += 1;
        }
    }
    counts
}

#[track_caller]
fn serves(sdk: &str, signature_method: &str) {
    let calls = calls_of(sdk);
    for action in [
        "CreateEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
        "ListEdgeTranscodeJob",
        "UpdateEdgeTranscodeJob",
        "DeleteEdgeTranscodeJob",
        "StartEdgeTranscodeJob",
        "StopEdgeTranscodeJob",
        "GetEdgeTranscodeTemplate",
        "ListEdgeTranscodeTemplate",
    ] {
        let counts = signatures(&calls, action);
        assert!(counts.contains_key("Valid"), "{action}: {counts:?}");
    }
    let invalid: Vec<_> = calls
        .iter()
        .filter(|call| call.signature != SignatureCheck::Valid)
        .filter_map(|call| call.code.as_deref())
        .collect();
    assert_eq!(
        invalid,
        [
            "InvalidAccessKeyId.NotFound",
            "SignatureDoesNotMatch",
            "InvalidSecurityToken.MismatchWithAccessKey"
        ]
    );
    assert!(
        calls
            .iter()
            .all(|call| call.parameters["SignatureMethod"] == signature_method)
    );
}

#[test]
fn the_official_sdk_with_rpc_signatures_does_all_nine_operations_and_understands_every_refusal() {
    serves("rpc", "HMAC-SHA1");
}

#[test]
fn the_official_sdk_with_v3_signatures_does_all_nine_operations_and_understands_every_refusal() {
    serves("v3", "ACS3-HMAC-SHA256");
}
