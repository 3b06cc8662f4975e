//! The configurations that the guides show, as far as no other file here is about their subject.

use crate::support::configuration::quoted;
use crate::support::world::World;

over_each_terraform! {
    a_fleet_of_two_sites_is_made,
    resources_name_this_provider_beside_the_official_one,
}

fn a_fleet_of_two_sites_is_made(world: &World) {
    world.configure_as_in("examples/guides/large-fleets");
    world.apply().succeeded();
    world.plan().is_empty();
    let jobs = world.cloud.jobs();
    let mut names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["north-gate", "north-yard", "south-gate", "south-hall"]
    );
}

fn resources_name_this_provider_beside_the_official_one(world: &World) {
    // The official provider cannot be had without a network. Another copy of this one takes its place: it understands
    // the same provider block, and has to do nothing else here.
    let plugins = quoted(world.home().join("plugins").to_str().unwrap());
    let official = world.home().join("official");
    std::fs::create_dir(&official).unwrap();
    std::fs::copy(
        env!("CARGO_BIN_EXE_terraform-provider-alicloud-live"),
        official.join("terraform-provider-alicloud"),
    )
    .unwrap();
    let official = quoted(official.to_str().unwrap());
    world.put(
        "cli.tfrc",
        &format!(
            "provider_installation {{\n  dev_overrides {{\n    \"edge-transcode/alicloud-live\" = {plugins}\n    \
             \"aliyun/alicloud\" = {official}\n  }}\n  direct {{}}\n}}\n"
        ),
    );
    world.configure_as_in("examples/guides/beside-the-official-provider");
    world.apply().succeeded();
    world.plan().is_empty();
    assert_eq!(world.cloud.job().name, "camera-1");
    assert!(
        world
            .state_file()
            .contains("registry.terraform.io/edge-transcode/alicloud-live")
            || world
                .state_file()
                .contains("registry.opentofu.org/edge-transcode/alicloud-live")
    );
}
