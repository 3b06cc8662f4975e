//! The official SDKs for Python use the mock, unchanged: `sdk/scenario.py` says what they do. `make test` installs
//! them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use alicloud_live::mock::{Call, SignatureCheck};

use crate::caller::mock;

/// Runs the scenario through an SDK; gives the calls that it made.
#[track_caller]
fn calls_of(sdk: &str) -> Vec<Call> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = top.join(".tools/sdk");
    assert!(
        installed.join(".ready").exists(),
        "the SDKs are not in .tools/sdk: `make test` installs them"
    );
    let mock = mock();
    let output = Command::new(top.join(".tools/python/bin/python"))
        .arg("-B")
        .arg(top.join("tests/mock/sdk/scenario.py"))
        .args([sdk, &mock.url()])
        .env_clear()
        .env("PYTHONPATH", installed)
        .output()
        .unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}{complained}");
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
