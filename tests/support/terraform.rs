//! The `terraform` or `tofu` command and what one run of it says.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use serde_json::Value;

use super::running::Running;

/// The name of OpenTofu among the releases.
const OPENTOFU: &str = "OpenTofu";

/// An installed CLI.
pub(crate) struct Terraform {
    command: PathBuf,
}

impl Terraform {
    /// The CLI that the environment variable `TERRAFORM` names, or else the release that `make setup` installed: of
    /// Terraform, or [`OPENTOFU`], which the variable `TOFU` names if it is not built there.
    pub(crate) fn release(name: &str) -> Self {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools");
        let chosen = |variable: &str| {
            let path = std::env::var_os(variable)?;
            (!path.is_empty()).then(|| PathBuf::from(path))
        };
        let command = chosen("TERRAFORM").unwrap_or_else(|| {
            if name == OPENTOFU {
                chosen("TOFU").unwrap_or_else(|| tools.join("opentofu/tofu"))
            } else {
                tools.join("terraform").join(name).join("terraform")
            }
        });
        assert!(
            command.is_file(),
            "{} is not there: run `make setup` (OpenTofu needs Go, or TOFU=/path/to/tofu)",
            command.display()
        );
        Self { command }
    }

    /// The executable.
    pub(crate) fn path(&self) -> &Path {
        &self.command
    }

    /// Starts one command in `folder`, with no other environment variables than these.
    pub(crate) fn start(
        &self,
        folder: &Path,
        environment: &BTreeMap<String, String>,
        arguments: &[impl AsRef<OsStr>],
    ) -> Running {
        let mut command = Command::new(&self.command);
        command
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(environment);
        Running::start(
            command,
            folder.join("standard-error.txt"),
            folder.join("terraform.log"),
        )
    }
}

/// A command that has ended.
pub(crate) struct Run {
    command: String,
    status: ExitStatus,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Run {
    pub(crate) fn new(command: String, status: ExitStatus, output: String, errors: String) -> Self {
        Self {
            command,
            status,
            output,
            errors,
        }
    }

    pub(crate) fn has_succeeded(&self) -> bool {
        self.status.success()
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.has_succeeded(), "{self}");
        self
    }

    /// The command did not succeed, and said so in the way Terraform does: no crash, no lost plugin.
    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        assert_eq!(self.status.code(), Some(1), "{self}");
        for crash in [
            "Plugin did not respond",
            "Plugin error",
            "panicked",
            "Provider produced",
        ] {
            assert!(
                !self.output.contains(crash) && !self.errors.contains(crash),
                "{self}"
            );
        }
        self
    }

    /// The plan that was made has nothing to do. Only for `plan` with `-detailed-exitcode`.
    #[track_caller]
    pub(crate) fn is_empty(&self) {
        assert_eq!(
            self.status.code(),
            Some(0),
            "an empty plan was expected: {self}"
        );
    }

    /// The changes that were planned, as (address, action).
    pub(crate) fn planned(&self) -> Vec<(String, String)> {
        self.changes("planned_change")
    }

    /// The objects that were found to differ from the state, as (address, action).
    pub(crate) fn drifted(&self) -> Vec<(String, String)> {
        self.changes("resource_drift")
    }

    fn changes(&self, kind: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.events()
            .filter(|event| event["type"] == kind)
            .map(|event| {
                (
                    text(&event["change"]["resource"]["addr"]),
                    text(&event["change"]["action"]),
                )
            })
            .collect()
    }

    /// The one error of a run that failed.
    #[track_caller]
    pub(crate) fn error(&self) -> Diagnostic {
        self.only(Severity::Error)
    }

    /// The one warning of a run.
    #[track_caller]
    pub(crate) fn warning(&self) -> Diagnostic {
        self.only(Severity::Warning)
    }

    #[track_caller]
    fn only(&self, severity: Severity) -> Diagnostic {
        let mut shown = self.diagnostics(severity);
        assert_eq!(
            shown.len(),
            1,
            "one {} was expected: {self}",
            severity.as_str()
        );
        shown.remove(0)
    }

    /// The warnings with this summary.
    pub(crate) fn warnings(&self, summary: &str) -> Vec<Diagnostic> {
        let mut warnings = self.diagnostics(Severity::Warning);
        warnings.retain(|warning| warning.summary == summary);
        warnings
    }

    #[track_caller]
    pub(crate) fn must_print(&self, text: &str) {
        assert!(self.output.contains(text), "{text:?} is missing: {self}");
    }

    /// Errors or warnings, without the ones by which core itself remarks on how these tests run and stop it.
    pub(crate) fn diagnostics(&self, severity: Severity) -> Vec<Diagnostic> {
        let reported: Vec<Value> = match serde_json::from_str::<Value>(&self.output) {
            // `validate` gives one document, the other commands give a line for each event.
            Ok(Value::Object(mut document)) if document.contains_key("diagnostics") => {
                serde_json::from_value(document["diagnostics"].take()).unwrap()
            }
            _ => self
                .events()
                .filter(|event| event["type"] == "diagnostic")
                .map(|mut event| event["diagnostic"].take())
                .collect(),
        };
        reported
            .iter()
            .filter(|diagnostic| diagnostic["severity"] == severity.as_str())
            .map(Diagnostic::read)
            .filter(|diagnostic| !diagnostic.is_cores_remark())
            .collect()
    }

    /// What the command reported in JSON, line by line.
    pub(crate) fn events(&self) -> impl Iterator<Item = Value> {
        self.output
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            command,
            status,
            output,
            errors,
        } = self;
        write!(
            formatter,
            "`{command}` ended with {status}\n{output}\n{errors}"
        )
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Severity {
    Error,
    Warning,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// An error or a warning as Terraform reports it in JSON.
#[derive(Debug)]
pub(crate) struct Diagnostic {
    pub(crate) summary: String,
    pub(crate) detail: String,
    /// The resource that it is about, if any.
    pub(crate) address: Option<String>,
    /// The file of the configuration that it points into.
    pub(crate) file: Option<String>,
    /// The line of that file that it points at, counted from 1.
    pub(crate) line: Option<usize>,
}

impl Diagnostic {
    fn read(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            summary: text(&value["summary"]).unwrap(),
            detail: text(&value["detail"]).unwrap_or_default(),
            address: text(&value["address"]),
            file: text(&value["range"]["filename"]),
            line: value["range"]["start"]["line"]
                .as_u64()
                .map(|line| usize::try_from(line).unwrap()),
        }
    }

    fn is_cores_remark(&self) -> bool {
        self.summary.contains("development overrides") || self.summary == "execution halted"
    }

    /// Whether summary or detail holds `text`.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.summary.contains(text) || self.detail.contains(text)
    }

    #[track_caller]
    pub(crate) fn must_say(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.says(text), "{text:?} is missing in {self:#?}");
        }
    }
}
