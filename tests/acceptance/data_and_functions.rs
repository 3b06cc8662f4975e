//! Reading what exists, and functions.

use serde_json::json;

use crate::support::world::World;

over_each_terraform! {
    a_template_is_read,
    a_template_that_does_not_exist_is_an_error_that_says_what_the_cloud_said,
}

/// Functions exist from Terraform 1.8 on.
#[test]
fn ids_are_built_and_taken_apart() {
    let world = World::new("1.15.5");
    world.configure_as_in("examples/provider");
    world.configure_as_in("examples/functions/edge_transcode_job_id");
    world.apply().succeeded();
    assert_eq!(
        world.output("id"),
        "cluster-1:9B1571B5-13CB-44F7-A1BA-6AE561FF46F7"
    );

    world.configure_as_in("examples/functions/parse_edge_transcode_job_id");
    world.apply().succeeded();
    let parts =
        json!({"cluster_id": "cluster-1", "job_id": "9B1571B5-13CB-44F7-A1BA-6AE561FF46F7"});
    assert_eq!(world.output("parts"), parts);
    assert!(world.cloud.calls().is_empty());
}

#[test]
fn a_function_s_error_names_the_argument() {
    let world = World::new("1.15.5");
    for (call, rule) in [
        (
            r#"edge_transcode_job_id("a:b", "j")"#,
            "\"cluster_id\" parameter",
        ),
        (r#"edge_transcode_job_id("c", "")"#, "\"job_id\" parameter"),
        (
            r#"parse_edge_transcode_job_id("nothing")"#,
            "<cluster_id>:<job_id>",
        ),
    ] {
        world.configure(format_args!(
            "output \"it\" {{\n  value = provider::alicloud::{call}\n}}\n"
        ));
        world.validate().failed().error().must_say(&[rule]);
    }
}

fn a_template_is_read(world: &World) {
    world.configure_as_in("examples/provider");
    world.configure_as_in("examples/data-sources/alicloud_live_edge_transcode_template");
    world.apply().succeeded();
    assert_eq!(world.output("codec"), "H.264");
    world.plan().is_empty();
}

fn a_template_that_does_not_exist_is_an_error_that_says_what_the_cloud_said(world: &World) {
    world.configure(
        "data \"alicloud_live_edge_transcode_template\" \"it\" {\n  cluster_id = \"cluster-1\"\n  template_id = \"none\"\n}\n",
    );
    let refused = world.plan().failed();
    let error = refused.error();
    error.must_say(&[
        "Template could not be read",
        "TemplateNotFound",
        "RequestId",
    ]);
    assert_eq!(world.pointed_at(&error), "template_id");
}
