//! Reads of many jobs: how few calls they take, and that they say nothing that single Gets would not have said.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_live::{CallContext, CallError, Job, LiveClient};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus, Mock};
use futures_util::StreamExt as _;
use futures_util::stream;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::support::{
    CLUSTER, CREATE, Dice, GET, LIST, calls_of, ctx, fields, mock, quick_config, seeded_mock,
};

/// How many reads Terraform makes at a time.
const PARALLELISM: usize = 10;

/// A client that waits for a busy machine, and for calls that are held, so that no call is made twice.
fn client(mock: &Mock) -> LiveClient {
    let mut config = quick_config(mock);
    config.attempt_timeout = Duration::from_secs(20);
    LiveClient::new(config).unwrap()
}

/// Puts in so many jobs, oldest first; gives back their IDs.
fn seed(mock: &Mock, count: usize) -> Vec<String> {
    (0..count).map(|_| mock.seed_job(|_| {}).job_id).collect()
}

/// Reads a job of which is known what [`seed`] has made it.
async fn refresh(client: &LiveClient, id: &str) -> Result<Job, CallError> {
    refresh_within(client, id, &ctx()).await
}

async fn refresh_within(
    client: &LiveClient,
    id: &str,
    ctx: &CallContext,
) -> Result<Job, CallError> {
    let matches_state = |job: &Job| job.name == "seeded";
    client
        .refresh_edge_transcode_job(CLUSTER, id, matches_state, ctx)
        .await
}

/// Reads jobs as Terraform does, some at a time.
async fn refresh_all(client: &LiveClient, ids: &[String], at_a_time: usize) {
    stream::iter(ids)
        .for_each_concurrent(at_a_time, async |id| {
            assert_eq!(refresh(client, id).await.unwrap().job_id, **id);
        })
        .await;
}

/// Gets and lists until now.
fn calls(mock: &Mock) -> (usize, usize) {
    (calls_of(mock, GET).len(), calls_of(mock, LIST).len())
}

/// A client that has read a list of the cluster, and jobs that it has not told of yet.
async fn listed(mock: &Mock) -> (LiveClient, Vec<String>) {
    let ids = seed(mock, 20);
    let client = client(mock);
    refresh_all(&client, &ids[..3], 1).await;
    assert_eq!(calls(mock), (2, 1));
    (client, ids[3..].to_vec())
}

#[tokio::test]
async fn n_reads_among_t_jobs_take_few_calls() {
    const CASES: [(usize, &[usize]); 8] = [
        (1, &[1]),
        (3, &[1, 2, 3]),
        (99, &[2, 3, 4, 50, 99]),
        (100, &[3, 100]),
        (101, &[3, 5, 101]),
        (250, &[3, 4, 5, 10, 250]),
        (1_000, &[1, 2, 3, 5, 9, 10, 11, 12, 20, 21, 100, 500, 1_000]),
        (10_000, &[100, 1_000, 10_000]),
    ];
    for (total, cases) in CASES {
        let mock = mock();
        let ids = seed(&mock, total);
        for reads in cases {
            // Jobs from all over the list.
            let wanted: Vec<_> = ids
                .iter()
                .step_by(total / reads)
                .take(*reads)
                .cloned()
                .collect();
            let before = mock.calls().len();
            refresh_all(&client(&mock), &wanted, PARALLELISM).await;
            let made = mock.calls().len() - before;
            println!("{reads} of {total} jobs: {made} calls");
            let bound = 2 * (*reads).min(total.div_ceil(100)) + 2;
            assert!(
                made <= bound,
                "{reads} of {total}: {made} calls, not {bound}"
            );
        }
    }
}

#[tokio::test]
async fn readers_one_after_the_other_take_as_few_calls_as_readers_at_a_time() {
    let mock = mock();
    let ids = seed(&mock, 350);
    for at_a_time in [1, 2, PARALLELISM, 350] {
        let (gets, lists) = calls(&mock);
        refresh_all(&client(&mock), &ids, at_a_time).await;
        assert_eq!(calls(&mock), (gets + 4, lists + 4), "{at_a_time} at a time");
    }
}

#[tokio::test]
async fn a_job_or_two_are_read_by_get_alone() {
    let mock = mock();
    let ids = seed(&mock, 50);
    refresh_all(&client(&mock), &ids[..2], PARALLELISM).await;
    assert_eq!(calls(&mock), (2, 0));
}

#[tokio::test]
async fn clusters_are_listed_apart() {
    let mock = mock();
    let ids = seed(&mock, 10);
    let client = client(&mock);
    refresh_all(&client, &ids, 1).await;
    let error = client
        .refresh_edge_transcode_job("cluster-2", &ids[0], |_| true, &ctx())
        .await
        .unwrap_err();
    assert!(error.is_rejected_with("OperationDenied"), "{error}");
    assert_eq!(calls(&mock), (3, 1));
}

#[tokio::test]
async fn a_new_client_knows_nothing_of_what_an_earlier_one_has_listed() {
    let mock = mock();
    let (_, ids) = listed(&mock).await;
    mock.edit_job(&ids[0], |job| job.status = JobStatus::Running);
    let job = refresh(&client(&mock), &ids[0]).await.unwrap();
    assert_eq!(job.status, alicloud_live::JobStatus::Running);
}

#[tokio::test]
async fn each_job_that_lists_leave_out_is_read_by_get() {
    let mock = mock();
    let long_ago = OffsetDateTime::now_utc() - time::Duration::days(181);
    let mut ids = seed(&mock, 50);
    for _ in 0..5 {
        ids.push(mock.seed_job(|job| job.create_time = long_ago).job_id);
    }
    refresh_all(&client(&mock), &ids, PARALLELISM).await;
    assert_eq!(calls(&mock), (2 + 5, 1));
}

#[tokio::test]
async fn only_a_get_says_that_a_job_is_gone() {
    let mock = mock();
    let (client, ids) = listed(&mock).await;
    let error = refresh(&client, "no-such-job").await.unwrap_err();
    assert!(error.is_job_not_found());
    assert_eq!(calls(&mock), (3, 1));

    // Left out by an empty list, and there all the same.
    let empty = FaultKind::Response {
        status: 200,
        content_type: "application/json".to_owned(),
        body: r#"{"RequestId":"R","TotalCount":0,"JobList":{"Job":[]}}"#.to_owned(),
    };
    mock.set_faults(vec![Fault::new(LIST, empty)]);
    refresh_all(&self::client(&mock), &ids, PARALLELISM).await;
    assert_eq!(calls(&mock), (3 + ids.len(), 2));
}

#[tokio::test]
async fn a_difference_is_confirmed_by_get() {
    let mock = mock();
    let (client, ids) = listed(&mock).await;
    let read = |id: String| {
        let client = &client;
        async move {
            let never = |_: &Job| false;
            client
                .refresh_edge_transcode_job(CLUSTER, &id, never, &ctx())
                .await
        }
    };
    mock.edit_job(&ids[0], |job| job.name = "changed".to_owned());
    assert_eq!(read(ids[0].clone()).await.unwrap().name, "changed");
    mock.remove_job(&ids[1]);
    assert!(read(ids[1].clone()).await.unwrap_err().is_job_not_found());
    assert_eq!(calls(&mock), (4, 1));
}

#[tokio::test]
async fn a_second_read_of_a_job_is_a_get() {
    let mock = mock();
    let (client, ids) = listed(&mock).await;
    refresh(&client, &ids[0]).await.unwrap();
    assert_eq!(calls(&mock), (2, 1));
    mock.remove_job(&ids[0]);
    let error = refresh(&client, &ids[0]).await.unwrap_err();
    assert!(error.is_job_not_found());
}

#[tokio::test]
async fn after_a_write_whatever_became_of_it_every_read_is_a_get() {
    let lost = |action: &str| vec![Fault::new(action, FaultKind::Drop).when(FaultStage::After)];
    for write in ["Create", "Update", "Start", "Stop", "Delete"] {
        for is_lost in [false, true] {
            let mock = mock();
            let (client, ids) = listed(&mock).await;
            let (id, time) = (&ids[0], ctx());
            if is_lost {
                mock.set_faults(lost(&format!("{write}EdgeTranscodeJob")));
            }
            // Whether it works does not matter here.
            match write {
                "Create" => {
                    let _ = client
                        .create_edge_transcode_job(CLUSTER, &fields("new"), &time)
                        .await;
                }
                "Update" => {
                    let _ = client
                        .update_edge_transcode_job(CLUSTER, id, &fields("new"), &time)
                        .await;
                }
                "Start" => drop(client.start_edge_transcode_job(CLUSTER, id, &time).await),
                "Stop" => drop(client.stop_edge_transcode_job(CLUSTER, id, &time).await),
                _ => drop(client.delete_edge_transcode_job(CLUSTER, id, &time).await),
            }
            let (gets, lists) = calls(&mock);
            for id in &ids {
                let answer = refresh(&client, id).await;
                let real = mock.jobs().into_iter().find(|job| job.job_id == *id);
                assert_eq!(
                    answer.map(|job| job.name).ok(),
                    real.map(|job| job.name),
                    "{write}"
                );
            }
            // The first read after a failed write is refused for that one's nonce, and made again.
            let refused = usize::from(is_lost && write != "Create");
            assert_eq!(calls(&mock), (gets + ids.len() + refused, lists), "{write}");
        }
    }
}

#[tokio::test]
async fn a_write_while_a_list_is_read_counts() {
    let mock = Arc::new(mock());
    let ids = seed(&mock, 5);
    let client = Arc::new(client(&mock));
    refresh_all(&client, &ids[..2], 1).await;
    mock.set_faults(vec![
        Fault::new(LIST, FaultKind::Pause).when(FaultStage::After),
    ]);
    let reading = spawn_refresh(&client, &ids[2], ctx());
    wait_paused(&mock).await;
    client
        .update_edge_transcode_job(CLUSTER, &ids[3], &fields("seeded"), &ctx())
        .await
        .unwrap();
    mock.release();
    assert!(reading.await.unwrap().is_ok());
    refresh_all(&client, &ids[3..], 1).await;
    assert_eq!(calls(&mock), (5, 1));
}

#[tokio::test]
async fn who_may_not_list_reads_with_get() {
    for code in [
        "Forbidden",
        "NoPermission",
        "Forbidden.RAM",
        "OperationDenied",
    ] {
        let mock = mock();
        let ids = seed(&mock, 30);
        mock.set_faults(vec![Fault::new(LIST, FaultKind::error(403, code))]);
        refresh_all(&client(&mock), &ids, PARALLELISM).await;
        assert_eq!(calls(&mock), (30, 1), "{code}");
    }
}

#[tokio::test]
async fn a_list_that_fails_or_makes_no_sense_is_no_failure_of_a_read() {
    for kind in [
        FaultKind::Drop,
        FaultKind::internal_error(),
        FaultKind::html(),
        FaultKind::WrongTypes,
        FaultKind::empty(),
    ] {
        for skip in [0, 1] {
            let mock = mock();
            let ids = seed(&mock, 201);
            mock.set_faults(vec![Fault::new(LIST, kind.clone()).skip(skip)]);
            refresh_all(&client(&mock), &ids, PARALLELISM).await;
            // The pages before, all attempts at one page, and behind it a page that was read ahead.
            let lists = usize::try_from(skip).unwrap();
            let ahead = lists;
            let (gets, made) = calls(&mock);
            assert!(made <= lists + 5 + ahead, "{kind:?}: {made} lists");
            assert!(gets >= 201 - 100 * lists, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_page_that_fails_among_others_is_read_again() {
    for kind in [FaultKind::internal_error(), FaultKind::throttling_user()] {
        for skip in 1..10 {
            let mock = mock();
            let ids = seed(&mock, 1_000);
            mock.set_faults(vec![Fault::new(LIST, kind.clone()).skip(skip).times(1)]);
            refresh_all(&client(&mock), &ids, PARALLELISM).await;
            let (gets, lists) = calls(&mock);
            assert_eq!(gets, 10, "{kind:?} {skip}: as without the fault");
            assert!(lists < 10 + PARALLELISM, "{kind:?} {skip}: {lists} lists");
        }
    }
}

#[tokio::test]
async fn a_list_that_never_comes_leaves_time_for_a_get() {
    let mock = mock();
    let ids = seed(&mock, 5);
    let client = client(&mock);
    refresh_all(&client, &ids[..2], 1).await;
    mock.set_faults(vec![Fault::new(LIST, FaultKind::Hang)]);
    let short = CallContext::without_cancel(Duration::from_secs(3));
    refresh_within(&client, &ids[2], &short).await.unwrap();
    // Nobody else need wait for it.
    refresh_all(&client, &ids[3..], 1).await;
    assert_eq!(calls(&mock), (5, 1));
}

fn spawn_refresh(
    client: &Arc<LiveClient>,
    id: &str,
    ctx: CallContext,
) -> tokio::task::JoinHandle<Result<Job, CallError>> {
    let (client, id) = (Arc::clone(client), id.to_owned());
    tokio::spawn(async move { refresh_within(&client, &id, &ctx).await })
}

async fn wait_paused(mock: &Arc<Mock>) {
    assert_eq!(wait_paused_calls(mock, 1).await, 1);
}

async fn wait_paused_calls(mock: &Arc<Mock>, calls: usize) -> usize {
    let mock = Arc::clone(mock);
    let held =
        tokio::task::spawn_blocking(move || mock.wait_paused_calls(calls, Duration::from_secs(20)));
    held.await.unwrap().len()
}

/// A reader that lists and is not answered, and whoever waits for it.
struct Queue {
    mock: Arc<Mock>,
    client: Arc<LiveClient>,
    ids: Vec<String>,
}

async fn a_list_that_is_held() -> Queue {
    let mock = Arc::new(mock());
    let ids = seed(&mock, 20);
    let client = Arc::new(client(&mock));
    refresh_all(&client, &ids[..2], 1).await;
    mock.set_faults(vec![Fault::new(LIST, FaultKind::Pause).times(1)]);
    Queue {
        mock,
        client,
        ids: ids[2..].to_vec(),
    }
}

#[tokio::test]
async fn readers_wait_for_the_one_list() {
    let Queue { mock, client, ids } = a_list_that_is_held().await;
    let readers: Vec<_> = ids
        .iter()
        .map(|id| spawn_refresh(&client, id, ctx()))
        .collect();
    wait_paused(&mock).await;
    mock.release();
    for reader in readers {
        reader.await.unwrap().unwrap();
    }
    assert_eq!(calls(&mock), (2, 1));
}

#[tokio::test]
async fn as_many_pages_are_read_at_a_time_as_readers_wait() {
    for (readers, at_a_time) in [(1, 1), (3, 3), (10, 8), (30, 8)] {
        let mock = Arc::new(mock());
        let ids = seed(&mock, 1_000);
        let client = Arc::new(client(&mock));
        refresh_all(&client, &ids[..3], 1).await;
        refresh_all(&client, &ids[100..108], 1).await;
        assert_eq!(calls(&mock), (10, 1), "the rest of ten pages is paid for");

        mock.set_faults(vec![Fault::new(LIST, FaultKind::Pause)]);
        let of_the_last_page = ids[1_000 - readers..].iter();
        let reads: Vec<_> = of_the_last_page
            .map(|id| spawn_refresh(&client, id, ctx()))
            .collect();
        // The first reader reads the second page before the others are there.
        assert_eq!(wait_paused_calls(&mock, 1).await, 1);
        mock.release();
        assert_eq!(wait_paused_calls(&mock, at_a_time).await, at_a_time);
        mock.set_faults(Vec::new());
        mock.release();
        for read in reads {
            read.await.unwrap().unwrap();
        }
        assert_eq!(calls(&mock), (10, 10), "{readers} readers");
    }
}

#[tokio::test]
async fn when_the_reader_that_lists_is_stopped_or_dropped_another_takes_over() {
    for is_dropped in [false, true] {
        let Queue { mock, client, ids } = a_list_that_is_held().await;
        let stop = CancellationToken::new();
        let time = Duration::from_secs(20);
        let first = spawn_refresh(&client, &ids[0], CallContext::new(time, stop.clone()));
        wait_paused(&mock).await;
        let others: Vec<_> = ids[1..]
            .iter()
            .map(|id| spawn_refresh(&client, id, ctx()))
            .collect();
        if is_dropped {
            first.abort();
            assert!(first.await.unwrap_err().is_cancelled());
        } else {
            stop.cancel();
            assert!(first.await.unwrap().unwrap_err().is_stopped());
        }
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert_eq!(calls(&mock), (2, 2));
    }
}

#[tokio::test]
async fn a_reader_that_waits_keeps_to_its_own_time_and_stop() {
    let Queue { mock, client, ids } = a_list_that_is_held().await;
    let first = spawn_refresh(&client, &ids[0], ctx());
    wait_paused(&mock).await;

    let stop = CancellationToken::new();
    let stopped = spawn_refresh(
        &client,
        &ids[1],
        CallContext::new(Duration::from_secs(20), stop.clone()),
    );
    stop.cancel();
    assert!(stopped.await.unwrap().unwrap_err().is_stopped());

    // Half of its time is over before the list is there: it uses the other half for a Get.
    let short = CallContext::without_cancel(Duration::from_secs(3));
    refresh_within(&client, &ids[2], &short).await.unwrap();
    assert_eq!(calls(&mock), (3, 1));

    mock.release();
    first.await.unwrap().unwrap();
}

/// What jobs were, by their names, and when.
#[derive(Default)]
struct History {
    now: AtomicU64,
    jobs: Mutex<HashMap<String, Vec<Period>>>,
}

struct Period {
    from: u64,
    until: u64,
    /// `None`: the job does not exist.
    name: Option<String>,
}

impl History {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    /// Changes a job, seen by whoever looks from some moment of `apply` on. `None` deletes it.
    fn change(&self, id: &str, name: Option<String>, apply: impl FnOnce()) {
        self.begin(id, name);
        apply();
        self.end(id);
    }

    /// From now on the job may be so; until [`Self::end`] it may also be as before.
    fn begin(&self, id: &str, name: Option<String>) {
        let from = self.tick();
        let mut jobs = self.jobs.lock().unwrap();
        jobs.entry(id.to_owned()).or_default().push(Period {
            from,
            until: u64::MAX,
            name,
        });
    }

    fn end(&self, id: &str) {
        let now = self.tick();
        let mut jobs = self.jobs.lock().unwrap();
        let earlier = jobs.get_mut(id).unwrap().iter_mut().rev().skip(1);
        for period in earlier {
            period.until = period.until.min(now);
        }
    }

    fn tick(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn was(&self, id: &str, name: Option<&str>, from: u64, until: u64) -> bool {
        let jobs = self.jobs.lock().unwrap();
        jobs.get(id).is_some_and(|periods| {
            periods.iter().any(|period| {
                period.name.as_deref() == name && period.from <= until && period.until >= from
            })
        })
    }
}

/// Has others delete, rename and make jobs with every few calls.
fn change_with_each_call(
    mock: &Arc<Mock>,
    history: &Arc<History>,
    others: Vec<String>,
    mut dice: Dice,
) {
    let restlessness = 2 + dice.roll(6);
    let dice = Mutex::new(dice);
    let (weak, history) = (Arc::downgrade(mock), Arc::clone(history));
    mock.on_call(move |event| {
        let mut dice = dice.lock().unwrap();
        let Some(mock) = weak.upgrade().filter(|_| event.when != FaultStage::Arrival) else {
            return;
        };
        if others.is_empty() || dice.roll(restlessness) > 0 {
            return;
        }
        for _ in 0..=dice.roll(4) {
            let id = &others[usize::try_from(dice.roll(others.len() as u64)).unwrap()];
            let real = mock.jobs().into_iter().find(|job| job.job_id == *id);
            match (dice.roll(3), real) {
                (0, Some(_)) => history.change(id, None, || {
                    assert!(mock.remove_job(id));
                }),
                (1, Some(_)) => {
                    let name = format!("changed-{}", dice.roll(1_000_000));
                    history.change(id, Some(name.clone()), || {
                        mock.edit_job(id, |job| job.name = name);
                    });
                }
                // Somebody makes a job that nobody here reads: the total count stays as it was, and the list shifts.
                _ => drop(mock.seed_job(|_| {})),
            }
        }
    });
}

/// A cluster that changes with each call, lists that lag, fail and leave jobs out, and readers who compare each answer
/// with what single Gets could have said.
async fn shifting_world(seed: u64) {
    let mut dice = Dice(seed);
    let mock = Arc::new(seeded_mock(seed));
    let history = Arc::new(History::default());
    let long_ago = OffsetDateTime::now_utc() - time::Duration::days(200);
    let mut ids = Vec::new();
    for number in 0..dice.roll(420) {
        let is_old = dice.roll(12) == 0;
        let job = mock.seed_job(|job| {
            job.name = format!("job-{number}");
            if is_old {
                job.create_time = long_ago;
            }
        });
        history.change(&job.job_id, Some(job.name), || {});
        ids.push(job.job_id);
    }
    mock.configure(|config| {
        config.list_lag_calls = u32::try_from(dice.roll(3)).unwrap();
        config.omit_empty_lists = dice.roll(2) == 0;
    });
    let somebody_else = client(&mock);
    for number in 0..dice.roll(5) {
        let name = format!("late-{number}");
        let created = somebody_else
            .create_edge_transcode_job(CLUSTER, &fields(&name), &ctx())
            .await;
        let id = created.unwrap().job_id;
        history.change(&id, Some(name), || {});
        ids.push(id);
    }

    if dice.roll(3) == 0 {
        let chance = 0.01 * f64::from(u32::try_from(dice.roll(30)).unwrap());
        mock.set_faults(vec![
            Fault::new(LIST, FaultKind::internal_error()).probability(chance),
            Fault::new(LIST, FaultKind::throttling_user()).probability(chance),
        ]);
    }
    // The first job is ours alone to change.
    let (own, others) = (
        ids.first().cloned(),
        ids.get(1..).unwrap_or_default().to_vec(),
    );
    let changer = Dice(dice.roll(u64::MAX));
    change_with_each_call(&mock, &history, others, changer);

    let client = client(&mock);
    let begun = history.now();
    let written = AtomicU64::new(u64::MAX);
    let write_at = dice.roll(2 * ids.len() as u64 + 1);
    let wanted = ids
        .iter()
        .enumerate()
        .map(|(number, id)| (number as u64, id));
    stream::iter(wanted)
        .for_each_concurrent(PARALLELISM, async |(number, id)| {
            if number == write_at
                && let Some(own) = &own
            {
                written.store(history.now(), Ordering::SeqCst);
                history.begin(own, Some("rewritten".to_owned()));
                client
                    .update_edge_transcode_job(CLUSTER, own, &fields("rewritten"), &ctx())
                    .await
                    .unwrap();
                history.end(own);
            }
            let known = format!("job-{number}");
            let from = history.now();
            let is_after_a_write = written.load(Ordering::SeqCst) < from;
            let read = client
                .refresh_edge_transcode_job(CLUSTER, id, |job| job.name == known, &ctx())
                .await;
            let until = history.now();
            let name = match read {
                Ok(job) => Some(job.name),
                Err(error) if error.is_job_not_found() => None,
                Err(error) => panic!("seed {seed}: {error}"),
            };
            let is_news = name.as_ref() != Some(&known);
            let from = if is_news || is_after_a_write { from } else { begun };
            assert!(
                history.was(id, name.as_deref(), from, until),
                "seed {seed}: the answer {name:?} about {id} is not what it was between {from} and {until}"
            );
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_changes_meanwhile_no_answer_differs_from_what_gets_could_have_said() {
    let worlds = stream::iter(1..=60).map(|seed| tokio::spawn(shifting_world(seed)));
    let mut worlds = worlds.buffered(2);
    while let Some(world) = worlds.next().await {
        world.unwrap();
    }
}

#[tokio::test]
async fn creates_read_back_their_jobs_by_get() {
    let mock = mock();
    let (client, _) = listed(&mock).await;
    let created = client
        .create_edge_transcode_job(CLUSTER, &fields("new"), &ctx())
        .await
        .unwrap();
    let job = refresh(&client, &created.job_id).await.unwrap();
    assert_eq!(job.name, "new");
    assert_eq!(calls_of(&mock, CREATE).len(), 1);
    assert_eq!(calls(&mock), (3, 1));
}
