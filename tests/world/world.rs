//! Plays a story: the cloud, the workspaces, and the runs one after the other.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use alicloud_auth::environment::Environment;
use alicloud_live_mock as mock;
use terraform_provider_alicloud_live::definition;

use crate::actors::{Actors, operate};
use crate::api::{Caller, Cloud, Entry};
use crate::checks::Shape;
use crate::configuration::Configuration;
use crate::core::{Action, Control, Report, Run, Workspace};
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::invariants::{Scene, Violation, check_end, check_run, is_done, is_failed_check};
use crate::process::{Rpc, TYPE};
use crate::state::{Slot, State};
use crate::story::{Act, Command, Moment, RunSpec, Step, Story};

/// A run that calls the API more often than this is ended.
const MAX_CALLS: usize = 1_500;
/// Virtual time of a run, beside the pause between plan and apply.
const RUN_TIMEOUT: Duration = Duration::from_secs(4 * 60 * 60);

/// What became of a world.
#[derive(Default)]
pub struct Outcome {
    pub violations: Vec<Violation>,
    pub coverage: Coverage,
    /// What happened, a line an event.
    pub events: Vec<String>,
    /// The calls of each process of each run.
    pub calls: Vec<Vec<Vec<Rpc>>>,
}

/// Plays a story from its beginning to its end, in virtual time.
pub fn play(story: &Story) -> Outcome {
    play_all(story, false)
}

/// The same, writing down what happens.
pub fn play_and_narrate(story: &Story) -> Outcome {
    play_all(story, true)
}

fn play_all(story: &Story, narrates: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(story, narrates);
        world.play(story).await;
        world.outcome
    })
}

/// What core learns from the provider's schema.
pub fn shape() -> Shape {
    let definition = definition(Environment::default());
    Shape::of(&definition.resources[TYPE].schema())
}

struct World {
    cloud: Arc<Cloud>,
    shape: Shape,
    dice: Dice,
    workspaces: [RefCell<Workspace>; 2],
    files: [Configuration; 2],
    runs: usize,
    outcome: Outcome,
    /// The text of all diagnostics, and the IDs of jobs of which a diagnostic was not possible.
    reported: String,
    narrates: bool,
}

impl World {
    fn new(story: &Story, narrates: bool) -> Self {
        let mut dice = Dice::new(story.seed).split();
        Self {
            cloud: Arc::new(Cloud::new(story.climate.clone(), dice.split())),
            shape: shape(),
            dice,
            workspaces: Default::default(),
            files: Default::default(),
            runs: 0,
            outcome: Outcome::default(),
            reported: String::new(),
            narrates,
        }
    }

    async fn play(&mut self, story: &Story) {
        for step in &story.steps {
            self.step(step).await;
        }
        self.cloud.end_troubles();
        self.play_quietly(story).await;
        self.cloud.forget_actors();
    }

    /// What follows every story: each workspace is applied with nobody else about.
    async fn play_quietly(&mut self, story: &Story) {
        let last = story.steps.iter().rev().find_map(|step| match step {
            Step::Run(run, _) => Some(run.version),
            _ => None,
        });
        let Some(version) = last else { return };
        for workspace in 0..self.workspaces.len() {
            if self.files[workspace].jobs.is_empty()
                && self.workspaces[workspace].borrow().saved.objects.is_empty()
            {
                continue;
            }
            self.end_quietly(&RunSpec::quiet(workspace, version)).await;
        }
    }

    /// A failed run may leave work; a quiet one finishes it, and the plan after it is empty.
    async fn end_quietly(&mut self, apply: &RunSpec) {
        // What was created a moment ago may not be listed yet.
        tokio::time::sleep(Duration::from_secs(30)).await;
        let plan = RunSpec {
            command: Command::Plan,
            ..apply.clone()
        };
        let first = self.run(apply, None).await;
        let last = self.run(&plan, None).await;
        if is_done(&first, &last) {
            return;
        }
        let second = self.run(apply, None).await;
        let last = self.run(&plan, None).await;
        let violations = &mut self.outcome.violations;
        check_end(&second, &last, &self.cloud.climate, violations);
    }

    async fn step(&mut self, step: &Step) {
        if self.narrates && !matches!(step, Step::Run(..)) {
            self.outcome.events.push(format!("# {step}"));
        }
        match step {
            Step::Edit(workspace, edit) => self.files[*workspace].edit(edit),
            Step::Run(run, beside) => {
                self.run(run, beside.as_ref()).await;
            }
            Step::Operator(operator) => operate(&self.cloud, *operator),
            Step::Taint(workspace, address) => {
                let saved = &mut self.workspaces[*workspace].borrow_mut().saved;
                if let Some(object) = saved.objects.get_mut(&Slot::current(address)) {
                    object.is_tainted = true;
                }
            }
            Step::Wait(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
        }
    }

    async fn run(&mut self, spec: &RunSpec, beside: Option<&RunSpec>) -> Report {
        if self.narrates {
            self.outcome.events.push(format!("# {spec}"));
        }
        let began = Before::look(self);
        let control = Control::new(spec.version);
        let actors = Actors::new(&self.cloud, &control, spec.acts.clone());
        self.watch(&control, &actors);
        let mut main = self.prepare(spec, Arc::clone(&control), Arc::clone(&actors));
        main.actors = actors;
        let other = beside.map(|beside| {
            let control = Control::new(beside.version);
            let actors = Actors::new(&self.cloud, &control, Vec::new());
            self.prepare(beside, control, actors)
        });
        let caller = main.caller;
        let timeout = RUN_TIMEOUT + Duration::from_secs(spec.pause);
        let both = async {
            tokio::join!(main.run(), async {
                match other {
                    Some(other) => Some((other.caller, other.run().await)),
                    None => None,
                }
            })
        };
        let Ok((report, other)) = tokio::time::timeout(timeout, both).await else {
            let violation = Violation::new("bounds", "the run does not end");
            self.outcome.violations.push(violation);
            return Report::default();
        };
        // What is still on its way arrives.
        tokio::time::sleep(Duration::from_secs(70)).await;
        self.runs += 2;
        if self.narrates {
            self.narrate(&began, &report);
        }
        self.outcome.calls.push(report.calls.clone());
        if let (Some((caller, other)), Some(beside)) = (other, beside) {
            self.check(&began, beside, &spec.acts, caller, &other);
        }
        self.check(&began, spec, &spec.acts, caller, &report);
        if report.was_applied {
            self.files[spec.workspace].clear_refactorings();
        }
        report
    }

    /// Has everybody act at their moments, and ends a run that calls without bound.
    fn watch(&self, control: &Arc<Control>, actors: &Arc<Actors>) {
        let (actors, control) = (Arc::clone(actors), Arc::clone(control));
        self.cloud.on_moment(move |_, number| {
            actors.act_at(Moment::Call(number));
            if number >= 2 * MAX_CALLS {
                control.kill.cancel();
            }
        });
    }

    fn prepare<'w>(
        &'w self,
        spec: &'w RunSpec,
        control: Arc<Control>,
        actors: Arc<Actors>,
    ) -> Run<'w> {
        let seed = self.dice.clone().below(1 << 30) + self.runs * 7 + spec.workspace;
        Run {
            cloud: &self.cloud,
            shape: &self.shape,
            spec,
            caller: Caller {
                workspace: spec.workspace,
                run: self.runs + spec.workspace,
            },
            configuration: &self.files[spec.workspace],
            workspace: &self.workspaces[spec.workspace],
            control,
            actors,
            dice: RefCell::new(Dice::new(u64::try_from(seed).unwrap())),
            report: RefCell::default(),
            is_of_plan: Cell::new(true),
        }
    }

    /// `acts` are those of the step: they strike a run that goes on beside it, too.
    fn check(
        &mut self,
        before: &Before,
        spec: &RunSpec,
        acts: &[(Moment, Act)],
        caller: Caller,
        report: &Report,
    ) {
        let ledger = self.cloud.ledger().clone();
        let (history, entries) = ledger.split_at(before.entries);
        let scene = Scene {
            spec,
            acts,
            caller,
            report,
            files: &self.files[spec.workspace],
            climate: &self.cloud.climate,
            state_before: &before.states[spec.workspace],
            state_after: &self.workspaces[spec.workspace].borrow().saved.clone(),
            state_of_others: &self.workspaces[1 - spec.workspace].borrow().saved.clone(),
            jobs_before: &before.jobs,
            jobs_after: &self.cloud.jobs(),
            history,
            entries,
            reported: &self.reported,
        };
        check_run(&scene, MAX_CALLS, &mut self.outcome.violations);
        let coverage = &mut self.outcome.coverage;
        coverage.note(spec, &self.cloud.climate, report);
        let texts = report.shown.iter().map(|shown| shown.text.as_str());
        self.reported.extend(texts);
        if entries.iter().any(is_failed_check) {
            // A check for duplicates that fails is silent.
            let ids = self.cloud.jobs().into_iter().map(|job| job.job_id);
            self.reported.extend(ids);
        }
        let mut changes = report.plan.changes.values();
        if report.was_killed && changes.any(|change| change.action == Action::ReplaceCreateFirst) {
            // The predecessor is still in the state: no create is planned again, so nothing checks for its duplicate.
            let created = entries.iter().filter(|entry| entry.action == "Create");
            let ids = created.map(|entry| entry.job_id.as_str());
            self.reported.extend(ids);
        }
    }

    /// Writes down what happened in a run.
    fn narrate(&mut self, before: &Before, report: &Report) {
        let events = &mut self.outcome.events;
        events.extend(self.cloud.ledger()[before.entries..].iter().map(line));
        let shown = report.shown.iter();
        let shown = shown.filter(|shown| !shown.address.is_empty());
        events.extend(shown.map(|shown| {
            let severity = if shown.is_error { "Error" } else { "Warning" };
            let text: String = shown.text.chars().take(220).collect();
            let text = text.replace('\n', " ");
            format!("  {severity} of {}: {text}", shown.address)
        }));
    }
}

fn line(entry: &Entry) -> String {
    let who = match entry.caller {
        Some(caller) => ["we", "they"][caller.workspace],
        None => "operator",
    };
    let (seconds, job) = (entry.at.as_secs_f64(), entry.job_id.get(..4).unwrap_or(""));
    let effect = if entry.is_committed { ", done" } else { "" };
    format!(
        "  {seconds:>9.2} {who}: {} {job}: {}{effect}",
        entry.action, entry.response
    )
}

/// How everything was when a run began.
struct Before {
    jobs: Vec<mock::Job>,
    states: [State; 2],
    entries: usize,
}

impl Before {
    fn look(world: &World) -> Self {
        let states = world.workspaces.each_ref();
        Self {
            jobs: world.cloud.jobs(),
            states: states.map(|workspace| workspace.borrow().saved.clone()),
            entries: world.cloud.ledger().len(),
        }
    }
}
