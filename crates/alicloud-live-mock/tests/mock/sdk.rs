//! Runs the official SDKs against the mock: `python/scenario.py` and the programs in `sdks`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use alicloud_live_mock::SignatureCheck;

use crate::TOP;
use crate::caller::mock;
use crate::python;

/// Runs the scenario with an SDK.
#[track_caller]
fn serves(sdk: &str, signature_method: &str) {
    let mock = mock();
    python::run("scenario.py", &[sdk, &mock.url()]);
    let calls = mock.calls();
    let served: BTreeSet<_> = calls
        .iter()
        .filter(|call| call.signature == SignatureCheck::Valid)
        .filter_map(|call| call.action.as_deref())
        .collect();
    let jobs = ["Create", "Get", "List", "Update", "Delete", "Start", "Stop"];
    for action in jobs.map(|verb| format!("{verb}EdgeTranscodeJob")) {
        assert!(served.contains(&*action), "{action}: {served:?}");
    }
    for action in ["GetEdgeTranscodeTemplate", "ListEdgeTranscodeTemplate"] {
        assert!(served.contains(action), "{action}: {served:?}");
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
    for call in &calls {
        assert_eq!(call.parameters["SignatureMethod"], signature_method);
    }
}

#[test]
fn the_official_sdk_with_rpc_signatures_does_all_nine_operations_and_understands_every_error() {
    serves("rpc", "HMAC-SHA1");
}

#[test]
fn the_official_sdk_with_v3_signatures_does_all_nine_operations_and_understands_every_error() {
    serves("v3", "ACS3-HMAC-SHA256");
}

/// Runs the program of a language, which calls all operations. `scripts/sdks`, a part of `make test`, installs the SDK if
/// the machine has the language. Otherwise the test does nothing.
#[track_caller]
fn serves_sdk_of(language: &str, command: &[&str]) {
    let directory = Path::new(TOP).join(".tools/sdks").join(language);
    if !directory.join(".ready").exists() {
        return;
    }
    let mock = mock();
    let url = mock.url();
    let output = Command::new(command[0])
        .args(&command[1..])
        .arg(url.trim_start_matches("http://"))
        .current_dir(directory)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{language}: {complaints}");
    let calls = mock.calls();
    let done: BTreeSet<_> = calls
        .iter()
        .filter_map(|call| call.action.as_deref())
        .collect();
    assert_eq!(done.len(), 10, "{done:?}");
    for call in &calls {
        let result = (call.signature, call.status);
        assert_eq!(result, (SignatureCheck::Valid, Some(200)), "{call:?}");
        assert_eq!(call.parameters["SignatureMethod"], "ACS3-HMAC-SHA256");
    }
}

#[test]
fn the_official_sdk_for_go_does_all_operations() {
    serves_sdk_of("go", &["./scenario"]);
}

#[test]
fn the_official_sdk_for_node_does_all_operations() {
    serves_sdk_of("node", &["node", "scenario.js"]);
}

#[test]
fn the_official_sdk_for_java_does_all_operations() {
    serves_sdk_of("java", &["java", "-cp", "jars/*:.", "Scenario"]);
}
