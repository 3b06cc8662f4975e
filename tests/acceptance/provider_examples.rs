//! The provider blocks that the guide on authentication shows, each applied as it stands there.

use alicloud_live_mock::{DEFAULT_OIDC_TOKEN, DEFAULT_ROLE_ARN};

use crate::credentials::signs_with;
use crate::support::cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET};
use crate::support::configuration::Block;
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    every_provider_block_of_the_guide_works,
}

/// The folder, the variables that stand in the environment, and how the ID of the key begins that signs.
type Method = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const KEYS: &[(&str, &str)] = &[
    ("ALICLOUD_ACCESS_KEY", ACCESS_KEY_ID),
    ("ALICLOUD_SECRET_KEY", ACCESS_KEY_SECRET),
];

const METHODS: &[Method] = &[
    (
        "examples/provider/static-keys",
        &[
            ("TF_VAR_access_key", ACCESS_KEY_ID),
            ("TF_VAR_secret_key", ACCESS_KEY_SECRET),
        ],
        ACCESS_KEY_ID,
    ),
    ("examples/provider/environment", KEYS, ACCESS_KEY_ID),
    ("examples/provider/signature-v3", KEYS, ACCESS_KEY_ID),
    ("examples/provider/profile", &[], ACCESS_KEY_ID),
    (
        "examples/provider/assume-role",
        &[
            ("ALICLOUD_ACCESS_KEY", ACCESS_KEY_ID),
            ("ALICLOUD_SECRET_KEY", ACCESS_KEY_SECRET),
            ("TF_VAR_role_arn", DEFAULT_ROLE_ARN),
        ],
        "STS.assume-role-",
    ),
    (
        "examples/provider/oidc",
        &[
            (
                "TF_VAR_oidc_provider_arn",
                "acs:ram::1234567890123456:oidc-provider/mock",
            ),
            ("TF_VAR_role_arn", DEFAULT_ROLE_ARN),
            ("TF_VAR_oidc_token_file", "~/token"),
        ],
        "STS.oidc-",
    ),
    (
        "examples/provider/ecs-role",
        &[("TF_VAR_role_name", "mock-role")],
        "STS.metadata-",
    ),
    ("examples/provider/credentials-uri", &[], "STS.uri-"),
];

fn every_provider_block_of_the_guide_works(world: &TestWorkspace) {
    world.put("token", DEFAULT_OIDC_TOKEN);
    world.put(
        ".aliyun/config.json",
        &serde_json::json!({"current": "default", "profiles": [{
            "name": "production", "mode": "AK", "region_id": "cn-shanghai",
            "access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET,
        }]})
        .to_string(),
    );
    world.set("ALIBABA_CLOUD_ENDPOINT_STS", world.cloud.url());
    world.set("ALICLOUD_LIVE_ECS_METADATA_ENDPOINT", world.cloud.url());
    world.set(
        "TF_VAR_credentials_uri",
        &format!("{}/credentials", world.cloud.url()),
    );
    world.put("main.tf", &Block::job("it").to_string());

    for (folder, variables, access_key_id) in METHODS {
        world.unset("ALICLOUD_ACCESS_KEY");
        world.unset("ALICLOUD_SECRET_KEY");
        world.configure_as_in(folder);
        for (name, value) in *variables {
            world.set(name, value);
        }
        let calls_before = world.cloud.calls().len();
        world.apply().succeeded();
        world.replace_in_configuration("\"job-it\"", "\"job-other\"");
        world.apply().succeeded();
        world.destroy().succeeded();
        world.replace_in_configuration("\"job-other\"", "\"job-it\"");
        let calls = world.cloud.calls().split_off(calls_before);
        signs_with(&calls, access_key_id);
    }
}
