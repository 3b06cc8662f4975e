//! The world that sources touch, where it is the real one.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use alicloud_auth::credentials::{CommandOutput, CredentialsConfig, SystemContext, select_source};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::case::system;

/// Far more than anything here takes, and far less than what would be waited for if it were not bounded.
const SOON: Duration = Duration::from_secs(30);

fn world() -> (TempDir, SystemContext) {
    let home = TempDir::new().unwrap();
    let system = system(BTreeMap::new(), home.path());
    (home, system)
}

async fn shell(script: &str, time_limit: Duration) -> std::io::Result<CommandOutput> {
    let (_home, system) = world();
    let arguments = ["-c".to_owned(), script.to_owned()];
    system.commands.run("sh", &arguments, time_limit).await
}

#[tokio::test]
async fn a_program_that_does_not_end_is_ended() {
    let begun = Instant::now();
    let ended = shell("sleep 600", Duration::from_millis(50)).await;
    assert_eq!(ended.err().unwrap().kind(), ErrorKind::TimedOut);
    assert!(begun.elapsed() < SOON);
}

#[tokio::test]
async fn what_a_program_left_running_does_not_hold_up_its_output() {
    let begun = Instant::now();
    let ended = shell("echo keys; sleep 600 & echo $!", SOON).await.unwrap();
    assert!(ended.success);
    let printed = ended.output.expose_secret().to_owned();
    let left = printed.strip_prefix("keys\n").unwrap().trim();
    assert!(begun.elapsed() < SOON);
    // It was meant to go on, and does.
    assert!(is_running(left));
    Command::new("kill").arg(left).status().unwrap();
}

#[tokio::test]
async fn a_program_is_ended_with_all_that_it_has_started() {
    let (home, system) = world();
    let file = home.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let arguments = ["-c".to_owned(), script];
    let running = system
        .commands
        .run("sh", &arguments, Duration::from_millis(500));
    assert_eq!(running.await.err().unwrap().kind(), ErrorKind::TimedOut);
    let grandchild = fs::read_to_string(&file).unwrap();
    let begun = Instant::now();
    while is_running(grandchild.trim()) {
        assert!(begun.elapsed() < SOON, "{grandchild} goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_program_that_is_not_waited_for_any_more_is_ended_with_all_that_it_has_started() {
    let (home, system) = world();
    let file = home.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let arguments = ["-c".to_owned(), script];
    let running = system
        .commands
        .run("sh", &arguments, Duration::from_secs(600));
    tokio::select! {
        _ = running => panic!("it ended"),
        () = written(&file) => {}
    }
    let grandchild = fs::read_to_string(&file).unwrap();
    let begun = Instant::now();
    while is_running(grandchild.trim()) {
        assert!(begun.elapsed() < SOON, "{grandchild} goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn written(file: &Path) {
    while !fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n')) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether the process is there and no zombie.
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
async fn a_program_that_prints_without_end_is_ended() {
    let begun = Instant::now();
    let ended = shell("exec yes hunter2", Duration::from_secs(600)).await;
    let error = ended.err().unwrap().to_string();
    assert_eq!(error, "its output is too long");
    assert!(begun.elapsed() < SOON);
}

fn of_file(path: &Path) -> CredentialsConfig {
    CredentialsConfig {
        shared_credentials_file: Some(path.display().to_string()),
        ..CredentialsConfig::default()
    }
}

#[tokio::test]
async fn what_is_not_a_regular_file_of_text_is_refused_and_never_waited_for() {
    let (home, system) = world();
    let at = |name: &str| home.path().join(name);
    let made = Command::new("mkfifo").arg(at("fifo")).status().unwrap();
    assert!(made.success());
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("latin1"), b"[default]\naccess_key_id = caf\xe9\n").unwrap();
    let mut huge = File::create(at("huge")).unwrap();
    huge.write_all(b"[default]\n").unwrap();
    huge.set_len(64 << 30).unwrap();
    let begun = Instant::now();
    for (path, said) in [
        (at("fifo"), "it is not a regular file"),
        (at("folder"), "it is not a regular file"),
        ("/dev/zero".into(), "it is not a regular file"),
        ("/dev/tty".into(), ""),
        (at("huge"), "it is larger than 1 MiB"),
        (at("latin1"), "it is not UTF-8 text"),
    ] {
        let error = select_source(&of_file(&path), &system).await.unwrap_err();
        let shown = error.to_string();
        assert!(shown.contains(said), "{shown}");
        assert!(shown.contains(&path.display().to_string()), "{shown}");
        assert_eq!(error.argument(), Some("shared_credentials_file"));
    }
    assert!(begun.elapsed() < SOON);
}

#[tokio::test]
async fn a_token_file_that_is_a_fifo_is_refused_and_never_waited_for() {
    let (home, _) = world();
    let fifo = home.path().join("token");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let variables = [
        (
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
            "acs:ram::1:oidc-provider/p",
        ),
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "~/token"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let system = system(BTreeMap::from(variables), home.path());
    let error = select_source(&CredentialsConfig::default(), &system)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("it is not a regular file"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_others_can_read_is_warned_of_and_a_private_one_is_not() {
    let (home, system) = world();
    let file = home.path().join("keys.ini");
    let text = "[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = hunter2\n";
    fs::write(&file, text).unwrap();
    let settings = of_file(Path::new("~/keys.ini"));
    for (mode, warnings) in [(0o644, 1), (0o640, 1), (0o600, 0)] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let chosen = select_source(&settings, &system).await.unwrap();
        assert_eq!(chosen.warnings.len(), warnings, "{mode:o}");
        assert!(
            chosen
                .warnings
                .iter()
                .all(|text| text.contains("chmod 600 ~/keys.ini"))
        );
    }
}
