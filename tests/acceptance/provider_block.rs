//! Where credentials and the endpoint come from.

use crate::support::cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET};
use crate::support::configuration::{Block, quoted};
use crate::support::terraform::Severity;
use crate::support::world::World;

over_each_terraform! {
    the_block_alone_is_enough,
    the_block_comes_before_the_environment,
    each_name_of_an_environment_variable_is_understood,
    missing_credentials_are_one_error_that_lists_where_they_may_stand,
    an_endpoint_may_be_given_without_a_scheme,
    each_invalid_argument_is_refused_at_its_place,
    arguments_that_are_not_known_yet_pass_the_plan,
}

fn credentials_in_block() -> Block {
    Block::provider()
        .text("access_key", ACCESS_KEY_ID)
        .with("secret_key", "var.secret_key")
}

/// The secret must not stand in the configuration, which Terraform may quote.
const SECRET_KEY: &str = "variable \"secret_key\" {\n  type      = string\n  sensitive = true\n}\n";

fn clear_environment(world: &World) {
    for variable in [
        "ALICLOUD_ACCESS_KEY",
        "ALICLOUD_SECRET_KEY",
        "LIVE_ENDPOINT",
    ] {
        world.unset(variable);
    }
    world.set("TF_VAR_secret_key", ACCESS_KEY_SECRET);
}

fn the_block_alone_is_enough(world: &World) {
    clear_environment(world);
    let provider = credentials_in_block()
        .text("region", "cn-shanghai")
        .nested("endpoints", &[("live", &quoted(world.cloud.url()))]);
    world.configure_all(format_args!("{SECRET_KEY}{provider}{}", Block::job("it")));
    world.apply().succeeded();
    world.cloud.job();
}

fn the_block_comes_before_the_environment(world: &World) {
    world.set("TF_VAR_secret_key", ACCESS_KEY_SECRET);
    world.set("ALICLOUD_ACCESS_KEY", "not-this-one");
    world.set("ALICLOUD_SECRET_KEY", "nor-this-one");
    world.configure_all(format_args!(
        "{SECRET_KEY}{}{}",
        credentials_in_block(),
        Block::job("it")
    ));
    world.apply().succeeded();
    world.cloud.job();
}

fn each_name_of_an_environment_variable_is_understood(world: &World) {
    world.configure(Block::job("it"));
    world.apply().succeeded();
    clear_environment(world);

    let names = [
        (
            "ALIBABACLOUD_ACCESS_KEY_ID",
            "ALIBABACLOUD_ACCESS_KEY_SECRET",
            "LIVE_ENDPOINT",
        ),
        // Each of these comes before the ones above, which now hold nonsense.
        (
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_ENDPOINT_LIVE",
        ),
        (
            "ALICLOUD_ACCESS_KEY",
            "ALICLOUD_SECRET_KEY",
            "ALIBABA_CLOUD_ENDPOINT_LIVE",
        ),
    ];
    for (key, secret, endpoint) in names {
        world.set(key, ACCESS_KEY_ID);
        world.set(secret, ACCESS_KEY_SECRET);
        world.set(endpoint, world.cloud.url());
        world.plan().is_empty();
        world.set(key, "nonsense");
        world.set(secret, "nonsense");
        if endpoint == "LIVE_ENDPOINT" {
            world.set(endpoint, "http://127.0.0.1:1");
        }
    }
}

fn missing_credentials_are_one_error_that_lists_where_they_may_stand(world: &World) {
    world.unset("ALICLOUD_ACCESS_KEY");
    world.unset("ALICLOUD_SECRET_KEY");
    // Two resources, and yet one error: it is the provider that cannot be configured.
    world.configure(format_args!("{}{}", Block::job("it"), Block::job("other")));
    world.plan().failed().error().must_say(&[
        "access_key",
        "secret_key",
        "ALICLOUD_ACCESS_KEY",
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
    ]);
    assert!(world.cloud.calls().is_empty());
}

fn an_endpoint_may_be_given_without_a_scheme(world: &World) {
    world.unset("LIVE_ENDPOINT");
    // Without a scheme the protocol is HTTPS unless the block says otherwise.
    let provider = Block::provider()
        .text("protocol", "HTTP")
        .nested("endpoints", &[("live", &quoted(world.cloud.address()))]);
    world.configure_all(format_args!("{provider}{}", Block::job("it")));
    world.apply().succeeded();
    world.cloud.job();
}

fn each_invalid_argument_is_refused_at_its_place(world: &World) {
    let wrong = [
        (Block::provider().text("protocol", "ftp"), "protocol"),
        (
            Block::provider().nested("endpoints", &[("live", "\"not an endpoint\"")]),
            "live",
        ),
        (
            Block::provider().nested("endpoints", &[("live", "\"ftp://127.0.0.1\"")]),
            "live",
        ),
    ];
    for (provider, argument) in wrong {
        world.configure_all(format_args!("{provider}{}", Block::job("it")));
        let error = world.validate().failed().error();
        assert_eq!(world.pointed_at(&error), argument, "{error:#?}");
    }

    // Half a key pair: the other half is looked for nowhere else.
    world.configure_all(format_args!(
        "{}{}",
        Block::provider().text("access_key", "alone"),
        Block::job("it")
    ));
    world.unset("ALICLOUD_SECRET_KEY");
    world.plan().failed().error().must_say(&["secret_key"]);
}

fn arguments_that_are_not_known_yet_pass_the_plan(world: &World) {
    let region = "resource \"terraform_data\" \"region\" {\n  input = \"cn-shanghai\"\n}\n";
    let provider = Block::provider().with("region", "terraform_data.region.output");
    world.configure_all(format_args!("{region}{provider}{}", Block::job("it")));
    let applied = world.apply().succeeded();
    assert!(
        applied.diagnostics(Severity::Warning).is_empty(),
        "{applied}"
    );
    world.cloud.job();
}
