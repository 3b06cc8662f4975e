//! Values that can never work are refused before anything is sent, each at its place in the configuration.

use crate::support::configuration::{AUTH_KEY, Block};
use crate::support::terraform::Severity;
use crate::support::world::World;

over_each_terraform! {
    each_invalid_value_is_refused_at_its_attribute,
    required_arguments_are_required,
    a_refused_url_is_not_repeated_in_the_message,
    another_scheme_than_rtmp_is_only_warned_about,
}

fn each_invalid_value_is_refused_at_its_attribute(world: &World) {
    let too_long = "n".repeat(256);
    let same = "rtmp://pull.example.com/live/same";
    let job = || Block::job("?");
    // Each job is wrong in one attribute: its label is the attribute and a number.
    let wrong = [
        (
            "cluster_id",
            vec![
                "",
                " ",
                "cluster 1",
                "cluster\t1",
                "cluster:1",
                "cluster\u{7}1",
            ],
        ),
        (
            "name",
            vec!["", "with space", "a/b", "name!", "dot.ted", &too_long],
        ),
        ("template_id", vec!["", " ", "template 1"]),
        (
            "stream_input",
            vec![
                "",
                "not a url",
                "/live/stream",
                "rtmp://",
                "rtmp://host",
                "rtmp://host/",
                "rtmp://host/app",
            ],
        ),
        (
            "stream_output",
            vec![
                "",
                "not a url",
                "/live/stream",
                "rtmp://",
                "rtmp://host",
                "rtmp://host/",
                "rtmp://host/app",
            ],
        ),
        ("status", vec!["", "running", "Started", "0"]),
    ];
    let mut configuration = String::new();
    let mut expected = Vec::new();
    for (attribute, values) in &wrong {
        for (number, value) in values.iter().enumerate() {
            let label = format!("{attribute}-{number}");
            configuration.push_str(&job().labelled(&label).text(attribute, value).to_string());
            expected.push((label, (*attribute).to_owned()));
        }
    }
    for (operation, duration) in [
        ("create", "soon"),
        ("read", "5"),
        ("update", "-1m"),
        ("delete", ""),
    ] {
        let label = format!("timeouts-{operation}");
        let timeouts = Block::new("timeouts").text(operation, duration);
        let block = job().labelled(&label).containing(timeouts);
        configuration.push_str(&block.to_string());
        expected.push((label, operation.to_owned()));
    }
    let equal = job()
        .labelled("equal")
        .text("stream_input", same)
        .text("stream_output", same);
    configuration.push_str(&equal.to_string());
    expected.push(("equal".to_owned(), "stream_output".to_owned()));
    world.configure(configuration);

    let mut refused: Vec<(String, String)> = world
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
    refused.sort();
    expected.sort();
    assert_eq!(refused, expected);
    assert!(world.cloud.calls().is_empty(), "validation needs no cloud");
}

fn required_arguments_are_required(world: &World) {
    let required = [
        "cluster_id",
        "name",
        "template_id",
        "stream_input",
        "stream_output",
    ];
    let jobs: String = required
        .iter()
        .map(|attribute| Block::job(attribute).without(attribute).to_string())
        .collect();
    world.configure(jobs);
    let errors = world.validate().failed().diagnostics(Severity::Error);
    assert_eq!(errors.len(), required.len(), "{errors:#?}");
    for (error, attribute) in errors.iter().zip(required) {
        error.must_say(&[attribute]);
    }
}

fn a_refused_url_is_not_repeated_in_the_message(world: &World) {
    let variable = Block::sensitive_variable("url");
    let input = Block::job("input").with("stream_input", "var.url");
    let output = Block::job("output").with("stream_output", "var.url");
    world.configure(format_args!("{variable}{input}{output}"));
    world.set("TF_VAR_url", &format!("rtmp://host?auth_key={AUTH_KEY}"));
    let refused = world.plan().failed();
    // That the key is nowhere in them is asserted when the world ends.
    assert_eq!(refused.diagnostics(Severity::Error).len(), 2, "{refused}");
}

fn another_scheme_than_rtmp_is_only_warned_about(world: &World) {
    world.configure(Block::job("it").text("stream_input", "srt://pull.example.com/live/stream"));
    let warnings = world.validate().succeeded().diagnostics(Severity::Warning);
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:#?}")
    };
    warning.must_say(&["rtmp"]);
    assert_eq!(world.pointed_at(warning), "stream_input");
}
