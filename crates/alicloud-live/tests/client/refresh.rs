//! Reads of many jobs: the number of their calls, and that they return nothing that single Gets could not have returned.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_live::{CallContext, CallError, Job, JobFilter, LiveClient};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus, Mock};
use futures_util::StreamExt as _;
use futures_util::stream;
use time::OffsetDateTime;

use crate::support::{
    CLUSTER, Calls as _, Dice, GET, Inject as _, LIST, calls_of, cancellable_ctx, client_with, ctx,
    lost, mock, response, seeded_mock, spec, wait_paused,
};

/// How many reads Terraform makes at the same time.
const PARALLELISM: usize = 10;

/// Returns a client with a long attempt timeout, so that neither a busy machine nor a paused call causes a retry.
fn client(mock: &Mock) -> LiveClient {
    client_with(mock, |config| {
        config.attempt_timeout = Duration::from_secs(20);
    })
}

/// Adds so many jobs, oldest first; returns their IDs.
fn seed(mock: &Mock, count: usize) -> Vec<String> {
    (0..count).map(|_| mock.seed_job(|_| {}).job_id).collect()
}

/// Reads a job whose state is as [`seed`] created it.
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

/// Reads jobs as Terraform does, some at the same time.
async fn refresh_all(client: &LiveClient, ids: &[String], concurrency: usize) {
    stream::iter(ids)
        .for_each_concurrent(concurrency, async |id| {
            assert_eq!(refresh(client, id).await.unwrap().job_id, **id);
        })
        .await;
}

/// Returns the number of Gets and lists.
fn calls(mock: &Mock) -> (usize, usize) {
    (calls_of(mock, GET).len(), calls_of(mock, LIST).len())
}

/// Returns a client that has read the list of the cluster, and the listed jobs that it has not returned yet.
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
            let count = mock.calls().len() - before;
            println!("{reads} of {total} jobs: {count} calls");
            let bound = 2 * (*reads).min(total.div_ceil(100)) + 2;
            assert!(
                count <= bound,
                "{reads} of {total}: {count} calls, not {bound}"
            );
        }
    }
}

#[tokio::test]
async fn sequential_readers_take_as_few_calls_as_concurrent_ones() {
    let mock = mock();
    let ids = seed(&mock, 350);
    for at_a_time in [1, 2, PARALLELISM, 350] {
        let (gets, lists) = calls(&mock);
        refresh_all(&client(&mock), &ids, at_a_time).await;
        assert_eq!(calls(&mock), (gets + 4, lists + 4), "{at_a_time} at a time");
    }
}

#[tokio::test]
async fn clusters_are_listed_separately() {
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
async fn a_new_client_uses_no_list_of_an_earlier_one() {
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
async fn only_a_get_proves_that_a_job_does_not_exist() {
    let mock = mock();
    let (client, ids) = listed(&mock).await;
    let error = refresh(&client, "no-such-job").await.unwrap_err();
    assert!(error.is_job_not_found());
    assert_eq!(calls(&mock), (3, 1));

    // An empty list does not contain existing jobs.
    let empty = response(
        200,
        r#"{"RequestId":"R","TotalCount":0,"JobList":{"Job":[]}}"#,
    );
    mock.inject(Fault::new(LIST, empty));
    refresh_all(&self::client(&mock), &ids, PARALLELISM).await;
    assert_eq!(calls(&mock), (3 + ids.len(), 2));
}

#[tokio::test]
async fn a_difference_is_confirmed_by_get() {
    let mock = mock();
    let (client, ids) = listed(&mock).await;
    let ctx = ctx();
    let read = |id| client.refresh_edge_transcode_job(CLUSTER, id, |_| false, &ctx);
    mock.edit_job(&ids[0], |job| job.name = "changed".to_owned());
    assert_eq!(read(&ids[0]).await.unwrap().name, "changed");
    mock.remove_job(&ids[1]);
    assert!(read(&ids[1]).await.unwrap_err().is_job_not_found());
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
async fn after_a_write_every_read_is_a_get_whatever_its_result() {
    for write in ["Create", "Update", "Start", "Stop", "Delete"] {
        for is_lost in [false, true] {
            let mock = mock();
            let (client, ids) = listed(&mock).await;
            if is_lost {
                let operation = format!("{write}EdgeTranscodeJob");
                mock.inject(lost(&operation, FaultStage::After));
            }
            // Whether it works does not matter here.
            match write {
                "Create" => drop(client.create(&spec("new")).await),
                "Update" => drop(client.update(&ids[0], &spec("new")).await),
                "Start" => drop(client.start(&ids[0]).await),
                "Stop" => drop(client.stop(&ids[0]).await),
                _ => drop(client.delete(&ids[0]).await),
            }
            let (gets, lists) = calls(&mock);
            for id in &ids {
                let name = refresh(&client, id).await.map(|job| job.name).ok();
                let real = mock.jobs().into_iter().find(|job| job.job_id == *id);
                assert_eq!(name, real.map(|job| job.name), "{write}");
            }
            // The first read after a failed write is rejected for the nonce of the write, and retried.
            let rejected = usize::from(is_lost && write != "Create");
            let gets = gets + ids.len() + rejected;
            assert_eq!(calls(&mock), (gets, lists), "{write}");
        }
    }
}

#[tokio::test]
async fn a_write_while_a_list_is_read_invalidates_it() {
    let mock = Arc::new(mock());
    let ids = seed(&mock, 5);
    let client = Arc::new(client(&mock));
    refresh_all(&client, &ids[..2], 1).await;
    mock.inject(Fault::new(LIST, FaultKind::Pause).when(FaultStage::After));
    let reading = spawn_refresh(&client, &ids[2], ctx());
    wait_paused(&mock, 1).await;
    client.update(&ids[3], &spec("seeded")).await.unwrap();
    mock.release();
    assert!(reading.await.unwrap().is_ok());
    refresh_all(&client, &ids[3..], 1).await;
    assert_eq!(calls(&mock), (5, 1));
}

#[tokio::test]
async fn without_permission_to_list_every_read_is_a_get() {
    let mock = mock();
    let ids = seed(&mock, 30);
    mock.inject(Fault::new(LIST, FaultKind::error(403, "Forbidden.RAM")));
    refresh_all(&client(&mock), &ids, PARALLELISM).await;
    assert_eq!(calls(&mock), (30, 1));
}

#[tokio::test]
async fn a_failed_or_invalid_list_does_not_fail_a_read() {
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
            mock.inject(Fault::new(LIST, kind.clone()).skip(skip));
            refresh_all(&client(&mock), &ids, PARALLELISM).await;
            // The pages before, all attempts of one page, and a prefetched page after it.
            let lists = usize::try_from(skip).unwrap();
            let ahead = lists;
            let (gets, made) = calls(&mock);
            assert!(made <= lists + 5 + ahead, "{kind:?}: {made} lists");
            assert!(gets >= 201 - 100 * lists, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_failed_page_among_others_is_read_again() {
    for kind in [FaultKind::internal_error(), FaultKind::throttling_user()] {
        for skip in 1..10 {
            let mock = mock();
            let ids = seed(&mock, 1_000);
            mock.inject(Fault::new(LIST, kind.clone()).skip(skip).times(1));
            refresh_all(&client(&mock), &ids, PARALLELISM).await;
            let (gets, lists) = calls(&mock);
            assert_eq!(gets, 10, "{kind:?} {skip}: as without the fault");
            assert!(lists < 10 + PARALLELISM, "{kind:?} {skip}: {lists} lists");
        }
    }
}

fn ids_of(jobs: Vec<Job>) -> Vec<String> {
    jobs.into_iter().map(|job| job.job_id).collect()
}

#[tokio::test]
async fn the_pages_of_a_whole_list_are_read_concurrently_and_in_order() {
    let mock = Arc::new(mock());
    let ids = seed(&mock, 1_050);
    mock.inject(Fault::new(LIST, FaultKind::Pause));
    let client = client(&mock);
    let listing = tokio::spawn(async move { client.jobs(JobFilter::default()).await });
    // The first page alone tells how many there are.
    wait_paused(&mock, 1).await;
    mock.release();
    wait_paused(&mock, 10).await;
    mock.set_faults(Vec::new());
    mock.release();
    assert_eq!(ids_of(listing.await.unwrap().unwrap().items), ids);
    assert_eq!(calls(&mock), (0, 11));
}

#[tokio::test]
async fn a_page_of_a_whole_list_that_fails_is_read_again() {
    for kind in [FaultKind::internal_error(), FaultKind::throttling_user()] {
        for skip in 0..11 {
            let mock = mock();
            let ids = seed(&mock, 1_050);
            mock.inject(Fault::new(LIST, kind.clone()).skip(skip).times(1));
            let listed = client(&mock).jobs(JobFilter::default()).await.unwrap();
            assert_eq!(ids_of(listed.items), ids, "{kind:?} {skip}");
        }
    }
}

#[tokio::test]
async fn a_list_that_hangs_leaves_time_for_a_get() {
    let mock = mock();
    let ids = seed(&mock, 5);
    let client = client(&mock);
    refresh_all(&client, &ids[..2], 1).await;
    mock.inject(Fault::new(LIST, FaultKind::Hang));
    let short = CallContext::without_cancel(Duration::from_secs(3));
    refresh_within(&client, &ids[2], &short).await.unwrap();
    // Other readers need not wait for it.
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

fn spawn_refresh_all(client: &Arc<LiveClient>, ids: &[String]) -> tokio::task::JoinHandle<()> {
    let (client, ids) = (Arc::clone(client), ids.to_vec());
    tokio::spawn(async move { refresh_all(&client, &ids, ids.len()).await })
}

/// A paused list, and the readers that wait for it.
struct Queue {
    mock: Arc<Mock>,
    client: Arc<LiveClient>,
    ids: Vec<String>,
}

async fn paused_list() -> Queue {
    let mock = Arc::new(mock());
    let ids = seed(&mock, 20);
    let client = Arc::new(client(&mock));
    refresh_all(&client, &ids[..2], 1).await;
    mock.inject(Fault::new(LIST, FaultKind::Pause).times(1));
    Queue {
        mock,
        client,
        ids: ids[2..].to_vec(),
    }
}

#[tokio::test]
async fn readers_wait_for_the_one_list() {
    let Queue { mock, client, ids } = paused_list().await;
    let readers = spawn_refresh_all(&client, &ids);
    wait_paused(&mock, 1).await;
    mock.release();
    readers.await.unwrap();
    assert_eq!(calls(&mock), (2, 1));
}

#[tokio::test]
async fn as_many_pages_are_read_concurrently_as_readers_wait() {
    for (readers, at_a_time) in [(1, 1), (3, 3), (10, 8), (30, 8)] {
        let mock = Arc::new(mock());
        let ids = seed(&mock, 1_000);
        let client = Arc::new(client(&mock));
        refresh_all(&client, &ids[..3], 1).await;
        refresh_all(&client, &ids[100..108], 1).await;
        assert_eq!(calls(&mock), (10, 1), "the rest of ten pages is paid for");

        mock.inject(Fault::new(LIST, FaultKind::Pause));
        let of_the_last_page = &ids[1_000 - readers..];
        let reads = spawn_refresh_all(&client, of_the_last_page);
        // The first reader reads the second page before the others start.
        wait_paused(&mock, 1).await;
        mock.release();
        wait_paused(&mock, at_a_time).await;
        mock.set_faults(Vec::new());
        mock.release();
        reads.await.unwrap();
        assert_eq!(calls(&mock), (10, 10), "{readers} readers");
    }
}

#[tokio::test]
async fn when_the_reader_that_lists_is_cancelled_or_dropped_another_continues() {
    for is_dropped in [false, true] {
        let Queue { mock, client, ids } = paused_list().await;
        let (ctx, stop) = cancellable_ctx();
        let first = spawn_refresh(&client, &ids[0], ctx);
        wait_paused(&mock, 1).await;
        let others = spawn_refresh_all(&client, &ids[1..]);
        if is_dropped {
            first.abort();
            assert!(first.await.unwrap_err().is_cancelled());
        } else {
            stop.cancel();
            assert!(first.await.unwrap().unwrap_err().is_cancelled());
        }
        others.await.unwrap();
        assert_eq!(calls(&mock), (2, 2));
    }
}

#[tokio::test]
async fn a_waiting_reader_keeps_its_own_deadline_and_cancellation() {
    let Queue { mock, client, ids } = paused_list().await;
    let first = spawn_refresh(&client, &ids[0], ctx());
    wait_paused(&mock, 1).await;

    let (ctx, stop) = cancellable_ctx();
    let stopped = spawn_refresh(&client, &ids[1], ctx);
    stop.cancel();
    assert!(stopped.await.unwrap().unwrap_err().is_cancelled());

    // The list takes half of its time: it uses the other half for a Get.
    let short = CallContext::without_cancel(Duration::from_secs(3));
    refresh_within(&client, &ids[2], &short).await.unwrap();
    assert_eq!(calls(&mock), (3, 1));

    mock.release();
    first.await.unwrap().unwrap();
}

/// The names of jobs over time.
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

    /// Changes a job at some moment of `apply`. `None` deletes it.
    fn change(&self, id: &str, name: Option<String>, apply: impl FnOnce()) {
        self.begin(id, name);
        apply();
        self.end(id);
    }

    /// Records that a job may have this name; until [`Self::end`] it may also have the previous one.
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

/// Deletes, renames and creates jobs during every few calls.
fn change_with_each_call(
    mock: &Arc<Mock>,
    history: &Arc<History>,
    others: Vec<String>,
    mut dice: Dice,
) {
    let interval = 2 + dice.roll(6);
    let dice = Mutex::new(dice);
    let (weak, history) = (Arc::downgrade(mock), Arc::clone(history));
    mock.on_call(move |event| {
        let mut dice = dice.lock().unwrap();
        let Some(mock) = weak.upgrade().filter(|_| event.when != FaultStage::Arrival) else {
            return;
        };
        if others.is_empty() || dice.roll(interval) > 0 {
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
                // A new job that is not read: the total count stays the same, and the list shifts.
                _ => drop(mock.seed_job(|_| {})),
            }
        }
    });
}

/// A cluster that changes during calls; lists that lag, fail and omit jobs; and readers that compare each result with what
/// single Gets could have returned.
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
        let created = somebody_else.create(&spec(&name)).await;
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
    // Only this client changes the first job.
    let own = ids.first().cloned();
    let others = ids.get(1..).unwrap_or_default().to_vec();
    let changer = Dice(dice.roll(u64::MAX));
    change_with_each_call(&mock, &history, others, changer);

    let client = client(&mock);
    let started_at = history.now();
    let written = AtomicU64::new(u64::MAX);
    let write_at = dice.roll(2 * ids.len() as u64 + 1);
    stream::iter((0..).zip(&ids))
        .for_each_concurrent(PARALLELISM, async |(number, id)| {
            if number == write_at
                && let Some(own) = &own
            {
                written.store(history.now(), Ordering::SeqCst);
                history.begin(own, Some("rewritten".to_owned()));
                client.update(own, &spec("rewritten"))
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
            let from = if is_news || is_after_a_write { from } else { started_at };
            assert!(
                history.was(id, name.as_deref(), from, until),
                "seed {seed}: the result {name:?} for {id} is not what it was between {from} and {until}"
            );
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_refresh_differs_from_a_possible_get_whatever_changes() {
    let worlds = stream::iter(1..=60).map(|seed| tokio::spawn(shifting_world(seed)));
    let mut worlds = worlds.buffered(2);
    while let Some(world) = worlds.next().await {
        world.unwrap();
    }
}
