//! The cloud: the mock API behind a wire with latency and troubles, and a ledger of all that is asked of it.

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
use url::form_urlencoded;

use crate::configuration::CLUSTERS;
use crate::dice::{Dice, SharedDice};
use crate::troubles::{Climate, Trouble, Verdict};

/// The wall clock of the whole world: tokio's virtual clock, and the times when everything slept.
#[derive(Clone)]
pub(crate) struct WorldClock {
    began: Instant,
    slept: Arc<Mutex<Duration>>,
}

impl WorldClock {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            slept: Arc::default(),
        }
    }

    /// A machine sleeps: its timers stand still, the time of day goes on.
    pub(crate) fn sleep_through(&self, time: Duration) {
        *lock(&self.slept) += time;
    }

    /// Time that timers have seen.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Clock for WorldClock {
    fn now(&self) -> OffsetDateTime {
        let began = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        began + self.elapsed() + *lock(&self.slept)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who calls the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) workspace: usize,
    pub(crate) run: usize,
}

/// One thing that happened to the cloud.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Duration,
    /// How long it took until then.
    pub(crate) took: Duration,
    /// None: the operator.
    pub(crate) caller: Option<Caller>,
    /// An operation of the API, without `EdgeTranscodeJob`.
    pub(crate) action: String,
    pub(crate) job_id: String,
    /// What the caller got; `lost` if nothing.
    pub(crate) response: String,
    /// It changed something.
    pub(crate) is_committed: bool,
    /// The caller was in the middle of an apply, and so may write.
    pub(crate) may_write: bool,
}

impl Entry {
    pub(crate) fn writes(&self) -> bool {
        !(self.action.starts_with("Get") || self.action.starts_with("List"))
    }
}

type OnCall = dyn Fn(Caller, usize) + Send + Sync;

/// All places where jobs can be. The first is the one that is meant.
pub(crate) struct Cloud {
    pub(crate) places: Vec<Mock>,
    pub(crate) clock: WorldClock,
    pub(crate) climate: Climate,
    dice: SharedDice,
    ledger: Mutex<Vec<Entry>>,
    troubles: Mutex<Vec<(Instant, Trouble)>>,
    moments: Mutex<usize>,
    on_moment: Mutex<Option<Arc<OnCall>>>,
    /// What every page of a list without end looks like.
    page: Mutex<Vec<u8>>,
}

impl Cloud {
    pub(crate) fn new(climate: Climate, mut dice: Dice) -> Self {
        let clock = WorldClock::new();
        let place = |seed: usize| {
            let clock = clock.clone();
            let settings = MockSettings {
                seed: Some(u64::try_from(seed).unwrap()),
                clusters: CLUSTERS.map(str::to_owned).to_vec(),
                clock: WallClock::new(move || clock.now()),
                behavior: climate.config(),
                ..MockSettings::default()
            };
            Mock::in_process(settings).unwrap()
        };
        Self {
            places: vec![place(dice.below(1 << 20)), place(dice.below(1 << 20))],
            clock,
            climate,
            dice: SharedDice::new(dice),
            ledger: Mutex::default(),
            troubles: Mutex::default(),
            moments: Mutex::default(),
            on_moment: Mutex::default(),
            page: Mutex::default(),
        }
    }

    pub(crate) fn mock(&self) -> &Mock {
        &self.places[0]
    }

    pub(crate) fn jobs(&self) -> Vec<mock::Job> {
        self.mock().jobs()
    }

    /// Whether the operator made the job.
    pub(crate) fn is_made_by_hand(&self, job_id: &str) -> bool {
        self.ledger().iter().any(|entry| {
            entry.job_id == job_id && entry.action == "Create" && entry.caller.is_none()
        })
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Vec<Entry>> {
        lock(&self.ledger)
    }

    pub(crate) fn begin_trouble(&self, trouble: Trouble, time: Duration) {
        lock(&self.troubles).push((Instant::now() + time, trouble));
    }

    pub(crate) fn end_troubles(&self) {
        lock(&self.troubles).clear();
    }

    /// Has `act` told of each moment between two calls: the caller, and how many moments there were since.
    pub(crate) fn on_moment(&self, act: impl Fn(Caller, usize) + Send + Sync + 'static) {
        *lock(&self.moments) = 0;
        *lock(&self.on_moment) = Some(Arc::new(act));
    }

    /// The last run is over. Those who acted in it know the cloud, so without this no world would ever be freed.
    pub(crate) fn forget_actors(&self) {
        *lock(&self.on_moment) = None;
    }

    fn moment(&self, caller: Caller) {
        let number = {
            let mut moments = lock(&self.moments);
            *moments += 1;
            *moments
        };
        let act = lock(&self.on_moment).clone();
        if let Some(act) = act {
            act(caller, number);
        }
    }

    fn verdict(&self, action: &str) -> Verdict {
        let now = Instant::now();
        let mut troubles = lock(&self.troubles);
        troubles.retain(|(until, _)| now < *until);
        troubles
            .iter()
            .find_map(|(_, trouble)| self.dice.roll(|dice| trouble.strikes(action, dice)))
            .unwrap_or(Verdict::Pass)
    }

    /// Writes down what the operator does.
    pub(crate) fn note(&self, action: &str, job_id: &str) {
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
pub(crate) struct Wire {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) caller: Caller,
    /// Index of the place that the provider is configured for.
    pub(crate) place: usize,
    /// How many applies run in the process.
    pub(crate) applies: Arc<Mutex<usize>>,
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
            may_write: *lock(&self.applies) > 0,
            action: parameter(request.url.query().unwrap_or_default(), "Action")
                .replace("EdgeTranscodeJob", ""),
            job_id: parameter(request.body, "JobId"),
            is_later_page: !matches!(parameter(request.body, "PageNo").as_str(), "" | "1"),
            sent_at: self.cloud.clock.elapsed(),
        };
        // What has left the machine arrives, whoever hangs up.
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
        let verdict = self.cloud.verdict(&self.action);
        if let Verdict::Slow(time) = verdict {
            tokio::time::sleep(time).await;
        }
        let result = match verdict {
            Verdict::NoConnection => Err(Failure::NotSent(NotSent::NoConnection(
                "Connection refused".to_owned(),
            ))),
            Verdict::LostBefore => Err(lost()),
            Verdict::HangBefore => {
                self.note("hangs", false);
                std::future::pending().await
            }
            Verdict::Instead(reply) => Ok(self.cloud.climate.dress(reply, self.cloud.clock.now())),
            Verdict::Pass | Verdict::Slow(_) | Verdict::LostAfter | Verdict::InsteadAfter(_) => {
                self.carry_out(request, verdict).await
            }
        };
        if let Err(failure) = &result
            && !matches!(verdict, Verdict::LostAfter)
        {
            self.note(&format!("{failure:?}"), false);
        }
        if let Verdict::Instead(reply) = verdict {
            self.note(reply.code, false);
        }
        self.travel().await;
        self.cloud.moment(self.caller);
        result
    }

    async fn carry_out(
        &mut self,
        request: Request<Body>,
        verdict: Verdict,
    ) -> Result<HttpResponse, Failure> {
        let response = self.cloud.places[self.place].handle(request).await;
        let response = response.ok_or_else(lost)?;
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 8 << 20).await.map_err(|_| lost())?.to_vec();
        if head.status.is_success() && self.action == "Create" {
            let created: serde_json::Value = serde_json::from_slice(&body).unwrap();
            created["JobId"]
                .as_str()
                .unwrap()
                .clone_into(&mut self.job_id);
        }
        let is_committed = head.status.is_success() && !is_read(&self.action);
        let reply = HttpResponse {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        };
        match verdict {
            Verdict::LostAfter => {
                self.note("lost", is_committed);
                Err(lost())
            }
            Verdict::InsteadAfter(instead) => {
                self.note(instead.code, is_committed);
                Ok(self.cloud.climate.dress(instead, self.cloud.clock.now()))
            }
            _ => {
                self.note(&code(&reply), is_committed);
                let mut reply = self.cloud.climate.bend(&self.action, reply);
                if self.cloud.climate.lists_without_end && self.action == "List" {
                    let mut page = lock(&self.cloud.page);
                    if self.is_later_page {
                        reply.body.clone_from(&page);
                    } else {
                        page.clone_from(&reply.body);
                    }
                }
                Ok(reply)
            }
        }
    }

    async fn travel(&self) {
        let time = self.cloud.dice.roll(|dice| 2 + dice.below(60));
        tokio::time::sleep(Duration::from_millis(time.try_into().unwrap())).await;
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

fn is_read(action: &str) -> bool {
    action.starts_with("Get") || action.starts_with("List")
}

fn lost() -> Failure {
    Failure::Ambiguous(Ambiguous::ConnectionLost(
        "Connection reset by peer".to_owned(),
    ))
}

/// The code of a response, such as `JobNotFound`; `ok` for success.
fn code(reply: &HttpResponse) -> String {
    if reply.status == 200 {
        return "ok".to_owned();
    }
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    body["Code"].as_str().unwrap_or("?").to_owned()
}

/// The headers of a response at this moment.
pub(crate) fn headers(now: OffsetDateTime) -> HeaderMap {
    let format = time::format_description::well_known::Rfc2822;
    let date = now.replace_nanosecond(0).unwrap().format(&format).unwrap();
    HeaderMap::from_iter([(
        axum::http::header::DATE,
        date.replace("+0000", "GMT").parse().unwrap(),
    )])
}
