//! Functions, which exist from Terraform 1.8 on. None of them calls the cloud.

use serde_json::json;

use crate::support::configuration::{AUTH_KEY, Block};
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    from "1.8":
    the_examples_of_functions_give_what_their_pages_say,
    a_function_s_error_names_the_argument,
    what_is_signed_with_a_sensitive_key_is_sensitive,
}

fn the_examples_of_functions_give_what_their_pages_say(world: &TestWorkspace) {
    world.configure_as_in("examples/provider");
    world.configure_as_in_all(&[
        "examples/functions/edge_transcode_job_id",
        "examples/functions/live_auth_url",
        "examples/functions/parse_edge_transcode_job_id",
        "examples/functions/parse_stream_url",
    ]);
    world.set("TF_VAR_push_key", "examplekey1");
    world.apply().succeeded();

    assert_eq!(
        world.output("id"),
        "cluster-1:9B1571B5-13CB-44F7-A1BA-6AE561FF46F7"
    );
    let parts =
        json!({"cluster_id": "cluster-1", "job_id": "9B1571B5-13CB-44F7-A1BA-6AE561FF46F7"});
    assert_eq!(world.output("parts"), parts);
    // Alibaba Cloud's check values for this path and key.
    let url = "rtmp://push.example.com/app/stream2?auth_key=1893456000";
    assert_eq!(
        world.output("push_url"),
        format!("{url}-0-0-e3acefe0df032b41dc982aa2202afc7a")
    );
    assert_eq!(
        world.output("push_url_with_rand"),
        format!("{url}-477b3bbc253f467b8def6711128c7bec-0-6aa898f01cc832a904c5ec35b65ecc66")
    );
    let url = json!({
        "scheme": "rtmp", "host": "push.example.com", "port": 1935, "app": "live", "stream": "camera-1",
        "query": null,
    });
    assert_eq!(world.output("url"), url);
    assert!(world.cloud.calls().is_empty());
}

fn a_function_s_error_names_the_argument(world: &TestWorkspace) {
    let url = "rtmp://d/app/stream";
    let cases = [
        (
            r#"edge_transcode_job_id("a:b", "j")"#.to_owned(),
            "\"cluster_id\" parameter",
        ),
        (
            r#"edge_transcode_job_id("c", "")"#.to_owned(),
            "\"job_id\" parameter",
        ),
        (
            r#"parse_edge_transcode_job_id("nothing")"#.to_owned(),
            "<cluster_id>:<job_id>",
        ),
        (
            format!(r#"parse_stream_url("rtmp://d/app?auth_key={AUTH_KEY}")"#),
            "\"url\" parameter",
        ),
        (
            format!(r#"live_auth_url("rtmp://d/app?auth_key={AUTH_KEY}", "k", 1)"#),
            "\"url\" parameter",
        ),
        (
            format!(r#"live_auth_url("{url}", "", 1)"#),
            "\"key\" parameter",
        ),
        (
            format!(r#"live_auth_url("{url}", "k", "soon")"#),
            "\"expires_at\" parameter",
        ),
        (
            format!(r#"live_auth_url("{url}", "k", 1, "a-b")"#),
            "\"rand_and_uid\" parameter",
        ),
        (
            format!(r#"live_auth_url("{url}", "k", 1, "0", "0", "0")"#),
            "\"rand_and_uid\" parameter",
        ),
    ];
    for (call, rule) in cases {
        // The configuration is quoted beside an error, so what is secret comes from elsewhere.
        let call = call.replace(AUTH_KEY, "${var.auth_key}");
        let variable = Block::sensitive_variable("auth_key").text("default", AUTH_KEY);
        world.configure(format_args!(
            "{variable}output \"it\" {{\n  value = nonsensitive(provider::alicloud::{call})\n}}\n"
        ));
        world.plan().failed().error().must_say(&[rule]);
    }
}

fn what_is_signed_with_a_sensitive_key_is_sensitive(world: &TestWorkspace) {
    let variable = Block::sensitive_variable("key");
    let call = r#"provider::alicloud::live_auth_url("rtmp://d/app/stream", var.key, 4102444800)"#;
    let job = Block::job("it")
        .text("stream_input", "rtmp://pull.example.com/live/stream")
        .with("stream_output", call);
    let key = "d0ma1nkeyd0ma1nkey";
    world.set("TF_VAR_key", key);
    world.configure(format_args!("{variable}{job}"));
    let shown = world.run(&["plan", "-no-color"]).succeeded();
    let line = shown
        .output
        .lines()
        .find(|line| line.contains("stream_output"));
    assert!(
        line.is_some_and(|line| line.ends_with("= (sensitive value)")),
        "{shown}"
    );
    world.apply().succeeded();
    assert!(
        !world.state_file().contains(key),
        "the domain's key is in the state"
    );
}
