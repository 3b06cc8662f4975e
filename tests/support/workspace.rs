//! One user's world: a folder with a configuration and a state, an environment, and a cloud of their own.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use alicloud_live_mock::FaultStage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tempfile::TempDir;

use super::cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Cloud, SECURITY_TOKEN};
use super::configuration::{AUTH_KEY_HASH, Block, HEADER, quoted};
use super::running::Running;
use super::terraform::{Diagnostic, Run, Terraform};

const PROVIDER: &str = "terraform-provider-alicloud-live";

pub(crate) const PLAN: &[&str] = &["plan", "-json", "-detailed-exitcode"];
pub(crate) const APPLY: &[&str] = &["apply", "-json", "-auto-approve"];
pub(crate) const DESTROY: &[&str] = &["destroy", "-json", "-auto-approve"];

/// When it is dropped it searches all that was printed and logged, at the most talkative level, for secrets.
pub(crate) struct TestWorkspace {
    pub(crate) cloud: Cloud,
    terraform: RefCell<Terraform>,
    folder: TempDir,
    environment: RefCell<BTreeMap<String, String>>,
    printed: RefCell<String>,
    /// Whether Terraform was started here, and not by a script alone.
    has_logged: Cell<bool>,
}

impl TestWorkspace {
    /// A world in which credentials and endpoint stand in the environment, and nothing is configured yet.
    pub(crate) fn new(terraform_version: &str) -> Self {
        let terraform = Terraform::release(terraform_version);
        let folder = tempfile::Builder::new()
            .prefix("acceptance-")
            .tempdir()
            .unwrap();
        let cloud = Cloud::new();

        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        let executable = env!("CARGO_BIN_EXE_terraform-provider-alicloud-live");
        symlink(executable, plugins.join(PROVIDER)).unwrap();
        let installation = format!(
            "provider_installation {{
  dev_overrides {{
    \"edge-transcode/alicloud-live\" = {plugins}
    \"elsewhere/alicloud-live\" = {plugins}
  }}
  direct {{}}
}}
",
            plugins = quoted(plugins.to_str().unwrap()),
        );
        fs::write(folder.path().join("cli.tfrc"), installation).unwrap();

        let path = |name: &str| folder.path().join(name).display().to_string();
        let environment = [
            ("PATH", std::env::var("PATH").unwrap()),
            ("HOME", path("")),
            ("TMPDIR", path("")),
            ("CHECKPOINT_DISABLE", "1".to_owned()),
            ("TF_CLI_CONFIG_FILE", path("cli.tfrc")),
            ("TF_IN_AUTOMATION", "1".to_owned()),
            ("TF_LOG", "TRACE".to_owned()),
            ("TF_LOG_PATH", path("terraform.log")),
            // A user may have this set for another tool. It must not show in our messages.
            ("RUST_BACKTRACE", "1".to_owned()),
            ("ALICLOUD_ACCESS_KEY", ACCESS_KEY_ID.to_owned()),
            ("ALICLOUD_SECRET_KEY", ACCESS_KEY_SECRET.to_owned()),
            ("ALICLOUD_SECURITY_TOKEN", SECURITY_TOKEN.to_owned()),
            ("LIVE_ENDPOINT", cloud.url().to_owned()),
            ("STS_ENDPOINT", cloud.url().to_owned()),
        ];
        let environment = environment
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        Self {
            cloud,
            terraform: RefCell::new(terraform),
            folder,
            environment: RefCell::new(environment),
            printed: RefCell::default(),
            has_logged: Cell::default(),
        }
    }

    /// A script of this repository in the user's folder and environment, told to use this world's CLI.
    pub(crate) fn script(&self, name: &str) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
        let mut command = self.command("python3");
        command
            .arg(scripts.join(name))
            .env("TERRAFORM", self.terraform.borrow().path());
        command
    }

    /// Any program in the user's folder and environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.borrow().iter());
        command
    }

    /// A folder for the `PATH` in which this world's CLI is called `terraform`.
    pub(crate) fn folder_of_terraform(&self) -> PathBuf {
        let folder = self.folder.path().join("bin");
        if !folder.exists() {
            fs::create_dir(&folder).unwrap();
            let path = self.terraform.borrow().path().to_owned();
            let launcher = format!("#!/bin/sh\nexec '{}' \"$@\"\n", path.display());
            let file = folder.join("terraform");
            fs::write(&file, launcher).unwrap();
            fs::set_permissions(&file, PermissionsExt::from_mode(0o700)).unwrap();
        }
        folder
    }

    /// Has this searched for secrets too.
    pub(crate) fn note_printed(&self, text: &str) {
        self.printed.borrow_mut().push_str(text);
    }

    /// From now on another release of Terraform runs.
    pub(crate) fn switch_to(&self, terraform_version: &str) {
        self.terraform
            .replace(Terraform::release(terraform_version));
    }

    /// The user's home directory.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn set(&self, variable: &str, value: &str) {
        self.environment
            .borrow_mut()
            .insert(variable.to_owned(), value.to_owned());
    }

    pub(crate) fn unset(&self, variable: &str) {
        self.environment.borrow_mut().remove(variable);
    }

    /// Makes this the configuration, under an empty provider block.
    pub(crate) fn configure(&self, blocks: impl Display) {
        self.configure_all(format_args!("{}{blocks}", Block::provider()));
    }

    /// Makes this the configuration, provider block included.
    pub(crate) fn configure_all(&self, blocks: impl Display) {
        fs::write(self.configuration_file(), format!("{HEADER}{blocks}")).unwrap();
    }

    /// Makes a folder of this repository the configuration.
    pub(crate) fn configure_as_in(&self, folder: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        copy(&folder, self.folder.path());
    }

    /// Adds several folders of this repository to the configuration, each of one file.
    pub(crate) fn configure_as_in_all(&self, folders: &[&str]) {
        for (number, folder) in folders.iter().enumerate() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            for entry in fs::read_dir(folder).unwrap() {
                let name = format!("example-{number}.tf");
                fs::copy(entry.unwrap().path(), self.folder.path().join(name)).unwrap();
            }
        }
    }

    /// Takes a file out of the configuration; gives its text back.
    pub(crate) fn take_out(&self, file: &str) -> String {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(path).unwrap();
        text
    }

    /// Replaces a text in the configuration, wherever it stands.
    #[track_caller]
    pub(crate) fn replace_in_configuration(&self, from: &str, to: &str) {
        let mut replaced = false;
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                let text = fs::read_to_string(&path).unwrap();
                replaced |= text.contains(from);
                fs::write(path, text.replace(from, to)).unwrap();
            }
        }
        assert!(replaced, "{from} is in no file of the configuration");
    }

    /// The text of a file in the user's folder.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Puts a file into the configuration.
    pub(crate) fn put(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn configuration_file(&self) -> PathBuf {
        self.folder.path().join("main.tf")
    }

    /// Name of the argument or block in the line of configuration at which a diagnostic points.
    #[track_caller]
    pub(crate) fn pointed_at(&self, diagnostic: &Diagnostic) -> String {
        let (Some(file), Some(line)) = (&diagnostic.file, diagnostic.line) else {
            panic!("no place in the configuration: {diagnostic:#?}");
        };
        let configuration = fs::read_to_string(self.folder.path().join(file)).unwrap();
        let line = configuration.lines().nth(line - 1).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    }

    /// Applies this configuration, under an empty provider block.
    #[track_caller]
    pub(crate) fn applied(&self, blocks: impl Display) -> Run {
        self.configure(blocks);
        self.apply().succeeded()
    }

    /// Applies this configuration, provider block included.
    #[track_caller]
    pub(crate) fn applied_all(&self, blocks: impl Display) -> Run {
        self.configure_all(blocks);
        self.apply().succeeded()
    }

    /// Applies this configuration, provider block included, with a short log: that of many creates would be searched for the
    /// signature of each.
    #[track_caller]
    pub(crate) fn applied_quietly(&self, blocks: impl Display) {
        self.set("TF_LOG", "WARN");
        self.applied_all(blocks);
        self.unset("TF_LOG");
        self.set("TF_LOG_PROVIDER", "TRACE");
    }

    /// The one error of a plan that fails.
    #[track_caller]
    pub(crate) fn plan_error(&self) -> Diagnostic {
        self.plan().failed().error()
    }

    /// The one error of an apply that fails.
    #[track_caller]
    pub(crate) fn apply_error(&self) -> Diagnostic {
        self.apply().failed().error()
    }

    /// Destroys everything, and no job is left.
    #[track_caller]
    pub(crate) fn destroy_all(&self) {
        self.destroy().succeeded();
        assert!(self.cloud.jobs().is_empty());
    }

    #[must_use]
    pub(crate) fn validate(&self) -> Run {
        self.run(&["validate", "-json"])
    }

    /// Plans after a refresh.
    #[must_use]
    pub(crate) fn plan(&self) -> Run {
        self.run(PLAN)
    }

    #[must_use]
    pub(crate) fn plan_without_refresh(&self) -> Run {
        self.run(&["plan", "-json", "-detailed-exitcode", "-refresh=false"])
    }

    #[must_use]
    pub(crate) fn apply(&self) -> Run {
        self.run(APPLY)
    }

    #[must_use]
    pub(crate) fn destroy(&self) -> Run {
        self.run(DESTROY)
    }

    #[must_use]
    pub(crate) fn import(&self, address: &str, id: &str) -> Run {
        self.run(&["import", "-no-color", address, id])
    }

    /// What the state holds of one object, by attribute; null if it does not hold the object.
    pub(crate) fn state(&self, address: &str) -> Value {
        let instance = self.instance(address);
        instance["attributes"].clone()
    }

    /// The identity that the state holds of one object; null where it contains none.
    pub(crate) fn identity(&self, address: &str) -> Value {
        self.instance(address)["identity"].clone()
    }

    /// The value of an output in the state.
    pub(crate) fn output(&self, name: &str) -> Value {
        let state: Value = serde_json::from_str(&self.state_file()).unwrap();
        state["outputs"][name]["value"].clone()
    }

    /// Whether the state marks the object as one to be replaced.
    pub(crate) fn is_tainted(&self, address: &str) -> bool {
        self.instance(address)["status"] == "tainted"
    }

    /// The job IDs of all instances of an object in the state.
    pub(crate) fn job_ids(&self, address: &str) -> BTreeSet<String> {
        let instances = self.instances(address);
        let job_id =
            |instance: &Value| instance["attributes"]["job_id"].as_str().map(str::to_owned);
        instances.iter().filter_map(job_id).collect()
    }

    fn instance(&self, address: &str) -> Value {
        self.instances(address)
            .into_iter()
            .next()
            .unwrap_or_default()
    }

    fn instances(&self, address: &str) -> Vec<Value> {
        let state: Value = serde_json::from_str(&self.state_file()).unwrap_or_default();
        let resources = state["resources"].as_array().cloned().unwrap_or_default();
        resources
            .iter()
            .find(|resource| {
                format!(
                    "{}.{}",
                    resource["type"].as_str().unwrap(),
                    resource["name"].as_str().unwrap()
                ) == address
            })
            .and_then(|resource| resource["instances"].as_array().cloned())
            .unwrap_or_default()
    }

    /// The state file's text; empty before the first apply.
    pub(crate) fn state_file(&self) -> String {
        fs::read_to_string(self.folder.path().join("terraform.tfstate")).unwrap_or_default()
    }

    /// Changes the state file, as if it had been written that way.
    pub(crate) fn edit_state(&self, edit: impl FnOnce(&mut Value)) {
        let mut state = serde_json::from_str(&self.state_file()).unwrap();
        edit(&mut state);
        self.put("terraform.tfstate", &state.to_string());
    }

    /// Private data as they stand in the state file, and back.
    pub(crate) fn decoded(private: &str) -> String {
        String::from_utf8(BASE64.decode(private).unwrap()).unwrap()
    }

    /// Private data for the state file.
    pub(crate) fn encoded(private: &str) -> String {
        BASE64.encode(private)
    }

    /// Loses the state: the objects in the cloud are now as if someone else had made them.
    pub(crate) fn forget_state(&self) {
        fs::remove_file(self.folder.path().join("terraform.tfstate")).unwrap();
    }

    /// Runs a command to its end.
    #[must_use]
    pub(crate) fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Run {
        self.end_of(self.start(arguments))
    }

    /// Starts a command and does not wait for its end.
    #[must_use]
    pub(crate) fn start(&self, arguments: &[impl AsRef<OsStr>]) -> Running {
        self.has_logged.set(true);
        self.terraform
            .borrow()
            .start(self.folder.path(), &self.environment.borrow(), arguments)
    }

    /// The same, and waits until its call `verb` is held at `point`.
    #[must_use]
    #[track_caller]
    pub(crate) fn start_held(
        &self,
        arguments: &[impl AsRef<OsStr>],
        verb: &str,
        point: FaultStage,
    ) -> Running {
        self.cloud.hold(verb, point);
        let running = self.start(arguments);
        self.cloud.wait_paused();
        running
    }

    /// Waits for the end of a command and of all processes that it started.
    #[track_caller]
    pub(crate) fn end_of(&self, running: Running) -> Run {
        let run = running.ended();
        let mut printed = self.printed.borrow_mut();
        printed.push_str(&run.output);
        printed.push_str(&run.errors);
        run
    }

    /// What must never be shown, with its name: keys, token, a stream's key, and each signature that was sent.
    fn secrets(&self) -> Vec<(&'static str, String)> {
        let mut secrets = vec![
            ("the access key secret", ACCESS_KEY_SECRET.to_owned()),
            ("the security token", SECURITY_TOKEN.to_owned()),
            ("a stream's auth_key", AUTH_KEY_HASH.to_owned()),
        ];
        for call in self.cloud.calls() {
            if let Some(signature) = call.parameters.get("Signature") {
                let encoded = url::form_urlencoded::byte_serialize(signature.as_bytes());
                secrets.push(("a signature in a URL", encoded.collect()));
                secrets.push(("a signature", signature.clone()));
            }
        }
        secrets
    }
}

impl Drop for TestWorkspace {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let log = fs::read_to_string(self.folder.path().join("terraform.log")).unwrap_or_default();
        assert!(
            log.contains("[TRACE]") || !self.has_logged.get(),
            "nothing was logged, so nothing was searched for secrets"
        );
        let printed = self.printed.take();
        for (name, secret) in self.secrets() {
            for (place, text) in [("the log", &log), ("what was printed", &printed)] {
                // Looking through the whole at once is many times faster than line by line.
                let leak = text.contains(&secret).then(|| {
                    text.lines()
                        .find(|line| line.contains(&secret) && !is_core_comparing(line))
                });
                let leak = leak.flatten();
                assert!(
                    leak.is_none(),
                    "{place} holds {name}: {}",
                    leak.unwrap_or_default()
                );
            }
            assert!(
                secret == AUTH_KEY_HASH || !self.state_file().contains(&secret),
                "the state holds {name}"
            );
        }
    }
}

/// Terraform 1.6 itself logs what a refresh changed, as values of its own library, unless the schema calls an attribute
/// sensitive. The provider cannot prevent that, and writes no such lines.
fn is_core_comparing(line: &str) -> bool {
    line.contains("cty.StringVal(")
}

/// Copies what a folder holds into another.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copied = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&copied).unwrap();
            copy(&entry.path(), &copied);
        } else {
            fs::copy(entry.path(), copied).unwrap();
        }
    }
}
