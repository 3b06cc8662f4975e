//! What all calls, the control door and the library handle share.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::behavior::Config;
use super::clock::WallClock;
use super::counts::Counts;
use super::faults::{Faults, Point};
use super::job_fields::JobFields;
use super::keys::{TemporaryKey, TemporaryKeys};
use super::model::{Job, JobStatus, TemplateKind};
use super::random::Random;
use super::record::{Call, Record};
use super::settings::Settings;
use super::state::{Saved, SavedJob, StateFile};
use super::store::Store;
use super::verify::Nonces;

/// So many calls wait or hang at a time; one more drops the oldest of them.
const MAX_WAITING_CALLS: usize = 10_000;

/// Told of each call at each point.
pub(super) type Observer = Arc<dyn Fn(&CallEvent) + Send + Sync>;

/// A call has come to a point.
#[derive(Clone, Debug, PartialEq)]
pub struct CallEvent {
    /// The point.
    pub when: Point,
    /// The call as it stands there.
    pub call: Call,
}

/// One state with all that acts on it: a whole mock, but for its access keys and sockets.
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// The access key that it was made for; none for the first.
    owner: Option<String>,
    world: Mutex<World>,
    state: Option<StateFile>,
    observer: Mutex<Option<Observer>>,
    /// How many calls are being held.
    held: watch::Sender<usize>,
    /// Ends connections and calls when the mock stops.
    pub(super) stopped: CancellationToken,
}

/// The state that a request of the control API is about.
pub(super) struct Selected(pub(super) Arc<Shared>);

/// Everything that a reset makes new.
pub(super) struct World {
    /// Counts resets; a call that outlives one has nothing more to do here.
    pub(super) epoch: u64,
    pub(super) config: Config,
    clock: WallClock,
    /// When its record began.
    pub(super) began_at: OffsetDateTime,
    pub(super) store: Store,
    pub(super) keys: TemporaryKeys,
    pub(super) nonces: Nonces,
    pub(super) quota: Quota,
    pub(super) record: Record,
    pub(super) counts: Counts,
    pub(super) faults: Faults,
    pub(super) ids: Random,
    held: Vec<Held>,
    /// Calls that hang: nobody sends, and a reset drops them.
    hanging: Vec<oneshot::Sender<()>>,
}

/// A call that waits to be released.
struct Held {
    event: CallEvent,
    release: oneshot::Sender<()>,
}

impl Shared {
    /// Begins with what the state file holds, else with what the settings say. Fails if there is to be a state file and
    /// it is damaged, in use or cannot be written.
    pub(super) fn new(settings: Settings) -> io::Result<Self> {
        Self::with(settings, None, CancellationToken::new())
    }

    /// One more, of the access key `owner`. It ends with `parent`.
    pub(super) fn below(settings: Settings, owner: &str, parent: &Self) -> io::Result<Self> {
        Self::with(
            settings,
            Some(owner.to_owned()),
            parent.stopped.child_token(),
        )
    }

    fn with(
        settings: Settings,
        owner: Option<String>,
        stopped: CancellationToken,
    ) -> io::Result<Self> {
        let (state, saved) = match settings.state.clone().map(StateFile::open).transpose()? {
            Some((state, saved)) => (Some(state), saved),
            None => (None, None),
        };
        let world = match saved {
            Some(saved) => World::restored(&settings, saved),
            None => World::seeded(&settings, owner.clone(), 0, Random::new(settings.seed)),
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
            held: watch::Sender::new(0),
            stopped,
        })
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Brings what outlives a kill to the disk, if there is a state file. To be called after each change of jobs and
    /// before anybody hears of it.
    pub(super) fn keep(&self, world: &World) -> io::Result<()> {
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
        *world = World::seeded(&self.settings, self.owner.clone(), world.epoch + 1, ids);
        self.held.send_replace(0);
        self.keep(&world)
    }

    pub(super) fn observe(&self, observer: Observer) {
        *lock(&self.observer) = Some(observer);
    }

    pub(super) fn observer(&self) -> Option<Observer> {
        lock(&self.observer).clone()
    }

    /// Holds a call. The receiver hears of its release, or fails when a reset drops it.
    pub(super) fn hold(&self, world: &mut World, event: CallEvent) -> oneshot::Receiver<()> {
        let (release, released) = oneshot::channel();
        if world.held.len() >= MAX_WAITING_CALLS {
            world.held.remove(0);
        }
        world.held.push(Held { event, release });
        self.held.send_replace(world.held.len());
        released
    }

    /// Lets every held call go on; says how many.
    pub(super) fn release(&self) -> usize {
        let held = {
            let mut world = self.world();
            self.held.send_replace(0);
            std::mem::take(&mut world.held)
        };
        // A call that is gone needs no release.
        held.into_iter()
            .filter_map(|held| held.release.send(()).ok())
            .count()
    }

    /// The calls that are held, once there are so many, or when `timeout` has passed.
    pub(super) async fn wait_held(&self, calls: usize, timeout: Duration) -> Vec<CallEvent> {
        let mut held = self.held.subscribe();
        // Whether time ran out shows in what is held.
        let _ = tokio::time::timeout(timeout, held.wait_for(|held| *held >= calls)).await;
        self.world()
            .held
            .iter()
            .map(|held| held.event.clone())
            .collect()
    }
}

impl World {
    fn new(settings: &Settings, owner: Option<String>, epoch: u64, ids: Random) -> Self {
        Self {
            epoch,
            config: settings.config.clone(),
            clock: settings.clock.clone(),
            began_at: settings.clock.now(settings.config.clock_offset_seconds),
            store: Store::new(settings.clusters.clone(), settings.templates.clone()),
            keys: TemporaryKeys::new(owner),
            nonces: Nonces::default(),
            quota: Quota::default(),
            record: Record::new(settings.calls_kept, settings.max_recorded_bytes),
            counts: Counts::default(),
            faults: Faults::new(ids.clone()),
            ids,
            held: Vec::new(),
            hanging: Vec::new(),
        }
    }

    /// With the jobs and faults of the settings.
    fn seeded(settings: &Settings, owner: Option<String>, epoch: u64, ids: Random) -> Self {
        let mut world = Self::new(settings, owner, epoch, ids);
        for fields in &settings.jobs {
            world.seed(settings, |job| {
                fields.clone().apply(job, &settings.templates);
            });
        }
        world.faults.set(settings.faults.clone());
        world
    }

    /// With the faults of the settings, and what was saved in the place of the jobs.
    fn restored(settings: &Settings, saved: Saved) -> Self {
        let mut world = Self::new(settings, None, 0, Random::at(saved.random));
        for SavedJob { modified, job } in saved.jobs {
            let mut restored = plain_job(settings, String::new(), modified);
            job.apply(&mut restored, &[]);
            world.store.restore(restored, modified);
        }
        world.nonces = saved.nonces;
        world.faults.set(settings.faults.clone());
        world
    }

    fn saved(&self) -> Saved {
        let saved = |(job, modified)| SavedJob {
            modified,
            job: JobFields::from(job),
        };
        let jobs = self.store.modified().map(saved).collect();
        Saved::new(self.ids.place(), jobs, self.nonces.clone())
    }

    /// Puts a job in that `edit` has made out of a plain one; gives it back.
    pub(super) fn seed(&mut self, settings: &Settings, edit: impl FnOnce(&mut Job)) -> Job {
        let mut job = plain_job(settings, self.ids.id(), self.now());
        edit(&mut job);
        self.store.seed(job.clone());
        job
    }

    /// Has a call hang. The receiver fails when a reset drops it.
    pub(super) fn hang(&mut self) -> oneshot::Receiver<()> {
        let (never, released) = oneshot::channel();
        // The task of a call goes on when its caller has hung up, so these would pile up.
        if self.hanging.len() >= MAX_WAITING_CALLS {
            self.hanging.remove(0);
        }
        self.hanging.push(never);
        released
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
        self.clock.now(self.config.clock_offset_seconds)
    }
}

/// A job with the first template, of that template's cluster or else the first.
fn plain_job(settings: &Settings, job_id: String, now: OffsetDateTime) -> Job {
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
        kind: template.map_or(TemplateKind::Common, |template| template.kind),
        create_time: now,
        last_start_at: None,
        last_stop_at: None,
    }
}

/// Calls of each operation in its current minute. A minute begins with the first call after the last one ended.
#[derive(Debug, Default)]
pub(super) struct Quota {
    minutes: HashMap<String, (Instant, u32)>,
}

impl Quota {
    /// Counts a call; false if it is one too many.
    pub(super) fn take(&mut self, action: &str, config: &Config, now: Instant) -> bool {
        let Some(limit) = config.calls_per_minute else {
            return true;
        };
        let (began, calls) = self.minutes.entry(action.to_owned()).or_insert((now, 0));
        if now.duration_since(*began) >= Duration::from_millis(config.minute_ms) {
            (*began, *calls) = (now, 0);
        }
        *calls = calls.saturating_add(1);
        *calls <= limit
    }
}

/// A panic while the lock was held says nothing about the data: every change is made whole by one statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_counts_each_operation_by_the_minute() {
        let (mut quota, start) = (Quota::default(), Instant::now());
        let config = Config {
            calls_per_minute: Some(2),
            ..Config::default()
        };
        let mut take =
            |action, seconds| quota.take(action, &config, start + Duration::from_secs(seconds));
        assert_eq!(
            [take("A", 0), take("A", 1), take("A", 59)],
            [true, true, false]
        );
        assert!(take("B", 59));
        assert!(take("A", 60));
        assert!(Quota::default().take("A", &Config::default(), start));
    }
}
