//! What the jobs of one run of Terraform must know of each other.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::job_identity::JobIdentity;
use alicloud_live::{CallContext, Interruption, JobStatus};

/// How long a call that is rejected because of another job waits for this run to stop or delete that one: it may do so a moment
/// later.
const REJECTION_WAIT: Duration = Duration::from_secs(10);

/// One run: the time for which a provider process is configured.
pub(crate) struct Run {
    /// A permit for each running job that may be interrupted at a time.
    interruptions: Semaphore,
    max_interruptions: usize,
    checks_plans: bool,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Whether a job was created, updated or deleted, or an attempt at it was made.
    has_applied: bool,
    /// What has happened, such as a warning that is due once a run.
    happened: HashSet<String>,
    /// Jobs that are planned to run, by the stream that they write.
    writers: HashMap<String, Writer>,
    /// The first job whose stream this run has ended and could not bring back on air.
    lost: Option<JobIdentity>,
    /// Jobs that are being stopped now, and not only interrupted.
    stopping: usize,
    /// When the last of them was stopped.
    stopped_at: Option<Instant>,
    /// Streams of running jobs that were stopped for good, each with the first of them.
    ended_streams: HashMap<String, JobIdentity>,
    /// The job that this run has started last, or is about to, for each stream.
    started: HashMap<String, JobIdentity>,
    /// Replaced jobs that are deleted, until their successors are created.
    replaced: Vec<Replaced>,
    created: Vec<Created>,
}

/// A job that is planned to run.
struct Writer {
    label: String,
    /// Empty for a new job.
    job_id: String,
    /// IDs of jobs of which its plan has warned, because they write the same stream.
    warned_of: Vec<String>,
}

/// A new job.
#[derive(Clone)]
pub(crate) struct Created {
    pub(crate) id: JobIdentity,
    /// The key of the stream that it writes.
    pub(crate) stream: String,
    /// The job whose place it takes, where the plan has recorded that.
    pub(crate) replaces: Option<JobIdentity>,
    /// Whether it is to be stopped or running; `None`: it stays as the API creates it.
    pub(crate) target: Option<JobStatus>,
    /// Whether it was seen running.
    pub(crate) has_run: bool,
}

/// A job that was deleted in favor of a new one.
pub(crate) struct Replaced {
    pub(crate) id: JobIdentity,
    /// The cluster of the new one, where it is known.
    pub(crate) cluster_id: Option<String>,
    /// The name of the new one; `None` where the plan did not know it, or core does not say what was planned.
    pub(crate) name: Option<String>,
    /// The key of the stream that the new one writes; `None` where the plan did not know it.
    pub(crate) stream: Option<String>,
    /// Whether the new one is to run, unless a status is configured.
    pub(crate) is_to_run: bool,
}

/// Why a running job was not interrupted.
pub(crate) enum NotInterrupted {
    /// The operation was canceled, or its deadline exceeded.
    Interruption(Interruption),
    /// This job was stopped for a change before, and could not be started again.
    Lost(JobIdentity),
    /// The credentials expire too soon, and this is why they cannot be renewed.
    CredentialsExpire(String),
}

/// A job that is being stopped. Dropping it records that the job is stopped, or that stopping failed.
pub(crate) struct Stopping<'a>(&'a Run);

impl Run {
    /// `max_interruptions`: running jobs that may be interrupted at a time.
    /// `checks_plans`: whether plans are checked against the API.
    pub(crate) fn new(max_interruptions: Option<usize>, checks_plans: bool) -> Self {
        let max_interruptions = max_interruptions.unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            interruptions: Semaphore::new(max_interruptions),
            max_interruptions,
            checks_plans,
            known: Mutex::default(),
        }
    }

    pub(crate) fn checks_plans(&self) -> bool {
        self.checks_plans
    }

    /// This run applies, and no longer only plans.
    pub(crate) fn note_apply(&self) {
        self.known().has_applied = true;
    }

    pub(crate) fn has_applied(&self) -> bool {
        self.known().has_applied
    }

    /// Whether this happens for the first time in this run.
    pub(crate) fn is_first_time(&self, event: &str) -> bool {
        self.known().happened.insert(event.to_owned())
    }

    /// A job is planned to run and to write a stream. Returns the label of another one that is, unless a plan has warned of
    /// that already.
    pub(crate) fn note_writer(
        &self,
        stream: String,
        label: &str,
        job_id: &str,
        warned_of: Vec<String>,
    ) -> Option<String> {
        let writer = Writer {
            label: label.to_owned(),
            job_id: job_id.to_owned(),
            warned_of,
        };
        let mut known = self.known();
        let Some(other) = known.writers.get(&stream) else {
            known.writers.insert(stream, writer);
            return None;
        };
        let has_warned = |one: &Writer, of: &Writer| one.warned_of.contains(&of.job_id);
        let is_same = !job_id.is_empty() && other.job_id == job_id;
        let is_news = !is_same && !has_warned(other, &writer) && !has_warned(&writer, other);
        is_news.then(|| other.label.clone())
    }

    /// Waits until one more running job may be interrupted for a change. The job counts until the permit is dropped.
    pub(crate) async fn interrupt(
        &self,
        ctx: &CallContext,
    ) -> Result<SemaphorePermit<'_>, NotInterrupted> {
        if let Some(ended) = ctx.interruption() {
            return Err(NotInterrupted::Interruption(ended));
        }
        let permit = if let Ok(permit) = self.interruptions.try_acquire() {
            permit
        } else {
            ctx.run(self.interruptions.acquire())
                .await
                .map_err(NotInterrupted::Interruption)?
                .unwrap_or_else(|_closed| unreachable!("the semaphore is never closed"))
        };
        match self.lost() {
            Some(lost) => Err(NotInterrupted::Lost(lost)),
            None => Ok(permit),
        }
    }

    /// Whether a running job is interrupted now: its place in the quota is its own.
    pub(crate) fn is_interrupting(&self) -> bool {
        self.interruptions.available_permits() < self.max_interruptions
    }

    /// The stream of this job was ended by this run and could not be brought back on air: no further job is interrupted.
    pub(crate) fn note_lost(&self, id: &JobIdentity) {
        self.known().lost.get_or_insert_with(|| id.clone());
    }

    /// The first job whose stream was lost.
    pub(crate) fn lost(&self) -> Option<JobIdentity> {
        self.known().lost.clone()
    }

    /// A job is about to be stopped, and not only interrupted.
    pub(crate) fn stopping(&self) -> Stopping<'_> {
        self.known().stopping += 1;
        Stopping(self)
    }

    /// A running job that writes this stream is about to be stopped for good. Returns whether it is the first one.
    pub(crate) fn note_ended(&self, stream: String, id: &JobIdentity) -> bool {
        let mut known = self.known();
        let is_first = !known.ended_streams.contains_key(&stream);
        known
            .ended_streams
            .entry(stream)
            .or_insert_with(|| id.clone());
        is_first
    }

    /// The job that writes this stream was not stopped, or runs again.
    pub(crate) fn forget_ended(&self, stream: &str) {
        self.known().ended_streams.remove(stream);
    }

    /// The running job that wrote this stream and that this run has stopped for good, if any.
    pub(crate) fn ended_by(&self, stream: &str) -> Option<JobIdentity> {
        self.known().ended_streams.get(stream).cloned()
    }

    /// Whether a call that was rejected at `rejected_at` because of another job is worth further attempts: this run is stopping or
    /// deleting jobs, has just done so, or may be about to.
    pub(crate) fn may_clear_way(&self, rejected_at: Instant) -> bool {
        let known = self.known();
        let since = known
            .stopped_at
            .map_or(rejected_at, |at| at.max(rejected_at));
        known.stopping > 0 || since.elapsed() < REJECTION_WAIT
    }

    /// Whether a job was stopped since then, and not only interrupted.
    pub(crate) fn has_stopped_since(&self, time: Instant) -> bool {
        self.known().stopped_at.is_some_and(|at| at >= time)
    }

    /// A job that another one replaces is deleted.
    pub(crate) fn note_replaced(&self, replaced: Replaced) {
        self.known().replaced.push(replaced);
    }

    /// The job that this run has deleted in favor of this new one, and none other takes the place of. It is known by its ID
    /// where core says that, or else by the cluster, the name and the stream of the new one, as far as they are known: one on
    /// standby in another cluster may have the same name and stream.
    pub(crate) fn take_replaced(
        &self,
        id: Option<&JobIdentity>,
        cluster_id: &str,
        name: &str,
        stream: &str,
    ) -> Option<Replaced> {
        let mut known = self.known();
        let is_it = |replaced: &Replaced| match id {
            Some(id) => replaced.id == *id,
            None => replaced.agrees_with(cluster_id, name, stream),
        };
        let found = known.replaced.iter().enumerate();
        let found = found.filter(|(_, replaced)| is_it(replaced));
        // Rather one of which the cluster is known.
        let (position, _) = found.min_by_key(|(_, replaced)| replaced.cluster_id.is_none())?;
        Some(known.replaced.remove(position))
    }

    pub(crate) fn note_created(&self, created: Created) {
        self.known().created.push(created);
    }

    /// A job is about to be started for this stream.
    pub(crate) fn note_start(&self, id: &JobIdentity, stream: String) {
        self.known().started.insert(stream, id.clone());
    }

    /// A new job runs.
    pub(crate) fn note_running(&self, id: &JobIdentity) {
        let mut known = self.known();
        let created = known.created.iter_mut().find(|created| created.id == *id);
        if let Some(created) = created {
            created.has_run = true;
        }
    }

    /// Another job that this run has started for this stream, or was about to.
    pub(crate) fn started_beside(&self, id: &JobIdentity, stream: &str) -> Option<JobIdentity> {
        let known = self.known();
        let started = known.started.get(stream).filter(|other| *other != id);
        started.cloned()
    }

    /// The job that this run has created in the place of this one, or else those for the stream that this one writes: which of
    /// them is to take over, and which is on standby, is not known.
    pub(crate) fn successors(&self, id: &JobIdentity, stream: &str) -> Vec<Created> {
        let known = self.known();
        let of = |is_it: &dyn Fn(&Created) -> bool| -> Vec<_> {
            let created = known.created.iter();
            created.filter(|&one| is_it(one)).cloned().collect()
        };
        let successor = of(&|created| created.replaces.as_ref() == Some(id));
        if successor.is_empty() {
            of(&|created| created.stream == stream)
        } else {
            successor
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replaced {
    /// Whether a new job is as the one that was to take this one's place, as far as that is known.
    fn agrees_with(&self, cluster_id: &str, name: &str, stream: &str) -> bool {
        let agrees =
            |known: &Option<String>, other| known.as_deref().is_none_or(|known| known == other);
        (self.name.is_some() || self.stream.is_some())
            && agrees(&self.cluster_id, cluster_id)
            && agrees(&self.name, name)
            && agrees(&self.stream, stream)
    }
}

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        let mut known = self.0.known();
        known.stopping -= 1;
        known.stopped_at = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(job_id: &str) -> JobIdentity {
        JobIdentity {
            cluster_id: "c".to_owned(),
            job_id: job_id.to_owned(),
        }
    }

    fn ctx() -> CallContext {
        CallContext::without_cancel(Duration::from_secs(60))
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_jobs_are_interrupted_at_a_time_than_allowed() {
        let run = Run::new(Some(1), true);
        let first = run.interrupt(&ctx()).await.ok();
        assert!(first.is_some() && run.is_interrupting());
        let second = run.interrupt(&ctx()).await;
        assert!(matches!(second, Err(NotInterrupted::Interruption(_))));
        drop(first);
        assert!(!run.is_interrupting());
        assert!(run.interrupt(&ctx()).await.is_ok());
    }

    #[tokio::test]
    async fn after_a_lost_stream_no_further_job_is_interrupted() {
        let run = Run::new(None, true);
        assert!(run.interrupt(&ctx()).await.is_ok());
        let ended = CallContext::without_cancel(Duration::ZERO);
        let interrupted = run.interrupt(&ended).await;
        assert!(matches!(interrupted, Err(NotInterrupted::Interruption(_))));
        run.note_lost(&id("first"));
        run.note_lost(&id("second"));
        let Err(NotInterrupted::Lost(lost)) = run.interrupt(&ctx()).await else {
            panic!("the stream of the first job is lost");
        };
        assert_eq!(lost, id("first"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_way_may_become_clear_while_this_run_stops_jobs_and_shortly_after() {
        let run = Run::new(None, true);
        let rejected_at = Instant::now();
        let stopping = run.stopping();
        tokio::time::advance(REJECTION_WAIT * 3).await;
        assert!(run.may_clear_way(rejected_at));
        assert!(!run.has_stopped_since(rejected_at));
        drop(stopping);
        assert!(run.has_stopped_since(rejected_at));
        tokio::time::advance(REJECTION_WAIT / 2).await;
        assert!(run.may_clear_way(rejected_at));
        tokio::time::advance(REJECTION_WAIT).await;
        assert!(!run.may_clear_way(rejected_at));
        assert!(
            run.may_clear_way(Instant::now()),
            "one may be about to stop"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_way_is_waited_for_no_longer_than_ten_seconds() {
        let run = Run::new(None, true);
        let rejected_at = Instant::now();
        tokio::time::advance(REJECTION_WAIT).await;
        assert!(!run.may_clear_way(rejected_at));
    }

    #[test]
    fn a_run_applies_from_its_first_change_on() {
        let run = Run::new(None, false);
        assert!(!run.has_applied() && !run.checks_plans());
        run.note_apply();
        assert!(run.has_applied());
    }

    #[test]
    fn what_happens_twice_is_new_once() {
        let run = Run::new(None, true);
        assert!(run.is_first_time("a"));
        assert!(run.is_first_time("b"));
        assert!(!run.is_first_time("a"));
    }

    #[test]
    fn a_second_writer_of_a_stream_is_named_unless_a_plan_has_warned_of_it() {
        let first = |warned_of: &[&str]| {
            let run = Run::new(None, true);
            let warned_of = warned_of.iter().map(ToString::to_string).collect();
            let other = run.note_writer("s".to_owned(), "first", "1", warned_of);
            assert_eq!(other, None);
            run
        };
        let second = |run: &Run, stream: &str, job_id: &str, warned_of: &str| {
            let warned_of = vec![warned_of.to_owned()];
            run.note_writer(stream.to_owned(), "second", job_id, warned_of)
        };
        let named = Some("first".to_owned());
        assert_eq!(second(&first(&[]), "s", "2", "3"), named);
        assert_eq!(second(&first(&[]), "s", "", "3"), named, "a new job");
        assert_eq!(second(&first(&["3"]), "s", "2", "3"), named);
        assert_eq!(second(&first(&[]), "t", "2", "3"), None);
        assert_eq!(second(&first(&[]), "s", "1", "3"), None, "the same job");
        assert_eq!(second(&first(&[]), "s", "2", "1"), None);
        assert_eq!(second(&first(&["2"]), "s", "2", "3"), None);
    }

    #[test]
    fn a_stream_has_ended_until_that_is_taken_back() {
        let run = Run::new(None, true);
        assert!(run.note_ended("s".to_owned(), &id("1")));
        assert!(!run.note_ended("s".to_owned(), &id("2")));
        assert_eq!(
            (run.ended_by("s"), run.ended_by("t")),
            (Some(id("1")), None)
        );
        run.forget_ended("s");
        assert_eq!(run.ended_by("s"), None);
    }

    #[test]
    fn the_job_that_was_started_last_for_a_stream_is_known() {
        let run = Run::new(None, true);
        assert_eq!(run.started_beside(&id("1"), "s"), None);
        run.note_start(&id("1"), "s".to_owned());
        assert_eq!(run.started_beside(&id("1"), "s"), None, "itself");
        assert_eq!(run.started_beside(&id("2"), "s"), Some(id("1")));
        assert_eq!(run.started_beside(&id("2"), "t"), None);
        run.note_start(&id("2"), "s".to_owned());
        assert_eq!(run.started_beside(&id("1"), "s"), Some(id("2")));
    }

    #[test]
    fn of_a_new_job_it_is_known_whether_it_has_run() {
        let run = Run::new(None, true);
        for job_id in ["1", "2"] {
            run.note_created(Created {
                id: id(job_id),
                stream: "s".to_owned(),
                replaces: None,
                target: None,
                has_run: false,
            });
        }
        run.note_running(&id("2"));
        let successors = run.successors(&id("old"), "s").into_iter();
        let have_run: Vec<_> = successors.map(|created| created.has_run).collect();
        assert_eq!(have_run, [false, true]);
    }

    /// A run that has deleted jobs in favor of new ones.
    fn replacing() -> Run {
        let run = Run::new(None, true);
        for (job_id, name, stream) in [
            ("1", Some("a"), Some("s")),
            ("2", None, Some("t")),
            ("3", Some("c"), None),
            ("4", None, None),
        ] {
            run.note_replaced(Replaced {
                id: id(job_id),
                cluster_id: None,
                name: name.map(str::to_owned),
                stream: stream.map(str::to_owned),
                is_to_run: true,
            });
        }
        run
    }

    #[test]
    fn a_replaced_job_is_known_by_its_id_or_else_by_what_the_new_one_is() {
        for (known_id, name, stream, expected) in [
            (Some("4"), "a", "s", Some("4")),
            (Some("5"), "a", "s", None),
            (None, "a", "s", Some("1")),
            (None, "b", "s", None),
            (None, "a", "x", None),
            (None, "b", "t", Some("2")),
            (None, "c", "x", Some("3")),
            (None, "x", "x", None),
        ] {
            let known_id = known_id.map(id);
            let replaced = replacing().take_replaced(known_id.as_ref(), "c", name, stream);
            let found = replaced.map(|replaced| replaced.id.job_id);
            assert_eq!(found.as_deref(), expected, "{name} {stream}");
        }
    }

    #[test]
    fn a_job_has_one_successor() {
        let run = replacing();
        for expected in [true, false] {
            assert_eq!(run.take_replaced(None, "c", "a", "s").is_some(), expected);
        }
    }

    #[test]
    fn jobs_in_two_clusters_that_are_alike_have_the_successors_of_their_clusters() {
        let run = Run::new(None, true);
        for cluster_id in ["standby", "live"] {
            run.note_replaced(Replaced {
                id: id(cluster_id),
                cluster_id: Some(cluster_id.to_owned()),
                name: Some("a".to_owned()),
                stream: Some("s".to_owned()),
                is_to_run: cluster_id == "live",
            });
        }
        for (cluster_id, expected) in [
            ("new", None),
            ("live", Some(id("live"))),
            ("live", None),
            ("standby", Some(id("standby"))),
        ] {
            let replaced = run.take_replaced(None, cluster_id, "a", "s");
            assert_eq!(replaced.map(|replaced| replaced.id), expected);
        }
    }

    #[test]
    fn successors_are_known_by_the_job_that_they_replace_or_else_by_its_stream() {
        let run = Run::new(None, true);
        for (job_id, stream, replaces) in
            [("1", "s", None), ("2", "t", Some("old")), ("3", "s", None)]
        {
            run.note_created(Created {
                id: id(job_id),
                stream: stream.to_owned(),
                replaces: replaces.map(id),
                target: None,
                has_run: false,
            });
        }
        for (job_id, stream, expected) in [
            ("old", "s", &["2"][..]),
            ("other", "s", &["1", "3"]),
            ("other", "x", &[]),
        ] {
            let successors = run.successors(&id(job_id), stream).into_iter();
            let ids: Vec<_> = successors.map(|created| created.id.job_id).collect();
            assert_eq!(ids, expected);
        }
    }
}
