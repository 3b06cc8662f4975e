//! A miniature Terraform core: one command, from its processes to what it stores. The rules are those of Terraform
//! 1.6 to 1.16 (`internal/terraform`); where releases differ, [`Version`] says how.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tfplugin::{Diagnostic, Diagnostics};
use tokio_util::sync::CancellationToken;

use crate::actors::Actors;
use crate::api::{Caller, Cloud, lock};
use crate::checks::Shape;
use crate::configuration::Configuration;
use crate::dice::Dice;
use crate::process::{NoResponse, Process, Response, Rpc};
use crate::state::{Address, Slot, State, Stored};
use crate::story::{Command, RunSpec};
use crate::value::Value;
use crate::version::Version;

/// What a run is told while it runs.
pub(crate) struct Control {
    version: Version,
    interrupts: Mutex<usize>,
    is_applying: AtomicBool,
    /// Calls are held back.
    held_back: AtomicBool,
    process: Mutex<Option<Arc<Process>>>,
    /// The second Ctrl-C.
    pub(crate) quit: CancellationToken,
    /// kill -9 of core.
    pub(crate) kill: CancellationToken,
    /// Whether the provider dies with core.
    pub(crate) kills_provider: AtomicBool,
}

impl Control {
    pub(crate) fn new(version: Version) -> Arc<Self> {
        Arc::new(Self {
            version,
            interrupts: Mutex::default(),
            is_applying: AtomicBool::new(false),
            held_back: AtomicBool::new(false),
            process: Mutex::default(),
            quit: CancellationToken::new(),
            kill: CancellationToken::new(),
            kills_provider: AtomicBool::new(true),
        })
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(self: &Arc<Self>) {
        let count = {
            let mut interrupts = lock(&self.interrupts);
            *interrupts += 1;
            *interrupts
        };
        if count > 1 {
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

    pub(crate) fn kill_provider(&self) {
        if let Some(process) = &*lock(&self.process) {
            process.kill();
        }
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        *lock(&self.interrupts) > 0
    }

    fn enter(&self, process: &Arc<Process>, is_applying: bool) {
        *lock(&self.process) = Some(Arc::clone(process));
        self.is_applying.store(is_applying, Ordering::Relaxed);
    }
}

/// A diagnostic as core shows it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) is_error: bool,
    pub(crate) is_of_plan: bool,
    pub(crate) address: Address,
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Action {
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
pub(crate) struct Planned {
    pub(crate) action: Action,
    pub(crate) prior: Option<Stored>,
    pub(crate) value: Value,
    pub(crate) private: Vec<u8>,
}

/// What a plan is, on disk or in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// The refreshed state.
    pub(crate) prior: State,
    pub(crate) changes: BTreeMap<Slot, Planned>,
}

/// What became of a run.
#[expect(clippy::struct_excessive_bools, reason = "each is one fact")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) shown: Vec<Shown>,
    /// Rules of core that the provider broke.
    pub(crate) breaches: Vec<String>,
    pub(crate) plan: Plan,
    pub(crate) was_planned: bool,
    pub(crate) was_applied: bool,
    /// Core or provider was killed: responses were lost.
    pub(crate) was_killed: bool,
    pub(crate) was_interrupted: bool,
    /// The calls of each process.
    pub(crate) calls: Vec<Vec<Rpc>>,
}

impl Report {
    pub(crate) fn has_errors(&self) -> bool {
        self.was_killed || self.shown.iter().any(|shown| shown.is_error)
    }
}

/// What a workspace keeps between runs.
#[derive(Default)]
pub(crate) struct Workspace {
    /// What the running core holds.
    pub(crate) state: State,
    /// In the file.
    pub(crate) saved: State,
}

/// One command.
pub(crate) struct Run<'w> {
    pub(crate) cloud: &'w Arc<Cloud>,
    pub(crate) shape: &'w Shape,
    pub(crate) spec: &'w RunSpec,
    pub(crate) caller: Caller,
    pub(crate) configuration: &'w Configuration,
    pub(crate) workspace: &'w RefCell<Workspace>,
    pub(crate) control: Arc<Control>,
    pub(crate) actors: Arc<Actors>,
    pub(crate) dice: RefCell<Dice>,
    pub(crate) report: RefCell<Report>,
    pub(crate) is_of_plan: Cell<bool>,
}

impl Run<'_> {
    /// Runs to the end, or until somebody puts an end to it.
    pub(crate) async fn run(self) -> Report {
        let quit = async {
            self.control.quit.cancelled().await;
            let patience = self.dice.borrow_mut().below(5_000);
            tokio::time::sleep(Duration::from_millis(patience.try_into().unwrap())).await;
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
        self.actors.act_in_pause();
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
    pub(crate) async fn start(&self, is_applying: bool) -> Option<Arc<Process>> {
        let process = self.process();
        self.control.enter(&process, is_applying);
        self.is_of_plan.set(!is_applying);
        let configured = process.configure().await;
        self.take("", configured)?;
        Some(process)
    }

    fn process(&self) -> Arc<Process> {
        let mut dice = self.dice.borrow_mut();
        let process = Process::start(self.cloud, self.caller, self.spec.place, &mut dice);
        Arc::new(process)
    }

    pub(crate) fn close(&self, process: &Process) {
        self.report.borrow_mut().calls.push(process.calls());
    }

    /// The validate walk: a process that is never configured.
    async fn validate(&self) -> bool {
        let process = self.process();
        let mut is_valid = true;
        self.is_of_plan.set(true);
        for (address, job) in &self.configuration.jobs {
            process.begin_node();
            let response = process.validate(address, &job.value(self.shape)).await;
            is_valid &= self.take(address, response).is_some();
        }
        self.close(&process);
        is_valid
    }

    /// What core does before some calls: it contains them back after a Ctrl-C.
    pub(crate) fn hook(&self) -> bool {
        !self.control.held_back.load(Ordering::Relaxed)
    }

    /// A moment in which core thinks, and others act.
    pub(crate) async fn think(&self) {
        let time = self.dice.borrow_mut().below(4);
        tokio::time::sleep(Duration::from_millis(time.try_into().unwrap())).await;
    }

    /// The response, unless there are errors, which are shown.
    pub(crate) fn take<T>(
        &self,
        address: &str,
        response: Result<Response<T>, NoResponse>,
    ) -> Option<T> {
        let response = self.take_all(address, response)?;
        (!response.has_errors()).then_some(response.value)
    }

    /// The response, errors or not.
    pub(crate) fn take_all<T>(
        &self,
        address: &str,
        response: Result<Response<T>, NoResponse>,
    ) -> Option<Response<T>> {
        match response {
            Ok(response) => {
                self.show(address, &response.diagnostics);
                Some(response)
            }
            Err(NoResponse::Dead) => {
                self.report.borrow_mut().was_killed = true;
                self.fail(address, "Plugin did not respond");
                None
            }
            Err(NoResponse::Panic(text)) => {
                self.breach(address, format!("the provider panicked: {text}"));
                None
            }
        }
    }

    fn show(&self, address: &str, diagnostics: &Diagnostics) {
        let shown = |is_error| {
            move |diagnostic: &Diagnostic| Shown {
                is_error,
                is_of_plan: self.is_of_plan.get(),
                address: address.to_owned(),
                text: format!("{}: {}", diagnostic.summary, diagnostic.detail),
            }
        };
        let errors = diagnostics.errors.iter().map(shown(true));
        let warnings = diagnostics.warnings.iter().map(shown(false));
        let mut report = self.report.borrow_mut();
        report.shown.extend(errors.chain(warnings));
    }

    /// An error of core's own.
    pub(crate) fn fail(&self, address: &str, text: &str) {
        self.report.borrow_mut().shown.push(Shown {
            is_error: true,
            is_of_plan: self.is_of_plan.get(),
            address: address.to_owned(),
            text: text.to_owned(),
        });
    }

    /// The provider broke a rule, which core tells the user as a bug of the provider.
    pub(crate) fn breach(&self, address: &str, what: impl Into<String>) {
        let what = what.into();
        self.fail(address, &what);
        let breach = format!("{address}: {what}");
        self.report.borrow_mut().breaches.push(breach);
    }

    fn load(&self) {
        let mut workspace = self.workspace.borrow_mut();
        workspace.state = workspace.saved.clone();
    }

    /// Brings the state to the file.
    pub(crate) fn save(&self) {
        let mut workspace = self.workspace.borrow_mut();
        workspace.saved = workspace.state.clone();
    }
}
