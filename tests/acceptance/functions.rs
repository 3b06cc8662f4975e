//! Functions, which exist from Terraform 1.8 on. None of them calls the cloud.

use crate::support::configuration::{AUTH_KEY, Block};
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    from "1.8":
    a_function_s_error_names_the_argument,
    what_is_signed_with_a_sensitive_key_is_sensitive,
}

fn a_function_s_error_names_the_argument(world: &TestWorkspace) {
    let url = "rtmp://d/app/stream";
    // The configuration is quoted beside an error, so what is secret comes from elsewhere.
    let secret_url = "rtmp://d/app?auth_key=${var.auth_key}";
    for (call, rule) in [
        (
            r#"edge_transcode_job_id("a:b", "j")"#,
            r#""cluster_id" parameter"#,
        ),
        (r#"edge_transcode_job_id("c", "")"#, r#""job_id" parameter"#),
        (
            r#"parse_edge_transcode_job_id("nothing")"#,
            "<cluster_id>:<job_id>",
        ),
        (r#"parse_stream_url("SECRET")"#, r#""url" parameter"#),
        (r#"live_auth_url("SECRET", "k", 1)"#, r#""url" parameter"#),
        (r#"live_auth_url("URL", "", 1)"#, r#""key" parameter"#),
        (
            r#"live_auth_url("URL", "k", "soon")"#,
            r#""expires_at" parameter"#,
        ),
        (
            r#"live_auth_url("URL", "k", 1, "a-b")"#,
            r#""rand_and_uid" parameter"#,
        ),
        (
            r#"live_auth_url("URL", "k", 1, "0", "0", "0")"#,
            r#""rand_and_uid" parameter"#,
        ),
    ] {
        let call = call.replace("SECRET", secret_url).replace("URL", url);
        let variable = Block::sensitive_variable("auth_key").text("default", AUTH_KEY);
        world.configure(format_args!(
            "{variable}output \"it\" {{\n  value = nonsensitive(provider::alicloud::{call})\n}}\n"
        ));
        world.plan_error().must_say(&[rule]);
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
