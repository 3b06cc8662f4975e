//! Each way to authenticate that the official provider's documentation shows, with the block and the variables as they
//! stand there: only key, role and endpoints are this test's own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use alicloud_live_mock::{
    DEFAULT_CLOUD_SSO_TOKEN, DEFAULT_OIDC_TOKEN, DEFAULT_ROLE_ARN, RecordedCall,
};

use crate::support::cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET};
use crate::support::configuration::Block;
use crate::support::terraform::Severity;
use crate::support::workspace::{PLAN, TestWorkspace};

over_each_terraform! {
    keys_in_the_block,
    keys_in_the_environment,
    a_role_of_the_block_on_top_of_keys,
    a_role_by_variables_on_top_of_keys,
    a_profile_of_the_command_line_tool,
    a_profile_that_takes_on_a_role,
    profiles_in_a_chain,
    a_profile_that_runs_a_program,
    a_profile_of_a_cloud_sso_login,
    an_ini_file_of_the_sdks,
    the_role_of_the_ecs_instance,
    a_credentials_uri,
    a_role_by_an_oidc_token_file,
    a_role_by_the_variables_of_a_kubernetes_pod,
    signature_version_3,
    arguments_without_effect_are_one_warning,
    the_identity_in_use_is_shown,
    a_fifo_as_credentials_file_is_rejected_at_once,
    a_credentials_helper_gets_no_variable_of_terraform,
    a_region_that_nobody_chose_is_not_sent,
    a_proxy_is_used_for_another_machine_and_never_for_this_one,
    a_variable_that_is_wrong_stops_the_plan_and_is_named,
    retries_are_as_many_as_the_block_says,
    a_broken_source_stops_the_plan_and_is_named,
    a_source_that_rejects_stops_the_plan_and_is_named,
    ctrl_c_while_a_credentials_helper_hangs_ends_the_run_and_the_helper,
}

over_newest_terraform! {
    a_slow_helper_hides_no_existing_job,
    a_missing_profile_beside_keys_is_a_warning,
    no_stream_is_ended_with_credentials_that_expire_before_it_could_be_back,
}

const OIDC_PROVIDER_ARN: &str = "acs:ram::1234567890123456:oidc-provider/mock";
/// Less than what a helper may take, and far more than the rest of a run does.
const TIMEOUT: Duration = Duration::from_secs(45);
const FAR_AWAY: i64 = 4_102_444_800;

/// A world without keys in its environment.
fn without_keys(world: &TestWorkspace) {
    world.unset("ALICLOUD_ACCESS_KEY");
    world.unset("ALICLOUD_SECRET_KEY");
    world.set("ALIBABA_CLOUD_ENDPOINT_STS", world.cloud.url());
    world.set("ALICLOUD_LIVE_ECS_METADATA_ENDPOINT", world.cloud.url());
}

/// One job under this provider block. The secret comes through a variable: Terraform may quote the configuration.
pub(crate) fn configure(world: &TestWorkspace, provider: &Block) {
    let secret_key = Block::sensitive_variable("secret_key");
    world.set("TF_VAR_secret_key", ACCESS_KEY_SECRET);
    world.configure_all(format_args!("{secret_key}{provider}{}", Block::job("it")));
}

/// Applies and plans again; every call of the API was made with a key whose ID begins so.
#[track_caller]
fn applies_with(world: &TestWorkspace, provider: &Block, access_key_id: &str) {
    configure(world, provider);
    let applied = world.apply().succeeded();
    let warnings = applied.diagnostics(Severity::Warning);
    assert!(warnings.is_empty(), "{warnings:#?}");
    world.plan().is_empty();
    signs_with(&world.cloud.calls(), access_key_id);
}

/// Every call of the API was made with a key whose ID begins so.
#[track_caller]
pub(crate) fn signs_with(calls: &[RecordedCall], access_key_id: &str) {
    let used: Vec<_> = calls
        .iter()
        .filter(|call| call.parameters["Version"] == "2016-11-01")
        .map(|call| &call.parameters["AccessKeyId"])
        .collect();
    assert!(
        !used.is_empty() && used.iter().all(|id| id.starts_with(access_key_id)),
        "{used:?}"
    );
}

/// Writes a file that its owner alone can read into the home directory.
fn file(world: &TestWorkspace, path: &str, text: &str) {
    let path = world.home().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn command_line_profiles(world: &TestWorkspace, profiles: &Value) {
    let config = json!({"current": "default", "profiles": profiles});
    file(world, ".aliyun/config.json", &config.to_string());
}

/// Puts these profiles in the place of all other keys. Returns a block that names the first.
fn with_profiles(world: &TestWorkspace, profiles: &Value) -> Block {
    without_keys(world);
    command_line_profiles(world, profiles);
    Block::provider().text("profile", profiles[0]["name"].as_str().unwrap())
}

/// The same with one profile, whose credentials a shell script prints.
fn with_helper(world: &TestWorkspace, script: &str) -> Block {
    file(world, "helper.sh", script);
    let command = format!("sh '{}'", world.home().join("helper.sh").display());
    let profile = json!([{"name": "program", "mode": "External", "process_command": command}]);
    with_profiles(world, &profile)
}

fn a_slow_helper_hides_no_existing_job(world: &TestWorkspace) {
    world.configure(Block::job("it"));
    world.apply().succeeded();
    world.forget_state();
    let script = format!("sleep 4\necho '{}'", printed_keys());
    configure(world, &with_helper(world, &script));
    let plan = world.plan();
    assert_eq!(plan.warnings("An identical job exists").len(), 1, "{plan}");
}

/// The keys, as a program prints them.
fn printed_keys() -> Value {
    json!({"mode": "AK", "access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET})
}

fn keys_in_the_block(world: &TestWorkspace) {
    without_keys(world);
    let provider = Block::provider()
        .text("access_key", ACCESS_KEY_ID)
        .with("secret_key", "var.secret_key")
        .text("region", "cn-beijing");
    applies_with(world, &provider, ACCESS_KEY_ID);
}

fn keys_in_the_environment(world: &TestWorkspace) {
    without_keys(world);
    world.set("ALIBABA_CLOUD_ACCESS_KEY_ID", ACCESS_KEY_ID);
    world.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET);
    world.set("ALIBABA_CLOUD_REGION", "cn-beijing");
    applies_with(world, &Block::provider(), ACCESS_KEY_ID);
}

fn a_role_of_the_block_on_top_of_keys(world: &TestWorkspace) {
    world.set("ALIBABA_CLOUD_ENDPOINT_STS", "http://127.0.0.1:1");
    let role = Block::new("assume_role")
        .text("role_arn", DEFAULT_ROLE_ARN)
        .text("policy", "{\"Version\":\"1\",\"Statement\":[]}")
        .text("session_name", "SESSION_NAME")
        .with("session_expiration", "999")
        .text("external_id", "external-id-1234");
    let endpoints = Block::new("endpoints").text("sts", world.cloud.url());
    let provider = Block::provider().containing(role).containing(endpoints);
    applies_with(world, &provider, "STS.assume-role-");
    let calls = world.cloud.calls();
    let assumed: Vec<_> = calls
        .iter()
        .filter(|call| call.action.as_deref() == Some("AssumeRole"))
        .collect();
    // One for each process, of which an apply has two, however many calls each made.
    assert_eq!(assumed.len(), 3, "{assumed:#?}");
    let sent = &assumed[0].parameters;
    assert_eq!(sent["RoleSessionName"], "SESSION_NAME");
    assert_eq!(sent["DurationSeconds"], "999");
    assert_eq!(sent["ExternalId"], "external-id-1234");
}

fn a_role_by_variables_on_top_of_keys(world: &TestWorkspace) {
    world.set("ALIBABA_CLOUD_ENDPOINT_STS", world.cloud.url());
    world.set("ALICLOUD_ASSUME_ROLE_ARN", DEFAULT_ROLE_ARN);
    let provider = Block::provider().containing(Block::new("assume_role"));
    applies_with(world, &provider, "STS.assume-role-");
}

fn a_profile_of_the_command_line_tool(world: &TestWorkspace) {
    let profile = json!([{
        "name": "customprofile", "mode": "AK", "region_id": "cn-shanghai",
        "access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET,
    }]);
    let provider = with_profiles(world, &profile);
    let provider = provider.text("shared_credentials_file", "~/.aliyun/config.json");
    applies_with(world, &provider, ACCESS_KEY_ID);
    assert_eq!(world.cloud.calls()[0].parameters["RegionId"], "cn-shanghai");
}

fn a_profile_that_takes_on_a_role(world: &TestWorkspace) {
    without_keys(world);
    let profile = json!([{
        "name": "default", "mode": "RamRoleArn", "ram_role_arn": DEFAULT_ROLE_ARN, "ram_session_name": "ci",
        "access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET,
    }]);
    command_line_profiles(world, &profile);
    world.set("ALICLOUD_PROFILE", "default");
    applies_with(world, &Block::provider(), "STS.assume-role-");
}

fn a_missing_profile_beside_keys_is_a_warning(world: &TestWorkspace) {
    configure(world, &Block::provider().text("profile", "nobody"));
    let warns = |reason: &str| {
        let plan = world.plan();
        assert_eq!(plan.planned().len(), 1, "{plan}");
        let [warning] = &plan.warnings("Profile is not used")[..] else {
            panic!("{plan}")
        };
        warning.must_say(&["\"nobody\" is set beside the access key", reason]);
    };
    warns("~/.aliyun/config.json does not exist");
    command_line_profiles(world, &json!([{"name": "prod"}]));
    warns("~/.aliyun/config.json has no such profile");
}

fn profiles_in_a_chain(world: &TestWorkspace) {
    let profiles = json!([
        {"name": "last", "mode": "ChainableRamRoleArn", "source_profile": "first", "ram_role_arn": DEFAULT_ROLE_ARN},
        {"name": "first", "mode": "EcsRamRole"},
    ]);
    let provider = with_profiles(world, &profiles);
    applies_with(world, &provider, "STS.assume-role-");
}

fn a_profile_that_runs_a_program(world: &TestWorkspace) {
    file(world, "printed.json", &printed_keys().to_string());
    let command = format!("cat '{}'", world.home().join("printed.json").display());
    let profile = json!([{"name": "program", "mode": "External", "process_command": command}]);
    let provider = with_profiles(world, &profile);
    applies_with(world, &provider, ACCESS_KEY_ID);
}

fn a_profile_of_a_cloud_sso_login(world: &TestWorkspace) {
    let profile = json!([{
        "name": "sso", "mode": "CloudSSO", "cloud_sso_sign_in_url": format!("{}/d-1/login", world.cloud.url()),
        "cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "ac-1",
        "access_token": DEFAULT_CLOUD_SSO_TOKEN, "cloud_sso_access_token_expire": FAR_AWAY,
    }]);
    let provider = with_profiles(world, &profile);
    applies_with(world, &provider, "STS.cloud-sso-");
}

fn an_ini_file_of_the_sdks(world: &TestWorkspace) {
    without_keys(world);
    let text = format!(
        "[default]\ntype = access_key\naccess_key_id = {ACCESS_KEY_ID}\naccess_key_secret = {ACCESS_KEY_SECRET}\n"
    );
    file(world, "sdk/credentials.ini", &text);
    world.set("ALIBABA_CLOUD_CREDENTIALS_FILE", "~/sdk/credentials.ini");
    applies_with(world, &Block::provider(), ACCESS_KEY_ID);
}

fn the_role_of_the_ecs_instance(world: &TestWorkspace) {
    without_keys(world);
    // A proxy of the environment must never see what the metadata service says.
    world.set("HTTP_PROXY", "http://127.0.0.1:1");
    let provider = Block::provider()
        .text("ecs_role_name", "mock-role")
        .text("region", "cn-beijing");
    applies_with(world, &provider, "STS.metadata-");
}

fn a_credentials_uri(world: &TestWorkspace) {
    without_keys(world);
    let uri = format!("{}/credentials", world.cloud.url());
    let provider = Block::provider()
        .text("credentials_uri", &uri)
        .text("region", "cn-beijing");
    applies_with(world, &provider, "STS.uri-");
}

/// A credentials URI that returns the same credentials until they expire, in 100 seconds.
fn expiring_credentials() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let expires_at = OffsetDateTime::now_utc() + Duration::from_secs(100);
    let body = json!({
        "Code": "Success", "AccessKeyId": ACCESS_KEY_ID, "AccessKeySecret": ACCESS_KEY_SECRET, "SecurityToken": "",
        "Expiration": expires_at.format(&Rfc3339).unwrap(),
    });
    let body = body.to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            // A client that has gone asks again.
            drop(client.read(&mut [0; 4096]));
            let length = body.len();
            drop(write!(
                client,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            ));
        }
    });
    uri
}

fn no_stream_is_ended_with_credentials_that_expire_before_it_could_be_back(world: &TestWorkspace) {
    let running = Block::running_job("it");
    world.applied(running.clone());
    without_keys(world);
    let provider = Block::provider()
        .text("credentials_uri", &expiring_credentials())
        .text("region", "cn-beijing");
    for changed in [
        running.clone().text("name", "changed"),
        running.clone().text("cluster_id", "cluster-2"),
    ] {
        world.configure_all(format_args!("{provider}{changed}"));
        world
            .apply_error()
            .must_say(&["was not stopped", "expire within 2 minutes"]);
        assert_eq!(world.cloud.changes(), ["Create", "Start"]);
    }
    // With its status, it is not to run again.
    let stopped = Block::job("it").text("status", "Stopped");
    world.configure_all(format_args!("{provider}{stopped}"));
    world.apply().succeeded();
}

fn a_role_by_an_oidc_token_file(world: &TestWorkspace) {
    without_keys(world);
    file(world, "token", DEFAULT_OIDC_TOKEN);
    let role = Block::new("assume_role_with_oidc")
        .text("oidc_provider_arn", OIDC_PROVIDER_ARN)
        .text("role_arn", DEFAULT_ROLE_ARN)
        .text("oidc_token_file", "~/token")
        .text("role_session_name", "terraform-oidc")
        .with("session_expiration", "3600");
    applies_with(world, &Block::provider().containing(role), "STS.oidc-");
}

fn a_role_by_the_variables_of_a_kubernetes_pod(world: &TestWorkspace) {
    without_keys(world);
    file(world, "token", DEFAULT_OIDC_TOKEN);
    let token = world.home().join("token").display().to_string();
    world.set("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", OIDC_PROVIDER_ARN);
    world.set("ALIBABA_CLOUD_ROLE_ARN", DEFAULT_ROLE_ARN);
    world.set("ALIBABA_CLOUD_OIDC_TOKEN_FILE", &token);
    applies_with(world, &Block::provider(), "STS.oidc-");
}

fn signature_version_3(world: &TestWorkspace) {
    let version = Block::new("sign_version").text("live", "v3");
    let provider = Block::provider().containing(version);
    applies_with(world, &provider, ACCESS_KEY_ID);
    // STS has its own.
    let mut calls = world.cloud.calls();
    calls.retain(|call| call.action.as_deref() != Some("GetCallerIdentity"));
    assert!(!calls.is_empty());
    for call in calls {
        assert_eq!(call.parameters["SignatureMethod"], "ACS3-HMAC-SHA256");
    }
}

fn arguments_without_effect_are_one_warning(world: &TestWorkspace) {
    let provider = Block::provider()
        .text("account_type", "International")
        .text("account_id", "1234567890123456")
        .with("skip_region_validation", "true")
        .with("max_retry_timeout", "30")
        .with("client_read_timeout", "60000")
        .with("client_connect_timeout", "60000")
        .text(
            "configuration_source",
            "terraform-provider-alicloud/examples/vpc",
        );
    configure(world, &provider);
    let warning = world.validate().succeeded().warning();
    warning.must_say(&["account_type", "skip_region_validation"]);
    world.apply().succeeded();
}

fn the_identity_in_use_is_shown(world: &TestWorkspace) {
    world.set("ALIBABA_CLOUD_ENDPOINT_STS", world.cloud.url());
    let who = Block::new(r#"data "alicloud_live_caller_identity" "it""#);
    let shown =
        Block::new(r#"output "who""#).with("value", "data.alicloud_live_caller_identity.it");
    let role = Block::new("assume_role")
        .text("role_arn", DEFAULT_ROLE_ARN)
        .text("session_name", "ci");
    for (provider, identity_type, arn, source) in [
        (
            Block::provider(),
            "RAMUser",
            "acs:ram::1234567890123456:user/acceptance-access-key-id",
            "access key of the environment (ALICLOUD_ACCESS_KEY)",
        ),
        (
            Block::provider().containing(role),
            "AssumedRoleUser",
            "acs:ram::1234567890123456:assumed-role/mock-role/ci",
            "role acs:ram::1234567890123456:role/mock-role assumed with access key of the environment",
        ),
    ] {
        world.applied_all(format_args!("{provider}{who}{shown}"));
        let output = world.output("who");
        assert_eq!(output["account_id"], "1234567890123456");
        assert_eq!(output["identity_type"], identity_type);
        assert_eq!(output["arn"], arn);
        assert_eq!(output["endpoint"], world.cloud.url());
        assert_eq!(output["sts_endpoint"], world.cloud.url());
        let shown = output["credentials_source"].as_str().unwrap();
        assert!(shown.starts_with(source), "{shown}");
    }
}

fn a_fifo_as_credentials_file_is_rejected_at_once(world: &TestWorkspace) {
    without_keys(world);
    let fifo = world.home().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let provider = Block::provider().text("shared_credentials_file", "~/fifo");
    configure(world, &provider);
    let error = world.plan_error();
    error.must_say(&["~/fifo cannot be read", "it is not a regular file"]);
    assert_eq!(world.pointed_at(&error), "shared_credentials_file");
}

fn a_credentials_helper_gets_no_variable_of_terraform(world: &TestWorkspace) {
    let (printed, seen) = (printed_keys(), world.home().join("seen"));
    // Something that it leaves running holds its output open.
    let script = format!("env > '{}'\nsleep 5 &\necho '{printed}'\n", seen.display());
    let provider = with_helper(world, &script);
    applies_with(world, &provider, ACCESS_KEY_ID);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.lines().any(|line| line.starts_with("HOME=")), "{seen}");
    let of_terraform = |line: &&str| line.starts_with("TF_") || line.starts_with("PLUGIN_");
    assert_eq!(seen.lines().find(of_terraform), None);
}

fn ctrl_c_while_a_credentials_helper_hangs_ends_the_run_and_the_helper(world: &TestWorkspace) {
    // Without a job nothing needs the keys.
    world.applied(Block::job("it"));
    let id = world.home().join("id");
    let script = format!("echo $$ > '{}'\nexec sleep 600\n", id.display());
    let provider = with_helper(world, &script);
    configure(world, &provider);
    let calls = world.cloud.calls().len();
    let begun = Instant::now();
    let running = world.start(PLAN);
    let helper = loop {
        if let Ok(id) = fs::read_to_string(&id)
            && id.ends_with('\n')
        {
            break id.trim().to_owned();
        }
        assert!(begun.elapsed() < TIMEOUT, "the helper was not started");
        thread::sleep(Duration::from_millis(5));
    };
    let pressed = Instant::now();
    running.press_ctrl_c();
    let error = world.end_of(running).failed().error();
    error.must_say(&["Unable to read job", "interrupted"]);
    // Its own limit is 60 s.
    assert!(pressed.elapsed() < TIMEOUT, "{:?}", pressed.elapsed());
    let is_running = || {
        fs::read_to_string(format!("/proc/{helper}/cmdline"))
            .is_ok_and(|line| line.starts_with("sleep"))
    };
    while is_running() {
        assert!(pressed.elapsed() < TIMEOUT, "{helper} goes on");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(world.cloud.calls().len(), calls);
}

fn a_region_that_nobody_chose_is_not_sent(world: &TestWorkspace) {
    for version in ["v1", "v3"] {
        let version = Block::new("sign_version").text("live", version);
        applies_with(world, &Block::provider().containing(version), ACCESS_KEY_ID);
    }
    for call in world.cloud.calls() {
        assert!(!call.parameters.contains_key("RegionId"), "{call:#?}");
    }
}

fn a_proxy_is_used_for_another_machine_and_never_for_this_one(world: &TestWorkspace) {
    world.set("HTTP_PROXY", "http://user:hunter2@127.0.0.1:1");
    applies_with(world, &Block::provider(), ACCESS_KEY_ID);
    let elsewhere = Block::new("endpoints").text("live", "http://live.example");
    let provider = Block::provider().with("max_retries", "0");
    configure(world, &provider.containing(elsewhere));
    let error = world.plan_error();
    error.must_say(&["no connection", "refused"]);
    assert!(!error.says("hunter2"), "{error:#?}");
}

fn a_variable_that_is_wrong_stops_the_plan_and_is_named(world: &TestWorkspace) {
    configure(world, &Block::provider());
    for (variable, value, said) in [
        ("ALICLOUD_REGION", "cn_shanghai", "is not a region ID"),
        (
            "HTTPS_PROXY",
            "gopher://proxy",
            "names a proxy with an unsupported scheme",
        ),
        (
            "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED",
            "yes",
            "is neither true nor false",
        ),
    ] {
        world.set(variable, value);
        let error = world.plan_error();
        error.must_say(&[&format!("{variable} {said}")]);
        world.unset(variable);
    }
    assert!(world.cloud.calls().is_empty());
}

fn retries_are_as_many_as_the_block_says(world: &TestWorkspace) {
    for (retries, said) in [("0", "no connection"), ("1", "(2 attempts)")] {
        let nowhere = Block::new("endpoints").text("live", "http://127.0.0.1:1");
        let provider = Block::provider().with("max_retries", retries);
        configure(world, &provider.containing(nowhere));
        let error = world.apply_error();
        error.must_say(&[said]);
        assert!(retries == "1" || !error.says("attempts"), "{error:#?}");
    }
}

fn a_broken_source_stops_the_plan_and_is_named(world: &TestWorkspace) {
    without_keys(world);
    let uri = format!("{}/credentials", world.cloud.url());
    let provider = Block::provider()
        .text("profile", "prod")
        .text("credentials_uri", &uri);
    configure(world, &provider);
    let error = world.plan_error();
    error.must_say(&[
        "~/.aliyun/config.json cannot be read",
        "Profile is configured",
    ]);
    assert_eq!(world.pointed_at(&error), "profile");
    assert!(world.cloud.calls().is_empty());
}

fn a_source_that_rejects_stops_the_plan_and_is_named(world: &TestWorkspace) {
    world.set("ALIBABA_CLOUD_ENDPOINT_STS", world.cloud.url());
    let role = Block::new("assume_role").text("role_arn", "acs:ram::1:role/nobody");
    configure(world, &Block::provider().containing(role));
    let error = world.apply_error();
    error.must_say(&[
        "was not sent",
        "AssumeRole",
        "EntityNotExist.Role",
        "RequestId",
    ]);
    assert!(world.cloud.jobs().is_empty());
}
