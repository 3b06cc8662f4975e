//! The unit of safety: for each output that is meant to run, exactly one running writer.

use std::collections::BTreeSet;

use alicloud_live_mock as mock;

use crate::api::Entry;
use crate::configuration::Job;
use crate::invariants::{Scene, Violation, enforces, is_failed_check, runs};
use crate::state::Stored;
use crate::story::{Act, Moment};
use crate::troubles::Only;

/// Checks every stream that the workspace has a block for.
pub fn check(scene: &Scene<'_>, violations: &mut Vec<Violation>) {
    if !enforces(scene) {
        return;
    }
    for (address, job) in &scene.files.jobs {
        if scene.spec.is_targeted(address) {
            let stream = Stream::of(scene, job);
            check_stream(scene, address, job, &stream, violations);
        }
    }
}

/// The jobs of one stream that belong to the workspace.
struct Stream<'s> {
    before: Vec<&'s mock::Job>,
    after: Vec<&'s mock::Job>,
}

impl<'s> Stream<'s> {
    fn of(scene: &Scene<'s>, job: &Job) -> Self {
        let prefix = format!("stream-{}-", job.stream);
        let ours = |jobs: &'s [mock::Job]| -> Vec<&'s mock::Job> {
            let jobs = jobs.iter().filter(|job| job.name.starts_with(&prefix));
            jobs.filter(|job| {
                scene.owns(&job.job_id)
                    || scene.state_before.holds(&job.job_id)
                    || scene.state_after.holds(&job.job_id)
            })
            .collect()
        };
        Self {
            before: ours(scene.jobs_before),
            after: ours(scene.jobs_after),
        }
    }

    fn names(&self) -> Vec<&'s str> {
        let jobs = self.before.iter().chain(&self.after);
        jobs.flat_map(|job| [job.job_id.as_str(), job.name.as_str()])
            .collect()
    }
}

fn check_stream(
    scene: &Scene<'_>,
    address: &str,
    job: &Job,
    stream: &Stream<'_>,
    violations: &mut Vec<Violation>,
) {
    let jobs = || stream.before.iter().chain(&stream.after);
    let kept = scene.state_after.current(address).map(Stored::job_id);
    let mut ids = jobs().map(|job| job.job_id.as_str()).chain(kept);
    if scene.report.was_killed || ids.any(|job_id| scene.is_disturbed(job_id)) {
        return;
    }
    let names = stream.names();
    let mut calls = scene.ours();
    let has_called = calls.any(|entry| names.contains(&entry.job_id.as_str()));
    let blocks = scene.files.jobs.values();
    let duplicates = blocks.filter(|other| other.stream == job.stream);
    if !scene.spec.refreshes && !has_called || duplicates.count() > 1 {
        // Core has not let the provider look, or the user has configured two writers.
        return;
    }
    let ran = stream.before.iter().any(|job| runs(job));
    let running = stream.after.iter().filter(|job| runs(job)).count();
    // One that another team's run took for its own, which never ran until then, is a writer of that team's block.
    let is_taken = |job: &mock::Job| {
        scene.state_of_others.holds(&job.job_id) && !scene.state_after.holds(&job.job_id)
    };
    let writers = stream
        .after
        .iter()
        .filter(|after| runs(after) && is_of(after, job) && !is_taken(after))
        .count();
    // That a job is replaced by force is only in a plan call whose warnings core drops.
    let cannot_tell_before = scene.spec.replaces(address)
        && job.create_before_destroy
        && !scene.spec.version.keeps_planned_private();
    // Core did not let the provider look at plan, or a new job for another output or in another cluster replaces a tainted one
    // (under this address or, with a `moved` block, another), of which core tells the provider nothing.
    let is_tainted = scene.state_before.objects.values().any(|object| {
        object.is_tainted
            && names.contains(&object.job_id())
            && (object.value.str("stream_output") != job.stream_output()
                || object.value.str("cluster_id") != job.cluster_id())
    });
    let cannot_tell_before = cannot_tell_before || !scene.spec.refreshes || is_tainted;
    let is_reported = scene.has_error_about(address, &names)
        || scene.tells(&names, |shown| shown.is_of_plan || cannot_tell_before);
    let mut report = |rule, what: &str| {
        let text = format!("{address} (stream {}): {what}", job.stream);
        violations.push(Violation::new(rule, text));
    };
    let should_run = job.runs.unwrap_or(ran);
    let mut jobs = stream.after.iter();
    let was_reported = jobs.any(|job| scene.reported.contains(&job.job_id));
    // Another writer that was there before is known by a look alone: an earlier run has left it, this one lets it go with
    // `removed`, or its block was renamed.
    let is_unseen = scene.ours().any(is_failed_check)
        && stream.before.iter().any(|before| {
            runs(before) && Some(before.job_id.as_str()) != kept && is_of(before, job)
        });
    // A lost create took a job that could have been its own, and the one that was is known to nobody.
    let has_taken_another = stream.after.iter().any(|job| {
        let mut creates = scene.all().filter(|entry| entry.creates(&job.job_id));
        let is_lost = creates.any(|entry| entry.caller.is_some() && entry.response != "ok");
        is_lost && !scene.state_after.holds(&job.job_id)
    });
    if writers > 1 && !has_taken_another && !is_reported && !was_reported && !is_unseen {
        report("double", "two writers of one output");
    }
    if should_run && running == 0 {
        let mut jobs = stream.after.iter();
        if !is_reported && !jobs.any(|job| is_shown_as_before(scene, &job.job_id)) {
            report("dark", "the output is dark, and nobody says so");
        } else if is_owed(scene, stream) {
            report("owed", "what we stopped was not started again");
        } else if job.runs == Some(true) && has_owed_successor(scene, stream) {
            report(
                "owed",
                "what replaces a job that we stopped was not started",
            );
        }
    }
    if should_run && running == 0 && is_reported && has_room(scene) {
        report(
            "quota",
            "the quota would have sufficed for what this run replaced",
        );
    }
    // What -target leaves out stays as it is.
    let objects = scene.state_after.objects.iter();
    let targeted: Vec<_> = objects
        .filter(|(slot, _)| scene.spec.is_targeted(&slot.address))
        .map(|(_, object)| object.job_id())
        .collect();
    let mut kept = stream
        .after
        .iter()
        .filter(|job| targeted.contains(&job.job_id.as_str()));
    if !should_run && kept.any(|job| runs(job)) && !is_reported {
        report("run state", "the output runs, which nobody asked for");
    }
}

/// Whether a job has just these fields.
fn is_of(made: &mock::Job, job: &Job) -> bool {
    made.cluster_id == job.cluster_id()
        && made.name == job.job_name()
        && made.template_id == job.template_id()
        && made.stream_input == job.stream_input()
        && made.stream_output == job.stream_output()
}

/// Whether nothing stood in the way but a quota that has room for all that is to run, which -target cannot tell. Core walks no more nodes at a time than
/// `-parallelism` says: where so many wait for the quota, the deletion that would free it begins only after them.
fn has_room(scene: &Scene<'_>) -> bool {
    let Some(quota) = scene.climate.quota else {
        return false;
    };
    let fits = |jobs: &[mock::Job]| {
        let mut running = jobs.iter().filter(|job| runs(job));
        running.clone().count() <= quota && running.all(|job| scene.owns(&job.job_id))
    };
    let wanted = scene
        .files
        .jobs
        .values()
        .filter(|job| job.runs != Some(false))
        .count();
    let let_go = scene
        .jobs_after
        .iter()
        .filter(|job| runs(job) && !scene.state_after.holds(&job.job_id));
    let let_go = let_go.count();
    let mut errors = scene.report.errors();
    let rejected = scene
        .ours()
        .filter(|entry| entry.response == "UserQuotaExceed");
    let waiting: BTreeSet<_> = rejected.map(|entry| &entry.job_id).collect();
    scene.acts.is_empty()
        && scene.spec.target.is_none()
        && waiting.len() < scene.spec.parallelism
        && wanted + let_go <= quota
        && fits(scene.jobs_before)
        && fits(scene.jobs_after)
        && errors.any(|error| error.text.contains("UserQuotaExceed"))
}

/// Whether the provider stopped a job that still exists, and could have started it again.
fn is_owed(scene: &Scene<'_>, stream: &Stream<'_>) -> bool {
    if scene.climate.quota.is_some() || !troubles_were_short(scene) {
        return false;
    }
    stream.after.iter().any(|job| {
        let mut entries = scene.ours_of(&job.job_id);
        let stopped = entries.any(|entry| entry.action == "Stop" && entry.is_committed);
        let is_tainted = scene
            .state_after
            .objects
            .values()
            .any(|object| object.job_id() == job.job_id && object.is_tainted);
        stopped && !runs(job) && !is_tainted
    })
}

/// Whether the provider created a job after it had stopped the one that ran, and could have started it.
fn has_owed_successor(scene: &Scene<'_>, stream: &Stream<'_>) -> bool {
    if scene.climate.quota.is_some() || !troubles_were_short(scene) {
        return false;
    }
    let stops_running = |entry: &&Entry| {
        let mut before = stream.before.iter();
        let is_stop = entry.action == "Stop" && entry.is_committed;
        is_stop && before.any(|job| runs(job) && job.job_id == entry.job_id)
    };
    let later = scene.ours().skip_while(|entry| !stops_running(entry));
    let created: Vec<_> = later.filter(|entry| entry.is_committed).collect();
    stream.after.iter().any(|job| {
        let is_new = created.iter().any(|entry| entry.creates(&job.job_id));
        is_new && scene.state_after.holds(&job.job_id)
    })
}

/// Whether no read has shown yet what a start or a stop did: so long nobody can know it.
fn is_shown_as_before(scene: &Scene<'_>, job_id: &str) -> bool {
    let lag = usize::try_from(scene.climate.status_lag_gets).unwrap_or(usize::MAX);
    let entries = scene.all().rev();
    let reads = entries
        .filter(|entry| entry.job_id == job_id)
        .take_while(|entry| !(entry.is_committed && ["Start", "Stop"].contains(&&*entry.action)))
        .filter(|entry| entry.action == "Get" && entry.response == "ok");
    lag > 0 && reads.count() <= lag
}

/// Whether all troubles of the run together lasted ten seconds at most.
fn troubles_were_short(scene: &Scene<'_>) -> bool {
    let mut total = 0;
    for (moment, act) in scene.acts {
        match act {
            Act::Trouble(trouble, time) if trouble.only != Only::Creates => {
                total += time;
                if *moment == Moment::Pause {
                    total += time;
                }
            }
            _ => {}
        }
    }
    total <= 10_000
}
