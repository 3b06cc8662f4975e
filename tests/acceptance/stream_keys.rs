//! The `auth_key` in stream URLs: signed in the configuration, never shown, and warned of before it ends.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::JOB;
use crate::support::configuration::{Block, auth_key};
use crate::support::terraform::{Run, Severity};
use crate::support::workspace::TestWorkspace;

/// Alibaba Cloud's check value for the path, the key and the time of the guide's test.
const SIGNED: &str =
    "rtmp://push.example.com/app/stream2?auth_key=1893456000-0-0-e3acefe0df032b41dc982aa2202afc7a";

over_each_terraform! {
    the_guide_s_url_signed_by_hand_is_right,
    a_key_that_has_ended_is_warned_of_where_it_matters,
    a_key_that_ends_within_a_day_is_warned_of_without_being_shown,
}

over_each_terraform! {
    from "1.8":
    the_guide_s_url_signed_by_a_function_is_right,
}

fn the_guide_s_url_signed_by_hand_is_right(world: &TestWorkspace) {
    let folder = "examples/guides/stream-url-authentication/md5";
    the_guide_s_url_is_right(world, folder, "1893456000");
}

fn the_guide_s_url_signed_by_a_function_is_right(world: &TestWorkspace) {
    let folder = "examples/guides/stream-url-authentication/functions";
    the_guide_s_url_is_right(world, folder, "2030-01-01T00:00:00Z");
}

fn the_guide_s_url_is_right(world: &TestWorkspace, folder: &str, ends: &str) {
    world.configure_as_in("examples/provider");
    world.configure_as_in_all(&[folder]);
    world.set("TF_VAR_push_key", "examplekey1");
    world.set("TF_VAR_push_url_ends", ends);

    let shown = world.run(&["plan", "-no-color"]).succeeded();
    shown.must_print("(sensitive value)");
    assert!(!shown.output.contains("e3acefe0"), "{shown}");

    world.apply().succeeded();
    assert_eq!(world.cloud.job().stream_output, SIGNED);
    let state = world.state_file();
    assert!(state.contains(SIGNED) && !state.contains("examplekey1"));
    world.plan().is_empty();
}

fn seconds_from_now(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() + seconds
}

fn job_with_key(timestamp: u64) -> Block {
    let key = auth_key(timestamp);
    let url = format!("rtmp://push.example.com/live/it?auth_key={key}");
    Block::job("it").text("stream_output", &url)
}

/// What a run says of keys: the job, the summary, and whether the detail names the argument.
fn warned_of(run: &Run, argument: &str) -> Vec<(String, String, bool)> {
    run.diagnostics(Severity::Warning)
        .into_iter()
        .filter(|warning| warning.says("auth_key"))
        .map(|warning| {
            let names_it = warning.says(argument);
            (warning.address.unwrap(), warning.summary, names_it)
        })
        .collect()
}

fn a_key_that_has_ended_is_warned_of_where_it_matters(world: &TestWorkspace) {
    let summary = "The auth_key in a stream URL has expired".to_owned();
    let ended = [(JOB.to_owned(), summary, true)];
    let warned_of = |run: &Run| warned_of(run, "stream_output");
    let stopped = job_with_key(1);
    world.configure(&stopped);
    assert_eq!(warned_of(&world.plan()), ended);
    world.apply().succeeded();
    let planned = world.plan();
    planned.is_empty();
    assert_eq!(warned_of(&planned), [], "nobody starts or changes the job");

    let running = stopped.text("status", "Running");
    world.applied(&running);
    let planned = world.plan();
    planned.is_empty();
    assert_eq!(warned_of(&planned), ended, "it will not connect again");
    world.configure(running.clone().text("cluster_id", "cluster-2"));
    assert_eq!(warned_of(&world.plan()), ended, "nor will another job");

    let running = running.text("stream_output", "rtmp://push.example.com/live/it");
    world.configure(&running);
    assert_eq!(warned_of(&world.plan()), []);
    world.configure(job_with_key(1).text("status", "Running"));
    let destroyed = world.destroy().succeeded();
    assert_eq!(warned_of(&destroyed), []);
}

fn a_key_that_ends_within_a_day_is_warned_of_without_being_shown(world: &TestWorkspace) {
    let soon = seconds_from_now(60 * 60);
    let later = seconds_from_now(48 * 60 * 60);
    let variable = Block::sensitive_variable("url");
    world.configure(format_args!(
        "{variable}{}{}",
        Block::job("soon").with("stream_input", "var.url"),
        job_with_key(later).labelled("later")
    ));
    let key = auth_key(soon);
    let url = format!("rtmp://pull.example.com/live/it?auth_key={key}");
    world.set("TF_VAR_url", &url);
    let planned = world.plan();
    assert_eq!(
        warned_of(&planned, "stream_input"),
        [(
            "alicloud_live_edge_transcode_job.soon".to_owned(),
            "An auth_key expires within a day".to_owned(),
            true
        )]
    );
    let count = planned.planned().len();
    assert_eq!(count, 2, "a warning stops nothing: {planned}");
    // That the key is nowhere in what was printed and logged is asserted when the world ends.
}
