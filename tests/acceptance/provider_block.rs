//! Where credentials and the endpoint come from.

use crate::credentials::configure;
use crate::support::cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, fault};
use crate::support::configuration::Block;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::FaultKind;

over_each_terraform! {
    the_block_comes_before_the_environment,
    each_name_of_an_environment_variable_is_understood,
    a_security_token_is_sent_with_the_keys_it_belongs_to,
    missing_credentials_are_one_error_that_lists_where_they_may_stand,
    half_a_key_pair_is_reported_at_the_missing_half,
    an_endpoint_may_be_given_without_a_scheme,
    each_invalid_argument_is_rejected_at_its_place,
    arguments_that_are_not_known_yet_pass_the_plan,
    the_schema_is_asked_for_once_in_a_command,
    each_response_of_the_api_is_logged_with_its_request_id,
    a_rejection_is_logged_with_its_code,
}

/// A provider block with credentials. The secret comes through a variable: Terraform may quote the configuration.
fn with_credentials() -> Block {
    Block::provider()
        .text("access_key", ACCESS_KEY_ID)
        .with("secret_key", "var.secret_key")
}

fn endpoints(live: &str) -> Block {
    Block::new("endpoints").text("live", live)
}

fn unset_credentials(world: &TestWorkspace) {
    world.unset("ALICLOUD_ACCESS_KEY");
    world.unset("ALICLOUD_SECRET_KEY");
}

fn the_block_comes_before_the_environment(world: &TestWorkspace) {
    world.set("ALICLOUD_ACCESS_KEY", "not-this-one");
    world.set("ALICLOUD_SECRET_KEY", "nor-this-one");
    world.set("LIVE_ENDPOINT", NOBODY);
    let provider = with_credentials().containing(endpoints(world.cloud.url()));
    configure(world, &provider);
    world.apply().succeeded();
    world.cloud.job();
}

/// An endpoint where nothing responds: the port is never given out to programs.
const NOBODY: &str = "http://127.0.0.1:1";

fn each_name_of_an_environment_variable_is_understood(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    unset_credentials(world);
    world.unset("LIVE_ENDPOINT");

    // Each row comes before the ones above it, which hold nonsense by then.
    let rows = [
        [
            "ALIBABACLOUD_ACCESS_KEY_ID",
            "ALIBABACLOUD_ACCESS_KEY_SECRET",
            "LIVE_ENDPOINT",
        ],
        [
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_ENDPOINT_LIVE",
        ],
        [
            "ALICLOUD_ACCESS_KEY",
            "ALICLOUD_SECRET_KEY",
            "ALIBABA_CLOUD_ENDPOINT_LIVE",
        ],
    ];
    for [access_key, secret_key, endpoint] in rows {
        world.set(access_key, ACCESS_KEY_ID);
        world.set(secret_key, ACCESS_KEY_SECRET);
        world.set(endpoint, world.cloud.url());
        world.plan().is_empty();
        world.set(access_key, "nonsense");
        world.set(secret_key, "nonsense");
        world.set(endpoint, NOBODY);
    }
}

fn a_security_token_is_sent_with_the_keys_it_belongs_to(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let calls = world.cloud.calls();
    assert!(
        calls
            .iter()
            .all(|call| call.parameters.contains_key("SecurityToken")),
        "{calls:#?}"
    );
}

fn missing_credentials_are_one_error_that_lists_where_they_may_stand(world: &TestWorkspace) {
    unset_credentials(world);
    // Two jobs, and yet one error: it is the provider that cannot be configured.
    world.configure(format_args!("{}{}", Block::job("it"), Block::job("other")));
    world.plan_error().must_say(&[
        "access_key",
        "secret_key",
        "ALICLOUD_ACCESS_KEY",
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABACLOUD_ACCESS_KEY_SECRET",
    ]);
    assert!(world.cloud.calls().is_empty());
}

fn half_a_key_pair_is_reported_at_the_missing_half(world: &TestWorkspace) {
    unset_credentials(world);
    configure(world, &Block::provider().text("access_key", "alone"));
    let error = world.plan_error();
    error.must_say(&["secret_key", "ALICLOUD_SECRET_KEY"]);
    // The argument is not there, so the place is the block that lacks it.
    assert_eq!(world.pointed_at(&error), "provider");
}

fn an_endpoint_may_be_given_without_a_scheme(world: &TestWorkspace) {
    world.unset("LIVE_ENDPOINT");
    // It takes the scheme of the protocol, which is HTTPS unless the block says otherwise.
    let provider = Block::provider().text("protocol", "HTTP");
    let provider = provider.containing(endpoints(world.cloud.address()));
    configure(world, &provider);
    world.apply().succeeded();
    world.cloud.job();
}

fn each_invalid_argument_is_rejected_at_its_place(world: &TestWorkspace) {
    let endpoint = |live| ("live", Block::provider().containing(endpoints(live)));
    let wrong = [
        ("protocol", Block::provider().text("protocol", "ftp")),
        endpoint("not an endpoint"),
        endpoint("ftp://127.0.0.1"),
        endpoint("http://127.0.0.1/path"),
    ];
    for (argument, provider) in wrong {
        configure(world, &provider);
        let error = world.validate().failed().error();
        assert_eq!(world.pointed_at(&error), argument, "{error:#?}");
    }
}

fn arguments_that_are_not_known_yet_pass_the_plan(world: &TestWorkspace) {
    let source = Block::known_after_apply("region", "cn-shanghai");
    let provider = Block::provider().with("region", "terraform_data.region.output");
    world.applied_all(format_args!("{source}{provider}{}", Block::job("it")));
    world.cloud.job();
}

/// How many lines of a log say all of this.
fn lines_that_say(log: &str, texts: &[&str]) -> usize {
    let says_all = |line: &&str| texts.iter().all(|text| line.contains(text));
    log.lines().filter(says_all).count()
}

/// The capability `get_provider_schema_optional`: the processes of a command after the first one are not asked again.
fn the_schema_is_asked_for_once_in_a_command(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let logged = world.file("terraform.log").len();
    world.plan().is_empty();
    let log = world.file("terraform.log").split_off(logged);
    let count = |texts: &[&str]| lines_that_say(&log, texts);
    assert!(count(&["plugin started"]) > 1);
    assert_eq!(count(&["call answered", "tf_rpc=GetProviderSchema"]), 1);
}

fn a_rejection_is_logged_with_its_code(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    let rejected = FaultKind::error(400, "InvalidParam");
    world.cloud.set_faults([fault("Create", rejected)]);
    let _ = world.apply().failed();
    let log = world.file("terraform.log");
    let rejection = [
        "the API responded",
        "operation=CreateEdgeTranscodeJob",
        "cluster=cluster-1",
        "code=InvalidParam",
        "status=400",
    ];
    assert_eq!(lines_that_say(&log, &rejection), 1);
}

fn each_response_of_the_api_is_logged_with_its_request_id(world: &TestWorkspace) {
    // Of temporary keys, STS would be asked for the account.
    world.unset("ALICLOUD_SECURITY_TOKEN");
    world.applied(Block::job("it"));
    let log = world.file("terraform.log");
    let calls = world.cloud.calls();
    assert!(!calls.is_empty());
    for call in calls {
        let operation = format!("operation={}", call.action.unwrap());
        let request_id = format!("request_id={}", call.request_id);
        let endpoint = format!("endpoint={}", world.cloud.url());
        let of_job = call.parameters.get("JobId");
        let job = of_job.map_or(String::new(), |id| format!("job={id}"));
        let response = [
            "the API responded",
            "cluster=cluster-1",
            "status=200",
            &operation,
            &request_id,
            &endpoint,
            &job,
        ];
        assert_eq!(lines_that_say(&log, &response), 1, "{response:?}");
    }
}
