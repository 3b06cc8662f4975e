//! The modules under `examples/modules`, and the tests that they bring for `terraform test`.

use crate::support::workspace::TestWorkspace;

// `mock_provider` is what the tests without a cloud need.
over_newest_terraform! {
    from "1.7":
    the_tests_of_the_rendition_ladder_pass_without_any_cloud,
}

over_newest_terraform! {
    the_tests_of_the_rendition_ladder_pass_against_the_mock,
    a_ladder_with_an_unknown_template_fails_in_the_plan,
    twelve_ladders_read_each_template_once,
}

const LADDER: &str = "examples/modules/rendition-ladder";

fn the_tests_of_the_rendition_ladder_pass_without_any_cloud(world: &TestWorkspace) {
    world.configure_as_in(LADDER);
    // With mocked providers nobody may ask for keys or an endpoint.
    for variable in [
        "ALICLOUD_ACCESS_KEY",
        "ALICLOUD_SECRET_KEY",
        "LIVE_ENDPOINT",
    ] {
        world.unset(variable);
    }
    let tested = world.run(&["test", "-no-color"]).succeeded();
    tested.must_print("6 passed, 0 failed");
    assert_eq!(world.cloud.calls().len(), 0);
}

fn the_tests_of_the_rendition_ladder_pass_against_the_mock(world: &TestWorkspace) {
    world.configure_as_in(LADDER);
    let tested = world
        .run(&["test", "-no-color", "-test-directory=tests-mock"])
        .succeeded();
    tested.must_print("3 passed, 0 failed");
    // Each run reads the jobs of the one before it, once.
    assert!(
        !tested.output.contains("A job has two addresses"),
        "{tested}"
    );
    assert_eq!(world.cloud.calls_of("Create").len(), 3);
    // `terraform test` destroys what it made.
    assert_eq!(world.cloud.jobs().len(), 0);
}

fn a_ladder_with_an_unknown_template_fails_in_the_plan(world: &TestWorkspace) {
    world.configure_as_in(LADDER);
    world.put(
        "terraform.tfvars",
        r#"cluster_id    = "cluster-1"
name          = "camera"
stream_input  = "rtmp://pull.example.com/live/camera"
output_prefix = "rtmp://push.example.com/live"
renditions    = { "720p" = "no-such-template" }
"#,
    );
    let failed = world.plan().failed();
    let error = failed.error();
    error.must_say(&["TemplateNotFound", "RequestId"]);
    assert_eq!(
        error.address.unwrap(),
        "data.alicloud_live_edge_transcode_template.rendition[\"no-such-template\"]"
    );
}

fn twelve_ladders_read_each_template_once(world: &TestWorkspace) {
    world.put("ladder/placeholder", "");
    for entry in std::fs::read_dir(LADDER).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "tf") {
            let name = path.file_name().unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            world.put(&format!("ladder/{name}"), &text);
        }
    }
    world.configure(
        r#"
module "camera" {
  source   = "./ladder"
  for_each = toset([for number in range(12) : "camera-${number}"])

  cluster_id    = "cluster-1"
  name          = each.key
  stream_input  = "rtmp://pull.example.com/live/${each.key}"
  output_prefix = "rtmp://push.example.com/live"
  running       = false

  renditions = {
    "720p"  = "tpl-h264-720p"
    "1080p" = "tpl-h265-1080p"
    "4k"    = "tpl-uhd-4k"
  }
}
"#,
    );
    world.run(&["get", "-no-color"]).succeeded();
    let reads = |world: &TestWorkspace| {
        let calls = world.cloud.calls();
        let is_read = |action: &str| action == "GetEdgeTranscodeTemplate";
        let reads = calls.iter().filter_map(|call| call.action.as_deref());
        reads.filter(|action| is_read(action)).count()
    };
    let planned = world.plan();
    assert_eq!(planned.planned().len(), 36, "{planned}");
    assert_eq!(reads(world), 3, "{planned}");
    world.apply().succeeded();
    let before = reads(world);
    world.plan().is_empty();
    assert_eq!(reads(world) - before, 3);
}
