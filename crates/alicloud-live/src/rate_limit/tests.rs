use std::collections::VecDeque;

use futures_util::future::join_all;

use super::*;
use crate::{RetryPolicy, backoff};

/// The published quota of each operation.
const QUOTA: u32 = 6_000;
/// How many calls Terraform makes at the same time.
const PARALLELISM: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

async fn time_for(limiter: &RateLimiter, calls: u32) -> Duration {
    let ctx = CallContext::without_cancel(Duration::from_secs(3600));
    let started_at = Instant::now();
    for _ in 0..calls {
        limiter.acquire("A", &ctx).await.unwrap();
    }
    started_at.elapsed()
}

#[tokio::test(start_paused = true)]
async fn after_the_burst_calls_come_at_the_rate() {
    let limiter = RateLimiter::new(QUOTA);
    // Slightly fewer than the ten that Terraform makes at the same time.
    assert_eq!(time_for(&limiter, 9).await, Duration::ZERO);
    let time = time_for(&limiter, 500).await;
    assert!((4_900..=5_100).contains(&time.as_millis()), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_permit_whose_wait_is_dropped_goes_to_the_next_call() {
    let limiter = RateLimiter::new(120);
    let ctx = CallContext::without_cancel(MINUTE);
    assert_eq!(time_for(&limiter, 1).await, Duration::ZERO);
    let dropped = limiter.acquire("A", &ctx);
    tokio::time::timeout(Duration::from_millis(1), dropped)
        .await
        .unwrap_err();
    let time = time_for(&limiter, 1).await;
    assert!((490..=510).contains(&time.as_millis()), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn no_minute_contains_more_calls_than_the_quota() {
    for quota in [60, 600, QUOTA] {
        let limiter = RateLimiter::new(quota);
        let time = time_for(&limiter, quota + 1).await;
        assert!(time >= MINUTE.mul_f64(0.98), "{quota}: {time:?}");
        assert!(time <= MINUTE.mul_f64(1.01), "{quota}: {time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn operations_do_not_share_a_quota() {
    let limiter = RateLimiter::new(60);
    let ctx = CallContext::without_cancel(MINUTE);
    let started_at = Instant::now();
    limiter.acquire("A", &ctx).await.unwrap();
    limiter.acquire("B", &ctx).await.unwrap();
    assert_eq!(started_at.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn throttling_lowers_the_rate_once_a_second_and_successes_restore_it() {
    let limiter = RateLimiter::new(QUOTA);
    for _ in 0..10 {
        limiter.slow_down("A");
    }
    // Without a burst, and at seven tenths of the rate.
    let slowed = time_for(&limiter, 70).await;
    assert!((900..=1_100).contains(&slowed.as_millis()), "{slowed:?}");
    let slowed = time_for(&limiter, 140).await;
    assert!((1_900..=2_100).contains(&slowed.as_millis()), "{slowed:?}");
    for _ in 0..2_000 {
        limiter.speed_up("A");
    }
    let time = time_for(&limiter, 500).await;
    assert!((4_900..=5_100).contains(&time.as_millis()), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_permit_after_the_deadline_is_not_waited_for_and_goes_to_other_calls() {
    let limiter = RateLimiter::new(60);
    time_for(&limiter, 1).await;
    for _ in 0..100 {
        let ctx = CallContext::without_cancel(Duration::from_millis(500));
        let acquired = limiter.acquire("A", &ctx).await;
        assert_eq!(acquired, Err(Interruption::DeadlineExceeded));
    }
    assert!(time_for(&limiter, 1).await < Duration::from_secs(2));
}

/// How the service counts calls is not documented, so all common methods are tested.
#[derive(Clone, Copy, Debug)]
enum Counting {
    /// In a period that begins with the first call after the previous period.
    ByPeriod(Duration),
    /// In the latest minute, at each call.
    LatestMinute,
    /// With credit that grows steadily up to so many calls.
    Credit(f64),
}

struct Service {
    counting: Counting,
    /// Calls of the current period, or of the latest minute.
    calls: VecDeque<Instant>,
    credit: f64,
    credit_at: Instant,
}

impl Service {
    fn new(counting: Counting) -> Self {
        Self {
            counting,
            calls: VecDeque::new(),
            credit: f64::from(QUOTA),
            credit_at: Instant::now(),
        }
    }

    fn is_past(&self, period: Duration) -> bool {
        let first = self.calls.front();
        first.is_some_and(|first| first.elapsed() >= period)
    }

    fn admits_a_call(&mut self) -> bool {
        let now = Instant::now();
        match self.counting {
            Counting::ByPeriod(period) => {
                if self.is_past(period) {
                    self.calls.clear();
                }
                self.calls.push_back(now);
                let calls = u32::try_from(self.calls.len()).unwrap();
                f64::from(calls) <= f64::from(QUOTA) * period.as_secs_f64() / 60.0
            }
            Counting::LatestMinute => {
                while self.is_past(MINUTE) {
                    self.calls.pop_front();
                }
                let admits = self.calls.len() < QUOTA as usize;
                self.calls.extend(admits.then_some(now));
                admits
            }
            Counting::Credit(most) => {
                let grown = (now - self.credit_at).as_secs_f64() * f64::from(QUOTA) / 60.0;
                (self.credit, self.credit_at) = ((self.credit + grown).min(most), now);
                let admits = self.credit >= 1.0;
                self.credit -= f64::from(u8::from(admits));
                admits
            }
        }
    }
}

/// The result of a few minutes with as many calls as possible.
#[derive(Debug)]
struct Outcome {
    /// Share of the quota.
    used: f64,
    /// Share of all calls.
    throttled: f64,
    /// Share of the admitted calls, of the process with the fewest.
    smallest_share: f64,
    /// Calls without success in five minutes.
    failed: u32,
}

/// Runs processes on one account, each with its own limiter and as many callers as Terraform has.
async fn minutes_at_the_quota(counting: Counting, processes: u32) -> Outcome {
    const MINUTES: u32 = 4;
    let service = Mutex::new(Service::new(counting));
    let end = Instant::now() + MINUTES * MINUTE;
    let process = async |number: u32| {
        let limiter = RateLimiter::new(QUOTA);
        let callers = (0..PARALLELISM).map(|caller| {
            let seed = 1 + number * PARALLELISM + caller;
            call_until(end, &limiter, &service, seed)
        });
        join_all(callers).await
    };
    let counts = join_all((0..processes).map(process)).await;

    let sum =
        |of: fn(&Count) -> u32, counts: &[Count]| f64::from(counts.iter().map(of).sum::<u32>());
    let all = counts.concat();
    let (admitted, throttled) = (sum(|c| c.admitted, &all), sum(|c| c.throttled, &all));
    Outcome {
        used: admitted / f64::from(MINUTES * QUOTA),
        throttled: throttled / (admitted + throttled),
        smallest_share: counts
            .iter()
            .map(|counts| sum(|c| c.admitted, counts) / admitted)
            .fold(1.0, f64::min),
        failed: all.iter().map(|count| count.failed).sum(),
    }
}

#[derive(Clone, Copy, Default)]
struct Count {
    admitted: u32,
    throttled: u32,
    failed: u32,
}

/// Makes one call after the other, as the retry loop does: 20 ms each, and a backoff after each throttled one.
async fn call_until(
    end: Instant,
    limiter: &RateLimiter,
    service: &Mutex<Service>,
    mut random: u32,
) -> Count {
    let mut count = Count::default();
    while Instant::now() < end {
        let ctx = CallContext::without_cancel(Duration::from_secs(300));
        for attempts in 1.. {
            if limiter.acquire("A", &ctx).await.is_err() {
                count.failed += 1;
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            if service.lock().unwrap().admits_a_call() {
                limiter.speed_up("A");
                count.admitted += 1;
                break;
            }
            limiter.slow_down("A");
            count.throttled += 1;
            // Repeatable random numbers: a linear congruential generator.
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let bits = Some(u128::from(random) << 96);
            let delay = backoff::delay(&RetryPolicy::default(), attempts, bits);
            if ctx.wait(delay).await.is_err() {
                count.failed += 1;
                break;
            }
        }
    }
    count
}

const COUNTINGS: [Counting; 5] = [
    Counting::ByPeriod(MINUTE),
    Counting::ByPeriod(Duration::from_secs(1)),
    Counting::LatestMinute,
    Counting::Credit(10.0),
    Counting::Credit(6_000.0),
];

#[tokio::test(start_paused = true)]
async fn one_process_uses_the_quota_and_two_share_it_without_failures() {
    for (processes, used, throttled, share) in [(1, 0.98, 0.001, 1.0), (2, 0.85, 0.03, 0.4)] {
        for counting in COUNTINGS {
            let outcome = minutes_at_the_quota(counting, processes).await;
            let shown = format!("{processes}, {counting:?}: {outcome:?}");
            println!("{shown}");
            assert_eq!(outcome.failed, 0, "{shown}");
            assert!(outcome.used >= used, "{shown}");
            assert!(outcome.throttled <= throttled, "{shown}");
            assert!(outcome.smallest_share >= share, "{shown}");
        }
    }
}
