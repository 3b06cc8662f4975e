//! What must hold after each run, worded by what an honest provider could have known.

use std::collections::BTreeSet;

use alicloud_live_mock as mock;
use alicloud_live_mock::JobStatus;

use crate::api::{Caller, Entry};
use crate::configuration::{Configuration, Job};
use crate::core::{Action, Planned, Report, Shown};
use crate::outputs;
use crate::state::{Address, State};
use crate::story::{Act, Command, Moment, RunSpec};
use crate::troubles::Climate;

/// A rule that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    pub rule: &'static str,
    pub text: String,
}

impl Violation {
    pub fn new(rule: &'static str, text: impl Into<String>) -> Self {
        Self {
            rule,
            text: text.into(),
        }
    }
}

/// One run with all that was before and after.
pub struct Scene<'s> {
    pub spec: &'s RunSpec,
    /// Who acted meanwhile, and when.
    pub acts: &'s [(Moment, Act)],
    pub caller: Caller,
    pub report: &'s Report,
    pub files: &'s Configuration,
    pub climate: &'s Climate,
    pub state_before: &'s State,
    pub state_after: &'s State,
    /// That of the other team, after the run.
    pub state_of_others: &'s State,
    pub jobs_before: &'s [mock::Job],
    pub jobs_after: &'s [mock::Job],
    /// Before the run.
    pub history: &'s [Entry],
    /// During the run.
    pub entries: &'s [Entry],
    /// All that earlier runs have reported.
    pub reported: &'s str,
}

impl Scene<'_> {
    pub fn is_ours(&self, entry: &Entry) -> bool {
        entry.caller == Some(self.caller)
    }

    pub fn ours(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| self.is_ours(entry))
    }

    /// What the run asked about this job.
    pub fn ours_of(&self, job_id: &str) -> impl Iterator<Item = &Entry> {
        self.ours().filter(move |entry| entry.job_id == job_id)
    }

    /// All that has ever happened.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Entry> + Clone {
        self.history.iter().chain(self.entries)
    }

    /// Somebody else changed the job while the run was on.
    pub fn is_disturbed(&self, job_id: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.job_id == job_id && entry.is_committed && !self.is_ours(entry))
    }

    /// Whether the workspace created this job, or imported it.
    pub fn owns(&self, job_id: &str) -> bool {
        let is_us = |caller: Caller| caller.workspace == self.caller.workspace;
        let mut creates = self.all().filter(|entry| entry.creates(job_id));
        creates.any(|entry| entry.caller.is_some_and(is_us)) || self.is_imported(job_id)
    }

    fn is_imported(&self, job_id: &str) -> bool {
        self.state_before.holds(job_id)
            || self.files.imports.iter().any(|(address, _)| {
                let object = self.state_after.current(address);
                // Or it was replaced in the same run.
                object.is_some_and(|object| object.job_id() == job_id)
                    || self.ours_of(job_id).any(|entry| entry.action == "Delete")
            })
    }

    pub fn job_after(&self, job_id: &str) -> Option<&mock::Job> {
        self.jobs_after.iter().find(|job| job.job_id == job_id)
    }

    /// Whether an error says what became of this address or job.
    pub fn has_error_about(&self, address: &str, names: &[&str]) -> bool {
        let mut errors = self.report.errors();
        self.tells(names, |shown| shown.is_error) || errors.any(|error| error.address == address)
    }

    /// Whether a diagnostic names one of these.
    pub fn tells(&self, names: &[&str], concerns: impl Fn(&Shown) -> bool) -> bool {
        self.report.shown.iter().any(|shown| {
            let names_one = |name: &&str| !name.is_empty() && shown.text.contains(*name);
            concerns(shown) && names.iter().any(names_one)
        })
    }
}

/// Checks all rules after a run.
pub fn check_run(scene: &Scene<'_>, most_calls: usize, violations: &mut Vec<Violation>) {
    let breaches = scene.report.breaches.iter();
    violations.extend(breaches.map(|breach| Violation::new("core", breach)));
    check_writes(scene, violations);
    check_bounds(scene, most_calls, violations);
    if scene.climate.lists_without_end || scene.climate.shows_odd_status {
        // Of such an API nothing but bounds can be asked.
        return;
    }
    if scene.climate.get_lag_calls == 0 {
        // Else the API says for ever that a job does not exist, if nobody asks in between.
        check_lost(scene, violations);
    }
    check_orphans(scene, violations);
    check_theft(scene, violations);
    outputs::check(scene, violations);
}

/// Only applies write, and none where nothing of the job changes.
fn check_writes(scene: &Scene<'_>, violations: &mut Vec<Violation>) {
    for entry in scene
        .ours()
        .filter(|entry| entry.writes() && !entry.may_write)
    {
        let text = format!("{} outside of an apply", entry.action);
        violations.push(Violation::new("write", text));
    }
    for (slot, planned) in &scene.report.plan.changes {
        let Some(prior) = &planned.prior else {
            continue;
        };
        let job = scene.files.jobs.get(&slot.address);
        let is_quiet = match planned.action {
            Action::NoOp => true,
            Action::Update => job.is_some_and(|job| changes_no_job(scene, job, planned)),
            _ => false,
        };
        let shares = scene.report.plan.changes.iter().any(|(other, change)| {
            let same = change
                .prior
                .as_ref()
                .is_some_and(|other| other.job_id() == prior.job_id());
            other != slot && same
        });
        if !is_quiet || shares {
            continue;
        }
        if let Some(write) = scene.ours_of(prior.job_id()).find(|entry| entry.writes()) {
            let text = format!(
                "{} of {}, of which nothing changes",
                write.action, slot.address
            );
            violations.push(Violation::new("write", text));
        }
    }
}

/// The API need not hear of this update.
fn changes_no_job(scene: &Scene<'_>, job: &Job, planned: &Planned) -> bool {
    let Some(prior) = &planned.prior else {
        return false;
    };
    let keeps = |field: &str| planned.value.get(field) == prior.value.get(field);
    let keeps_run_state = match job.status() {
        None => keeps("status"),
        Some(status) => {
            prior.value.str("status") == status
                && scene.spec.refreshes
                && !scene.is_disturbed(prior.job_id())
        }
    };
    job.required().iter().all(|(field, _)| keeps(field)) && keeps_run_state
}

/// Calls are bounded, whatever the API returns.
fn check_bounds(scene: &Scene<'_>, most_calls: usize, violations: &mut Vec<Violation>) {
    let calls = scene.entries.len();
    if calls >= most_calls {
        let text = format!("{calls} calls in a run");
        violations.push(Violation::new("bounds", text));
    }
    let jobs: BTreeSet<_> = scene.ours().map(|entry| entry.job_id.as_str()).collect();
    for job in jobs.into_iter().filter(|job| !job.is_empty()) {
        let entries = scene.ours_of(job);
        let writes = entries.filter(|entry| entry.writes() && entry.is_committed);
        let count = writes.count();
        if count > 8 {
            let text = format!("{count} writes to one job");
            violations.push(Violation::new("bounds", text));
        }
    }
}

/// A job that exists stays in the state.
fn check_lost(scene: &Scene<'_>, violations: &mut Vec<Violation>) {
    let mut forgotten: Vec<&Address> = scene.files.removed.iter().collect();
    // Later blocks go on where earlier ones lead.
    for (from, to) in scene.files.moved.iter().rev() {
        if forgotten.contains(&to) {
            forgotten.push(from);
        }
    }
    for (slot, object) in &scene.state_before.objects {
        let job_id = object.job_id();
        if scene.state_after.holds(job_id) || forgotten.contains(&&slot.address) {
            continue;
        }
        // Of a tainted object core sends neither identity nor private data, and without a refresh nothing is read.
        // When a provider process dies, core erases the private data.
        let is_unknowable = scene.spec.place > 0
            && (object.is_tainted && !scene.spec.refreshes || object.private.is_empty());
        if scene.job_after(job_id).is_some() && !is_unknowable {
            let text = format!("{} exists and is in no state: {job_id}", slot.address);
            violations.push(Violation::new("lost", text));
        }
    }
}

/// A job that a run created is in the state, or in an error's text.
fn check_orphans(scene: &Scene<'_>, violations: &mut Vec<Violation>) {
    if scene.report.was_killed {
        return;
    }
    let created = scene
        .ours()
        .filter(|entry| entry.action == "Create" && entry.is_committed);
    for entry in created {
        let job_id = entry.job_id.as_str();
        if scene.job_after(job_id).is_none() || scene.state_after.holds(job_id) {
            continue;
        }
        let mut errors = scene.report.errors();
        let is_unsure =
            errors.any(|error| error.text.to_lowercase().contains("may have been created"));
        let mut others = scene.state_after.job_ids();
        let took_another = others.any(|other| !scene.owns(other) && could_be_ours(scene, other));
        // The operator changed it before any search saw it as the job that was to be created.
        let mut by_hand = scene.entries.iter().filter(|entry| entry.caller.is_none());
        let was_changed = by_hand.any(|entry| entry.job_id == job_id)
            && !scene.ours_of(job_id).any(|entry| entry.action == "Get");
        if !scene.tells(&[job_id], |_| true) && !is_unsure && !took_another && !was_changed {
            let text = format!("created and forgotten: {job_id}");
            violations.push(Violation::new("orphan", text));
        }
    }
}

/// Nobody else's job comes into the state, and none into two entries.
fn check_theft(scene: &Scene<'_>, violations: &mut Vec<Violation>) {
    let mut seen = BTreeSet::new();
    for job_id in scene
        .state_after
        .job_ids()
        .filter(|job_id| !job_id.is_empty())
    {
        if !seen.insert(job_id) {
            let text = format!("two entries for one job: {job_id}");
            violations.push(Violation::new("theft", text));
        }
        let is_new = !scene.state_before.holds(job_id);
        if is_new && !scene.owns(job_id) && scene.spec.place == 0 && !could_be_ours(scene, job_id) {
            let text = format!("somebody else's job came into the state: {job_id}");
            violations.push(Violation::new("theft", text));
        }
    }
}

/// A list without a result: it failed, or the checks of a plan had no time left for it. That fails no plan and is not reported.
pub fn is_failed_check(entry: &Entry) -> bool {
    const TIME_OF_CHECKS: std::time::Duration = std::time::Duration::from_millis(2_900);
    match entry.action.as_str() {
        "List" => entry.response != "ok" || entry.took >= TIME_OF_CHECKS,
        "GetEdgeTranscodeTemplate" => entry.took >= TIME_OF_CHECKS,
        _ => false,
    }
}

/// Nobody can tell such a job from the one that a lost create made: it came after the create was sent, and never ran as far
/// as the API showed until it was looked at.
fn could_be_ours(scene: &Scene<'_>, job_id: &str) -> bool {
    let mut creates = scene.ours().filter(|entry| entry.action == "Create");
    // One whose response came after the call was given up was lost, too.
    let is_lost =
        |entry: &&Entry| entry.response != "ok" || !scene.state_after.holds(&entry.job_id);
    let Some(lost) = creates.find(is_lost) else {
        return false;
    };
    let creation = scene.all().find(|entry| entry.creates(job_id));
    let slack = std::time::Duration::from_secs(40);
    let looked = scene.ours_of(job_id).next().map(|entry| entry.at);
    let before = scene
        .all()
        .filter(|entry| entry.job_id == job_id && looked.is_none_or(|looked| entry.at < looked));
    let starts = before.clone().position(|entry| {
        let starts = entry.action == "Start" && entry.is_committed;
        starts && !scene.is_ours(entry)
    });
    // So many reads after a start still show the job as it was, and nobody can see through that.
    let lag = usize::try_from(scene.climate.status_lag_gets).unwrap_or(usize::MAX);
    let ran = starts.is_some_and(|start| {
        let reads = before
            .clone()
            .skip(start)
            .filter(|entry| entry.action == "Get" && entry.response == "ok");
        reads.count() >= lag
    });
    creation.is_some_and(|creation| creation.at + slack >= lost.at) && !ran
}

/// Whether an apply went well and the plan after it is empty.
pub fn is_done(apply: &Report, plan: &Report) -> bool {
    let mut changes = plan.plan.changes.values();
    !apply.has_errors()
        && !plan.has_errors()
        && changes.all(|planned| planned.action == Action::NoOp)
}

/// What must hold at the end, when two quiet runs are over and a third one plans.
pub fn check_end(
    second: &Report,
    last: &Report,
    climate: &Climate,
    violations: &mut Vec<Violation>,
) {
    if climate.lists_without_end || climate.shows_odd_status || climate.quota.is_some() {
        return;
    }
    for report in [second, last] {
        if let Some(error) = report.errors().next() {
            if is_rejected_by_a_brake(error) {
                return;
            }
            let text = format!("a quiet run fails: {}: {}", error.address, error.text);
            violations.push(Violation::new("converge", text));
            return;
        }
    }
    for (slot, planned) in &last.plan.changes {
        if planned.action != Action::NoOp {
            let prior = planned.prior.as_ref().map(|prior| &prior.value);
            let text = format!(
                "after two quiet runs {} is still to {:?}: {prior:?} → {:?}",
                slot.address, planned.action, planned.value
            );
            violations.push(Violation::new("converge", text));
        }
    }
}

/// The user has said that this must not happen, and says at the same time that it should.
fn is_rejected_by_a_brake(error: &Shown) -> bool {
    [
        "deletion_protection is true",
        "allow_stopping_for_update is false",
        // The job was made with the endpoint of another cloud.
        "at this endpoint or account",
    ]
    .iter()
    .any(|brake| error.text.contains(brake))
}

/// Whether the job runs.
pub fn runs(job: &mock::Job) -> bool {
    job.status == JobStatus::Running
}

/// Whether a command leaves the cloud as the configuration says.
pub fn enforces(scene: &Scene<'_>) -> bool {
    scene.spec.command == Command::Apply && scene.report.was_applied && scene.spec.place == 0
}
