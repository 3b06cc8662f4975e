use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use time::OffsetDateTime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::clock::ServerClock;
use super::model::Credentials;
use super::source::{CredentialsSource, LoadedCredentials, SourceError, StaticCredentials};

/// Temporary credentials are renewed when this much is left of their lifetime, as in the official libraries.
const RENEW_AHEAD: Duration = Duration::from_secs(180);
/// A request must arrive before its credentials expire.
const MIN_REMAINING_LIFETIME: Duration = Duration::from_secs(5);
/// Between two renewals of credentials that are still valid, and between two renewals after a rejection: a source that
/// returns the same credentials again must not be asked by every call.
const MIN_RENEWAL_INTERVAL: Duration = Duration::from_secs(30);
/// Consecutive transient failures that callers wait through. After that they get the error at once.
const MAX_ATTEMPTS: u32 = 5;
/// The pause after the first transient failure; doubles with each further one.
const INITIAL_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause, and the one after a permanent failure.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// One renewal, shared by all callers that wait for it.
type Renewal = Shared<BoxFuture<'static, Result<Arc<Credentials>, SourceError>>>;

/// The credentials of one source, loaded on first use and renewed before they expire.
///
/// - There is one renewal at a time; all callers that need its result wait for it.
/// - While the old credentials are valid, callers get them at once, and the renewal runs in the background.
/// - After a transient failure the source is asked again after a growing pause. Callers without valid credentials wait
///   through the first few failures; then they, and every later caller until the pause is over, get the error.
/// - A permanent failure is returned to all callers at once, for a minute.
///
/// So a thousand calls share one failure of the source. Must be used within a tokio runtime.
#[derive(Clone)]
pub struct CredentialsCache {
    shared: Arc<Cache>,
}

struct Cache {
    source: Box<dyn CredentialsSource>,
    clock: Arc<ServerClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cached: Option<CachedCredentials>,
    renewal: Option<Renewal>,
    /// Failures since the last success.
    failures: Option<Failures>,
    last_success: Option<Instant>,
    last_rejection: Option<Instant>,
}

struct CachedCredentials {
    credentials: Arc<Credentials>,
    /// `None`: they are used until the API rejects them.
    expires_at: Option<OffsetDateTime>,
    novelty: Novelty,
}

/// What credentials tell of their source, which may return the same ones until they expire.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Novelty {
    /// Nothing: there were none before.
    First,
    /// It returns new ones when it is asked.
    Later,
    /// They expire no later than those before them.
    Same,
}

/// What a caller does that needs credentials.
enum Step {
    Finish(Result<Arc<Credentials>, SourceError>),
    Await(Renewal),
}

/// Consecutive failures.
struct Failures {
    count: u32,
    last: SourceError,
    pause_until: Instant,
}

impl CachedCredentials {
    fn outlives(&self, now: OffsetDateTime, time: Duration) -> bool {
        self.expires_at
            .is_none_or(|expires_at| expires_at - now > time)
    }

    fn novelty_of(&self, expires_at: Option<OffsetDateTime>) -> Novelty {
        match (self.expires_at, expires_at) {
            (Some(before), Some(expires_at)) if expires_at <= before => Novelty::Same,
            _ => Novelty::Later,
        }
    }
}

impl Failures {
    fn after(earlier: Option<Self>, last: SourceError) -> Self {
        let count = earlier.map_or(0, |failures| failures.count) + 1;
        let pause = if last.is_transient {
            let doubled = INITIAL_PAUSE.saturating_mul(1 << (count - 1).min(16));
            doubled.min(MAX_PAUSE)
        } else {
            MAX_PAUSE
        };
        Self {
            count,
            last,
            pause_until: Instant::now() + pause,
        }
    }

    /// Whether callers get the error instead of waiting for another attempt.
    fn are_final(&self) -> bool {
        !self.last.is_transient || self.count >= MAX_ATTEMPTS
    }

    fn is_pausing(&self) -> bool {
        Instant::now() < self.pause_until
    }
}

impl State {
    fn usable(&self, now: OffsetDateTime) -> Option<&CachedCredentials> {
        let cached = self.cached.as_ref();
        cached.filter(|cached| cached.outlives(now, MIN_REMAINING_LIFETIME))
    }

    /// Whether credentials that are still valid may be renewed.
    fn may_renew_ahead(&self) -> bool {
        !is_recent(self.last_success) && !self.failures.as_ref().is_some_and(Failures::is_pausing)
    }
}

/// Whether the latest renewal of a kind is too recent for another one.
fn is_recent(renewed_at: Option<Instant>) -> bool {
    renewed_at.is_some_and(|at| at.elapsed() < MIN_RENEWAL_INTERVAL)
}

impl CredentialsCache {
    /// Returns an empty cache.
    pub fn new(source: Box<dyn CredentialsSource>, clock: Arc<ServerClock>) -> Self {
        Self {
            shared: Arc::new(Cache {
                source,
                clock,
                state: Mutex::default(),
            }),
        }
    }

    /// Returns a cache of credentials that never change.
    pub fn from_static(credentials: Credentials) -> Self {
        let source = StaticCredentials {
            origin: "static credentials".to_owned(),
            credentials,
        };
        Self::new(Box::new(source), Arc::default())
    }

    /// Returns what the source is, for messages.
    pub fn source_name(&self) -> String {
        self.shared.source.name()
    }

    /// Adopts the `Date` of a response of Alibaba Cloud, which decides about expiry from then on.
    pub fn learn_time(&self, date: OffsetDateTime) {
        self.shared.clock.learn(date);
    }

    /// Returns valid credentials. The error is never worth a retry: the cache itself has retried, once for all callers.
    pub async fn get(&self) -> Result<Arc<Credentials>, SourceError> {
        match self.step(MIN_REMAINING_LIFETIME) {
            Step::Finish(result) => result,
            Step::Await(renewal) => renewal.await,
        }
    }

    /// As [`Self::get`], credentials that are valid for so long, or new ones of a source whose credentials never are; an error
    /// if there are none, after as many attempts as without any credentials.
    pub async fn get_valid_for(&self, lifetime: Duration) -> Result<Arc<Credentials>, SourceError> {
        loop {
            let renewal = match self.step(lifetime) {
                Step::Finish(result) => return result,
                Step::Await(renewal) => renewal,
            };
            if let Err(error) = renewal.await {
                let state = self.shared.state();
                if state.failures.as_ref().is_none_or(Failures::are_final) {
                    return Err(error);
                }
            }
        }
    }

    fn step(&self, lifetime: Duration) -> Step {
        let mut state = self.shared.state();
        let now = self.shared.clock.now();
        let is_recent = is_recent(state.last_success);
        if let Some(cached) = state.usable(now) {
            let lasts = cached.outlives(now, lifetime);
            if lasts || (is_recent && cached.novelty == Novelty::Later) {
                let credentials = Arc::clone(&cached.credentials);
                if !cached.outlives(now, RENEW_AHEAD) && state.may_renew_ahead() {
                    // The renewal is a task of its own.
                    drop(self.renew(&mut state));
                }
                return Step::Finish(Ok(credentials));
            }
            if is_recent && cached.novelty == Novelty::Same {
                let reason = format!(
                    "{} returned credentials that expire no later than those before them",
                    self.source_name()
                );
                return Step::Finish(Err(SourceError::permanent(reason)));
            }
        }
        if let Some(failures) = &state.failures
            && failures.are_final()
            && failures.is_pausing()
            && state.renewal.is_none()
        {
            let error = SourceError::permanent(failures.last.reason.clone());
            return Step::Finish(Err(error));
        }
        Step::Await(self.renew(&mut state))
    }

    /// Drops credentials that the API rejected as expired. Returns `false` if the source cannot return others: its
    /// credentials never change, or it was asked for the same reason just before.
    pub fn reject(&self, credentials: &Arc<Credentials>) -> bool {
        let mut state = self.shared.state();
        match &state.cached {
            Some(cached) if Arc::ptr_eq(&cached.credentials, credentials) => {
                let can_change =
                    self.shared.source.can_change() && !is_recent(state.last_rejection);
                if can_change {
                    state.cached = None;
                    state.last_rejection = Some(Instant::now());
                }
                can_change
            }
            // Another caller was faster: there are newer ones, or a renewal is running.
            _ => true,
        }
    }

    /// Returns the running renewal, or starts one. It completes even if all callers are dropped.
    fn renew(&self, state: &mut State) -> Renewal {
        if let Some(renewal) = &state.renewal {
            return renewal.clone();
        }
        let cache = Arc::clone(&self.shared);
        let (sender, result) = oneshot::channel();
        // Only the task owns the work, so that the work, and a program that it runs, end with the runtime.
        tokio::spawn(async move {
            let result = cache.renew().await;
            // Fails if no caller waits.
            let _ = sender.send(result);
        });
        let interrupted = "the process ended before credentials were loaded";
        let renewal = result
            .map(move |sent| sent.unwrap_or_else(|_| Err(SourceError::permanent(interrupted))))
            .boxed()
            .shared();
        state.renewal = Some(renewal.clone());
        renewal
    }
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the source: once while the old credentials are valid, else until it succeeds or its failure is final.
    async fn renew(&self) -> Result<Arc<Credentials>, SourceError> {
        loop {
            let pause_until = self.state().failures.as_ref().map(|f| f.pause_until);
            if let Some(pause_until) = pause_until {
                tokio::time::sleep_until(pause_until).await;
            }
            let error = match self.load().await {
                Ok(credentials) => return Ok(credentials),
                Err(error) => error,
            };
            warn!(source = self.source.name(), %error, "credentials could not be obtained");
            let mut state = self.state();
            let failures = Failures::after(state.failures.take(), error.clone());
            let is_finished = failures.are_final() || state.usable(self.clock.now()).is_some();
            state.failures = Some(failures);
            if is_finished {
                state.renewal = None;
                return Err(SourceError::permanent(error.reason));
            }
        }
    }

    /// Makes one attempt. Success finishes the renewal.
    async fn load(&self) -> Result<Arc<Credentials>, SourceError> {
        // Without this, a panic would leave a renewal behind that never finishes.
        let loaded = AssertUnwindSafe(self.source.load())
            .catch_unwind()
            .await
            .unwrap_or_else(|_panic| {
                let reason = format!(
                    "{} crashed; this is a bug, please report it",
                    self.source.name()
                );
                Err(SourceError::permanent(reason))
            })?;
        let expires_at = self.trusted_expiry(&loaded)?;
        debug!(
            source = self.source.name(),
            ?expires_at,
            "obtained credentials"
        );
        let credentials = Arc::new(loaded.credentials);
        let mut state = self.state();
        state.renewal = None;
        state.failures = None;
        state.last_success = Some(Instant::now());
        let before = state.cached.as_ref();
        let novelty = before.map_or(Novelty::First, |cached| cached.novelty_of(expires_at));
        state.cached = Some(CachedCredentials {
            credentials: Arc::clone(&credentials),
            expires_at,
            novelty,
        });
        Ok(credentials)
    }

    /// Returns when credentials that were just loaded expire. If they have expired by this machine's clock alone, that
    /// clock may be wrong, so the API decides. If they have expired by the server's clock, they are useless.
    fn trusted_expiry(
        &self,
        loaded: &LoadedCredentials,
    ) -> Result<Option<OffsetDateTime>, SourceError> {
        let Some(expires_at) = loaded.expires_at else {
            return Ok(None);
        };
        if expires_at - self.clock.now() > MIN_REMAINING_LIFETIME {
            Ok(Some(expires_at))
        } else if self.clock.has_learned() {
            Err(SourceError::permanent(format!(
                "{} returned credentials that have expired already, at {expires_at}",
                self.source.name()
            )))
        } else {
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::credentials::clock::Clock;

    /// A wall clock that follows tokio's, so that both pause and advance together, until somebody sets it ahead.
    struct TokioClock {
        started_at: Instant,
        hours_ahead: AtomicI64,
    }

    impl Clock for TokioClock {
        fn now(&self) -> OffsetDateTime {
            let ahead = time::Duration::hours(self.hours_ahead.load(Ordering::SeqCst));
            OffsetDateTime::UNIX_EPOCH + self.started_at.elapsed() + ahead
        }
    }

    #[test]
    fn a_renewal_ends_with_the_runtime() {
        struct Endless(Arc<()>);

        #[async_trait::async_trait]
        impl CredentialsSource for Endless {
            fn name(&self) -> String {
                "endless".to_owned()
            }

            async fn load(&self) -> Result<LoadedCredentials, SourceError> {
                let _in_use = Arc::clone(&self.0);
                std::future::pending().await
            }
        }

        let in_use = Arc::new(());
        let cache = CredentialsCache::new(Box::new(Endless(Arc::clone(&in_use))), Arc::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            tokio::select! {
                _ = cache.get() => panic!("it finished"),
                () = async {
                    while Arc::strong_count(&in_use) < 3 {
                        tokio::task::yield_now().await;
                    }
                } => {}
            }
        });
        runtime.shutdown_background();
        // Those of the test and of the source.
        assert_eq!(Arc::strong_count(&in_use), 2);
    }

    /// What the source does when it is asked.
    #[derive(Clone, Copy)]
    enum Behavior {
        /// Returns credentials that are valid for so many seconds; their ID is the expiry.
        Temporary(i64),
        /// Returns credentials that expire then.
        Until(OffsetDateTime),
        /// Always returns the same credentials, without an expiry.
        Static,
        TransientFailure,
        PermanentFailure,
        /// Fails permanently after a minute.
        Hang,
        Crash,
    }

    /// A source whose behavior the test sets. Each load takes two seconds.
    #[derive(Clone)]
    struct ScriptedSource {
        clock: Arc<ServerClock>,
        loads: Arc<AtomicUsize>,
        behavior: Arc<Mutex<Behavior>>,
    }

    #[async_trait::async_trait]
    impl CredentialsSource for ScriptedSource {
        fn name(&self) -> String {
            "scripted".to_owned()
        }

        async fn load(&self) -> Result<LoadedCredentials, SourceError> {
            self.loads.fetch_add(1, Ordering::SeqCst);
            pass(2).await;
            let behavior = *self.behavior.lock().unwrap();
            let expires_at = match behavior {
                Behavior::TransientFailure => return Err(SourceError::transient("no connection")),
                Behavior::PermanentFailure => return Err(SourceError::permanent("no such role")),
                Behavior::Hang => {
                    pass(58).await;
                    return Err(SourceError::permanent("timed out"));
                }
                Behavior::Crash => panic!("as the test wants"),
                Behavior::Static => None,
                Behavior::Until(expires_at) => Some(expires_at),
                Behavior::Temporary(seconds) => {
                    Some(self.clock.now() + time::Duration::seconds(seconds))
                }
            };
            let id = expires_at.map_or_else(
                || "the same".to_owned(),
                |expires_at| expires_at.unix_timestamp().to_string(),
            );
            Ok(LoadedCredentials {
                credentials: Credentials::new(&id, "secret"),
                expires_at,
            })
        }
    }

    struct Bench {
        machine: Arc<TokioClock>,
        source: ScriptedSource,
        cache: CredentialsCache,
    }

    fn bench() -> Bench {
        let machine = Arc::new(TokioClock {
            started_at: Instant::now(),
            hours_ahead: AtomicI64::new(0),
        });
        let clock = Arc::new(ServerClock::new(Arc::clone(&machine) as Arc<dyn Clock>));
        let source = ScriptedSource {
            clock: Arc::clone(&clock),
            loads: Arc::default(),
            behavior: Arc::new(Mutex::new(Behavior::Temporary(3_600))),
        };
        let cache = CredentialsCache::new(Box::new(source.clone()), clock);
        Bench {
            machine,
            source,
            cache,
        }
    }

    impl Bench {
        fn count(&self) -> usize {
            self.source.loads.load(Ordering::SeqCst)
        }

        fn set(&self, behavior: Behavior) {
            *self.source.behavior.lock().unwrap() = behavior;
        }

        fn is_valid(&self, credentials: &Credentials) -> bool {
            credentials.access_key_id.parse::<i64>().unwrap()
                > self.source.clock.now().unix_timestamp()
        }

        /// A thousand calls, ten at a time, as Terraform makes them.
        async fn a_thousand_calls(&self) -> Vec<Got> {
            let mut got = Vec::new();
            for _ in 0..100 {
                got.extend(join_all((0..10).map(|_| self.cache.get())).await);
            }
            got
        }
    }

    type Got = Result<Arc<Credentials>, SourceError>;

    #[track_caller]
    fn assert_all_fail(got: &[Got], reason: &str) {
        for got in got {
            assert_eq!(got.as_ref().unwrap_err().reason, reason);
        }
    }

    #[track_caller]
    fn assert_all_same(got: &[Got]) -> Arc<Credentials> {
        let first = got[0].as_ref().unwrap();
        for got in got {
            assert!(Arc::ptr_eq(got.as_ref().unwrap(), first));
        }
        Arc::clone(first)
    }

    async fn pass(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn over_two_hours_ten_callers_cause_one_renewal_per_expiry_and_get_no_expired_credentials()
     {
        let bench = bench();
        let started_at = Instant::now();
        while started_at.elapsed() < Duration::from_secs(2 * 60 * 60) {
            let got = join_all((0..10).map(|_| bench.cache.get())).await;
            for credentials in got {
                assert!(bench.is_valid(&credentials.unwrap()));
            }
            pass(7).await;
        }
        // One at the start, and one in each 3,420 seconds: an hour less the 180 ahead.
        assert_eq!(bench.count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn old_credentials_are_returned_at_once_while_a_renewal_runs() {
        let bench = bench();
        let first = bench.cache.get().await.unwrap();
        pass(3_600 - 100).await;
        let asked = Instant::now();
        let second = bench.cache.get().await.unwrap();
        assert_eq!(asked.elapsed(), Duration::ZERO);
        assert!(Arc::ptr_eq(&first, &second));
        pass(3).await;
        let third = bench.cache.get().await.unwrap();
        assert!(!Arc::ptr_eq(&first, &third));
        assert_eq!(bench.count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_must_last_are_renewed_first_and_are_an_error_if_they_cannot_be() {
        const LIFETIME: Duration = Duration::from_secs(120);
        let bench = bench();
        bench.cache.get_valid_for(LIFETIME).await.unwrap();
        pass(3_600 - 110).await;
        bench.set(Behavior::PermanentFailure);
        let error = bench.cache.get_valid_for(LIFETIME).await.unwrap_err();
        assert_eq!(error.reason, "no such role");
        bench.cache.get().await.unwrap();
        // A source whose credentials never last so long is not asked each time.
        pass(61).await;
        bench.set(Behavior::Temporary(90));
        for _ in 0..3 {
            bench.cache.get_valid_for(LIFETIME).await.unwrap();
        }
        assert_eq!(bench.count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_failure_is_waited_through_for_credentials_that_must_last_too() {
        const LIFETIME: Duration = Duration::from_secs(120);
        let bench = bench();
        let first = bench.cache.get().await.unwrap();
        pass(3_600 - 110).await;
        bench.set(Behavior::TransientFailure);
        let waiting = bench.cache.get_valid_for(LIFETIME);
        tokio::pin!(waiting);
        let waited = tokio::time::timeout(Duration::from_secs(3), &mut waiting).await;
        assert!(waited.is_err());
        bench.set(Behavior::Temporary(3_600));
        assert!(!Arc::ptr_eq(&waiting.await.unwrap(), &first));

        pass(3_600 - 110).await;
        bench.set(Behavior::TransientFailure);
        let loads = bench.count();
        let error = bench.cache.get_valid_for(LIFETIME).await.unwrap_err();
        assert_eq!(error.reason, "no connection");
        assert_eq!(bench.count() - loads, 5);
        assert!(bench.cache.get().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_returns_the_same_credentials_until_they_expire_is_an_error_where_they_must_last()
     {
        const LIFETIME: Duration = Duration::from_secs(120);
        // Found valid for long, or for a short time when the process starts.
        for found in [3_600, 110] {
            let bench = bench();
            let expires_at = bench.source.clock.now() + Duration::from_secs(found);
            bench.set(Behavior::Until(expires_at));
            bench.cache.get().await.unwrap();
            pass(found - 108).await;
            for _ in 0..2 {
                let error = bench.cache.get_valid_for(LIFETIME).await.unwrap_err();
                assert!(error.reason.contains("expire no later"), "{error}");
                bench.cache.get().await.unwrap();
                assert_eq!(bench.count(), 2);
            }
            // New ones are as short as they may be.
            pass(31).await;
            bench.set(Behavior::Temporary(90));
            bench.cache.get_valid_for(LIFETIME).await.unwrap();
            assert_eq!(bench.count(), 3);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_calls_share_one_helper_that_hangs() {
        let bench = bench();
        bench.set(Behavior::Hang);
        let started_at = Instant::now();
        let got = bench.a_thousand_calls().await;
        assert_all_fail(&got, "timed out");
        assert_eq!(started_at.elapsed(), Duration::from_secs(60));
        assert_eq!(bench.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_failure_is_returned_at_once_for_a_minute_and_then_the_source_is_asked_again()
     {
        let bench = bench();
        bench.set(Behavior::PermanentFailure);
        assert!(bench.cache.get().await.is_err());
        bench.set(Behavior::Temporary(3_600));
        pass(59).await;
        let asked = Instant::now();
        assert_eq!(bench.cache.get().await.unwrap_err().reason, "no such role");
        assert_eq!(asked.elapsed(), Duration::ZERO);
        pass(2).await;
        assert!(bench.cache.get().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_failure_is_waited_through() {
        let bench = bench();
        bench.set(Behavior::TransientFailure);
        let waiting = join_all((0..10).map(|_| bench.cache.get()));
        tokio::pin!(waiting);
        let waited = tokio::time::timeout(Duration::from_secs(6), &mut waiting).await;
        assert!(waited.is_err());
        bench.set(Behavior::Temporary(3_600));
        let got = waiting.await;
        assert_all_same(&got);
        assert_eq!(bench.count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_network_a_thousand_calls_wait_for_five_attempts_in_all() {
        let bench = bench();
        bench.set(Behavior::TransientFailure);
        let started_at = Instant::now();
        let got = bench.a_thousand_calls().await;
        assert_all_fail(&got, "no connection");
        // Five attempts of 2 s; between them 0.5, 1, 2 and 4 s.
        assert_eq!(started_at.elapsed(), Duration::from_millis(17_500));
        assert_eq!(bench.count(), 5);
        // After the pause of 8 s the network is back.
        bench.set(Behavior::Temporary(3_600));
        pass(8).await;
        assert!(bench.cache.get().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_an_hour_costs_some_sixty_attempts() {
        let bench = bench();
        bench.set(Behavior::TransientFailure);
        let started_at = Instant::now();
        while started_at.elapsed() < Duration::from_secs(3_600) {
            assert!(bench.cache.get().await.is_err());
            pass(1).await;
        }
        assert!(bench.count() < 70, "{}", bench.count());
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_source_fails_old_credentials_are_used_until_they_expire_and_few_attempts_are_made()
     {
        for failure in [Behavior::TransientFailure, Behavior::PermanentFailure] {
            let bench = bench();
            bench.cache.get().await.unwrap();
            bench.set(failure);
            pass(3_600 - 178).await;
            while let Ok(credentials) = bench.cache.get().await {
                assert!(bench.is_valid(&credentials));
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
            assert!(bench.source.clock.now().unix_timestamp() >= 3_590);
            assert!(bench.count() <= 13, "{}", bench.count());
            bench.set(Behavior::Temporary(3_600));
            pass(60).await;
            let fresh = bench.cache.get().await.unwrap();
            assert!(bench.is_valid(&fresh));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_expire_soon_are_renewed_every_half_minute_and_not_by_every_call() {
        let bench = bench();
        bench.set(Behavior::Temporary(150));
        let started_at = Instant::now();
        while started_at.elapsed() < Duration::from_secs(60) {
            bench.cache.get().await.unwrap();
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        assert_eq!(bench.count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_expired_by_this_machines_clock_alone_are_used_until_they_are_rejected() {
        let bench = bench();
        bench.set(Behavior::Temporary(-7_200));
        let got = bench.a_thousand_calls().await;
        assert!(got.iter().all(Result::is_ok));
        assert_eq!(bench.count(), 1);
        // The rejection has a date, and by that clock the next credentials have expired too.
        bench.cache.learn_time(bench.source.clock.now());
        assert!(bench.cache.reject(got[0].as_ref().unwrap()));
        let error = bench.cache.get().await.unwrap_err();
        assert!(error.reason.contains("have expired already"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_servers_clock_decides_what_has_expired() {
        let bench = bench();
        bench.cache.get().await.unwrap();
        let in_an_hour = bench.source.clock.now() + Duration::from_secs(3_600);
        bench.cache.learn_time(in_an_hour);
        bench.cache.get().await.unwrap();
        assert_eq!(bench.count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machines_clock_that_is_set_right_makes_no_credentials_expired() {
        let bench = bench();
        let server = bench.machine.now() + Duration::from_secs(8 * 3_600);
        bench.cache.learn_time(server);
        bench.machine.hours_ahead.store(8, Ordering::SeqCst);
        bench.set(Behavior::Until(server + Duration::from_secs(3_600)));
        bench.cache.get().await.unwrap();
        // The hour has still to pass.
        pass(3_000).await;
        bench.cache.get().await.unwrap();
        assert_eq!(bench.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_without_expiry_are_renewed_after_a_rejection_and_not_by_every_rejection() {
        let bench = bench();
        bench.set(Behavior::Static);
        let mut renewals = 0;
        for _ in 0..1_000 {
            let got = bench.cache.get().await.unwrap();
            renewals += usize::from(bench.cache.reject(&got));
        }
        assert_eq!((bench.count(), renewals), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_continues_when_the_caller_that_started_it_is_dropped() {
        let bench = bench();
        let abandoned = tokio::time::timeout(Duration::from_secs(1), bench.cache.get());
        assert!(abandoned.await.is_err());
        pass(2).await;
        let asked = Instant::now();
        bench.cache.get().await.unwrap();
        assert_eq!(asked.elapsed(), Duration::ZERO);
        assert_eq!(bench.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn rejected_credentials_are_replaced_once_for_all_callers() {
        let bench = bench();
        let rejected = bench.cache.get().await.unwrap();
        for _ in 0..10 {
            assert!(bench.cache.reject(&rejected));
        }
        let got = join_all((0..10).map(|_| bench.cache.get())).await;
        let fresh = assert_all_same(&got);
        assert_eq!(bench.count(), 2);
        // A late rejection of the old credentials does not affect the new ones.
        assert!(bench.cache.reject(&rejected));
        assert!(Arc::ptr_eq(&bench.cache.get().await.unwrap(), &fresh));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_panics_is_an_error_of_the_waiting_callers_only() {
        let bench = bench();
        bench.set(Behavior::Crash);
        let first = bench.cache.get().await.unwrap_err();
        assert!(first.reason.contains("scripted crashed"), "{first}");
        bench.set(Behavior::PermanentFailure);
        pass(60).await;
        assert_eq!(bench.cache.get().await.unwrap_err().reason, "no such role");
    }

    #[tokio::test]
    async fn static_credentials_are_not_loaded_again() {
        let cache = CredentialsCache::from_static(Credentials::new("id", "secret"));
        let got = cache.get().await.unwrap();
        assert_eq!(got.access_key_secret.expose_secret(), "secret");
        assert!(!cache.reject(&got));
    }
}
