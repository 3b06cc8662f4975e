//! A miniature Terraform core: one command, from its processes to what it stores. The rules are those of Terraform
//! 1.6 to 1.16 (`internal/terraform`); where releases differ, [`Version`] says how.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::actors::Actors;
use crate::api::{Caller, Cloud, lock};
use crate::checks::Shape;
use crate::configuration::Configuration;
use crate::dice::Dice;
use crate::process::{Process, Rpc};
use crate::state::{Address, Slot, State, Stored};
use crate::story::{Command, Moment, RunSpec};
use crate::value::Value;
use crate::version::Version;

/// What others do to a run while it is on.
pub struct Control {
    version: Version,
    interrupts: AtomicUsize,
    is_applying: AtomicBool,
    /// Calls are held back.
    held_back: AtomicBool,
    process: Mutex<Option<Arc<Process>>>,
    /// The second Ctrl-C.
    pub quit: CancellationToken,
    /// kill -9 of core.
    pub kill: CancellationToken,
    /// Whether the provider dies with core.
    pub kills_provider: AtomicBool,
}

impl Control {
    pub fn new(version: Version) -> Arc<Self> {
        Arc::new(Self {
            version,
            interrupts: AtomicUsize::default(),
            is_applying: AtomicBool::new(false),
            held_back: AtomicBool::new(false),
            process: Mutex::default(),
            quit: CancellationToken::new(),
            kill: CancellationToken::new(),
            kills_provider: AtomicBool::new(true),
        })
    }

    /// Ctrl-C.
    pub fn interrupt(self: &Arc<Self>) {
        let is_second = self.interrupts.fetch_add(1, Ordering::Relaxed) > 0;
        if is_second {
            self.quit.cancel();
        } else if self.is_applying.load(Ordering::Relaxed) {
            self.stop_process();
            if self.version.stops_before_holding_back() {
                let control = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(40)).await;
                    control.held_back.store(true, Ordering::Relaxed);
                });
            } else {
                self.held_back.store(true, Ordering::Relaxed);
            }
        } else if self.version.stops_before_holding_back() {
            self.stop_process();
        }
    }

    fn stop_process(&self) {
        if let Some(process) = &*lock(&self.process) {
            process.stop();
        }
    }

    pub fn kill_provider(&self) {
        if let Some(process) = &*lock(&self.process) {
            process.kill();
        }
    }

    pub fn is_interrupted(&self) -> bool {
        self.interrupts.load(Ordering::Relaxed) > 0
    }

    fn enter(&self, process: &Arc<Process>, is_applying: bool) {
        *lock(&self.process) = Some(Arc::clone(process));
        self.is_applying.store(is_applying, Ordering::Relaxed);
    }
}

/// A diagnostic as core shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub is_error: bool,
    pub is_of_plan: bool,
    pub address: Address,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    NoOp,
    Create,
    Update,
    Replace,
    ReplaceCreateFirst,
    Delete,
    DeleteDeposed,
    Forget,
}

/// A planned change of one slot.
#[derive(Clone, Debug)]
pub struct Planned {
    pub action: Action,
    pub prior: Option<Stored>,
    pub value: Value,
    pub private: Vec<u8>,
}

/// What a plan is, on disk or in memory.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The refreshed state.
    pub prior: State,
    pub changes: BTreeMap<Slot, Planned>,
}

/// What became of a run.
#[expect(clippy::struct_excessive_bools, reason = "each is one fact")]
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub shown: Vec<Shown>,
    /// Rules of core that the provider broke.
    pub breaches: Vec<String>,
    pub plan: Plan,
    pub was_planned: bool,
    pub was_applied: bool,
    /// Core or provider was killed: responses were lost.
    pub was_killed: bool,
    pub was_interrupted: bool,
    /// The calls of each process.
    pub calls: Vec<Vec<Rpc>>,
}

impl Report {
    pub fn errors(&self) -> impl Iterator<Item = &Shown> {
        self.shown.iter().filter(|shown| shown.is_error)
    }

    pub fn has_errors(&self) -> bool {
        self.was_killed || self.errors().next().is_some()
    }
}

/// What a workspace keeps between runs.
#[derive(Default)]
pub struct Workspace {
    /// What the running core holds.
    pub state: State,
    /// In the file.
    pub saved: State,
}

/// One command.
pub struct Run<'w> {
    pub cloud: &'w Arc<Cloud>,
    pub shape: &'w Shape,
    pub spec: &'w RunSpec,
    pub caller: Caller,
    pub configuration: &'w Configuration,
    pub workspace: &'w RefCell<Workspace>,
    pub control: Arc<Control>,
    pub actors: Arc<Actors>,
    pub dice: RefCell<Dice>,
    pub report: RefCell<Report>,
    pub is_of_plan: Cell<bool>,
}

impl Run<'_> {
    /// Runs to the end, or until somebody puts an end to it.
    pub async fn run(self) -> Report {
        let quit = async {
            self.control.quit.cancelled().await;
            let delay = self.dice.borrow_mut().number(5_000);
            tokio::time::sleep(Duration::from_millis(delay)).await;
        };
        let ended_early = tokio::select! {
            biased;
            () = self.control.kill.cancelled() => true,
            () = quit => true,
            () = self.command() => false,
        };
        let mut report = self.report.take();
        report.was_interrupted = self.control.is_interrupted();
        if ended_early {
            report.was_killed = true;
            if self.control.kills_provider.load(Ordering::Relaxed) {
                self.control.kill_provider();
            } else {
                self.control.stop_process();
            }
        }
        self.load();
        report
    }

    async fn command(&self) {
        self.load();
        if !self.validate().await {
            return;
        }
        let Some(plan) = self.whole_plan().await else {
            return;
        };
        self.report.borrow_mut().plan = plan.clone();
        self.report.borrow_mut().was_planned = true;
        if self.spec.command == Command::Plan || self.control.is_interrupted() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(self.spec.pause)).await;
        self.actors.act_at(Moment::Pause);
        self.apply(plan).await;
        self.save();
        self.report.borrow_mut().was_applied = true;
    }

    /// A destroy plans twice: first as an apply does, to refresh; only the state of that is kept.
    async fn whole_plan(&self) -> Option<Plan> {
        if self.spec.command != Command::Destroy {
            return self.plan(self.spec.command).await;
        }
        let has_state = !self.workspace.borrow().state.objects.is_empty();
        if self.spec.refreshes && has_state {
            let refreshed = self.plan(Command::Apply).await?;
            self.workspace.borrow_mut().state = refreshed.prior;
        }
        self.plan(Command::Destroy).await
    }

    /// A process that is configured; `None` if that failed.
    pub async fn start(&self, is_applying: bool) -> Option<Arc<Process>> {
        let process = self.process();
        self.control.enter(&process, is_applying);
        self.is_of_plan.set(!is_applying);
        let configured = process.configure().await;
        self.visit(&process, "").take(configured)?;
        Some(process)
    }

    fn process(&self) -> Arc<Process> {
        let mut dice = self.dice.borrow_mut();
        let process = Process::start(self.cloud, self.caller, self.spec.place, &mut dice);
        Arc::new(process)
    }

    pub fn close(&self, process: &Process) {
        self.report.borrow_mut().calls.push(process.calls());
    }

    /// The validate walk: a process that is never configured.
    async fn validate(&self) -> bool {
        let process = self.process();
        let mut is_valid = true;
        self.is_of_plan.set(true);
        for (address, job) in &self.configuration.jobs {
            process.begin_node();
            let visit = self.visit(&process, address);
            is_valid &= visit.validate(&job.value(self.shape)).await.is_some();
        }
        self.close(&process);
        is_valid
    }

    /// What core does before some calls: it holds them back after a Ctrl-C.
    pub fn hook(&self) -> Option<()> {
        (!self.control.held_back.load(Ordering::Relaxed)).then_some(())
    }

    /// A moment in which core thinks, and others act.
    pub async fn think(&self) {
        let time = self.dice.borrow_mut().number(4);
        tokio::time::sleep(Duration::from_millis(time)).await;
    }

    fn load(&self) {
        let mut workspace = self.workspace.borrow_mut();
        workspace.state = workspace.saved.clone();
    }

    /// Brings the state to the file.
    pub fn save(&self) {
        let mut workspace = self.workspace.borrow_mut();
        workspace.saved = workspace.state.clone();
    }
}
