//! The cloud: the mock API behind a wire with latency and troubles, and a ledger of all that is asked of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alicloud_auth::credentials::Clock;
use alicloud_live::{Ambiguous, Exchange, Failure, HttpRequest, HttpResponse, NotSent};
use alicloud_live_mock as mock;
use alicloud_live_mock::{Mock, MockSettings, WallClock};
use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use time::OffsetDateTime;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use url::form_urlencoded;

use crate::configuration::CLUSTERS;
use crate::dice::{Dice, SharedDice};
use crate::troubles::{Climate, Kind, Trouble};

/// The wall clock of the whole world: tokio's virtual clock, and the times when everything slept.
#[derive(Clone)]
pub struct WorldClock {
    began: Instant,
    slept: Arc<Mutex<Duration>>,
}

impl WorldClock {
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            slept: Arc::default(),
        }
    }

    /// A machine sleeps: its timers stand still, the time of day goes on.
    pub fn sleep_through(&self, time: Duration) {
        *lock(&self.slept) += time;
    }

    /// Time that timers have seen.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Clock for WorldClock {
    fn now(&self) -> OffsetDateTime {
        let began = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        began + self.elapsed() + *lock(&self.slept)
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who calls the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub workspace: usize,
    pub run: usize,
}

/// One thing that happened to the cloud.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: Duration,
    /// How long it took until then.
    pub took: Duration,
    /// None: the operator.
    pub caller: Option<Caller>,
    /// An operation of the API, without `EdgeTranscodeJob`.
    pub action: String,
    pub job_id: String,
    /// What the caller got; `lost` if nothing.
    pub response: String,
    /// It changed something.
    pub is_committed: bool,
    /// The caller was in the middle of an apply, and so may write.
    pub may_write: bool,
}

impl Entry {
    pub fn writes(&self) -> bool {
        !is_read(&self.action)
    }

    pub fn creates(&self, job_id: &str) -> bool {
        self.action == "Create" && self.job_id == job_id
    }
}

type OnCall = dyn Fn(Caller, usize) + Send + Sync;

/// All places where jobs can be. The first is the one that is meant.
pub struct Cloud {
    pub places: Vec<Mock>,
    pub clock: WorldClock,
    pub climate: Climate,
    dice: SharedDice,
    ledger: Mutex<Vec<Entry>>,
    troubles: Mutex<Vec<(Instant, Trouble)>>,
    moments: AtomicUsize,
    on_moment: Mutex<Option<Arc<OnCall>>>,
    /// What every page of a list without end looks like.
    page: Mutex<Vec<u8>>,
}

impl Cloud {
    pub fn new(climate: Climate, mut dice: Dice) -> Self {
        let clock = WorldClock::new();
        let place = |seed: u64| {
            let clock = clock.clone();
            let settings = MockSettings {
                seed: Some(seed),
                clusters: CLUSTERS.map(str::to_owned).to_vec(),
                clock: WallClock::new(move || clock.now()),
                behavior: climate.config(),
                ..MockSettings::default()
            };
            Mock::in_process(settings).unwrap()
        };
        Self {
            places: vec![place(dice.number(1 << 20)), place(dice.number(1 << 20))],
            clock,
            climate,
            dice: SharedDice::new(dice),
            ledger: Mutex::default(),
            troubles: Mutex::default(),
            moments: AtomicUsize::default(),
            on_moment: Mutex::default(),
            page: Mutex::default(),
        }
    }

    pub fn mock(&self) -> &Mock {
        &self.places[0]
    }

    pub fn jobs(&self) -> Vec<mock::Job> {
        self.mock().jobs()
    }

    /// Whether the operator created the job.
    pub fn is_made_by_hand(&self, job_id: &str) -> bool {
        let ledger = self.ledger();
        let mut by_hand = ledger.iter().filter(|entry| entry.caller.is_none());
        by_hand.any(|entry| entry.creates(job_id))
    }

    pub fn ledger(&self) -> MutexGuard<'_, Vec<Entry>> {
        lock(&self.ledger)
    }

    pub fn begin_trouble(&self, trouble: Trouble, time: Duration) {
        lock(&self.troubles).push((Instant::now() + time, trouble));
    }

    pub fn end_troubles(&self) {
        lock(&self.troubles).clear();
    }

    /// Calls `act` at each moment between two calls: with the caller, and how many moments there were since.
    pub fn on_moment(&self, act: impl Fn(Caller, usize) + Send + Sync + 'static) {
        self.moments.store(0, Ordering::Relaxed);
        *lock(&self.on_moment) = Some(Arc::new(act));
    }

    /// The last run is over. Those who acted in it know the cloud, so without this no world would ever be freed.
    pub fn forget_actors(&self) {
        *lock(&self.on_moment) = None;
    }

    fn moment(&self, caller: Caller) {
        let number = 1 + self.moments.fetch_add(1, Ordering::Relaxed);
        let act = lock(&self.on_moment).clone();
        if let Some(act) = act {
            act(caller, number);
        }
    }

    /// What is wrong with this call.
    fn trouble(&self, action: &str) -> Option<Kind> {
        let now = Instant::now();
        let mut troubles = lock(&self.troubles);
        troubles.retain(|(until, _)| now < *until);
        let mut troubles = troubles.iter().map(|(_, trouble)| trouble);
        let struck = troubles.find(|trouble| self.dice.roll(|dice| trouble.strikes(action, dice)));
        struck.map(|trouble| trouble.kind)
    }

    /// Writes down what the operator does.
    pub fn note(&self, action: &str, job_id: &str) {
        let entry = Entry {
            at: self.clock.elapsed(),
            took: Duration::ZERO,
            caller: None,
            action: action.to_owned(),
            job_id: job_id.to_owned(),
            response: "done".to_owned(),
            is_committed: true,
            may_write: true,
        };
        self.ledger().push(entry);
    }
}

/// The way of one provider process to the cloud.
pub struct Wire {
    pub cloud: Arc<Cloud>,
    pub caller: Caller,
    /// Index of the place that the provider is configured for.
    pub place: usize,
    /// The applies that run in the process.
    pub applies: TaskTracker,
}

#[async_trait]
impl Exchange for Wire {
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        let mut sent = Request::post(request.url.as_str());
        for (name, value) in request.headers {
            sent = sent.header(*name, value);
        }
        let sent = sent.body(Body::from(request.body.to_owned())).unwrap();
        let delivery = Delivery {
            cloud: Arc::clone(&self.cloud),
            caller: self.caller,
            place: self.place,
            may_write: !self.applies.is_empty(),
            action: parameter(request.url.query().unwrap_or_default(), "Action")
                .replace("EdgeTranscodeJob", ""),
            job_id: parameter(request.body, "JobId"),
            is_later_page: !matches!(parameter(request.body, "PageNo").as_str(), "" | "1"),
            sent_at: self.cloud.clock.elapsed(),
        };
        // What has left the machine arrives, even if the caller hangs up.
        tokio::spawn(delivery.run(sent)).await.unwrap()
    }
}

fn parameter(form: &str, name: &str) -> String {
    form_urlencoded::parse(form.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// One request on its way.
struct Delivery {
    cloud: Arc<Cloud>,
    caller: Caller,
    place: usize,
    may_write: bool,
    action: String,
    job_id: String,
    is_later_page: bool,
    sent_at: Duration,
}

impl Delivery {
    async fn run(mut self, request: Request<Body>) -> Result<HttpResponse, Failure> {
        self.travel().await;
        self.cloud.moment(self.caller);
        let dice = &self.cloud.dice;
        let result = match self.cloud.trouble(&self.action) {
            Some(Kind::Unavailable) => Ok(self.error((503, "ServiceUnavailable"), None, false)),
            Some(Kind::Throttle) => {
                let retry_after_ms = dice.roll(|dice| dice.percent(50).then_some(300));
                Ok(self.error((400, "Throttling.User"), retry_after_ms, false))
            }
            Some(Kind::NoConnection) => {
                let failure = NotSent::NoConnection("Connection refused".to_owned());
                self.fail(Failure::NotSent(failure))
            }
            Some(Kind::LostBefore) => self.fail(lost()),
            Some(Kind::Hang) => {
                self.note("hangs", false);
                std::future::pending().await
            }
            Some(Kind::Slow) => {
                let time = dice.roll(|dice| 500 + dice.number(9_000));
                tokio::time::sleep(Duration::from_millis(time)).await;
                self.carry_out(request, None).await
            }
            after @ (None | Some(Kind::LostAfter | Kind::ErrorAfterWork)) => {
                self.carry_out(request, after).await
            }
        };
        self.travel().await;
        self.cloud.moment(self.caller);
        result
    }

    async fn carry_out(
        &mut self,
        request: Request<Body>,
        after: Option<Kind>,
    ) -> Result<HttpResponse, Failure> {
        let response = self.cloud.places[self.place].handle(request).await;
        let Some(response) = response else {
            return self.fail(lost());
        };
        let (head, body) = response.into_parts();
        let Ok(body) = to_bytes(body, 8 << 20).await else {
            return self.fail(lost());
        };
        if head.status.is_success() && self.action == "Create" {
            let created: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let job_id = created["JobId"].as_str().unwrap();
            job_id.clone_into(&mut self.job_id);
        }
        let is_committed = head.status.is_success() && !is_read(&self.action);
        let response = HttpResponse {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_vec(),
        };
        match after {
            Some(Kind::LostAfter) => {
                self.note("lost", is_committed);
                Err(lost())
            }
            Some(Kind::ErrorAfterWork) => {
                Ok(self.error((500, "InternalError"), None, is_committed))
            }
            _ => {
                self.note(&code(&response), is_committed);
                let mut response = self.cloud.climate.bend(&self.action, response);
                if self.cloud.climate.lists_without_end && self.action == "List" {
                    let mut page = lock(&self.cloud.page);
                    if self.is_later_page {
                        response.body.clone_from(&page);
                    } else {
                        page.clone_from(&response.body);
                    }
                }
                Ok(response)
            }
        }
    }

    async fn travel(&self) {
        let time = self.cloud.dice.roll(|dice| 2 + dice.number(60));
        tokio::time::sleep(Duration::from_millis(time)).await;
    }

    /// The caller gets no response.
    fn fail(&self, failure: Failure) -> Result<HttpResponse, Failure> {
        self.note(&format!("{failure:?}"), false);
        Err(failure)
    }

    /// The caller gets this error in place of the API's own response.
    fn error(
        &self,
        error: (u16, &str),
        retry_after_ms: Option<u64>,
        is_committed: bool,
    ) -> HttpResponse {
        self.note(error.1, is_committed);
        let now = self.cloud.clock.now();
        self.cloud.climate.error(error, retry_after_ms, now)
    }

    fn note(&self, response: &str, is_committed: bool) {
        let entry = Entry {
            at: self.cloud.clock.elapsed(),
            took: self.cloud.clock.elapsed().saturating_sub(self.sent_at),
            caller: Some(self.caller),
            action: self.action.clone(),
            job_id: self.job_id.clone(),
            response: response.to_owned(),
            // What is done elsewhere is no part of this cloud's history.
            is_committed: is_committed && self.place == 0,
            may_write: self.may_write,
        };
        self.cloud.ledger().push(entry);
    }
}

pub fn is_read(action: &str) -> bool {
    action.starts_with("Get") || action.starts_with("List")
}

fn lost() -> Failure {
    Failure::Ambiguous(Ambiguous::ConnectionLost(
        "Connection reset by peer".to_owned(),
    ))
}

/// The code of a response, such as `JobNotFound`; `ok` for success.
fn code(response: &HttpResponse) -> String {
    if response.status == 200 {
        return "ok".to_owned();
    }
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
    body["Code"].as_str().unwrap_or("?").to_owned()
}

/// The headers of a response at this moment.
pub fn headers(now: OffsetDateTime) -> HeaderMap {
    let format = time::format_description::well_known::Rfc2822;
    let date = now.replace_nanosecond(0).unwrap().format(&format).unwrap();
    HeaderMap::from_iter([(
        axum::http::header::DATE,
        date.replace("+0000", "GMT").parse().unwrap(),
    )])
}
