//! Values that can never work are rejected before anything is sent, each at its place in the configuration.

use crate::support::configuration::{AUTH_KEY, Block, all};
use crate::support::terraform::Severity;
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    each_invalid_value_is_rejected_at_its_attribute,
    required_arguments_are_required,
    required_arguments_are_not_null,
    a_rejected_url_is_not_repeated_in_the_message,
    another_scheme_than_rtmp_is_only_warned_about,
}

fn each_invalid_value_is_rejected_at_its_attribute(world: &TestWorkspace) {
    let too_long = "n".repeat(256);
    let no_urls = [
        "",
        "not a url",
        "/app/stream",
        "rtmp://",
        "rtmp://host",
        "rtmp://host/",
        "rtmp://host/app",
        "rtmp:///app/stream",
        "rtmp://host/app/stream ",
        "rtmp://host//stream/",
        "://host/app/stream",
    ];
    let same = "rtmp://pull.example.com/live/same";
    let no_clusters = [
        "",
        " ",
        "cluster 1",
        "cluster\t1",
        "cluster:1",
        "cluster\u{7}1",
    ];
    let no_names = [
        "",
        "with space",
        "a/b",
        "name!",
        "dot.ted",
        "é",
        "名！",
        &too_long,
    ];
    let wrong: [(&str, &[&str]); 6] = [
        ("cluster_id", &no_clusters),
        ("name", &no_names),
        ("template_id", &["", " ", "template 1", "template\t1"]),
        ("stream_input", &no_urls),
        ("stream_output", &no_urls),
        ("status", &["", "running", "Started", "Starting", "0"]),
    ];
    // Each job is wrong in one place. Its label says which.
    let job = Block::job("it");
    let mut jobs = Vec::new();
    for (attribute, values) in wrong {
        for (number, value) in values.iter().enumerate() {
            let label = format!("{attribute}-{number}");
            jobs.push((label, attribute, job.clone().text(attribute, value)));
        }
    }
    for (operation, duration) in [
        ("create", "soon"),
        ("read", "5"),
        ("update", "-1m"),
        ("delete", ""),
    ] {
        let timeouts = Block::new("timeouts").text(operation, duration);
        let label = format!("timeout-{operation}");
        jobs.push((label, operation, job.clone().containing(timeouts)));
    }
    for (label, output) in [
        ("reads-itself", same),
        (
            "reads-itself-respelled",
            "RTMP://Pull.example.com:1935/live/same",
        ),
    ] {
        let job = job.clone().text("stream_input", same);
        let reads_itself = job.text("stream_output", output);
        jobs.push((label.to_owned(), "stream_output", reads_itself));
    }

    let mut configuration = String::new();
    let mut expected = Vec::new();
    for (label, attribute, job) in jobs {
        configuration += &job.labelled(&label).to_string();
        expected.push((label, attribute.to_owned()));
    }
    world.configure(configuration);

    let mut rejected: Vec<(String, String)> = world
        .validate()
        .failed()
        .diagnostics(Severity::Error)
        .iter()
        .map(|error| {
            let address = error.address.as_deref().unwrap();
            let label = address
                .strip_prefix("alicloud_live_edge_transcode_job.")
                .unwrap();
            (label.to_owned(), world.pointed_at(error))
        })
        .collect();
    rejected.sort();
    expected.sort();
    assert_eq!(rejected, expected);
    assert!(world.cloud.calls().is_empty(), "validation needs no cloud");
}

fn required_arguments_are_required(world: &TestWorkspace) {
    let required = [
        "cluster_id",
        "name",
        "template_id",
        "stream_input",
        "stream_output",
    ];
    let jobs = required.map(|attribute| Block::job(attribute).without(attribute));
    world.configure(all(&jobs));
    let errors = world.validate().failed().diagnostics(Severity::Error);
    assert_eq!(errors.len(), required.len(), "{errors:#?}");
    for attribute in required {
        let is_told = errors.iter().any(|error| error.says(attribute));
        assert!(is_told, "{errors:#?}");
    }
}

/// Core lets an explicit null pass, such as that of an attribute of a variable that was left out.
fn required_arguments_are_not_null(world: &TestWorkspace) {
    let job = Block::running_job("it");
    world.applied(&job);
    let changes = world.cloud.changes();
    for attribute in [
        "cluster_id",
        "name",
        "template_id",
        "stream_input",
        "stream_output",
    ] {
        let null = Block::new("variable \"nothing\"").with("default", "null");
        let unset = job.clone().with(attribute, "var.nothing");
        world.configure(format_args!("{null}{unset}"));
        let error = world.apply_error();
        error.must_say(&["Missing required argument", attribute, "null"]);
        assert_eq!(world.pointed_at(&error), attribute);
    }
    assert_eq!(world.cloud.changes(), changes);
    let jobs =
        Block::new("data \"alicloud_live_edge_transcode_jobs\" \"all\"").with("cluster_id", "null");
    world.configure(format_args!("{job}{jobs}"));
    let error = world.plan_error();
    error.must_say(&["Missing required argument", "cluster_id"]);
}

fn a_rejected_url_is_not_repeated_in_the_message(world: &TestWorkspace) {
    let variable = Block::sensitive_variable("url");
    let input = Block::job("input").with("stream_input", "var.url");
    let output = Block::job("output").with("stream_output", "var.url");
    world.configure(format_args!("{variable}{input}{output}"));
    world.set("TF_VAR_url", &format!("rtmp://host?auth_key={AUTH_KEY}"));
    let rejected = world.plan().failed();
    // That the key is nowhere in them is asserted when the world ends.
    assert_eq!(rejected.diagnostics(Severity::Error).len(), 2, "{rejected}");
}

fn another_scheme_than_rtmp_is_only_warned_about(world: &TestWorkspace) {
    for url in [
        "srt://pull.example.com/live/stream",
        "rtsp://10.0.0.5:554/stream1",
        "https://pull.example.com/index.m3u8#part",
    ] {
        world.configure(Block::job("it").text("stream_input", url));
        let warning = world.validate().succeeded().warning();
        warning.must_say(&["rtmp"]);
        assert_eq!(world.pointed_at(&warning), "stream_input");
    }
}
