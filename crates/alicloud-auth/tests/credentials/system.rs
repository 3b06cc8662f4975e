//! Files and programs of this machine.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use alicloud_auth::credentials::{
    CommandOutput, CredentialsConfig, SystemContext, Warning, select_source,
};
use futures_util::FutureExt as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::case::system;

/// Far longer than any operation here takes, and far shorter than an unbounded one.
const SOON: Duration = Duration::from_secs(30);

fn world() -> (TempDir, SystemContext) {
    let home = TempDir::new().unwrap();
    let system = system(BTreeMap::new(), home.path());
    (home, system)
}

#[tokio::test]
async fn a_credentials_file_behind_a_dangling_link_is_not_absent() {
    for link in [".aliyun/config.json", ".aliyun"] {
        let (home, system) = world();
        // Comes after the CLI's file.
        let sdk = home.path().join(".alibabacloud/credentials");
        fs::create_dir(sdk.parent().unwrap()).unwrap();
        let keys = "[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = hunter\n";
        fs::write(sdk, keys).unwrap();
        let config = CredentialsConfig::default();
        assert!(select_source(&config, &system).await.is_ok());
        let link = home.path().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(home.path().join("not mounted"), &link).unwrap();
        let error = select_source(&config, &system).await.err().unwrap();
        let expected = format!(
            "the target of the symbolic link {} does not",
            link.display()
        );
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[tokio::test]
async fn without_a_home_directory_a_path_below_it_is_an_error_and_well_known_files_are_absent() {
    let select = async |variables: &[(&str, &str)], config: CredentialsConfig| {
        let variables = variables.iter().copied();
        let system = SystemContext::new(variables.collect(), "tests".to_owned()).unwrap();
        let selected = select_source(&config, &system).await;
        selected.err().unwrap().to_string()
    };
    let keys = || CredentialsConfig {
        access_key: Some("id".to_owned()),
        secret_key: Some("hunter2".into()),
        ..CredentialsConfig::default()
    };
    let oidc = [
        (
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
            "acs:ram::1:oidc-provider/p",
        ),
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "~/token"),
    ];
    let file = [("ALIBABA_CLOUD_CONFIG_FILE", "~/keys.json")];
    let profile = [("ALICLOUD_PROFILE", "p")];
    for (variables, config, expected) in [
        (
            &profile[..],
            keys(),
            "~/.aliyun/config.json cannot be read: ",
        ),
        (
            &profile,
            CredentialsConfig::default(),
            "~/.aliyun/config.json cannot be read: ",
        ),
        (
            &file,
            CredentialsConfig::default(),
            "~/keys.json cannot be read: ",
        ),
        (
            &oidc,
            CredentialsConfig::default(),
            "OIDC token file ~/token: ",
        ),
    ] {
        let error = select(variables, config).await;
        let expected = format!("{expected}HOME is not set, so ~ is unknown");
        assert!(error.contains(&expected), "{error}");
    }
    let error = select(&[], CredentialsConfig::default()).await;
    assert!(error.contains("there is no home directory"), "{error}");
}

async fn shell(script: &str, timeout: Duration) -> std::io::Result<CommandOutput> {
    let (_home, system) = world();
    let arguments = ["-c".to_owned(), script.to_owned()];
    system.commands.run("sh", &arguments, timeout).await
}

#[tokio::test]
async fn a_child_that_a_program_left_running_does_not_delay_its_output() {
    let started_at = Instant::now();
    let ended = shell("echo keys; sleep 600 & echo $!", SOON).await.unwrap();
    assert!(ended.success);
    let printed = ended.output.expose_secret().to_owned();
    let left = printed.strip_prefix("keys\n").unwrap().trim();
    assert!(started_at.elapsed() < SOON);
    // The child is meant to run on.
    assert!(is_running(left));
    Command::new("kill").arg(left).status().unwrap();
}

#[tokio::test]
async fn a_program_that_times_out_is_killed_with_its_children() {
    let (home, system) = world();
    let file = home.path().join("pid");
    let arguments = start_child(&file);
    let timeout = Duration::from_millis(500);
    let running = system.commands.run("sh", &arguments, timeout);
    assert_eq!(running.await.err().unwrap().kind(), ErrorKind::TimedOut);
    child_is_killed(&file).await;
}

/// A script that starts a child and writes its process ID.
fn start_child(file: &Path) -> [String; 2] {
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    ["-c".to_owned(), script]
}

async fn child_is_killed(file: &Path) {
    let child = fs::read_to_string(file).unwrap();
    let started_at = Instant::now();
    while is_running(child.trim()) {
        assert!(started_at.elapsed() < SOON, "{child} is still running");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_program_whose_call_is_dropped_is_killed_with_its_children() {
    let (home, system) = world();
    let file = home.path().join("pid");
    let arguments = start_child(&file);
    let timeout = Duration::from_secs(600);
    let running = system.commands.run("sh", &arguments, timeout);
    tokio::select! {
        _ = running => panic!("it exited"),
        () = written(&file) => {}
    }
    child_is_killed(&file).await;
}

async fn written(file: &Path) {
    while !fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n')) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether the process exists and is not a zombie.
fn is_running(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim().starts_with('Z'))
}

#[tokio::test]
async fn a_program_leads_a_process_group_so_that_ctrl_c_does_not_reach_it() {
    let ended = shell("ps -o pgid= -p $$; echo $$", SOON).await.unwrap();
    let printed = ended.output.expose_secret().to_owned();
    let [group, id] = printed.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{printed}")
    };
    assert_eq!(group, id);
}

#[tokio::test]
async fn a_program_that_prints_endlessly_is_killed() {
    let started_at = Instant::now();
    let ended = shell("exec yes hunter2", Duration::from_secs(600)).await;
    let error = ended.err().unwrap().to_string();
    assert_eq!(error, "its output is too long");
    assert!(started_at.elapsed() < SOON);
}

fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

fn of_file(path: &Path) -> CredentialsConfig {
    CredentialsConfig {
        shared_credentials_file: Some(path.display().to_string()),
        ..CredentialsConfig::default()
    }
}

#[tokio::test]
async fn anything_but_a_regular_text_file_is_rejected_without_waiting() {
    let (home, system) = world();
    let at = |name: &str| home.path().join(name);
    make_fifo(&at("fifo"));
    fs::create_dir(at("directory")).unwrap();
    fs::write(at("latin1"), b"[default]\naccess_key_id = caf\xe9\n").unwrap();
    let mut huge = File::create(at("huge")).unwrap();
    huge.write_all(b"[default]\n").unwrap();
    huge.set_len(64 << 30).unwrap();
    let started_at = Instant::now();
    for (path, expected) in [
        (at("fifo"), "it is not a regular file"),
        (at("directory"), "it is not a regular file"),
        ("/dev/zero".into(), "it is not a regular file"),
        ("/dev/tty".into(), ""),
        (at("huge"), "it is larger than 1 MiB"),
        (at("latin1"), "it is not UTF-8 text"),
    ] {
        let selected = select_source(&of_file(&path), &system).await;
        let error = selected.err().unwrap();
        let shown = error.to_string();
        assert!(shown.contains(expected), "{shown}");
        assert!(shown.contains(&path.display().to_string()), "{shown}");
        assert_eq!(error.argument(), Some("shared_credentials_file"));
    }
    assert!(started_at.elapsed() < SOON);
}

#[tokio::test(start_paused = true)]
async fn a_file_whose_replacement_stalls_is_given_up_after_10_s() {
    let (home, system) = world();
    let file = home.path().join("config.json");
    fs::write(&file, "{}").unwrap();
    let locked = system.files.lock(&file).await.unwrap();
    // Opening it takes as long as on a drive that does not respond: until there is a writer.
    fs::remove_file(&file).unwrap();
    make_fifo(&file);
    let mut replacing = locked.replace("{}".into());
    assert!((&mut replacing).now_or_never().is_none());
    tokio::time::advance(Duration::from_secs(10)).await;
    let replaced = replacing.now_or_never();
    // Ends the thread.
    File::options().write(true).open(&file).unwrap();
    let error = replaced.expect("it has no time limit").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_token_file_that_is_a_fifo_is_rejected_without_waiting() {
    let (home, _) = world();
    let fifo = home.path().join("token");
    make_fifo(&fifo);
    let provider = "acs:ram::1:oidc-provider/p";
    let variables = [
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", provider),
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "~/token"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let system = system(BTreeMap::from(variables), home.path());
    let selected = select_source(&CredentialsConfig::default(), &system).await;
    let error = selected.err().unwrap().to_string();
    assert!(error.contains("it is not a regular file"), "{error}");
}

#[tokio::test]
async fn a_file_that_other_users_can_read_causes_a_warning_and_a_private_one_does_not() {
    let (home, system) = world();
    let file = home.path().join("keys.ini");
    let text = "[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = hunter2\n";
    fs::write(&file, text).unwrap();
    let config = of_file(Path::new("~/keys.ini"));
    for (mode, warnings) in [(0o644, 1), (0o640, 1), (0o600, 0)] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let selected = select_source(&config, &system).await.unwrap();
        assert_eq!(selected.warnings.len(), warnings, "{mode:o}");
        for warning in selected.warnings {
            let Warning::ExposedFile(text) = warning else {
                panic!("{warning:?}")
            };
            assert!(text.contains("chmod 600 ~/keys.ini"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_file_and_a_response_may_have_their_largest_size_and_no_more() {
    let (home, system) = world();
    let file = home.path().join("keys.ini");
    let text = "[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = hunter2\n";
    for (size, is_valid) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        fs::write(&file, padded(text, size)).unwrap();
        let selected = select_source(&of_file(&file), &system).await;
        assert_eq!(selected.is_ok(), is_valid, "{size} bytes");
    }
    let body = r#"{"Code": "Success", "AccessKeyId": "id", "AccessKeySecret": "hunter2", "SecurityToken": "hunter3"}"#;
    for (size, is_valid) in [(256 << 10, true), ((256 << 10) + 1, false)] {
        let config = CredentialsConfig {
            credentials_uri: Some(responding(padded(body, size))),
            ..CredentialsConfig::default()
        };
        let source = select_source(&config, &system).await.unwrap().source;
        match source.load().await {
            Ok(_) => assert!(is_valid),
            Err(error) => assert!(
                error.reason.ends_with("the response is too long"),
                "{error}"
            ),
        }
    }
}

fn padded(text: &str, size: usize) -> String {
    text.to_owned() + &"\n".repeat(size - text.len())
}

#[tokio::test]
async fn an_error_of_a_certificate_says_so_without_the_words_of_a_library() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    thread::spawn(move || {
        let mut connection = ServerConnection::new(Arc::new(tls)).unwrap();
        // The client rejects the certificate.
        let _ = connection.complete_io(&mut listener.accept().unwrap().0);
    });
    let config = CredentialsConfig {
        credentials_uri: Some(url),
        ..CredentialsConfig::default()
    };
    let source = select_source(&config, &world().1).await.unwrap().source;
    let error = source.load().await.unwrap_err();
    let expected = "the TLS certificate is not trusted: its issuer is unknown to this machine";
    assert!(error.reason.ends_with(expected), "{error}");
}

/// Responds to one call; returns its URL.
fn responding(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        // A client that has read enough closes the connection.
        let _ = stream.write_all((head + &body).as_bytes());
    });
    url
}
