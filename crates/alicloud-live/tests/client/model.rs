//! The client against a reference model, with every fault at once: whatever the network and the server do, no job is
//! made twice, none is left behind without the user being told, and none is taken for gone that is not.
//!
//! `STRESS_CREATES` and `STRESS_SEED` make it longer or other; `make stress` does.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_live::{
    CreateError, JobStatus, LiveClient, LiveClientConfig, RetryPolicy, SearchPolicy,
};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus as MockStatus, Mock};

use crate::support::{CLUSTER, CREATE, Dice, ctx, fields, quick_config, seeded_mock};

const SHORT_RUN: u64 = 10_000;
const CREATES_IN_A_WORLD: u64 = 400;
const CALLERS: u64 = 16;

/// What happened, counted.
#[derive(Default, Debug, Clone)]
struct Count {
    creates: u64,
    created: u64,
    refused: u64,
    unresolved: u64,
    answers_lost: u64,
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
        self.refused += other.refused;
        self.unresolved += other.unresolved;
        self.answers_lost += other.answers_lost;
        self.other_calls += other.other_calls;
        self.duplicates += other.duplicates;
        self.silent_orphans += other.silent_orphans;
        self.wrong_removals += other.wrong_removals;
        self.wrong_results += other.wrong_results;
    }
}

/// What the callers were told of the jobs of one name.
#[derive(Default)]
struct Told {
    ids: Vec<String>,
    unresolved: u64,
    named: HashSet<String>,
    deleted: u64,
}

fn faults(dice: &mut Dice) -> Vec<Fault> {
    let at = |kind: FaultKind, point| Fault::new("*", kind).when(point);
    let page = || FaultKind::Response {
        status: 200,
        content_type: "text/html".to_owned(),
        body: "<html>".to_owned(),
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
        at(page(), FaultStage::After),
        at(page(), FaultStage::Arrival),
        at(FaultKind::Slow { ms: 3 }, FaultStage::Before),
        at(FaultKind::Slow { ms: 3 }, FaultStage::After),
        at(FaultKind::Hang, FaultStage::After),
        Fault::new(
            "*",
            FaultKind::Truncate {
                bytes: 25,
                complete: false,
            },
        ),
        Fault::new(
            "*",
            FaultKind::Truncate {
                bytes: 25,
                complete: true,
            },
        ),
        Fault::new("*", FaultKind::WrongTypes),
        Fault::new("*", FaultKind::Endless),
    ];
    for kind in &mut kinds {
        // Hanging and endless answers cost the attempt's whole time: rarer, so that the run stays short.
        let rare = matches!(kind.kind, FaultKind::Hang | FaultKind::Endless);
        kind.probability = if rare {
            0.002
        } else {
            f64::from(u32::try_from(dice.roll(25)).unwrap()) * 0.001
        };
    }
    kinds
}

fn config(mock: &Mock) -> LiveClientConfig {
    LiveClientConfig {
        attempt_timeout: Duration::from_millis(500),
        retry: RetryPolicy {
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(3),
            attempts: 4,
            max_elapsed: None,
        },
        search: SearchPolicy {
            max_list_lag: Duration::from_millis(40),
            after_proof: Duration::from_millis(80),
            interval: Duration::from_millis(4),
        },
        ..quick_config(mock)
    }
}

/// One mock with its own mixture of faults, one client, and several callers.
async fn world(seed: u64) -> Count {
    let mut dice = Dice(seed);
    let mock = Arc::new(seeded_mock(seed));
    mock.configure(|config| {
        config.check_nonces = dice.roll(2) == 0;
        // Shorter than the client's patience, as the published lag of a list would have to be.
        config.list_lag_ms = dice.roll(20);
        config.omit_empty_lists = dice.roll(2) == 0;
    });
    mock.set_faults(faults(&mut dice));
    let client = Arc::new(LiveClient::new(config(&mock)).unwrap());
    let told = Arc::new(Mutex::new(HashMap::<String, Told>::new()));

    let callers = (0..CALLERS).map(|caller| {
        let (mock, client, told) = (Arc::clone(&mock), Arc::clone(&client), Arc::clone(&told));
        let dice = Dice(seed ^ (caller + 1).wrapping_mul(0xA076_1D64_78BD_642F));
        tokio::spawn(async move { live(&mock, &client, &told, caller, dice).await })
    });
    let mut count = Count::default();
    for counted in futures_util::future::join_all(callers).await {
        count.add(&counted.unwrap());
    }
    take_stock(&mock, &told.lock().unwrap(), &mut count);
    count
}

/// One caller: makes jobs, uses them, and compares each answer with how things really are.
async fn live(
    mock: &Mock,
    client: &LiveClient,
    told: &Mutex<HashMap<String, Told>>,
    caller: u64,
    mut dice: Dice,
) -> Count {
    let mut count = Count::default();
    for number in 0..CREATES_IN_A_WORLD / CALLERS {
        // One job in five has twins that other callers make at the same time.
        let name = if dice.roll(5) == 0 {
            format!("twin-{}", dice.roll(4))
        } else {
            format!("job-{caller}-{number}")
        };
        count.creates += 1;
        let created = client
            .create_edge_transcode_job(CLUSTER, &fields(&name), &ctx())
            .await;
        let id = {
            let mut told = told.lock().unwrap();
            let told = told.entry(name.clone()).or_default();
            match created {
                Ok(created) => {
                    count.created += 1;
                    told.ids.push(created.job_id.clone());
                    told.named.extend(created.possible_duplicates);
                    created.job_id
                }
                Err(CreateError::Call(_)) => {
                    count.refused += 1;
                    continue;
                }
                Err(CreateError::Unresolved { candidates, .. }) => {
                    count.unresolved += 1;
                    told.unresolved += 1;
                    told.named
                        .extend(candidates.into_iter().map(|job| job.job_id));
                    continue;
                }
            }
        };
        if use_job(mock, client, &id, &name, &mut dice, &mut count).await {
            told.lock().unwrap().get_mut(&name).unwrap().deleted += 1;
        }
    }
    count
}

/// Makes some calls on a job that is surely there; says whether it was deleted.
async fn use_job(
    mock: &Mock,
    client: &LiveClient,
    id: &str,
    name: &str,
    dice: &mut Dice,
    count: &mut Count,
) -> bool {
    let real = || mock.jobs().into_iter().find(|job| job.job_id == id);
    for _ in 0..dice.roll(4) {
        count.other_calls += 1;
        match dice.roll(5) {
            0 => match client.get_edge_transcode_job(CLUSTER, id, &ctx()).await {
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
                if client
                    .update_edge_transcode_job(CLUSTER, id, &fields(name), &ctx())
                    .await
                    .is_ok()
                {
                    count.wrong_results += u64::from(real().is_none_or(|real| real.name != name));
                }
            }
            2 => {
                if client
                    .start_edge_transcode_job(CLUSTER, id, &ctx())
                    .await
                    .is_ok()
                {
                    count.wrong_results +=
                        u64::from(real().is_none_or(|real| real.status != MockStatus::Running));
                }
            }
            3 => {
                if client
                    .stop_edge_transcode_job(CLUSTER, id, &ctx())
                    .await
                    .is_ok()
                {
                    count.wrong_results +=
                        u64::from(real().is_none_or(|real| real.status != MockStatus::NotStarted));
                }
            }
            _ => match client.delete_edge_transcode_job(CLUSTER, id, &ctx()).await {
                Ok(()) => {
                    count.wrong_results += u64::from(real().is_some());
                    return true;
                }
                Err(error) if error.is_job_not_found() => {
                    // An earlier attempt of this very call deleted it and lost its answer.
                    count.wrong_removals += u64::from(real().is_some());
                    return true;
                }
                Err(_) => {
                    if real().is_none() {
                        return true;
                    }
                }
            },
        }
    }
    false
}

/// Compares what the callers were told with what exists.
fn take_stock(mock: &Mock, told: &HashMap<String, Told>, count: &mut Count) {
    let mut existing: HashMap<String, Vec<String>> = HashMap::new();
    for job in mock.jobs() {
        existing.entry(job.name).or_default().push(job.job_id);
    }
    for (name, told) in told {
        let distinct: HashSet<_> = told.ids.iter().collect();
        // Two creates that were given one job: one of them has none.
        count.duplicates += (told.ids.len() - distinct.len()) as u64;
        let strangers = existing
            .get(name)
            .into_iter()
            .flatten()
            .filter(|id| !distinct.contains(id));
        // Jobs that no caller has. Each unresolved create has told its caller that one may exist.
        let unnamed = strangers.filter(|id| !told.named.contains(*id)).count() as u64;
        let silent = unnamed.saturating_sub(told.unresolved);
        count.silent_orphans += silent;
        count.duplicates += u64::from(silent > 0 && !told.ids.is_empty());
    }
    let lost = mock.calls().into_iter().filter(|call| {
        call.action.as_deref() == Some(CREATE) && call.committed && !call.faults.is_empty()
    });
    count.answers_lost += lost.count() as u64;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_no_job_is_doubled_lost_or_wrongly_gone() {
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
         creates {}, of which created {}, refused {}, unresolved and said so {}\n\
         creates that were committed and met a fault {}\n\
         other calls {}\n\
         duplicates {}, silent orphans {}, wrong removals {}, wrong results {}",
        seed - 1,
        total.creates,
        total.created,
        total.refused,
        total.unresolved,
        total.answers_lost,
        total.other_calls,
        total.duplicates,
        total.silent_orphans,
        total.wrong_removals,
        total.wrong_results
    );
    assert!(
        total.answers_lost * 50 > total.creates,
        "the faults hardly struck: {total:?}"
    );
    assert!(
        total.created * 2 > total.creates,
        "hardly any create succeeded: {total:?}"
    );
}
