//! The client against a reference model, with all faults at once: whatever the network and the server do, no job is created
//! twice, none is left behind unreported, and no existing one is taken for missing.
//!
//! `STRESS_CREATES` and `STRESS_SEED` set its length and its seed; `make stress` uses them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_live::{CallError, CreateError, JobStatus, LiveClient};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Job, JobStatus as MockStatus, Mock};

use crate::support::{CREATE, Calls as _, Dice, client_with, seeded_mock, spec};

const SHORT_RUN: u64 = 10_000;
const CREATES_IN_A_WORLD: u64 = 400;
const CALLERS: u64 = 16;

/// Counts of what happened.
#[derive(Default, Debug, Clone)]
struct Count {
    creates: u64,
    created: u64,
    rejected: u64,
    unresolved: u64,
    responses_lost: u64,
    other_calls: u64,
    duplicates: u64,
    silent_orphans: u64,
    wrong_removals: u64,
    wrong_results: u64,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.creates += other.creates;
        self.created += other.created;
        self.rejected += other.rejected;
        self.unresolved += other.unresolved;
        self.responses_lost += other.responses_lost;
        self.other_calls += other.other_calls;
        self.duplicates += other.duplicates;
        self.silent_orphans += other.silent_orphans;
        self.wrong_removals += other.wrong_removals;
        self.wrong_results += other.wrong_results;
    }
}

/// The results of the creates with one name.
#[derive(Default)]
struct Results {
    ids: Vec<String>,
    unresolved: u64,
    named: HashSet<String>,
}

fn faults(dice: &mut Dice) -> Vec<Fault> {
    let at = |kind: FaultKind, point| Fault::new("*", kind).when(point);
    let truncated = |complete| FaultKind::Truncate {
        bytes: 25,
        complete,
    };
    let mut kinds = vec![
        at(FaultKind::Drop, FaultStage::Arrival),
        at(FaultKind::Drop, FaultStage::Before),
        at(FaultKind::Drop, FaultStage::After),
        at(FaultKind::internal_error(), FaultStage::Before),
        at(FaultKind::internal_error(), FaultStage::After),
        at(FaultKind::service_unavailable(), FaultStage::Before),
        at(FaultKind::service_unavailable(), FaultStage::After),
        at(FaultKind::throttling_user(), FaultStage::Before),
        at(FaultKind::throttling_api(Some(1)), FaultStage::Arrival),
        at(FaultKind::html(), FaultStage::After),
        at(FaultKind::html(), FaultStage::Arrival),
        at(FaultKind::Slow { ms: 3 }, FaultStage::Before),
        at(FaultKind::Slow { ms: 3 }, FaultStage::After),
        at(FaultKind::Hang, FaultStage::After),
        Fault::new("*", truncated(false)),
        Fault::new("*", truncated(true)),
        Fault::new("*", FaultKind::WrongTypes),
        Fault::new("*", FaultKind::Endless),
    ];
    for kind in &mut kinds {
        // Hanging and endless responses take the whole attempt timeout: rarer, so that the run stays short.
        let rare = matches!(kind.kind, FaultKind::Hang | FaultKind::Endless);
        kind.probability = if rare {
            0.002
        } else {
            f64::from(u32::try_from(dice.roll(25)).unwrap()) * 0.001
        };
    }
    kinds
}

fn client(mock: &Mock) -> LiveClient {
    client_with(mock, |config| {
        config.attempt_timeout = Duration::from_millis(500);
        config.retry.max_backoff = Duration::from_millis(3);
        config.retry.max_attempts = 4;
        config.search.max_list_lag = Duration::from_millis(40);
        config.search.after_receipt = Duration::from_millis(80);
        config.search.poll_interval = Duration::from_millis(4);
    })
}

/// Runs one mock with its own mixture of faults, one client, and several callers.
async fn world(seed: u64) -> Count {
    let mut dice = Dice(seed);
    let mock = Arc::new(seeded_mock(seed));
    mock.configure(|config| {
        config.check_nonces = dice.roll(2) == 0;
        // Shorter than the client's maximum list lag.
        config.list_lag_ms = dice.roll(20);
        config.omit_empty_lists = dice.roll(2) == 0;
    });
    mock.set_faults(faults(&mut dice));
    let client = Arc::new(client(&mock));
    let results = Arc::new(Mutex::new(HashMap::<String, Results>::new()));

    let callers = (0..CALLERS).map(|caller| {
        let (mock, client, results) =
            (Arc::clone(&mock), Arc::clone(&client), Arc::clone(&results));
        let dice = Dice(seed ^ (caller + 1).wrapping_mul(0xA076_1D64_78BD_642F));
        tokio::spawn(async move { run_caller(&mock, &client, &results, caller, dice).await })
    });
    let mut count = Count::default();
    for counted in futures_util::future::join_all(callers).await {
        count.add(&counted.unwrap());
    }
    take_stock(&mock, &results.lock().unwrap(), &mut count);
    count
}

/// Runs one caller: creates jobs, uses them, and compares each response with the actual state.
async fn run_caller(
    mock: &Mock,
    client: &LiveClient,
    results: &Mutex<HashMap<String, Results>>,
    caller: u64,
    mut dice: Dice,
) -> Count {
    let mut count = Count::default();
    for number in 0..CREATES_IN_A_WORLD / CALLERS {
        // One job in five has duplicates that other callers create at the same time.
        let name = if dice.roll(5) == 0 {
            format!("shared-{}", dice.roll(4))
        } else {
            format!("job-{caller}-{number}")
        };
        count.creates += 1;
        let created = client.create(&spec(&name)).await;
        let id = {
            let mut results = results.lock().unwrap();
            let result = results.entry(name.clone()).or_default();
            match created {
                Ok(created) => {
                    count.created += 1;
                    result.ids.push(created.job_id.clone());
                    result.named.extend(created.possible_duplicates);
                    created.job_id
                }
                Err(CreateError::Call(_)) => {
                    count.rejected += 1;
                    continue;
                }
                Err(CreateError::Unresolved { candidates, .. }) => {
                    count.unresolved += 1;
                    result.unresolved += 1;
                    let ids = candidates.into_iter().map(|job| job.job_id);
                    result.named.extend(ids);
                    continue;
                }
            }
        };
        use_job(mock, client, &id, &name, &mut dice, &mut count).await;
    }
    count
}

/// Makes some calls on an existing job, until it is deleted.
async fn use_job(
    mock: &Mock,
    client: &LiveClient,
    id: &str,
    name: &str,
    dice: &mut Dice,
    count: &mut Count,
) {
    let real = || mock.jobs().into_iter().find(|job| job.job_id == id);
    let is_wrong = |done: Result<(), CallError>, expected: &dyn Fn(&Job) -> bool| {
        u64::from(done.is_ok() && !real().is_some_and(|real| expected(&real)))
    };
    for _ in 0..dice.roll(4) {
        count.other_calls += 1;
        match dice.roll(5) {
            0 => match client.get(id).await {
                Ok(job) => {
                    let runs = job.status == JobStatus::Running;
                    let agrees = real().is_some_and(|real| {
                        real.name == job.name && (real.status == MockStatus::Running) == runs
                    });
                    count.wrong_results += u64::from(!agrees);
                }
                Err(error) => count.wrong_removals += u64::from(error.is_job_not_found()),
            },
            1 => {
                let updated = client.update(id, &spec(name)).await;
                count.wrong_results += is_wrong(updated, &|real| real.name == name);
            }
            2 => {
                let started = client.start(id).await;
                count.wrong_results +=
                    is_wrong(started, &|real| real.status == MockStatus::Running);
            }
            3 => {
                let stopped = client.stop(id).await;
                count.wrong_results +=
                    is_wrong(stopped, &|real| real.status == MockStatus::NotStarted);
            }
            _ => {
                let deleted = client.delete(id).await;
                let exists = real().is_some();
                match deleted {
                    Ok(()) => count.wrong_results += u64::from(exists),
                    // An earlier attempt of this call deleted it, and its response was lost.
                    Err(error) if error.is_job_not_found() => {
                        count.wrong_removals += u64::from(exists);
                    }
                    Err(_) if exists => continue,
                    Err(_) => {}
                }
                return;
            }
        }
    }
}

/// Compares the results of the callers with the existing jobs.
fn take_stock(mock: &Mock, results: &HashMap<String, Results>, count: &mut Count) {
    let mut existing: HashMap<String, Vec<String>> = HashMap::new();
    for job in mock.jobs() {
        existing.entry(job.name).or_default().push(job.job_id);
    }
    for (name, result) in results {
        let distinct: HashSet<_> = result.ids.iter().collect();
        // Two creates that returned the same job: one of them has none.
        count.duplicates += (result.ids.len() - distinct.len()) as u64;
        let with_name = existing.get(name).into_iter().flatten();
        let others = with_name.filter(|id| !distinct.contains(id));
        // Jobs that no caller has. Each unresolved create has reported that one may exist.
        let unnamed = others.filter(|id| !result.named.contains(*id)).count() as u64;
        let silent = unnamed.saturating_sub(result.unresolved);
        count.silent_orphans += silent;
        count.duplicates += u64::from(silent > 0 && !result.ids.is_empty());
    }
    let lost = mock.calls().into_iter().filter(|call| {
        call.action.as_deref() == Some(CREATE) && call.committed && !call.faults.is_empty()
    });
    count.responses_lost += lost.count() as u64;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_duplicates_loses_or_removes_a_job() {
    let from_environment = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().unwrap())
    };
    let creates = from_environment("STRESS_CREATES").unwrap_or(SHORT_RUN);
    let first_seed = from_environment("STRESS_SEED").unwrap_or(1);

    let mut total = Count::default();
    let mut seed = first_seed;
    while total.creates < creates {
        let worlds = (seed..seed + 4).map(world);
        for (seed, count) in (seed..).zip(futures_util::future::join_all(worlds).await) {
            let clean = count.duplicates
                + count.silent_orphans
                + count.wrong_removals
                + count.wrong_results
                == 0;
            assert!(clean, "STRESS_SEED={seed}: {count:?}");
            total.add(&count);
        }
        seed += 4;
    }
    println!(
        "seeds {first_seed} to {}\n\
         creates {}, of which created {}, rejected {}, unresolved {}\n\
         creates that were committed and hit a fault {}\n\
         other calls {}\n\
         duplicates {}, silent orphans {}, wrong removals {}, wrong results {}",
        seed - 1,
        total.creates,
        total.created,
        total.rejected,
        total.unresolved,
        total.responses_lost,
        total.other_calls,
        total.duplicates,
        total.silent_orphans,
        total.wrong_removals,
        total.wrong_results
    );
    assert!(
        total.responses_lost * 50 > total.creates,
        "there were hardly any faults: {total:?}"
    );
    assert!(
        total.created * 2 > total.creates,
        "hardly any create succeeded: {total:?}"
    );
}
