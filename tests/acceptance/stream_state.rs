//! Whether a stream is on air: the data source, and the actions that wait for it.

use serde_json::json;

use crate::actions::{config, invoke, invoked, with_config};
use crate::support::configuration::{AUTH_KEY, Block};
use crate::support::terraform::Run;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus};

over_each_terraform! {
    a_stream_is_found_by_its_url_and_by_its_parts,
    a_domain_of_somebody_else_is_no_error,
    wrong_arguments_are_rejected_where_they_stand,
    streams_of_a_for_each_are_given_by_url_or_by_parts,
    a_missing_permission_is_an_error_that_names_it,
    a_check_warns_of_a_stream_that_is_not_on_air,
}

over_each_terraform! {
    from "1.14":
    an_action_waits_until_the_stream_is_online,
    a_stream_that_does_not_come_online_in_time_is_an_error,
    a_stream_that_cannot_be_read_while_it_is_waited_for_is_an_error_about_the_job,
    a_stream_whose_state_is_unknown_is_not_waited_for,
}

const DESCRIBE: &str = "DescribeLiveStreamState";
const UNKNOWN: &str = "Unknown stream state";

fn data(arguments: &[(&str, &str)]) -> Block {
    let block = Block::new(r#"data "alicloud_live_stream_state" "it""#);
    arguments
        .iter()
        .fold(block, |block, (name, value)| block.text(name, value))
}

fn state_output() -> Block {
    Block::new(r#"output "state""#).with("value", "data.alicloud_live_stream_state.it.state")
}

fn describe_fails(world: &TestWorkspace, status: u16, code: &str) {
    let rejected = FaultKind::error(status, code);
    world.cloud.set_faults([Fault::new(DESCRIBE, rejected)]);
}

/// The input of the job is on air.
fn feed(world: &TestWorkspace) {
    world.cloud.configure(|config| {
        config.online_inputs = vec!["rtmp://pull.example.com/live/it".to_owned()];
    });
}

fn a_stream_is_found_by_its_url_and_by_its_parts(world: &TestWorkspace) {
    feed(world);
    let url = format!("rtmp://Pull.example.com:1935/live/it?auth_key={AUTH_KEY}");
    let by_url = data(&[("url", &url)]);
    world.applied(format_args!("{by_url}{}", state_output()));
    assert_eq!(world.output("state"), "online");
    let read = world.state("alicloud_live_stream_state.it");
    assert_eq!(read["id"], "pull.example.com/live/it");
    assert_eq!(read["type"], "push");
    world.plan().is_empty();

    let by_parts = data(&[
        ("domain_name", "push.example.com"),
        ("app_name", "live"),
        ("stream_name", "it"),
    ]);
    world.applied(format_args!("{by_parts}{}", state_output()));
    assert_eq!(world.output("state"), "offline");
    let read = world.state("alicloud_live_stream_state.it");
    assert_eq!((&read["url"], &read["type"]), (&json!(null), &json!(null)));
}

fn a_domain_of_somebody_else_is_no_error(world: &TestWorkspace) {
    let block = data(&[("url", "rtmp://other.example.com/live/it")]);
    world.configure(format_args!("{block}{}", state_output()));
    for code in ["InvalidDomain.NotFound", "InvalidDomainName.NotFound"] {
        describe_fails(world, 400, code);
        let applied = world.apply().succeeded();
        assert!(applied.warnings(UNKNOWN).is_empty(), "{applied}");
        assert_eq!(world.output("state"), "unknown");
    }

    // The name may as well be wrong.
    describe_fails(world, 400, "InvalidParam");
    let applied = world.apply().succeeded();
    let [warning] = &applied.warnings(UNKNOWN)[..] else {
        panic!("{applied}");
    };
    warning.must_say(&["InvalidParam", "RequestId", "other.example.com"]);
    assert!(
        !warning.detail.contains("live/"),
        "the name may be a key: {warning:?}"
    );
    assert_eq!(world.output("state"), "unknown");
}

fn wrong_arguments_are_rejected_where_they_stand(world: &TestWorkspace) {
    let url = ("url", "rtmp://h/a/s");
    for (arguments, summary, at) in [
        (
            &[("url", "rtmp://h/a")] as &[_],
            "Invalid stream URL",
            "url",
        ),
        (
            &[url, ("app_name", "a")],
            "Invalid attribute combination",
            "app_name",
        ),
        (
            &[("domain_name", "h"), ("app_name", "a")],
            "Missing attribute configuration",
            "data",
        ),
        (
            &[
                ("domain_name", "rtmp://h"),
                ("app_name", "a"),
                ("stream_name", "s"),
            ],
            "Invalid stream name",
            "domain_name",
        ),
    ] {
        world.configure(data(arguments));
        let error = world.validate().failed().error();
        assert_eq!(error.summary, summary);
        assert_eq!(world.pointed_at(&error), at);
    }
}

/// In the validation of a block with `for_each`, what a caller may leave out is unknown.
fn streams_of_a_for_each_are_given_by_url_or_by_parts(world: &TestWorkspace) {
    let streams = r#"{
  by_url   = { url = "rtmp://pull.example.com/live/it", domain = null, app = null, stream = null }
  by_parts = { url = null, domain = "pull.example.com", app = "live", stream = "it" }
}"#;
    let variable = Block::new(r#"variable "streams""#)
        .with(
            "type",
            "map(object({ url = string, domain = string, app = string, stream = string }))",
        )
        .with("default", streams);
    let source = Block::new(r#"data "alicloud_live_stream_state" "it""#)
        .with("for_each", "var.streams")
        .with("url", "each.value.url")
        .with("domain_name", "each.value.domain")
        .with("app_name", "each.value.app")
        .with("stream_name", "each.value.stream");
    let output = Block::new(r#"output "states""#).with(
        "value",
        "{ for key, it in data.alicloud_live_stream_state.it : key => it.state }",
    );
    feed(world);
    world.applied(format_args!("{variable}{source}{output}"));
    let expected = json!({"by_url": "online", "by_parts": "online"});
    assert_eq!(world.output("states"), expected);
}

fn a_missing_permission_is_an_error_that_names_it(world: &TestWorkspace) {
    describe_fails(world, 403, "NoPermission");
    world.configure(data(&[("url", "rtmp://h/a/s")]));
    let error = world.plan_error();
    assert_eq!(error.summary, "Unable to read stream state");
    error.must_say(&["live:DescribeLiveStreamState", "NoPermission", "RequestId"]);
}

fn a_check_warns_of_a_stream_that_is_not_on_air(world: &TestWorkspace) {
    let warned = |run: &Run| run.warnings("Check block assertion failed").len();
    world.configure_as_in("examples/guides/stream-on-air");
    let applied = world.apply().succeeded();
    assert_eq!(warned(&applied), 1, "nothing feeds the job: {applied}");
    world.cloud.configure(|config| {
        config.online_inputs = vec!["rtmp://pull.example.com/live/camera-1".to_owned()];
    });
    let planned = world.plan();
    planned.is_empty();
    assert_eq!(warned(&planned), 0, "{planned}");

    world.cloud.edit(|job| job.status = JobStatus::NotStarted);
    let planned = world.plan();
    assert_eq!(warned(&planned), 0, "it is read after the start: {planned}");
    let applied = world.apply().succeeded();
    assert_eq!(warned(&applied), 0, "{applied}");

    // An output on another CDN breaks no check.
    describe_fails(world, 400, "InvalidParam");
    let planned = world.plan();
    planned.is_empty();
    assert_eq!(warned(&planned), 0, "{planned}");
    world.replace_in_configuration("\"tpl-h264-720p\"", "\"tpl-h265-1080p\"");
    world.apply().succeeded();
    world.destroy_all();
}

/// A job, and both actions that can wait for its stream.
fn configure_actions(world: &TestWorkspace, timeout: &str) {
    let config = config()
        .with("wait_until_online", "true")
        .text("timeout", timeout);
    let [start, restart] = ["start", "restart"].map(|verb| with_config(verb, config.clone()));
    world.configure(format_args!("{}{start}{restart}", Block::job("it")));
}

fn an_action_waits_until_the_stream_is_online(world: &TestWorkspace) {
    configure_actions(world, "5m");
    world.apply().succeeded();
    let id = format!("cluster-1:{}", world.cloud.job().job_id);
    for verb in ["start", "restart"] {
        world.cloud.configure(|config| config.online_inputs.clear());
        // The first look finds the stream offline, and the encoder comes on air while its response is under way.
        let paused = Fault::new(DESCRIBE, FaultKind::Pause);
        world
            .cloud
            .set_faults([paused.when(FaultStage::After).times(1)]);
        let before = world.cloud.calls().len();
        let running = world.start(&invoke(verb));
        let _paused = world.cloud.wait_paused();
        feed(world);
        world.cloud.release();
        let run = world.end_of(running).succeeded();
        let described = world.cloud.calls()[before..]
            .iter()
            .filter(|call| call.action.as_deref() == Some(DESCRIBE))
            .count();
        assert_eq!(described, 2, "{run}");
        let told = format!("The output stream of job {id} is online.");
        run.must_print(&told);
    }
    assert_eq!(world.cloud.changes(), ["Create", "Start", "Stop", "Start"]);
}

fn a_stream_that_does_not_come_online_in_time_is_an_error(world: &TestWorkspace) {
    configure_actions(world, "1s");
    world.apply().succeeded();
    let error = invoked(world, "start").failed().error();
    let job = format!("The job cluster-1:{} is now", world.cloud.job().job_id);
    let running = format!("{job} Running");
    error.must_say(&[
        "Stream is not online",
        "push.example.com",
        "offline",
        &running,
    ]);
    assert!(
        !error.detail.contains("live/"),
        "the name may be a key: {error:?}"
    );

    // Somebody stops it while the action waits: the first look is before the start.
    configure_actions(world, "3s");
    let paused = Fault::new(DESCRIBE, FaultKind::Pause).when(FaultStage::After);
    world.cloud.set_faults([paused.skip(1).times(1)]);
    let action = world.start(&invoke("start"));
    let _paused = world.cloud.wait_paused();
    world.cloud.edit(|job| job.status = JobStatus::NotStarted);
    world.cloud.release();
    let stopped = format!("{job} Stopped");
    world
        .end_of(action)
        .failed()
        .error()
        .must_say(&["Stream is not online", &stopped]);
}

fn a_stream_that_cannot_be_read_while_it_is_waited_for_is_an_error_about_the_job(
    world: &TestWorkspace,
) {
    configure_actions(world, "5m");
    world.apply().succeeded();
    // The check before the action reads it; the wait after it may not.
    let forbidden = Fault::new(DESCRIBE, FaultKind::error(403, "Forbidden.RAM"));
    world.cloud.set_faults([forbidden.skip(1)]);
    let error = invoked(world, "start").failed().error();
    let id = format!("cluster-1:{}", world.cloud.job().job_id);
    let running = format!("The job {id} is now Running");
    error.must_say(&[
        "Unable to read stream state",
        "Forbidden.RAM",
        &format!("Job {id}"),
        &running,
    ]);
}

fn a_stream_whose_state_is_unknown_is_not_waited_for(world: &TestWorkspace) {
    configure_actions(world, "5m");
    world.apply().succeeded();
    for code in [
        "InvalidParam",
        "InvalidDomain.NotFound",
        "InvalidDomainName.NotFound",
    ] {
        describe_fails(world, 400, code);
        let error = invoked(world, "start").failed().error();
        error.must_say(&[
            UNKNOWN,
            code,
            "RequestId",
            "push.example.com",
            "wait_until_online",
        ]);
    }
    describe_fails(world, 403, "Forbidden.RAM");
    let error = invoked(world, "start").failed().error();
    error.must_say(&["Unable to read stream state", "Forbidden.RAM"]);
    world
        .cloud
        .edit(|job| "rtsp://push.example.com/it".clone_into(&mut job.stream_output));
    let error = invoked(world, "start").failed().error();
    error.must_say(&[UNKNOWN, "app and a stream", "wait_until_online"]);
    assert_eq!(world.cloud.changes(), ["Create"], "nothing was done");
}
