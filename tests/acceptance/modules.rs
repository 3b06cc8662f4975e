//! The modules under `examples/modules`, and the tests that they bring for `terraform test`.

use crate::support::world::World;

// `mock_provider` is what the tests without a cloud need.
over_newest_terraform! {
    from "1.7":
    the_tests_of_the_rendition_ladder_pass_without_any_cloud,
}

over_newest_terraform! {
    the_tests_of_the_rendition_ladder_pass_against_the_mock,
    a_ladder_with_an_unknown_template_fails_in_the_plan,
}

const LADDER: &str = "examples/modules/rendition-ladder";

fn the_tests_of_the_rendition_ladder_pass_without_any_cloud(world: &World) {
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
    assert!(tested.output.contains("6 passed, 0 failed"), "{tested}");
    assert_eq!(world.cloud.calls().len(), 0);
}

fn the_tests_of_the_rendition_ladder_pass_against_the_mock(world: &World) {
    world.configure_as_in(LADDER);
    let tested = world
        .run(&["test", "-no-color", "-test-directory=tests-mock"])
        .succeeded();
    assert!(tested.output.contains("3 passed, 0 failed"), "{tested}");
    assert_eq!(world.cloud.calls_of("Create").len(), 3);
    // `terraform test` destroys what it made.
    assert_eq!(world.cloud.jobs().len(), 0);
}

fn a_ladder_with_an_unknown_template_fails_in_the_plan(world: &World) {
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
        "data.alicloud_live_edge_transcode_template.rendition[\"720p\"]"
    );
}
