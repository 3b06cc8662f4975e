//! `make verify-live`, with the mock as the account and the answers on standard input.

use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};

use alicloud_live_mock::{Fault, FaultKind, FaultStage};

use crate::support::cloud::ACCESS_KEY_ID;
use crate::support::configuration::AUTH_KEY;
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    a_job_lives_on_the_account_and_is_gone_in_the_end,
}

over_newest_terraform! {
    without_a_yes_nothing_is_created,
    a_job_that_is_not_to_be_started_is_deleted_too,
    what_fails_is_reported_and_the_job_is_deleted,
    a_job_that_cannot_be_deleted_is_named,
    after_ctrl_c_the_job_is_deleted,
    a_resource_form_that_ram_rejects_is_reported,
}

const PROVIDER: &str = env!("CARGO_BIN_EXE_terraform-provider-alicloud-live");
const ROLE: &str = "acs:ram::1234567890123456:role/mock-role";

fn a_job_lives_on_the_account_and_is_gone_in_the_end(world: &TestWorkspace) {
    let (is_good, printed) = verified(world, ROLE, &["yes", "yes"]);
    assert!(is_good, "{printed}");
    let changes = [
        "Create", "Update", "Start", "Stop", "Update", "Start", "Stop", "Delete",
    ];
    assert_eq!(world.cloud.changes(), changes, "{printed}");
    assert!(world.cloud.jobs().is_empty());
    for line in [
        "| status of a new job | observed | Stopped |",
        "| import, then an empty plan | passed |",
        "| RAM resource acs:live:*:<account>:domain/* | works |",
        "| status after the change | observed | Running |",
        "| no job is left | passed |",
        "| StartEdgeTranscodeJob | 200 |",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    let (_, report) = printed.split_once("# Report of verify-live").unwrap();
    let ids = world.cloud.calls_of("Delete");
    let job_id = &ids[0].parameters["JobId"];
    for private in [
        ACCESS_KEY_ID,
        AUTH_KEY,
        "example.com",
        "1234567890123456",
        "cluster-1",
        "tpl-h264-720p",
        job_id,
    ] {
        assert!(!report.contains(private), "{private}: {report}");
    }
}

fn without_a_yes_nothing_is_created(world: &TestWorkspace) {
    // No answer at all is none either.
    for answers in [&["no"] as &[&str], &["y"], &["YES"], &[""], &[]] {
        let (is_good, printed) = verified(world, "", answers);
        assert!(is_good, "{printed}");
        assert!(printed.ends_with("Nothing was created.\n"), "{printed}");
    }
    let (is_good, printed) = run(world, &["--cluster-id", "cluster-1"], &[]);
    assert!(is_good && printed.contains("--template-id is missing"));
    assert!(world.cloud.changes().is_empty());
}

fn a_job_that_is_not_to_be_started_is_deleted_too(world: &TestWorkspace) {
    let (is_good, printed) = verified(world, "", &["yes", "no"]);
    assert!(is_good, "{printed}");
    assert_eq!(world.cloud.changes(), ["Create", "Update", "Delete"]);
    assert!(printed.contains("| start, change, stop | skipped | declined |"));
    assert!(printed.contains("| RAM resource forms | skipped | no role was given |"));
}

fn what_fails_is_reported_and_the_job_is_deleted(world: &TestWorkspace) {
    world.cloud.deny("Start");
    let (is_good, printed) = verified(world, "", &["yes", "yes"]);
    assert!(!is_good, "{printed}");
    assert!(printed.contains("| start | failed |"), "{printed}");
    assert!(printed.contains("OperationDenied"), "{printed}");
    assert!(printed.contains("| no job is left | passed |"), "{printed}");
    assert!(world.cloud.jobs().is_empty());
}

fn a_job_that_cannot_be_deleted_is_named(world: &TestWorkspace) {
    world.cloud.deny("Delete");
    let (is_good, printed) = verified(world, "", &["yes", "no"]);
    assert!(!is_good, "{printed}");
    let job = world.cloud.job();
    let named = format!("A JOB IS LEFT: cluster-1:{}", job.job_id);
    assert!(printed.contains(&named), "{printed}");
    assert!(printed.contains("| no job is left | failed |"), "{printed}");
}

fn after_ctrl_c_the_job_is_deleted(world: &TestWorkspace) {
    world.cloud.hold("Create", FaultStage::After);
    let script = start(world, &arguments(""), &["yes", "yes"]);
    let _paused = world.cloud.wait_paused();
    let interrupted = Command::new("kill")
        .args(["-s", "INT", &script.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    world.cloud.release();
    let (is_good, printed) = ended(world, script);
    assert!(!is_good, "{printed}");
    assert!(printed.contains("| no job is left | passed |"), "{printed}");
    assert_eq!(world.cloud.changes(), ["Create", "Delete"], "{printed}");
}

fn a_resource_form_that_ram_rejects_is_reported(world: &TestWorkspace) {
    // The first look lists templates once; each form does so once more.
    let no_permission = FaultKind::error(403, "NoPermission");
    let rejected = Fault::new("ListEdgeTranscodeTemplate", no_permission);
    world.cloud.set_faults([rejected.skip(2).times(1)]);
    let (is_good, printed) = verified(world, ROLE, &["yes", "no"]);
    assert!(is_good, "{printed}");
    let works = printed.matches("| works |").count();
    assert_eq!(works, 3, "{printed}");
    let rejected = "| RAM resource acs:live:*:<account>:* | does not work |";
    assert!(printed.contains(rejected), "{printed}");
}

fn arguments(role_arn: &str) -> Vec<String> {
    let stream = |host: &str| format!("rtmp://{host}.example.com/live/verify?auth_key={AUTH_KEY}");
    [
        ("--cluster-id", "cluster-1".to_owned()),
        ("--template-id", "tpl-h264-720p".to_owned()),
        ("--stream-input", stream("pull")),
        ("--stream-output", stream("push")),
        ("--role-arn", role_arn.to_owned()),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value])
    .collect()
}

/// Runs it to its end: whether it succeeded, and all that it printed.
fn verified(world: &TestWorkspace, role_arn: &str, answers: &[&str]) -> (bool, String) {
    let script = start(world, &arguments(role_arn), answers);
    ended(world, script)
}

fn run(world: &TestWorkspace, arguments: &[&str], answers: &[&str]) -> (bool, String) {
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    let script = start(world, &arguments, answers);
    ended(world, script)
}

fn start(world: &TestWorkspace, arguments: &[String], answers: &[&str]) -> Child {
    world.set("ALIBABA_CLOUD_ENDPOINT_STS", world.cloud.url());
    let mut script = world
        .script("verify-live")
        .args(["--provider", PROVIDER])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = script.stdin.take().unwrap();
    for answer in answers {
        // It may have ended before it asked.
        let _ = writeln!(stdin, "{answer}");
    }
    script
}

fn ended(world: &TestWorkspace, script: Child) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = script.wait_with_output().unwrap();
    let printed = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    let printed = printed.concat();
    assert!(!printed.contains("Traceback"), "{printed}");
    world.note_printed(&printed);
    (status.success(), printed)
}
