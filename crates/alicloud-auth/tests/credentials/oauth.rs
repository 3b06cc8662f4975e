//! Expired access tokens of the CLI's logins are renewed as the CLI renews them, and its file keeps working.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::Duration;

use alicloud_auth::credentials::{
    CredentialsConfig, CredentialsSource, FileAccess, FileText, HttpRequest, HttpResponse,
    HttpSend, LoadedCredentials, LockedFile, SourceError, SystemContext, select_source,
};
use async_trait::async_trait;
use rustix::fs::{FlockOperation, flock};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::case::system;
use crate::wire::FAR;

/// The sign-in host: each refresh token is valid once, and each access token until the next one is issued.
#[derive(Default)]
struct SignIn {
    renewed: Mutex<u32>,
    exchanged: Mutex<u32>,
    /// The status of a rejection.
    rejection: Option<u16>,
    /// Whether another program may have used a refresh token, which is rejected then.
    has_others: bool,
    /// The lifetime of access tokens, in seconds.
    lifetime: Option<i64>,
    /// Whether STS responds, with the account of the latest token.
    has_sts: bool,
    /// Happens while a token is renewed.
    during_renewal: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl SignIn {
    /// The response of STS.
    fn caller(&self) -> (u16, String) {
        if !self.has_sts {
            return (403, "hunter".to_owned());
        }
        let caller = json!({
            "AccountId": format!("account {}", *self.renewed.lock().unwrap()), "PrincipalId": "1",
            "IdentityType": "RAMUser", "Arn": "acs:ram::1:user/u", "RequestId": "R",
        });
        (200, caller.to_string())
    }
}

#[async_trait]
impl HttpSend for SignIn {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        let response = |status, body: String| {
            Ok(HttpResponse {
                status,
                body: body.into(),
                date: None,
            })
        };
        // Lets other tasks run in between.
        tokio::task::yield_now().await;
        let body = request.body.expose_secret();
        match request.url.as_str() {
            "https://oauth.alibabacloud.com/v1/token" => {
                if let Some(during_renewal) = self.during_renewal.get() {
                    during_renewal();
                }
                if let Some(status) = self.rejection {
                    return response(status, "hunter".to_owned());
                }
                let mut renewed = self.renewed.lock().unwrap();
                let form = |renewed| {
                    format!(
                        "grant_type=refresh_token&refresh_token=hunter+refresh%26{renewed}&client_id=4103531455503354461"
                    )
                };
                if self.has_others && (0..*renewed).any(|used| body == form(used)) {
                    return response(400, "hunter".to_owned());
                }
                assert_eq!(body, form(*renewed));
                *renewed += 1;
                let tokens = json!({
                    "access_token": format!("hunter access {renewed}"),
                    "refresh_token": format!("hunter refresh&{renewed}"),
                    "expires_in": self.lifetime.unwrap_or(3600), "token_type": "Bearer",
                });
                response(200, tokens.to_string())
            }
            "https://oauth.alibabacloud.com/v1/exchange" => {
                let (name, token) = &request.headers[0];
                let renewed = *self.renewed.lock().unwrap();
                assert_eq!(*name, "authorization");
                let token = token.expose_secret();
                if token == "Bearer hunter access 0" {
                    return response(401, "hunter".to_owned());
                }
                assert_eq!(token, format!("Bearer hunter access {renewed}"));
                let mut exchanged = self.exchanged.lock().unwrap();
                *exchanged += 1;
                let keys = json!({
                    "accessKeyId": format!("STS.{exchanged}"), "accessKeySecret": "hunter", "securityToken": "hunter",
                    "expiration": "2100-01-01T00:00:00Z", "requestId": "R",
                });
                response(200, keys.to_string())
            }
            sts if sts.starts_with("https://sts.aliyuncs.com/") => {
                let (status, body) = self.caller();
                response(status, body)
            }
            other => panic!("{other}"),
        }
    }
}

/// A home directory with the CLI's file: an expired login, another profile, and unknown fields.
fn home() -> (TempDir, PathBuf) {
    let home = TempDir::new().unwrap();
    let file = home.path().join(".aliyun/config.json");
    let login = json!({
        "name": "login", "mode": "OAuth", "oauth_site_type": "INTL", "unknown": [1, {"a": null}],
        "oauth_access_token": "hunter access 0", "oauth_refresh_token": "hunter refresh&0",
        "oauth_access_token_expire": 1,
    });
    let other = json!({"name": "other", "mode": "AK", "access_key_id": "id", "access_key_secret": "hunter"});
    let config = json!({"current": "login", "profiles": [other, login], "meta_path": "x", "plugins": {"a": 1}});
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, format!("\u{feff}{config}")).unwrap();
    (home, file)
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap();
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap()
}

fn context(home: &TempDir, sign_in: &Arc<SignIn>) -> SystemContext {
    SystemContext {
        http: Arc::clone(sign_in) as _,
        ..system(BTreeMap::new(), home.path())
    }
}

async fn source(system: &SystemContext) -> Box<dyn CredentialsSource> {
    select_source(&CredentialsConfig::default(), system)
        .await
        .unwrap()
        .source
}

async fn load(system: &SystemContext) -> Result<LoadedCredentials, SourceError> {
    source(system).await.load().await
}

#[tokio::test]
async fn new_tokens_are_written_to_the_file_and_everything_else_is_kept() {
    let (home, file) = home();
    let mut expected = read(&file);
    let sign_in = Arc::default();
    let system = context(&home, &sign_in);
    let loaded = load(&system).await.unwrap();
    assert_eq!(loaded.credentials.access_key_id, "STS.1");

    let written = read(&file);
    let expires_at = &written["profiles"][1]["oauth_access_token_expire"];
    let login = &mut expected["profiles"][1];
    login["oauth_access_token"] = json!("hunter access 1");
    login["oauth_refresh_token"] = json!("hunter refresh&1");
    login["oauth_access_token_expire"] = expires_at.clone();
    assert_eq!(written, expected);
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let lasts = expires_at.as_i64().unwrap() - now;
    assert!((3500..=3600).contains(&lasts), "{lasts}");
    let permissions = fs::metadata(&file).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);
    let names = fs::read_dir(file.parent().unwrap()).unwrap();
    assert_eq!(names.count(), 1);

    // The next process uses the same access token.
    let loaded = load(&system).await.unwrap();
    assert_eq!(loaded.credentials.access_key_id, "STS.2");
    assert_eq!(*sign_in.renewed.lock().unwrap(), 1);
}

#[tokio::test]
async fn the_expiry_of_a_token_is_read_and_written_by_the_clock_of_this_machine_as_by_the_cli() {
    for hours in [8, -8] {
        let (home, file) = home();
        let sign_in = Arc::default();
        let system = context(&home, &sign_in);
        let now = time::OffsetDateTime::now_utc();
        system.clock.learn(now + time::Duration::hours(hours));
        load(&system).await.unwrap();
        let login = &read(&file)["profiles"][1];
        let expires_at = login["oauth_access_token_expire"].as_i64().unwrap();
        let lasts = expires_at - now.unix_timestamp();
        assert!((3500..=3700).contains(&lasts), "{lasts}");
        load(&system).await.unwrap();
        assert_eq!(*sign_in.renewed.lock().unwrap(), 1);
    }
}

#[tokio::test]
async fn an_access_token_that_is_rejected_before_it_expires_is_renewed_once() {
    let (home, file) = home();
    let mut login = read(&file);
    login["profiles"][1]["oauth_access_token_expire"] = json!(FAR);
    replace_as_the_cli(&file, &login.to_string());
    let sign_in = Arc::default();
    let loaded = load(&context(&home, &sign_in)).await.unwrap();
    assert_eq!(loaded.credentials.access_key_id, "STS.1");
    assert_eq!(*sign_in.renewed.lock().unwrap(), 1);
    let login = &read(&file)["profiles"][1];
    assert_eq!(login["oauth_refresh_token"], "hunter refresh&1");
}

#[tokio::test]
async fn the_end_of_the_process_waits_from_the_renewal_of_a_token_until_it_is_written() {
    let (home, file) = home();
    let sign_in = Arc::new(SignIn::default());
    let system = context(&home, &sign_in);
    let work = system.work.clone();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = move |seen: &Mutex<Vec<usize>>| seen.lock().unwrap().push(work.len());
    let (during_renewal, while_renewing) = (look.clone(), Arc::clone(&seen));
    let during_renewal = Box::new(move || during_renewal(&while_renewing));
    assert!(sign_in.during_renewal.set(during_renewal).is_ok());
    let while_writing = Arc::clone(&seen);
    let before_replacement = move || {
        look(&while_writing);
        Ok(())
    };
    let system = hooked(system, || Ok(()), before_replacement);
    load(&system).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 1]);
    assert!(system.work.is_empty());
    let login = &read(&file)["profiles"][1];
    assert_eq!(login["oauth_refresh_token"], "hunter refresh&1");
}

#[tokio::test]
async fn of_processes_that_find_the_token_expired_at_the_same_time_one_renews_it() {
    let (home, file) = home();
    let sign_in = Arc::default();
    let system = context(&home, &sign_in);
    let sources: Vec<_> = futures_util::future::join_all((0..8).map(|_| source(&system))).await;
    let loaded = futures_util::future::join_all(sources.iter().map(|source| source.load())).await;
    assert!(loaded.iter().all(Result::is_ok), "{loaded:?}");
    assert_eq!(*sign_in.renewed.lock().unwrap(), 1);
    let login = &read(&file)["profiles"][1];
    assert_eq!(login["oauth_refresh_token"], "hunter refresh&1");
}

#[tokio::test]
async fn a_file_behind_a_symbolic_link_is_replaced_and_the_link_is_kept() {
    let (home, file) = home();
    let elsewhere = home.path().join("elsewhere.json");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    load(&context(&home, &Arc::default())).await.unwrap();
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
    let login = &read(&elsewhere)["profiles"][1];
    assert_eq!(login["oauth_refresh_token"], "hunter refresh&1");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_login_that_cannot_be_renewed_says_how_to_log_in_and_the_file_is_kept() {
    for (status, is_transient, expected) in [
        (
            400,
            false,
            "log in again: aliyun configure --mode OAuth --profile login",
        ),
        (302, true, "responded with HTTP 302"),
        (407, true, "responded with HTTP 407"),
        (429, true, "responded with HTTP 429"),
        (503, true, "responded with HTTP 503"),
    ] {
        let (home, file) = home();
        let before = fs::read(&file).unwrap();
        let sign_in = Arc::new(SignIn {
            rejection: Some(status),
            ..SignIn::default()
        });
        let error = load(&context(&home, &sign_in)).await.unwrap_err();
        assert_eq!(error.is_transient, is_transient);
        assert!(
            error.reason.contains(expected) && !error.reason.contains("hunter"),
            "{error}"
        );
        assert_eq!(fs::read(&file).unwrap(), before);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn while_another_program_has_locked_the_file_nothing_is_renewed() {
    let (home, file) = home();
    let theirs = File::open(&file).unwrap();
    flock(&theirs, FlockOperation::LockExclusive).unwrap();
    let sign_in = Arc::default();
    let error = load(&context(&home, &sign_in)).await.unwrap_err();
    assert!(
        error.reason.contains("another program has locked it"),
        "{error}"
    );
    assert_eq!(*sign_in.renewed.lock().unwrap(), 0);
    drop(theirs);
    assert!(load(&context(&home, &sign_in)).await.is_ok());
}

type Hook = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// Files, and what happens before one is locked and before one is replaced.
struct HookedFiles {
    real: Arc<dyn FileAccess>,
    before_lock: Hook,
    before_replacement: Hook,
}

struct HookedFile(Box<dyn LockedFile>, Hook);

#[async_trait]
impl FileAccess for HookedFiles {
    async fn read(&self, path: &Path) -> io::Result<FileText> {
        self.real.read(path).await
    }

    async fn lock(&self, path: &Path) -> io::Result<Box<dyn LockedFile>> {
        (self.before_lock)()?;
        let locked = self.real.lock(path).await?;
        Ok(Box::new(HookedFile(
            locked,
            Arc::clone(&self.before_replacement),
        )))
    }
}

#[async_trait]
impl LockedFile for HookedFile {
    fn text(&self) -> &SecretString {
        self.0.text()
    }

    async fn replace(self: Box<Self>, text: SecretString) -> io::Result<()> {
        (self.1)()?;
        self.0.replace(text).await
    }
}

fn hooked(
    context: SystemContext,
    before_lock: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    before_replacement: impl Fn() -> io::Result<()> + Send + Sync + 'static,
) -> SystemContext {
    let files = HookedFiles {
        real: context.files,
        before_lock: Arc::new(before_lock),
        before_replacement: Arc::new(before_replacement),
    };
    SystemContext {
        files: Arc::new(files),
        ..context
    }
}

fn with_full_disk(home: &TempDir, sign_in: &Arc<SignIn>) -> SystemContext {
    let full = || Err(io::ErrorKind::StorageFull.into());
    hooked(context(home, sign_in), || Ok(()), full)
}

#[tokio::test]
async fn a_read_only_file_is_noticed_before_the_refresh_token_is_used() {
    let (home, _) = home();
    let sign_in = Arc::default();
    let read_only = || Err(io::ErrorKind::ReadOnlyFilesystem.into());
    let context = hooked(context(&home, &sign_in), read_only, || Ok(()));
    let error = load(&context).await.unwrap_err();
    let command = "aliyun configure --mode OAuth --profile login";
    assert!(error.reason.contains(command), "{error}");
    assert_eq!(*sign_in.renewed.lock().unwrap(), 0);
}

#[tokio::test]
async fn tokens_that_cannot_be_written_are_used_as_long_as_the_process_runs() {
    let (home, file) = home();
    let before = fs::read(&file).unwrap();
    let sign_in = Arc::default();
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let full = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Err(io::ErrorKind::StorageFull.into())
    };
    let source = source(&hooked(context(&home, &sign_in), || Ok(()), full)).await;
    for expected in ["STS.1", "STS.2"] {
        let loaded = source.load().await.unwrap();
        assert_eq!(loaded.credentials.access_key_id, expected);
    }
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    assert_eq!(*sign_in.renewed.lock().unwrap(), 1);
    assert_eq!(fs::read(&file).unwrap(), before);
}

/// The CLI has renewed the tokens without a lock, and writes them after `pause`. Returns what becomes of ours, and when.
async fn load_beside_the_cli(
    access_token_expire: i64,
    pause: Duration,
) -> (Result<LoadedCredentials, SourceError>, Duration, Value) {
    let (home, file) = home();
    let sign_in = Arc::new(SignIn {
        renewed: Mutex::new(1),
        has_others: true,
        ..SignIn::default()
    });
    let mut theirs = read(&file);
    let login = &mut theirs["profiles"][1];
    login["oauth_access_token"] = json!("hunter access 1");
    login["oauth_refresh_token"] = json!("hunter refresh&1");
    login["oauth_access_token_expire"] = json!(access_token_expire);
    let started_at = Instant::now();
    let ours = async {
        let loaded = load(&context(&home, &sign_in)).await;
        (loaded, started_at.elapsed())
    };
    let cli = async {
        tokio::time::sleep(pause).await;
        replace_as_the_cli(&file, &theirs.to_string());
    };
    // Time passes only while both wait for it.
    let ((loaded, elapsed), ()) = tokio::join!(ours, cli);
    (loaded, elapsed, read(&file)["profiles"][1].clone())
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_the_cli_has_just_used_is_replaced_by_what_it_writes() {
    // The CLI's access token is used, or else its refresh token.
    for (expire, refresh_token) in [(FAR, "hunter refresh&1"), (1, "hunter refresh&2")] {
        let pause = Duration::from_secs(2);
        let (loaded, _, login) = load_beside_the_cli(expire, pause).await;
        assert_eq!(loaded.unwrap().credentials.access_key_id, "STS.1");
        assert_eq!(login["oauth_refresh_token"], refresh_token);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_nobody_replaces_within_seconds_needs_a_new_login() {
    let pause = Duration::from_secs(3_600);
    let (loaded, elapsed, _) = load_beside_the_cli(FAR, pause).await;
    let error = loaded.unwrap_err();
    assert!(error.reason.contains("log in again"), "{error}");
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
}

#[tokio::test]
async fn tokens_that_cannot_be_written_are_renewed_with_each_other() {
    let (home, _) = home();
    let sign_in = Arc::new(SignIn {
        lifetime: Some(1),
        ..SignIn::default()
    });
    let source = source(&with_full_disk(&home, &sign_in)).await;
    for renewed in 1..=3 {
        // The host accepts no refresh token twice.
        source.load().await.unwrap();
        assert_eq!(*sign_in.renewed.lock().unwrap(), renewed);
    }
}

#[tokio::test]
async fn a_login_to_another_account_is_not_used_in_the_middle_of_a_run() {
    let (home, file) = home();
    let sign_in = Arc::new(SignIn {
        has_sts: true,
        ..SignIn::default()
    });
    let source = source(&context(&home, &sign_in)).await;
    for _ in 0..2 {
        let loaded = source.load().await.unwrap();
        let account_id = loaded.credentials.account_id;
        assert_eq!(account_id.as_deref(), Some("account 1"));
    }
    let mut theirs = read(&file);
    theirs["profiles"][1]["oauth_access_token"] = json!("hunter access 2");
    *sign_in.renewed.lock().unwrap() = 2;
    replace_as_the_cli(&file, &theirs.to_string());
    let error = source.load().await.unwrap_err();
    let expected = "its login was changed from account account 1 to account 2; run Terraform again";
    assert!(error.reason.ends_with(expected), "{error}");
}

#[tokio::test]
async fn a_profile_that_is_another_login_since_is_not_used_in_the_middle_of_a_run() {
    for (field, value) in [("mode", "AK"), ("oauth_site_type", "CN")] {
        let (home, file) = home();
        let sign_in = Arc::default();
        let source = source(&context(&home, &sign_in)).await;
        source.load().await.unwrap();
        let mut theirs = read(&file);
        theirs["profiles"][1][field] = json!(value);
        replace_as_the_cli(&file, &theirs.to_string());
        let error = source.load().await.unwrap_err();
        assert!(error.reason.contains("was changed"), "{error}");
        assert_eq!(*sign_in.exchanged.lock().unwrap(), 1);
    }
}

/// Replaces a file without a lock, as the CLI does.
fn replace_as_the_cli(file: &Path, text: &str) {
    let temporary = file.with_extension("new");
    fs::write(&temporary, text).unwrap();
    fs::rename(temporary, file).unwrap();
}

#[tokio::test]
async fn a_concurrent_change_by_another_program_is_not_lost() {
    for (path, value, ours_are_written) in [
        ("/profiles/0/region_id", "cn-shanghai", true),
        ("/plugins/a", "changed", true),
        ("/profiles/1/oauth_refresh_token", "hunter refresh&9", false),
    ] {
        let (home, file) = home();
        let mut theirs = read(&file);
        let (parent, name) = path.rsplit_once('/').unwrap();
        theirs.pointer_mut(parent).unwrap()[name] = json!(value);
        let (changed, done) = (file.clone(), Once::new());
        let change = move || {
            done.call_once(|| replace_as_the_cli(&changed, &theirs.to_string()));
            Ok(())
        };
        let context = hooked(context(&home, &Arc::default()), || Ok(()), change);
        assert!(load(&context).await.is_ok());
        let written = read(&file);
        assert_eq!(written.pointer(path).unwrap(), value);
        let token = &written["profiles"][1]["oauth_access_token"];
        assert_eq!(*token == "hunter access 1", ours_are_written, "{written}");
    }
}
