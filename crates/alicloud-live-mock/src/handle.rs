//! [`Mock`]: a mock inside a test.

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

/// A running mock. Dropping it stops it; its address is free when the drop returns.
pub struct Mock {
    url: String,
    keys: Arc<AccessKeys>,
    runtime: Handle,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Mock {
    /// Starts a mock that listens and serves, on a thread and a tokio runtime of its own. Callers need no runtime.
    ///
    /// # Errors
    ///
    /// The address is not available or not allowed, or [`MockSettings::state_file`] is damaged or cannot be written.
    pub fn start(settings: MockSettings) -> io::Result<Self> {
        let server = Server::bind(settings)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let stop = CancellationToken::new();
        let (url, keys, handle) = (
            server.url(),
            Arc::clone(&server.keys),
            runtime.handle().clone(),
        );
        let stopping = stop.clone();
        let serve = move || {
            // Only the first step can fail, registering the socket. Then callers get no connection.
            let _ = runtime.block_on(server.run(stopping.cancelled_owned()));
        };
        let thread = thread::Builder::new()
            .name("alicloud-live-mock".to_owned())
            .spawn(serve)?;
        Ok(Self {
            url,
            keys,
            runtime: handle,
            stop,
            thread: Some(thread),
        })
    }

    /// Creates a mock without sockets, which serves [`Self::handle`] alone. It runs in the runtime of the caller, so it
    /// follows a paused tokio clock.
    ///
    /// # Errors
    ///
    /// [`MockSettings::state_file`] is damaged or cannot be written.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn in_process(settings: MockSettings) -> io::Result<Self> {
        let keys = Arc::new(AccessKeys::new(settings)?);
        Ok(Self {
            url: "http://mock.invalid".to_owned(),
            stop: keys.first.stopped.clone(),
            keys,
            runtime: Handle::current(),
            thread: None,
        })
    }

    /// Handles an API request as if it came over a connection. Returns `None` if the connection would be closed without a
    /// byte. Dropping the future is like hanging up: the call goes on.
    pub async fn handle(&self, request: Request) -> Option<Response> {
        server::handle(Arc::clone(&self.keys), request).await
    }

    /// Returns the endpoint, such as `http://127.0.0.1:49152`. Without sockets it is a URL that cannot be reached.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Returns the current state of every job, oldest first. API responses may lag behind it.
    pub fn jobs(&self) -> Vec<Job> {
        self.shared().state().store.jobs()
    }

    /// Returns the recorded API calls in the order of their arrival, including those that still run.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.shared().state().call_log.calls()
    }

    /// Returns how much the mock has recorded.
    pub fn usage(&self) -> Usage {
        let state = self.shared().state();
        Usage {
            calls: state.call_log.count,
            dropped_calls: state.call_log.dropped,
            recorded_bytes: state.call_log.bytes,
            nonces: state.nonces.len(),
        }
    }

    /// Restores the jobs, faults and behavior of the settings, and forgets calls and used nonces. Running calls are
    /// dropped. With [`MockSettings::seed`], IDs and probabilities start again too.
    pub fn reset(&self) {
        // See `change`.
        let _ = self.shared().reset();
    }

    /// Creates a job without an API call: a default job (first cluster, first template, a new ID, not started) that `edit`
    /// may change. Returns it. Nothing is checked.
    pub fn seed_job(&self, edit: impl FnOnce(&mut Job)) -> Job {
        self.change(|state| state.seed(&self.shared().settings, edit))
    }

    /// Removes a job without an API call. Returns false if it does not exist.
    pub fn remove_job(&self, job_id: &str) -> bool {
        self.change(|state| state.store.remove(job_id))
    }

    /// Changes a job without an API call. Its ID stays. Does nothing if the job does not exist.
    pub fn edit_job(&self, job_id: &str, edit: impl FnOnce(&mut Job)) {
        self.change(|state| {
            let now = state.now();
            state.store.edit(job_id, now, edit)
        });
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.keys.first
    }

    fn change<T>(&self, change: impl FnOnce(&mut MockState) -> T) -> T {
        let mut state = self.shared().state();
        let result = change(&mut state);
        // A state file that cannot be written fails the next call of the API that changes something.
        let _ = self.shared().save(&state);
        result
    }

    /// Expires all temporary credentials at once, whatever expiration they were issued with.
    pub fn expire_keys(&self) {
        self.shared().state().keys.expire();
    }

    /// Changes the behavior for all further calls.
    pub fn configure(&self, change: impl FnOnce(&mut Behavior)) {
        change(&mut self.shared().state().behavior);
    }

    /// Replaces all fault rules.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.shared().state().faults.set(faults);
    }

    /// Sets the observer, which is called for each call at each stage, before the faults of that stage.
    ///
    /// It runs on the mock's thread and blocks the whole mock. It may use the mock, but must not drop it.
    pub fn on_call(&self, observer: impl Fn(&CallEvent) + Send + Sync + 'static) {
        self.shared().observe(Arc::new(observer));
    }

    /// Waits until a call is paused by [`super::FaultKind::Pause`]. Returns all paused calls, or none if the timeout was
    /// reached. Blocks the thread.
    pub fn wait_paused(&self, timeout: Duration) -> Vec<CallEvent> {
        self.wait_paused_calls(1, timeout)
    }

    /// Waits until this many calls are paused. Returns those that are paused then, or when the timeout was reached.
    pub fn wait_paused_calls(&self, calls: usize, timeout: Duration) -> Vec<CallEvent> {
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::clone(self.shared());
        self.runtime.spawn(async move {
            // It fails only if the waiting thread is gone.
            let _ = sender.send(shared.wait_paused(calls, timeout).await);
        });
        receiver.recv().unwrap_or_default()
    }

    /// Releases every paused call. Returns how many.
    pub fn release(&self) -> usize {
        self.shared().release()
    }
}

/// How much a mock has recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Calls since the start or the last reset, including dropped ones.
    pub calls: u64,
    /// Calls that were dropped from the log because of [`MockSettings::max_recorded_bytes`] and
    /// [`MockSettings::max_recorded_calls`].
    pub dropped_calls: u64,
    /// The approximate size of the recorded calls.
    pub recorded_bytes: usize,
    /// Used nonces that are still rejected.
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
