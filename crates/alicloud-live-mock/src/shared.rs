//! The state of a mock, which calls, the control API and [`super::Mock`] share.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::behavior::Behavior;
use super::budget::{Budget, Charge, MAX_STORED_BYTES, Share};
use super::call_log::{CallLog, RecordedCall};
use super::clock::WallClock;
use super::counts::Counts;
use super::faults::{FaultStage, Faults};
use super::keys::{TemporaryKey, TemporaryKeys};
use super::model::{Job, JobStatus};
use super::quota::Quota;
use super::random::Random;
use super::settings::MockSettings;
use super::state_file::{Saved, SavedJob, StateFile};
use super::store::Store;
use super::verify::Nonces;

/// How many calls are paused at a time, and how many hang or are slow. One more drops the oldest.
const MAX_WAITING_CALLS: usize = 10_000;
/// A waiting call exists three times: as a request, as an event and in its task.
const COPIES: usize = 3;

/// A function that is called for each call at each stage.
pub(super) type Observer = Arc<dyn Fn(&CallEvent) + Send + Sync>;

/// A call that has reached a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct CallEvent {
    /// The stage.
    pub when: FaultStage,
    /// The call as it is recorded at this stage.
    pub call: RecordedCall,
}

/// One state with its settings, file and observer: a whole mock except for access keys and sockets.
pub(super) struct Shared {
    pub(super) settings: MockSettings,
    /// The access key that it was created for; none for the first.
    owner: Option<String>,
    state: Mutex<MockState>,
    state_file: Option<StateFile>,
    observer: Mutex<Option<Observer>>,
    /// How many calls are paused.
    paused: watch::Sender<usize>,
    /// Cancels connections and calls when the mock stops.
    pub(super) stopped: CancellationToken,
}

/// The state that a request to the control API selects.
pub(super) struct Selected(pub(super) Arc<Shared>);

/// Everything that a reset replaces.
pub(super) struct MockState {
    /// Counts resets. A call that arrived in an earlier epoch must not use this state.
    pub(super) epoch: u64,
    pub(super) behavior: Behavior,
    behavior_charge: Option<Charge>,
    pub(super) budget: Budget,
    clock: WallClock,
    /// When its call log began.
    pub(super) began_at: OffsetDateTime,
    pub(super) store: Store,
    pub(super) keys: TemporaryKeys,
    pub(super) nonces: Nonces,
    pub(super) quota: Quota,
    pub(super) call_log: CallLog,
    pub(super) counts: Counts,
    pub(super) faults: Faults,
    pub(super) ids: Random,
    paused: Vec<PausedCall>,
    /// Calls that hang or are slow, by number. Nothing is ever sent to them; a reset drops them.
    pub(super) waiting: BTreeMap<u64, (oneshot::Sender<()>, Charge)>,
}

/// The limits that all states of a mock share.
pub(super) struct Limits {
    stored: Budget,
    recorded: Share,
}

impl Limits {
    pub(super) fn new(max_recorded_bytes: usize) -> Self {
        Self {
            stored: Budget::new(MAX_STORED_BYTES),
            recorded: Share::new(max_recorded_bytes),
        }
    }
}

/// A call that waits for its release.
struct PausedCall {
    event: CallEvent,
    release: oneshot::Sender<()>,
    _charge: Charge,
}

impl Shared {
    /// Starts with the content of the state file, or else with the settings: the first state, or that of the access key
    /// `owner`. It stops with `stopped`. Fails if the state file is damaged, in use or cannot be written.
    pub(super) fn new(
        settings: MockSettings,
        owner: Option<String>,
        stopped: CancellationToken,
        limits: Limits,
    ) -> io::Result<Self> {
        let path = settings.state_file.clone();
        let (state_file, saved) = path.map(StateFile::open).transpose()?.unzip();
        let saved: Option<Saved> = saved.flatten();
        let ids = match &saved {
            Some(saved) => saved.random.clone(),
            None => Random::new(settings.seed),
        };
        let mut state = MockState::new(&settings, owner.clone(), ids, limits);
        match saved {
            Some(saved) => state.restore(saved),
            None => state.seed_jobs(&settings),
        }
        if let Some(file) = &state_file {
            file.save(&state.saved())?;
        }
        Ok(Self {
            state: Mutex::new(state),
            state_file,
            settings,
            owner,
            observer: Mutex::new(None),
            paused: watch::Sender::new(0),
            stopped,
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, MockState> {
        lock(&self.state)
    }

    /// Writes the state file, if there is one. Must be called after each change of jobs and before its response.
    pub(super) fn save(&self, state: &MockState) -> io::Result<()> {
        match &self.state_file {
            Some(file) => file.save(&state.saved()),
            None => Ok(()),
        }
    }

    /// Restores the initial state. Paused, hanging and slow calls are dropped.
    pub(super) fn reset(&self) -> io::Result<()> {
        let mut state = self.state();
        // Without a seed the IDs continue, so that no new job gets an ID from before the reset.
        let ids = self
            .settings
            .seed
            .map_or_else(|| state.ids.clone(), |seed| Random::new(Some(seed)));
        let limits = state.limits();
        let mut initial = MockState::new(&self.settings, self.owner.clone(), ids, limits);
        initial.epoch = state.epoch + 1;
        initial.seed_jobs(&self.settings);
        *state = initial;
        self.paused.send_replace(0);
        self.save(&state)
    }

    pub(super) fn observe(&self, observer: Observer) {
        *lock(&self.observer) = Some(observer);
    }

    pub(super) fn observer(&self) -> Option<Observer> {
        lock(&self.observer).clone()
    }

    /// Pauses a call. The receiver returns when the call is released, and fails when a reset drops it.
    pub(super) fn pause(&self, state: &mut MockState, event: CallEvent) -> oneshot::Receiver<()> {
        let (release, released) = oneshot::channel();
        let charge = state.budget.charge(event.call.bytes() * COPIES);
        while state.is_over_limit(state.paused.len()) {
            state.paused.remove(0);
        }
        state.paused.push(PausedCall {
            event,
            release,
            _charge: charge,
        });
        self.paused.send_replace(state.paused.len());
        released
    }

    /// Releases every paused call. Returns how many.
    pub(super) fn release(&self) -> usize {
        let paused = {
            let mut state = self.state();
            self.paused.send_replace(0);
            std::mem::take(&mut state.paused)
        };
        paused
            .into_iter()
            .filter_map(|call| call.release.send(()).ok())
            .count()
    }

    /// Waits for `calls` paused calls or until `timeout`. Returns the paused calls.
    pub(super) async fn wait_paused(&self, calls: usize, timeout: Duration) -> Vec<CallEvent> {
        let mut paused = self.paused.subscribe();
        // The returned calls show whether the timeout was reached.
        let _ = tokio::time::timeout(timeout, paused.wait_for(|paused| *paused >= calls)).await;
        self.state()
            .paused
            .iter()
            .map(|call| call.event.clone())
            .collect()
    }
}

impl MockState {
    /// Starts with the faults of the settings, and no job.
    fn new(settings: &MockSettings, owner: Option<String>, ids: Random, limits: Limits) -> Self {
        let mut faults = Faults::new(ids.clone(), limits.stored.clone());
        faults.set(settings.faults.clone());
        Self {
            epoch: 0,
            behavior: settings.behavior.clone(),
            clock: settings.clock.clone(),
            began_at: settings.clock.now(settings.behavior.clock_offset_seconds),
            store: Store::new(
                settings.clusters.clone(),
                settings.templates.clone(),
                limits.stored.clone(),
            ),
            keys: TemporaryKeys::new(owner),
            nonces: Nonces::default(),
            quota: Quota::default(),
            call_log: CallLog::new(settings.max_recorded_calls, limits.recorded),
            counts: Counts::default(),
            faults,
            budget: limits.stored,
            behavior_charge: None,
            ids,
            paused: Vec::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// Creates the jobs of the settings.
    fn seed_jobs(&mut self, settings: &MockSettings) {
        for patch in &settings.jobs {
            self.seed(settings, |job| {
                patch.clone().apply(job, &settings.templates);
            });
        }
    }

    /// Restores the saved jobs and nonces.
    fn restore(&mut self, saved: Saved) {
        for SavedJob { modified, job } in saved.jobs {
            self.store.restore(job, modified);
        }
        self.nonces = saved.nonces;
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            stored: self.budget.clone(),
            recorded: self.call_log.share.clone(),
        }
    }

    /// Replaces the behavior. `bytes` is the length of the request that changed it.
    pub(super) fn set_behavior(&mut self, behavior: Behavior, bytes: usize) {
        self.behavior = behavior;
        self.behavior_charge = Some(self.budget.charge(bytes));
    }

    fn saved(&self) -> Saved {
        let saved = |(job, modified): (&Job, _)| SavedJob {
            modified,
            job: job.clone(),
        };
        let jobs = self.store.modified().map(saved).collect();
        Saved::new(self.ids.clone(), jobs, self.nonces.clone())
    }

    /// Stores a default job that `edit` has changed. Returns it.
    pub(super) fn seed(&mut self, settings: &MockSettings, edit: impl FnOnce(&mut Job)) -> Job {
        let mut job = default_job(settings, self.ids.id(), self.now());
        edit(&mut job);
        self.store.restore(job.clone(), job.create_time);
        job
    }

    /// Has the call with this number wait. The receiver fails when a reset or the limit drops it.
    pub(super) fn wait(&mut self, number: u64) -> oneshot::Receiver<()> {
        let (never, dropped) = oneshot::channel();
        // The task of a call outlives its connection, so waiting calls would pile up.
        let bytes = self.call_log.get(number).map_or(0, RecordedCall::bytes);
        let charge = self.budget.charge(bytes * COPIES);
        while self.is_over_limit(self.waiting.len()) {
            self.waiting.pop_first();
        }
        self.waiting.insert(number, (never, charge));
        dropped
    }

    /// Reports whether the oldest of `waiting` calls must be dropped for one more.
    fn is_over_limit(&self, waiting: usize) -> bool {
        waiting >= MAX_WAITING_CALLS || (waiting > 0 && self.budget.check().is_err())
    }

    /// Issues a temporary key. `issuer` becomes part of its ID.
    pub(super) fn issue_key(
        &mut self,
        issuer: &str,
        session: &str,
        lifetime: time::Duration,
    ) -> TemporaryKey {
        let now = self.now();
        self.keys
            .issue(issuer, session, lifetime, now, &mut self.ids)
    }

    /// Returns the time of the mock's clock.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now(self.behavior.clock_offset_seconds)
    }
}

/// Creates a job with the first template, in the cluster of that template or else the first.
fn default_job(settings: &MockSettings, job_id: String, now: OffsetDateTime) -> Job {
    let template = settings.templates.first().cloned().unwrap_or_default();
    let cluster_id = template.cluster_id.as_ref();
    Job {
        cluster_id: cluster_id
            .or(settings.clusters.first())
            .cloned()
            .unwrap_or_default(),
        job_id,
        name: "seeded".to_owned(),
        status: JobStatus::NotStarted,
        stream_input: "rtmp://input.example.com/app/stream".to_owned(),
        stream_output: "rtmp://output.example.com/app/stream".to_owned(),
        template_id: template.template_id,
        template_name: template.name,
        r#type: template.r#type,
        create_time: now,
        last_start_at: None,
        last_stop_at: None,
    }
}

/// Ignores poisoning: each change is one statement, so a panic cannot leave half of it behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
