//! A story: all that happens in one world, but for what Terraform and the provider do about it.

use std::fmt;

use crate::configuration::Edit;
use crate::state::Address;
use crate::troubles::{Climate, Trouble};
use crate::version::Version;

#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    pub seed: u64,
    pub climate: Climate,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Somebody edits the files of a workspace.
    Edit(usize, Edit),
    /// Terraform runs; perhaps another run at the same time.
    Run(RunSpec, Option<RunSpec>),
    Operator(Operator),
    Taint(usize, Address),
    /// Seconds.
    Wait(u64),
}

/// A command with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    pub workspace: usize,
    pub command: Command,
    pub refreshes: bool,
    pub replaced: Vec<Address>,
    /// None: everything.
    pub target: Option<Address>,
    pub parallelism: usize,
    pub version: Version,
    /// Which cloud the endpoint variable names; 0 is the one that is meant.
    pub place: usize,
    /// Seconds between plan and apply.
    pub pause: u64,
    pub acts: Vec<(Moment, Act)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    Apply,
    Plan,
    RefreshOnly,
    Destroy,
}

/// When somebody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// When so many requests and responses have arrived.
    Call(usize),
    /// Between plan and apply.
    Pause,
}

/// What happens in the middle of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Operator(Operator),
    /// For so many milliseconds.
    Trouble(Trouble, u64),
    Interrupt,
    InterruptTwice,
    KillCore {
        with_provider: bool,
    },
    KillProvider,
    /// Seconds that the whole machine sleeps.
    Suspend(u64),
}

/// What people do in the console, with a job of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operator {
    pub stream: usize,
    pub action: ConsoleAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsoleAction {
    Start,
    Stop,
    Delete,
    ChangeTemplate,
    /// Creates a job with the same fields.
    CreateDuplicate,
}

impl ConsoleAction {
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::Stop,
        Self::Delete,
        Self::ChangeTemplate,
        Self::CreateDuplicate,
    ];
}

impl RunSpec {
    /// A plain apply with nobody else about.
    pub fn quiet(workspace: usize, version: Version) -> Self {
        Self {
            workspace,
            command: Command::Apply,
            refreshes: true,
            replaced: Vec::new(),
            target: None,
            parallelism: 10,
            version,
            place: 0,
            pause: 0,
            acts: Vec::new(),
        }
    }

    pub fn is_targeted(&self, address: &str) -> bool {
        self.target.as_ref().is_none_or(|target| target == address)
    }

    pub fn replaces(&self, address: &str) -> bool {
        self.replaced.iter().any(|replaced| replaced == address)
    }
}

impl fmt::Display for Story {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calm = format!("{:?}", Climate::default());
        let climate = format!("{:?}", self.climate);
        if climate != calm {
            writeln!(formatter, "  the API: {climate}")?;
        }
        for step in &self.steps {
            writeln!(formatter, "  {step}")?;
        }
        Ok(())
    }
}

fn team(workspace: usize) -> &'static str {
    ["we", "another team"][workspace]
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit(workspace, edit) => write!(formatter, "{}: {edit}", team(*workspace)),
            Self::Run(run, None) => write!(formatter, "{run}"),
            Self::Run(run, Some(beside)) => write!(formatter, "{run}; at the same time {beside}"),
            Self::Operator(operator) => write!(formatter, "{operator}"),
            Self::Taint(workspace, address) => {
                write!(formatter, "{}: terraform taint {address}", team(*workspace))
            }
            Self::Wait(seconds) => write!(formatter, "{seconds} s pass"),
        }
    }
}

impl fmt::Display for RunSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let command = match self.command {
            Command::Apply => "apply",
            Command::Plan => "plan",
            Command::RefreshOnly => "apply -refresh-only",
            Command::Destroy => "destroy",
        };
        let team = team(self.workspace);
        write!(
            formatter,
            "{team}: terraform 1.{} {command}",
            self.version.minor
        )?;
        write!(formatter, " -parallelism={}", self.parallelism)?;
        if !self.refreshes {
            write!(formatter, " -refresh=false")?;
        }
        for address in &self.replaced {
            write!(formatter, " -replace={address}")?;
        }
        if let Some(target) = &self.target {
            write!(formatter, " -target={target}")?;
        }
        if self.place > 0 {
            write!(formatter, ", with the endpoint of another cloud")?;
        }
        if self.pause > 0 {
            write!(formatter, ", applied {} s after the plan", self.pause)?;
        }
        for (moment, act) in &self.acts {
            match moment {
                Moment::Call(number) => write!(formatter, "\n      at moment {number}: {act}")?,
                Moment::Pause => write!(formatter, "\n      between plan and apply: {act}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Act {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(operator) => write!(formatter, "{operator}"),
            Self::Trouble(trouble, time) => write!(formatter, "for {time} ms {trouble}"),
            Self::Interrupt => write!(formatter, "Ctrl-C"),
            Self::InterruptTwice => write!(formatter, "Ctrl-C twice"),
            Self::KillCore { with_provider } => {
                let provider = if *with_provider {
                    "and provider"
                } else {
                    "alone"
                };
                write!(formatter, "kill -9 of core {provider}")
            }
            Self::KillProvider => write!(formatter, "kill -9 of the provider"),
            Self::Suspend(seconds) => write!(formatter, "the machine sleeps {seconds} s"),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the operator: {:?} stream {}",
            self.action, self.stream
        )
    }
}
