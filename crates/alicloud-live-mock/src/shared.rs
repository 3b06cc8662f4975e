//! What all calls, the control door and the library handle share.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::behavior::Behavior;
use super::budget::{Budget, Charge, MAX_KEPT_BYTES, Share};
use super::call_log::{CallLog, RecordedCall};
use super::clock::WallClock;
use super::counts::Counts;
use super::faults::{FaultStage, Faults};
use super::job_patch::JobPatch;
use super::keys::{TemporaryKey, TemporaryKeys};
use super::model::{Job, JobStatus, TemplateType};
use super::quota::Quota;
use super::random::Random;
use super::settings::MockSettings;
use super::state::{Saved, SavedJob, StateFile};
use super::store::Store;
use super::verify::Nonces;

/// So many calls wait or hang at a time; one more drops the oldest of them.
const MAX_WAITING_CALLS: usize = 10_000;
/// A call that waits is there as a request, as an event and in its task.
const COPIES: usize = 3;

/// Told of each call at each point.
pub(super) type Observer = Arc<dyn Fn(&CallEvent) + Send + Sync>;

/// A call has come to a point.
#[derive(Clone, Debug, PartialEq)]
pub struct CallEvent {
    /// The point.
    pub when: FaultStage,
    /// The call as it stands there.
    pub call: RecordedCall,
}

/// One state with all that acts on it: a whole mock, but for its access keys and sockets.
pub(super) struct Shared {
    pub(super) settings: MockSettings,
    /// The access key that it was made for; none for the first.
    owner: Option<String>,
    world: Mutex<MockState>,
    state: Option<StateFile>,
    observer: Mutex<Option<Observer>>,
    /// How many calls are paused.
    paused: watch::Sender<usize>,
    /// Ends connections and calls when the mock stops.
    pub(super) stopped: CancellationToken,
}

/// The state that a request of the control API is about.
pub(super) struct Selected(pub(super) Arc<Shared>);

/// Everything that a reset makes new.
pub(super) struct MockState {
    /// Counts resets; a call that outlives one has nothing more to do here.
    pub(super) epoch: u64,
    pub(super) behavior: Behavior,
    behavior_charge: Option<Charge>,
    pub(super) budget: Budget,
    clock: WallClock,
    /// When its record began.
    pub(super) began_at: OffsetDateTime,
    pub(super) store: Store,
    pub(super) keys: TemporaryKeys,
    pub(super) nonces: Nonces,
    pub(super) quota: Quota,
    pub(super) record: CallLog,
    pub(super) counts: Counts,
    pub(super) faults: Faults,
    pub(super) ids: Random,
    paused: Vec<PausedCall>,
    /// Calls that hang: nobody sends, and a reset drops them.
    hanging: Vec<(oneshot::Sender<()>, Charge)>,
}

/// What all states of a mock share.
struct Limits {
    kept: Budget,
    recorded: Share,
}

/// A call that waits to be released.
struct PausedCall {
    event: CallEvent,
    release: oneshot::Sender<()>,
    _charge: Charge,
}

impl Shared {
    /// Begins with what the state file holds, else with what the settings say. Fails if there is to be a state file and
    /// it is damaged, in use or cannot be written.
    pub(super) fn new(settings: MockSettings) -> io::Result<Self> {
        let limits = Limits {
            kept: Budget::new(MAX_KEPT_BYTES),
            recorded: Share::of(settings.max_recorded_bytes),
        };
        Self::with(settings, None, CancellationToken::new(), limits)
    }

    /// One more, of the access key `owner`. It ends with `parent`.
    pub(super) fn below(settings: MockSettings, owner: &str, parent: &Self) -> io::Result<Self> {
        Self::with(
            settings,
            Some(owner.to_owned()),
            parent.stopped.child_token(),
            parent.world().limits(),
        )
    }

    fn with(
        settings: MockSettings,
        owner: Option<String>,
        stopped: CancellationToken,
        limits: Limits,
    ) -> io::Result<Self> {
        let (state, saved) = match settings
            .state_file
            .clone()
            .map(StateFile::open)
            .transpose()?
        {
            Some((state, saved)) => (Some(state), saved),
            None => (None, None),
        };
        let world = match saved {
            Some(saved) => MockState::restored(&settings, saved, limits),
            None => MockState::seeded(
                &settings,
                owner.clone(),
                0,
                Random::new(settings.seed),
                limits,
            ),
        };
        if let Some(state) = &state {
            state.save(&world.saved())?;
        }
        Ok(Self {
            world: Mutex::new(world),
            state,
            settings,
            owner,
            observer: Mutex::new(None),
            paused: watch::Sender::new(0),
            stopped,
        })
    }

    pub(super) fn world(&self) -> MutexGuard<'_, MockState> {
        lock(&self.world)
    }

    /// Brings what outlives a kill to the disk, if there is a state file. To be called after each change of jobs and
    /// before anybody hears of it.
    pub(super) fn keep(&self, world: &MockState) -> io::Result<()> {
        match &self.state {
            Some(state) => state.save(&world.saved()),
            None => Ok(()),
        }
    }

    /// Back to the start. Calls that wait or hang lose their connections.
    pub(super) fn reset(&self) -> io::Result<()> {
        let mut world = self.world();
        // Without a seed the ids go on, so that an id of before means no job of after.
        let ids = self
            .settings
            .seed
            .map_or_else(|| world.ids.clone(), |seed| Random::new(Some(seed)));
        let (epoch, limits) = (world.epoch + 1, world.limits());
        *world = MockState::seeded(&self.settings, self.owner.clone(), epoch, ids, limits);
        self.paused.send_replace(0);
        self.keep(&world)
    }

    pub(super) fn observe(&self, observer: Observer) {
        *lock(&self.observer) = Some(observer);
    }

    pub(super) fn observer(&self) -> Option<Observer> {
        lock(&self.observer).clone()
    }

    /// Holds a call. The receiver hears of its release, or fails when a reset drops it.
    pub(super) fn hold(&self, world: &mut MockState, event: CallEvent) -> oneshot::Receiver<()> {
        let (release, released) = oneshot::channel();
        let charge = world.budget.charge(event.call.bytes() * COPIES);
        while world.is_too_much(world.paused.len()) {
            world.paused.remove(0);
        }
        world.paused.push(PausedCall {
            event,
            release,
            _charge: charge,
        });
        self.paused.send_replace(world.paused.len());
        released
    }

    /// Lets every paused call go on; says how many.
    pub(super) fn release(&self) -> usize {
        let paused = {
            let mut world = self.world();
            self.paused.send_replace(0);
            std::mem::take(&mut world.paused)
        };
        // A call that is gone needs no release.
        paused
            .into_iter()
            .filter_map(|call| call.release.send(()).ok())
            .count()
    }

    /// The paused calls, once there are so many, or when `timeout` has passed.
    pub(super) async fn wait_paused(&self, calls: usize, timeout: Duration) -> Vec<CallEvent> {
        let mut paused = self.paused.subscribe();
        // Whether time ran out shows in what is paused.
        let _ = tokio::time::timeout(timeout, paused.wait_for(|paused| *paused >= calls)).await;
        self.world()
            .paused
            .iter()
            .map(|call| call.event.clone())
            .collect()
    }
}

impl MockState {
    fn new(
        settings: &MockSettings,
        owner: Option<String>,
        epoch: u64,
        ids: Random,
        limits: Limits,
    ) -> Self {
        Self {
            epoch,
            behavior: settings.behavior.clone(),
            clock: settings.clock.clone(),
            began_at: settings.clock.now(settings.behavior.clock_offset_seconds),
            store: Store::new(
                settings.clusters.clone(),
                settings.templates.clone(),
                limits.kept.clone(),
            ),
            keys: TemporaryKeys::new(owner),
            nonces: Nonces::default(),
            quota: Quota::default(),
            record: CallLog::new(settings.max_recorded_calls, limits.recorded),
            counts: Counts::default(),
            faults: Faults::new(ids.clone(), limits.kept.clone()),
            budget: limits.kept,
            behavior_charge: None,
            ids,
            paused: Vec::new(),
            hanging: Vec::new(),
        }
    }

    /// With the jobs and faults of the settings.
    fn seeded(
        settings: &MockSettings,
        owner: Option<String>,
        epoch: u64,
        ids: Random,
        limits: Limits,
    ) -> Self {
        let mut world = Self::new(settings, owner, epoch, ids, limits);
        for fields in &settings.jobs {
            world.seed(settings, |job| {
                fields.clone().apply(job, &settings.templates);
            });
        }
        world.faults.set(settings.faults.clone());
        world
    }

    /// With the faults of the settings, and what was saved in the place of the jobs.
    fn restored(settings: &MockSettings, saved: Saved, limits: Limits) -> Self {
        let mut world = Self::new(settings, None, 0, Random::at(saved.random), limits);
        for SavedJob { modified, job } in saved.jobs {
            let mut restored = plain_job(settings, String::new(), modified);
            job.apply(&mut restored, &[]);
            world.store.restore(restored, modified);
        }
        world.nonces = saved.nonces;
        world.faults.set(settings.faults.clone());
        world
    }

    fn limits(&self) -> Limits {
        Limits {
            kept: self.budget.clone(),
            recorded: self.record.share(),
        }
    }

    /// Puts `behavior`, which was sent as so many bytes, in the place of the present one.
    pub(super) fn set_behavior(&mut self, behavior: Behavior, bytes: usize) {
        self.behavior = behavior;
        self.behavior_charge = Some(self.budget.charge(bytes));
    }

    fn saved(&self) -> Saved {
        let saved = |(job, modified)| SavedJob {
            modified,
            job: JobPatch::from(job),
        };
        let jobs = self.store.modified().map(saved).collect();
        Saved::new(self.ids.place(), jobs, self.nonces.clone())
    }

    /// Puts a job in that `edit` has made out of a plain one; gives it back.
    pub(super) fn seed(&mut self, settings: &MockSettings, edit: impl FnOnce(&mut Job)) -> Job {
        let mut job = plain_job(settings, self.ids.id(), self.now());
        edit(&mut job);
        self.store.seed(job.clone());
        job
    }

    /// Has a call hang. The receiver fails when a reset drops it.
    pub(super) fn hang(&mut self, call_bytes: usize) -> oneshot::Receiver<()> {
        let (never, released) = oneshot::channel();
        // The task of a call goes on when its caller has hung up, so these would pile up.
        let charge = self.budget.charge(call_bytes * COPIES);
        while self.is_too_much(self.hanging.len()) {
            self.hanging.remove(0);
        }
        self.hanging.push((never, charge));
        released
    }

    /// Whether the oldest of so many calls that wait must go for one more.
    fn is_too_much(&self, waiting: usize) -> bool {
        waiting >= MAX_WAITING_CALLS || (waiting > 0 && self.budget.check().is_err())
    }

    /// Gives out keys at a door.
    pub(super) fn issue_key(
        &mut self,
        door: &str,
        session: &str,
        lifetime: time::Duration,
    ) -> TemporaryKey {
        let now = self.now();
        self.keys.issue(door, session, lifetime, now, &mut self.ids)
    }

    /// The mock's clock.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now(self.behavior.clock_offset_seconds)
    }
}

/// A job with the first template, of that template's cluster or else the first.
fn plain_job(settings: &MockSettings, job_id: String, now: OffsetDateTime) -> Job {
    let template = settings.templates.first();
    Job {
        cluster_id: template
            .and_then(|template| template.cluster_id.as_ref())
            .or(settings.clusters.first())
            .cloned()
            .unwrap_or_default(),
        job_id,
        name: "seeded".to_owned(),
        status: JobStatus::NotStarted,
        stream_input: "rtmp://input.example.com/app/stream".to_owned(),
        stream_output: "rtmp://output.example.com/app/stream".to_owned(),
        template_id: template
            .map(|template| template.template_id.clone())
            .unwrap_or_default(),
        template_name: template
            .map(|template| template.name.clone())
            .unwrap_or_default(),
        kind: template.map_or(TemplateType::Common, |template| template.kind),
        create_time: now,
        last_start_at: None,
        last_stop_at: None,
    }
}

/// A panic while the lock was held says nothing about the data: every change is made whole by one statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
