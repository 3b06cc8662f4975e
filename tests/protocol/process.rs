//! The plugin as a process: how it starts, what it writes, when it ends.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus, Mock, MockSettings};
use serde_json::json;
use tokio::net::UnixStream;
use tonic::transport::Channel;

use crate::plugin_host::{LIMIT, Plugin, channel, command, entries, output};
use crate::requests::{apply, configure, response, value};
use crate::served::provider_block;
use tfplugin::generated::plugin::Empty;
use tfplugin::generated::plugin::grpc_controller_client::GrpcControllerClient;
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;
use tfplugin::generated::tfplugin6::{configure_provider, get_provider_schema, read_data_source};

async fn schema(channel: Channel) -> get_provider_schema::Response {
    let mut provider = ProviderClient::new(channel);
    response(provider.get_provider_schema(get_provider_schema::Request {})).await
}

#[test]
fn a_caller_that_is_not_served_is_told_why() {
    for (variable, value, why) in [
        ("TF_PLUGIN_MAGIC_COOKIE", "", "terraform init"),
        ("TF_PLUGIN_MAGIC_COOKIE", "wrong", "terraform init"),
        ("PLUGIN_CLIENT_CERT", "", "TF_DISABLE_PLUGIN_TLS"),
        ("PLUGIN_CLIENT_CERT", "not PEM", "not hold a certificate"),
    ] {
        let ended = output(command().env(variable, value));
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.stdout.is_empty());
        let error = String::from_utf8(ended.stderr).unwrap();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn version_and_help_are_printed() {
    let version = output(command().arg("--version"));
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        concat!(
            "terraform-provider-alicloud-live ",
            env!("CARGO_PKG_VERSION"),
            "\n"
        )
    );
    let help = output(command().arg("--help"));
    assert!(String::from_utf8(help.stdout).unwrap().contains("-debug"));
    assert!(help.status.success());
}

#[tokio::test]
async fn whatever_is_offered_the_response_is_protocol_6() {
    // A host that does not speak it words the error itself.
    for offered in ["5,6", "6", "5", "garbage,"] {
        let plugin = Plugin::start_with(|command| {
            command
                .env("PLUGIN_PROTOCOL_VERSIONS", offered)
                .env("TF_LOG", "off");
        });
        assert!(plugin.line.starts_with("1|6|unix|/"), "{}", plugin.line);
        assert_eq!(plugin.line.split('|').nth(4), Some("grpc"));
        assert_eq!(plugin.line.split('|').count(), 6);
    }
}

#[tokio::test]
async fn multiplexing_is_declined_only_when_asked_about() {
    let plugin = Plugin::start_with(|command| {
        command.env("PLUGIN_MULTIPLEX_GRPC", "true");
    });
    assert_eq!(plugin.line.split('|').count(), 7);
    assert!(plugin.line.ends_with("|false"));
}

#[tokio::test]
async fn socket_and_folder_are_for_the_owner_alone() {
    let plugin = Plugin::start();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let socket = plugin.socket();
    let folder = socket.parent().unwrap();
    assert_eq!(folder.parent(), Some(plugin.sockets.path()));
    assert_eq!(mode(folder), 0o700);
    assert_eq!(mode(&socket), 0o600);
}

#[tokio::test]
async fn a_shutdown_ends_the_process_and_leaves_nothing_behind() {
    let mut plugin = Plugin::start();
    let channel = plugin.connect().await;
    let response = schema(channel.clone()).await;
    assert!(response.provider.is_some());
    let mut controller = GrpcControllerClient::new(channel);
    controller.shutdown(Empty {}).await.unwrap();

    let (status, took, rest) = plugin.ended().await;
    assert_eq!(status.code(), Some(0));
    assert!(
        took < Duration::from_secs(2),
        "the host would have killed it"
    );
    assert_eq!(rest, "", "stdout contains the handshake line alone");
    assert_eq!(entries(plugin.sockets.path()), 0);
}

/// Waits until a message stands so many times in a log.
async fn logged(log: &Path, message: &str, times: usize) {
    let begun = Instant::now();
    while fs::read_to_string(log).unwrap().matches(message).count() < times {
        assert!(begun.elapsed() < LIMIT, "{message:?} was not logged");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn neither_an_interrupt_nor_a_termination_nor_a_closed_terminal_ends_the_process() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let plugin = Plugin::start_with(|command| {
        command.env("TF_LOG", "debug").stderr(log.reopen().unwrap());
    });
    let channel = plugin.connect().await;
    schema(channel.clone()).await;
    // An interrupt is the host's to deal with.
    plugin.signal("INT");
    schema(channel.clone()).await;
    // What a program in Go survives, its provider must survive too.
    for signal in [
        "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XCPU", "XFSZ",
    ] {
        plugin.signal(signal);
        schema(channel.clone()).await;
    }
    for (times, signal) in (1..).zip(["TERM", "HUP", "QUIT", "TERM"]) {
        plugin.signal(signal);
        logged(log.path(), "asked to stop by signal", times).await;
        schema(channel.clone()).await;
    }
}

#[tokio::test]
async fn the_plugin_ends_with_its_host() {
    let mut plugin = Plugin::start();
    let channel = plugin.connect().await;
    schema(channel).await;
    plugin.abandon();
    let (status, took, _) = plugin.ended().await;
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(2));
    assert_eq!(entries(plugin.sockets.path()), 0);
}

#[tokio::test]
async fn a_developer_attaches_without_cookie_and_certificate() {
    let mut plugin = Plugin::start_with(|command| {
        command
            .arg("-debug")
            .env_remove("TF_PLUGIN_MAGIC_COOKIE")
            .env_remove("PLUGIN_CLIENT_CERT");
    });
    // An empty line after the greeting, then the setting and another one.
    assert_eq!(plugin.read_paragraph(), "\n");
    let setting = plugin.read_paragraph();
    let providers = setting
        .trim()
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .and_then(|rest| rest.strip_suffix('\''))
        .expect("a line to paste into a shell");
    let providers: serde_json::Value = serde_json::from_str(providers).unwrap();
    let provider = &providers["registry.terraform.io/edge-transcode/alicloud-live"];
    assert_eq!(provider["Protocol"], "grpc");
    assert_eq!(provider["ProtocolVersion"], 6);
    assert_eq!(provider["Test"], true);
    assert_eq!(provider["Pid"], plugin.id());
    assert_eq!(provider["Addr"]["Network"], "unix");

    let socket = provider["Addr"]["String"].as_str().unwrap();
    for _command in ["plan", "apply"] {
        let stream = UnixStream::connect(socket).await.unwrap();
        let response = schema(channel(stream).await.unwrap()).await;
        assert!(response.provider.is_some());
    }

    plugin.signal("INT");
    let (status, _, _) = plugin.ended().await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(entries(plugin.sockets.path()), 0);
}

#[tokio::test]
async fn a_developer_ends_the_process_with_a_key_a_signal_or_the_terminal() {
    for signal in ["INT", "QUIT", "TERM", "HUP"] {
        let mut plugin = Plugin::start_with(|command| {
            command.arg("-debug");
        });
        plugin.read_paragraph();
        plugin.signal("USR1");
        plugin.signal(signal);
        let (status, _, _) = plugin.ended().await;
        assert_eq!(status.code(), Some(0), "{signal}");
        assert_eq!(entries(plugin.sockets.path()), 0);
    }
}

#[tokio::test]
async fn what_is_logged_is_what_the_host_can_read() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut plugin = Plugin::start_with(|command| {
        command.env("TF_LOG", "trace").stderr(log.reopen().unwrap());
    });
    let channel = plugin.connect().await;
    schema(channel.clone()).await;
    // A call of the API, so that the crates below log, too.
    let mock = Mock::start(MockSettings::default()).unwrap();
    let mut provider = ProviderClient::new(channel);
    configure(&mut provider, &provider_block(&mock)).await;
    let request = read_data_source::Request {
        type_name: "alicloud_live_edge_transcode_jobs".to_owned(),
        config: value(&json!({ "cluster_id": "cluster-1" })),
        ..read_data_source::Request::default()
    };
    let read = response(provider.read_data_source(request)).await;
    assert_eq!(read.diagnostics, []);
    plugin.abandon();
    plugin.ended().await;

    let text = fs::read_to_string(log.path()).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    for line in &lines {
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(line[key].is_string(), "{key} of {line}");
        }
    }
    let mut all = lines.iter();
    let call = all.find(|line| line["@message"] == "call answered");
    let call = call.unwrap();
    assert_eq!(call["tf_rpc"], "GetProviderSchema");
    assert!(call["tf_req_duration_ms"].is_number());
    let crates: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line["@module"].as_str()?.split('.').next())
        .collect();
    assert_eq!(
        crates,
        BTreeSet::from(["alicloud_auth", "alicloud_live", "tfplugin"])
    );
}

/// With a file that does not exist Terraform goes on, and trusts less than its user thinks.
#[tokio::test]
async fn the_certificates_of_the_environment_are_found_or_their_variable_is_named() {
    for (file, expected) in [
        ("", None),
        ("/missing.pem", Some("SSL_CERT_FILE names a file")),
    ] {
        let plugin = Plugin::start_with(|command| {
            command
                .env("SSL_CERT_FILE", file)
                .env_remove("SSL_CERT_DIR");
        });
        let mut provider = ProviderClient::new(plugin.connect().await);
        let block = json!({
            "access_key": "id", "secret_key": "secret", "endpoints": [{ "live": "https://live.example" }],
        });
        let request = configure_provider::Request {
            config: value(&block),
            ..configure_provider::Request::default()
        };
        let configured = response(provider.configure_provider(request)).await;
        let details: Vec<_> = configured
            .diagnostics
            .iter()
            .map(|it| &*it.detail)
            .collect();
        match expected {
            None => assert!(details.is_empty(), "{details:?}"),
            Some(expected) => assert!(details[0].starts_with(expected), "{details:?}"),
        }
    }
}

/// The process must not go on for ever in the background, whatever is still owed.
#[tokio::test]
async fn a_change_outlives_its_host_by_ten_seconds_at_most() {
    let mock = Arc::new(Mock::start(MockSettings::default()).unwrap());
    let job = mock.seed_job(|job| job.status = JobStatus::Running);
    let mut plugin = Plugin::start();
    let mut provider = ProviderClient::new(plugin.connect().await);
    configure(&mut provider, &provider_block(&mock)).await;

    // The update waits, and no start will ever succeed.
    mock.set_faults(vec![
        Fault::new("UpdateEdgeTranscodeJob", FaultKind::Pause).when(FaultStage::Before),
        Fault::new(
            "StartEdgeTranscodeJob",
            FaultKind::error(503, "ServiceUnavailable"),
        ),
    ]);
    let state = |name: &str| {
        value(&json!({
            "id": format!("cluster-1:{}", job.job_id), "cluster_id": "cluster-1", "job_id": job.job_id,
            "name": name, "template_id": job.template_id, "stream_input": job.stream_input,
            "stream_output": job.stream_output, "status": "Running",
        }))
    };
    let (prior, planned) = (state(&job.name), state("renamed"));
    let update = apply("alicloud_live_edge_transcode_job", prior, planned);
    let call = tokio::spawn(async move { provider.apply_resource_change(update).await });
    let waiting = Arc::clone(&mock);
    let held = tokio::task::spawn_blocking(move || waiting.wait_paused(LIMIT)).await;
    assert_eq!(held.unwrap().len(), 1);

    call.abort();
    plugin.abandon();
    mock.release();
    let (status, took, _) = plugin.ended().await;
    assert_eq!(status.code(), Some(0));
    assert!(took > Duration::from_secs(5), "a start is owed: {took:?}");
    assert!(took < Duration::from_secs(13), "{took:?}");
    let starts = mock.calls();
    let starts = starts
        .iter()
        .filter(|call| call.action.as_deref() == Some("StartEdgeTranscodeJob"));
    assert!(starts.count() > 1);
}
