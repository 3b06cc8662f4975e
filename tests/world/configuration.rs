//! What a user writes: the blocks of one workspace, and how they are changed.

use std::collections::BTreeMap;
use std::fmt;

use crate::checks::Shape;
use crate::state::Address;
use crate::value::{Object, Value};

pub const CLUSTERS: [&str; 2] = ["cluster-1", "cluster-2"];
const TEMPLATES: [&str; 3] = ["tpl-h264-720p", "tpl-h265-1080p", "tpl-nbhd2-1080p"];

/// A block, or one instance of a block with keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Which stream it is about: name, input and output follow from it. Blocks with equal fields are duplicates.
    pub stream: usize,
    pub name: usize,
    pub template: usize,
    pub input: usize,
    pub output: usize,
    pub cluster: usize,
    /// Whether it is to run; none: not said.
    pub runs: Option<bool>,
    /// Minutes of `timeouts`.
    pub timeouts: Option<usize>,
    pub create_before_destroy: bool,
    /// `deletion_protection`.
    pub is_protected: bool,
    /// `allow_stopping_for_update = false`.
    pub may_not_stop: bool,
}

impl Job {
    pub fn of_stream(stream: usize) -> Self {
        Self {
            stream,
            ..Self::default()
        }
    }

    pub fn cluster_id(&self) -> &'static str {
        CLUSTERS[self.cluster]
    }

    pub fn job_name(&self) -> String {
        format!("stream-{}-{}", self.stream, self.name)
    }

    pub fn template_id(&self) -> &'static str {
        TEMPLATES[self.template]
    }

    pub fn stream_input(&self) -> String {
        format!(
            "rtmp://In.Example.com:1935/app/{}-{}",
            self.stream, self.input
        )
    }

    pub fn stream_output(&self) -> String {
        format!(
            "rtmp://Out.Example.com:1935/app/{}-{}",
            self.stream, self.output
        )
    }

    /// The attributes that every block has.
    pub fn required(&self) -> [(&'static str, String); 5] {
        [
            ("cluster_id", self.cluster_id().to_owned()),
            ("name", self.job_name()),
            ("template_id", self.template_id().to_owned()),
            ("stream_input", self.stream_input()),
            ("stream_output", self.stream_output()),
        ]
    }

    /// The attribute `status`, if it is set.
    pub fn status(&self) -> Option<&'static str> {
        let status = |runs| if runs { "Running" } else { "Stopped" };
        self.runs.map(status)
    }

    /// The whole configuration value. Attributes that the provider does not have are left out.
    pub fn value(&self, shape: &Shape) -> Value {
        let required = self.required().into_iter();
        let mut settings: Object = required
            .map(|(name, value)| (name.to_owned(), Value::Text(value)))
            .collect();
        if let Some(status) = self.status() {
            settings.insert("status".to_owned(), Value::text(status));
        }
        if let Some(minutes) = self.timeouts {
            let time = Value::Text(format!("{minutes}m"));
            let block = Object::from([("update".to_owned(), time)]);
            settings.insert("timeouts".to_owned(), Value::Object(block));
        }
        for (name, is_set, value) in [
            ("deletion_protection", self.is_protected, true),
            ("allow_stopping_for_update", self.may_not_stop, false),
        ] {
            if is_set && shape.has(name) {
                settings.insert(name.to_owned(), Value::Bool(value));
            }
        }
        shape.complete(&settings)
    }
}

/// One workspace's blocks.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    pub jobs: BTreeMap<Address, Job>,
    pub moved: Vec<(Address, Address)>,
    /// `removed` blocks that do not destroy.
    pub removed: Vec<Address>,
    /// `import` blocks: the job of this stream that the configuration does not manage yet.
    pub imports: Vec<(Address, usize)>,
}

/// A change of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Add(Address, Job),
    Delete(Address),
    /// A `removed` block in place of the block.
    Forget(Address),
    Rename {
        from: Address,
        to: Address,
        with_moved: bool,
    },
    Change(Address, Job),
    /// A block with an `import` block, for a job that somebody made in the console.
    Import(Address, Job),
}

impl Configuration {
    pub fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Add(address, job) => {
                self.jobs.insert(address.clone(), *job);
            }
            Edit::Delete(address) => {
                self.jobs.remove(address);
            }
            Edit::Forget(address) => {
                if self.jobs.remove(address).is_some() {
                    self.removed.push(address.clone());
                }
            }
            Edit::Rename {
                from,
                to,
                with_moved,
            } => {
                if let Some(job) = self.jobs.remove(from) {
                    self.jobs.insert(to.clone(), job);
                    if *with_moved {
                        self.moved.push((from.clone(), to.clone()));
                    }
                }
            }
            Edit::Change(address, job) => {
                if let Some(configured) = self.jobs.get_mut(address) {
                    *configured = *job;
                }
            }
            Edit::Import(address, job) => {
                self.jobs.insert(address.clone(), *job);
                self.imports.push((address.clone(), job.stream));
            }
        }
    }

    /// The blocks that did their work in a run are taken out again.
    pub fn clear_refactorings(&mut self) {
        self.moved.clear();
        self.removed.clear();
        self.imports.clear();
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(address, job) => write!(formatter, "adds {address}: {job}"),
            Self::Delete(address) => write!(formatter, "takes the block {address} out"),
            Self::Forget(address) => write!(formatter, "lets {address} go with `removed`"),
            Self::Rename {
                from,
                to,
                with_moved,
            } => {
                let how = if *with_moved { "with" } else { "without" };
                write!(formatter, "renames {from} to {to} {how} `moved`")
            }
            Self::Change(address, job) => write!(formatter, "changes {address}: {job}"),
            Self::Import(address, job) => write!(formatter, "imports as {address}: {job}"),
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "stream {}", self.stream)?;
        let revisions = [
            ("name", self.name),
            ("template", self.template),
            ("input", self.input),
            ("output", self.output),
            ("cluster", self.cluster),
        ];
        for (field, revision) in revisions.iter().filter(|(_, revision)| *revision > 0) {
            write!(formatter, ", {field} {revision}")?;
        }
        if let Some(status) = self.status() {
            write!(formatter, ", status {status}")?;
        }
        if let Some(minutes) = self.timeouts {
            write!(formatter, ", timeouts {minutes}m")?;
        }
        for (is_set, what) in [
            (self.create_before_destroy, "create_before_destroy"),
            (self.is_protected, "deletion_protection"),
            (self.may_not_stop, "no stopping for updates"),
        ] {
            if is_set {
                write!(formatter, ", {what}")?;
            }
        }
        Ok(())
    }
}
