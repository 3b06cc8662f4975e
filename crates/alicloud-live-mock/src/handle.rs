use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::access_keys::AccessKeys;
use super::behavior::Behavior;
use super::call_log::RecordedCall;
use super::faults::Fault;
use super::model::Job;
use super::server::{self, Server};
use super::settings::MockSettings;
use super::shared::{CallEvent, MockState, Shared};

/// A running mock. It stops when dropped, and is gone when the drop returns.
pub struct Mock {
    url: String,
    shared: Arc<Shared>,
    keys: Arc<AccessKeys>,
    runtime: Handle,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Mock {
    /// Listens and serves, on a thread and a tokio runtime of its own, so that tests without a runtime can use it. Fails
    /// if the address is not to be had, or [`MockSettings::state_file`] is broken.
    pub fn start(settings: MockSettings) -> io::Result<Self> {
        let server = Server::bind(settings)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let stop = CancellationToken::new();
        let (url, keys, handle) = (server.url(), server.keys(), runtime.handle().clone());
        let stopping = stop.clone();
        let serve = move || {
            // Nothing in it can fail but taking over the socket, and then callers get no connection.
            let _ = runtime.block_on(server.run(stopping.cancelled_owned()));
        };
        let thread = thread::Builder::new()
            .name("alicloud-live-mock".to_owned())
            .spawn(serve)?;
        Ok(Self {
            url,
            shared: Arc::clone(&keys.first),
            keys,
            runtime: handle,
            stop,
            thread: Some(thread),
        })
    }

    /// Serves [`Self::answer`] alone, without sockets, in the runtime of the caller: where its time is virtual, so is the
    /// mock's. Fails if [`MockSettings::state_file`] is broken.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn in_process(settings: MockSettings) -> io::Result<Self> {
        let keys = Arc::new(AccessKeys::new(settings)?);
        let shared = Arc::clone(&keys.first);
        Ok(Self {
            url: "http://mock.invalid".to_owned(),
            stop: shared.stopped.clone(),
            shared,
            keys,
            runtime: Handle::current(),
            thread: None,
        })
    }

    /// Answers a request as over a connection; `None` where that is closed without a byte. Dropping the future hangs
    /// up, and the call goes on.
    pub async fn answer(&self, request: Request) -> Option<Response> {
        server::answer(Arc::clone(&self.keys), request).await
    }

    /// `http://127.0.0.1:PORT`; without sockets a URL that nobody reaches.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Every job as it really is, oldest first; what the API shows may lag behind.
    pub fn jobs(&self) -> Vec<Job> {
        self.shared.world().store.jobs()
    }

    /// Every call of the API, in the order of arrival; those that still run too.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.shared.world().record.calls()
    }

    /// What the mock remembers, in numbers.
    pub fn usage(&self) -> Usage {
        let world = self.shared.world();
        Usage {
            calls: world.record.count(),
            dropped_calls: world.record.dropped(),
            recorded_bytes: world.record.bytes(),
            nonces: world.nonces.len(),
        }
    }

    /// Back to the start: no jobs, calls, used nonces and faults, and the configuration of the settings. Calls that are
    /// running lose their connections. With a seed, ids and chance begin anew too.
    pub fn reset(&self) {
        // See `change`.
        let _ = self.shared.reset();
    }

    /// Puts a job in that `edit` has made out of a plain one (first cluster, first template, a fresh id, not started);
    /// gives it back. Nothing is checked.
    pub fn seed_job(&self, edit: impl FnOnce(&mut Job)) -> Job {
        self.change(|world| world.seed(&self.shared.settings, edit))
    }

    /// Takes a job out behind everybody's back. False if there is none.
    pub fn remove_job(&self, job_id: &str) -> bool {
        self.change(|world| world.store.remove(job_id))
    }

    /// Changes a job behind everybody's back; its id stays. Nothing happens if there is none.
    pub fn edit_job(&self, job_id: &str, edit: impl FnOnce(&mut Job)) {
        self.change(|world| {
            let now = world.now();
            world.store.edit(job_id, now, edit)
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut MockState) -> T) -> T {
        let mut world = self.shared.world();
        let result = change(&mut world);
        // A state file that cannot be written fails the next call of the API that changes something.
        let _ = self.shared.keep(&world);
        result
    }

    /// Ends all temporary keys that were given out, although their holders were told otherwise.
    pub fn expire_keys(&self) {
        self.shared.world().keys.expire();
    }

    /// Changes the configuration for all calls from now on.
    pub fn configure(&self, change: impl FnOnce(&mut Behavior)) {
        change(&mut self.shared.world().behavior);
    }

    /// Puts these rules in the place of all others.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.shared.world().faults.set(faults);
    }

    /// Has `observer` told of each call at each point, before the faults of that point; takes the place of an earlier
    /// observer.
    ///
    /// It runs on the mock's thread: while it works, the whole mock waits. It may use the mock, but not drop it.
    pub fn on_call(&self, observer: impl Fn(&CallEvent) + Send + Sync + 'static) {
        self.shared.observe(Arc::new(observer));
    }

    /// Waits until a [`super::FaultKind::Pause`] holds a call; gives back all that are held, none of them when `timeout`
    /// has passed. Blocks the thread.
    pub fn wait_paused(&self, timeout: Duration) -> Vec<CallEvent> {
        self.wait_paused_calls(1, timeout)
    }

    /// The same for so many calls; gives back as many as are held when `timeout` has passed.
    pub fn wait_paused_calls(&self, calls: usize, timeout: Duration) -> Vec<CallEvent> {
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::clone(&self.shared);
        self.runtime.spawn(async move {
            // Nobody is left to hear it only if the waiting thread is gone.
            let _ = sender.send(shared.wait_paused(calls, timeout).await);
        });
        receiver.recv().unwrap_or_default()
    }

    /// Lets every held call go on; says how many.
    pub fn release(&self) -> usize {
        self.shared.release()
    }
}

/// What a mock remembers, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Calls since the start or the last reset, those that were forgotten too.
    pub calls: u64,
    /// Calls that were forgotten to stay within [`MockSettings::max_recorded_bytes`] and [`MockSettings::max_recorded_calls`].
    pub dropped_calls: u64,
    /// What the remembered calls take in memory, about.
    pub recorded_bytes: usize,
    /// Nonces that cannot be used again.
    pub nonces: usize,
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
