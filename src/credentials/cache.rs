use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use time::{Duration, OffsetDateTime};
use tracing::{debug, warn};

use super::outside::Clock;
use super::{Credentials, Issued, Source, SourceError};

/// Keys are renewed when no more than this is left of their time, as the official libraries do.
const RENEW_AHEAD: Duration = Duration::seconds(180);
/// A request on its way must arrive before its key expires.
const LAST_USE: Duration = Duration::seconds(5);

/// One refresh for all who wait for it.
type Refresh = Shared<BoxFuture<'static, Result<Arc<Credentials>, SourceError>>>;

/// Credentials of one source, obtained when first asked for and renewed before they expire.
///
/// - There is one refresh at a time; whoever needs its result waits for the same one.
/// - Whoever asks while the old keys live gets them at once, and a refresh goes on in the background.
/// - A failed refresh is told to those who waited for it and then forgotten.
///
/// Must be used within a tokio runtime.
#[derive(Clone)]
pub struct CredentialsCache {
    shared: Arc<Cache>,
}

struct Cache {
    source: Box<dyn Source>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    refresh: Option<Refresh>,
}

struct Held {
    credentials: Arc<Credentials>,
    expires_at: Option<OffsetDateTime>,
}

impl Held {
    fn lives_after(&self, now: OffsetDateTime, time: Duration) -> bool {
        self.expires_at.is_none_or(|end| end - now > time)
    }
}

impl CredentialsCache {
    /// Holds nothing yet.
    pub fn new(source: Box<dyn Source>, clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Cache {
                source,
                clock,
                state: Mutex::default(),
            }),
        }
    }

    /// Credentials that never change.
    pub fn of(credentials: Credentials) -> Self {
        struct Given(Credentials);

        #[async_trait::async_trait]
        impl Source for Given {
            fn name(&self) -> String {
                "given keys".to_owned()
            }

            async fn issue(&self) -> Result<Issued, SourceError> {
                Ok(Issued::lasting(self.0.clone()))
            }
        }
        Self::new(
            Box::new(Given(credentials)),
            Arc::new(super::outside::SystemClock),
        )
    }

    /// Credentials that can be used now.
    pub async fn get(&self) -> Result<Arc<Credentials>, SourceError> {
        let refresh = {
            let mut state = self.shared.state();
            let now = self.shared.clock.now();
            let usable = state
                .held
                .as_ref()
                .filter(|held| held.lives_after(now, LAST_USE))
                .map(|held| {
                    (
                        Arc::clone(&held.credentials),
                        held.lives_after(now, RENEW_AHEAD),
                    )
                });
            match usable {
                Some((credentials, true)) => return Ok(credentials),
                Some((credentials, false)) => {
                    // It runs by itself.
                    drop(self.refresh(&mut state));
                    return Ok(credentials);
                }
                None => self.refresh(&mut state),
            }
        };
        refresh.await
    }

    /// The cloud says that these credentials have expired: they are not given out again. `false` if asking anew can
    /// give nothing else, because they were never said to expire.
    pub fn reject(&self, credentials: &Arc<Credentials>) -> bool {
        let mut state = self.shared.state();
        match &state.held {
            Some(held) if Arc::ptr_eq(&held.credentials, credentials) => {
                let may_change = held.expires_at.is_some();
                if may_change {
                    state.held = None;
                }
                may_change
            }
            // Others were faster: there are newer ones already, or they are on their way.
            _ => true,
        }
    }

    /// The refresh that is under way, or a new one. It runs to its end even if nobody waits for it any more.
    fn refresh(&self, state: &mut State) -> Refresh {
        if let Some(refresh) = &state.refresh {
            return refresh.clone();
        }
        let cache = Arc::clone(&self.shared);
        let refresh = async move { cache.issue().await }.boxed().shared();
        state.refresh = Some(refresh.clone());
        tokio::spawn(refresh.clone());
        refresh
    }
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn issue(&self) -> Result<Arc<Credentials>, SourceError> {
        // Without this, a panic would leave a refresh behind that never ends.
        let issued = AssertUnwindSafe(self.source.issue())
            .catch_unwind()
            .await
            .unwrap_or_else(|_panic| {
                let reason = format!(
                    "{} crashed; this is a bug, please report it",
                    self.source.name()
                );
                Err(SourceError::lasting(reason))
            });
        let mut state = self.state();
        state.refresh = None;
        match issued {
            Ok(Issued {
                credentials,
                expires_at,
            }) => {
                debug!(source = self.source.name(), expires_at = ?expires_at, "obtained credentials");
                let credentials = Arc::new(credentials);
                state.held = Some(Held {
                    credentials: Arc::clone(&credentials),
                    expires_at,
                });
                Ok(credentials)
            }
            Err(error) => {
                warn!(source = self.source.name(), %error, "credentials could not be obtained");
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use secrecy::ExposeSecret as _;
    use tokio::time::{Instant, sleep};

    use super::*;

    const LIFETIME: Duration = Duration::hours(1);

    /// Wall-clock time that follows tokio's, so that both stand still and jump together.
    struct TokioClock(Instant);

    impl Clock for TokioClock {
        fn now(&self) -> OffsetDateTime {
            OffsetDateTime::UNIX_EPOCH + self.0.elapsed()
        }
    }

    /// Issues keys whose ID says when they expire, in seconds; takes two seconds for it.
    struct Counting {
        clock: Arc<TokioClock>,
        issued: Arc<AtomicUsize>,
        fails: Arc<Mutex<bool>>,
    }

    #[async_trait::async_trait]
    impl Source for Counting {
        fn name(&self) -> String {
            "counting".to_owned()
        }

        async fn issue(&self) -> Result<Issued, SourceError> {
            self.issued.fetch_add(1, Ordering::SeqCst);
            sleep(std::time::Duration::from_secs(2)).await;
            if *self.fails.lock().unwrap() {
                return Err(SourceError::passing("no connection"));
            }
            let expires_at = self.clock.now() + LIFETIME;
            Ok(Issued {
                credentials: Credentials {
                    access_key_id: expires_at.unix_timestamp().to_string(),
                    access_key_secret: "secret".into(),
                    security_token: None,
                    account_id: None,
                },
                expires_at: Some(expires_at),
            })
        }
    }

    struct Bench {
        clock: Arc<TokioClock>,
        issued: Arc<AtomicUsize>,
        fails: Arc<Mutex<bool>>,
        cache: CredentialsCache,
    }

    fn bench() -> Bench {
        let clock = Arc::new(TokioClock(Instant::now()));
        let (issued, fails) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<bool>>::default());
        let source = Counting {
            clock: Arc::clone(&clock),
            issued: Arc::clone(&issued),
            fails: Arc::clone(&fails),
        };
        let cache = CredentialsCache::new(Box::new(source), Arc::clone(&clock) as _);
        Bench {
            clock,
            issued,
            fails,
            cache,
        }
    }

    impl Bench {
        fn count(&self) -> usize {
            self.issued.load(Ordering::SeqCst)
        }

        fn lives(&self, credentials: &Credentials) -> bool {
            credentials.access_key_id.parse::<i64>().unwrap() > self.clock.now().unix_timestamp()
        }
    }

    async fn pass(seconds: u64) {
        sleep(std::time::Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn over_two_hours_ten_callers_cause_one_refresh_an_expiry_and_meet_no_dead_key() {
        let bench = bench();
        let begun = Instant::now();
        while begun.elapsed() < std::time::Duration::from_secs(2 * 60 * 60) {
            let got = join_all((0..10).map(|_| bench.cache.get())).await;
            for credentials in got {
                assert!(bench.lives(&credentials.unwrap()));
            }
            pass(7).await;
        }
        // One at the start, and one in each 3,420 seconds: an hour less the 180 ahead.
        assert_eq!(bench.count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_old_key_is_given_out_at_once_while_the_new_one_is_on_its_way() {
        let bench = bench();
        let first = bench.cache.get().await.unwrap();
        pass(3_600 - 100).await;
        let asked = Instant::now();
        let second = bench.cache.get().await.unwrap();
        assert_eq!(asked.elapsed(), std::time::Duration::ZERO);
        assert!(Arc::ptr_eq(&first, &second));
        pass(3).await;
        let third = bench.cache.get().await.unwrap();
        assert!(!Arc::ptr_eq(&first, &third));
        assert_eq!(bench.count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_shared_by_those_who_waited_and_then_forgotten() {
        let bench = bench();
        *bench.fails.lock().unwrap() = true;
        let got = join_all((0..10).map(|_| bench.cache.get())).await;
        assert!(
            got.iter()
                .all(|got| got.as_ref().is_err_and(|e| e.is_passing))
        );
        assert_eq!(bench.count(), 1);
        *bench.fails.lock().unwrap() = false;
        assert!(bench.cache.get().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_source_is_down_the_old_key_serves_until_it_dies_and_not_longer() {
        let bench = bench();
        bench.cache.get().await.unwrap();
        *bench.fails.lock().unwrap() = true;
        pass(3_600 - 60).await;
        while let Ok(credentials) = bench.cache.get().await {
            assert!(bench.lives(&credentials));
            pass(1).await;
        }
        assert!(bench.clock.now().unix_timestamp() >= 3_590);
        *bench.fails.lock().unwrap() = false;
        let fresh = bench.cache.get().await.unwrap();
        assert!(bench.lives(&fresh));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refresh_goes_on_when_the_caller_that_began_it_has_gone() {
        let bench = bench();
        let abandoned = tokio::time::timeout(std::time::Duration::from_secs(1), bench.cache.get());
        assert!(abandoned.await.is_err());
        pass(2).await;
        let asked = Instant::now();
        bench.cache.get().await.unwrap();
        assert_eq!(asked.elapsed(), std::time::Duration::ZERO);
        assert_eq!(bench.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_the_cloud_rejects_is_replaced_once_for_all_who_were_rejected() {
        let bench = bench();
        let dead = bench.cache.get().await.unwrap();
        for _ in 0..10 {
            assert!(bench.cache.reject(&dead));
        }
        let got = join_all((0..10).map(|_| bench.cache.get())).await;
        let fresh = Arc::clone(got[0].as_ref().unwrap());
        assert!(
            got.iter()
                .all(|got| Arc::ptr_eq(got.as_ref().unwrap(), &fresh))
        );
        assert_eq!(bench.count(), 2);
        // A late rejection of the old key does not touch the new one.
        assert!(bench.cache.reject(&dead));
        assert!(Arc::ptr_eq(&bench.cache.get().await.unwrap(), &fresh));
    }

    #[tokio::test]
    async fn a_source_that_crashes_is_an_error_of_those_who_waited_and_no_more() {
        struct Crashing(AtomicUsize);

        #[async_trait::async_trait]
        impl Source for Crashing {
            fn name(&self) -> String {
                "crashing".to_owned()
            }

            async fn issue(&self) -> Result<Issued, SourceError> {
                assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
                Err(SourceError::lasting("the second time"))
            }
        }
        let source = Crashing(AtomicUsize::new(0));
        let clock = Arc::new(crate::credentials::outside::SystemClock);
        let cache = CredentialsCache::new(Box::new(source), clock);
        let first = cache.get().await.unwrap_err();
        assert!(first.reason.contains("crashing crashed"), "{first}");
        assert_eq!(cache.get().await.unwrap_err().reason, "the second time");
    }

    #[tokio::test]
    async fn keys_that_never_expire_are_not_asked_for_again() {
        let keys = Credentials {
            access_key_id: "id".to_owned(),
            access_key_secret: "secret".into(),
            security_token: None,
            account_id: None,
        };
        let cache = CredentialsCache::of(keys);
        let got = cache.get().await.unwrap();
        assert_eq!(got.access_key_secret.expose_secret(), "secret");
        assert!(!cache.reject(&got));
    }
}
