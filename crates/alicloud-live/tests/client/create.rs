//! Creates whose response is lost: exactly one job each, or an error that names the matching jobs.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use alicloud_live::{
    CallContext, CreateError, Exchange, Failure, HttpRequest, LiveClient, NotSent, StreamUrl,
    UnresolvedReason,
};
use alicloud_live_mock::{
    Fault, FaultKind, FaultStage, Job, JobStatus, Mock, MockSettings, WallClock,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::script::{self, client_of, job, response_of, virtual_clock};
use crate::support::{
    CLUSTER, CREATE, Calls as _, GET, Inject as _, LIST, Wall, calls_of, cancellable_ctx, client,
    client_with, ctx, lost, mock, seed_spec, spec, wait_paused,
};

fn lose_the_response(point: FaultStage) -> Vec<Fault> {
    vec![lost(CREATE, point).times(1)]
}

async fn create(client: &LiveClient, name: &str) -> Result<String, CreateError> {
    let created = client.create(&spec(name)).await;
    created.map(|created| created.job_id)
}

/// Creates a job that stays unresolved; returns the reason and the IDs of the candidates.
async fn unresolved(client: &LiveClient) -> (UnresolvedReason, Vec<String>) {
    match create(client, "a").await {
        Err(CreateError::Unresolved {
            reason, candidates, ..
        }) => {
            let ids = candidates.into_iter().map(|job| job.job_id);
            (reason, ids.collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Lets `act` change the mock once, at this stage of a call of this operation.
fn once_at(
    mock: &Arc<Mock>,
    stage: FaultStage,
    operation: &'static str,
    act: impl Fn(&Mock) + Send + Sync + 'static,
) {
    let (weak, done) = (Arc::downgrade(mock), Once::new());
    mock.on_call(move |event| {
        if event.when == stage && event.call.action.as_deref() == Some(operation) {
            done.call_once(|| act(&weak.upgrade().unwrap()));
        }
    });
}

fn job_ids(mock: &Mock) -> Vec<String> {
    mock.jobs().into_iter().map(|job| job.job_id).collect()
}

#[tokio::test]
async fn a_job_whose_response_was_lost_is_found_and_not_created_again() {
    for check_nonces in [true, false] {
        for lag_ms in [0, 5, 10, 20] {
            let mock = mock();
            mock.configure(|config| {
                config.check_nonces = check_nonces;
                // Shorter than the client's maximum list lag, however busy the machine is.
                config.list_lag_ms = lag_ms;
            });
            mock.set_faults(lose_the_response(FaultStage::After));
            let id = create(&client(&mock), "a").await.unwrap();
            assert_eq!(job_ids(&mock), [id]);
            assert_eq!(
                calls_of(&mock, CREATE).len(),
                1,
                "nonces {check_nonces}, lag {lag_ms} ms"
            );
        }
    }
}

#[tokio::test]
async fn a_request_that_never_arrived_is_sent_again_byte_for_byte() {
    for check_nonces in [true, false] {
        let mock = mock();
        mock.configure(|config| config.check_nonces = check_nonces);
        mock.set_faults(lose_the_response(FaultStage::Arrival));
        let id = create(&client(&mock), "a").await.unwrap();
        assert_eq!(job_ids(&mock), [id]);
        let calls = calls_of(&mock, CREATE);
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].parameters, calls[1].parameters);
        assert!(
            !calls_of(&mock, LIST).is_empty(),
            "it searches before it sends again"
        );
    }
}

#[tokio::test]
async fn a_request_that_arrived_without_effect_is_an_unresolved_create() {
    let mock = mock();
    mock.set_faults(lose_the_response(FaultStage::Before));
    let (_, candidates) = unresolved(&client(&mock)).await;
    assert!(candidates.is_empty());
    assert_eq!(job_ids(&mock).len(), 0);
    let codes: Vec<_> = calls_of(&mock, CREATE)
        .into_iter()
        .map(|call| call.code)
        .collect();
    assert_eq!(codes, [None, Some("SignatureNonceUsed".to_owned())]);
}

#[tokio::test]
async fn a_job_that_is_listed_only_after_the_rejected_replay_is_found() {
    let mock = mock();
    let client = client_with(&mock, |config| {
        config.search.max_list_lag = Duration::ZERO;
        config.search.after_receipt = Duration::from_secs(10);
    });
    mock.configure(|config| config.list_lag_calls = 4);
    mock.set_faults(lose_the_response(FaultStage::After));
    let id = create(&client, "a").await.unwrap();
    assert_eq!(job_ids(&mock), [id]);
    assert_eq!(calls_of(&mock, CREATE).len(), 2);
}

#[tokio::test]
async fn an_older_identical_job_and_a_similar_one_are_not_mistaken_for_ours() {
    let mock = mock();
    let older = seed_spec(&mock, &spec("a"), |job| {
        job.create_time -= time::Duration::minutes(1);
    });
    let similar = seed_spec(&mock, &spec("a"), |job| job.name = "ab".to_owned());
    mock.set_faults(lose_the_response(FaultStage::After));
    let id = create(&client(&mock), "a").await.unwrap();
    assert!(id != older.job_id && id != similar.job_id);
    assert_eq!(job_ids(&mock).len(), 3);
}

#[tokio::test]
async fn the_age_of_a_job_is_computed_with_the_servers_clock() {
    for offset in [-7_200, 7_200] {
        let mock = mock();
        let client = client(&mock);
        mock.configure(|config| config.clock_offset_seconds = offset);
        // The first request is rejected for its timestamp, the response to the second is lost.
        let lost = lost(CREATE, FaultStage::After);
        mock.inject(lost.skip(1).times(1));
        let id = create(&client, "a").await.unwrap();
        assert_eq!(job_ids(&mock), [id], "clock {offset} s ahead");
    }
}

#[tokio::test]
async fn a_concurrent_identical_job_makes_the_create_unresolved_and_is_named() {
    let mock = Arc::new(mock());
    once_at(&mock, FaultStage::After, CREATE, |mock| {
        seed_spec(mock, &spec("a"), |_| {});
    });
    mock.set_faults(lose_the_response(FaultStage::After));
    let (reason, candidates) = unresolved(&client(&mock)).await;
    assert_eq!(reason, UnresolvedReason::Several);
    let candidates: HashSet<_> = candidates.into_iter().collect();
    assert_eq!(candidates, job_ids(&mock).into_iter().collect());
    assert_eq!(calls_of(&mock, LIST).len(), 1, "no search can settle it");
}

/// Adds so many jobs that the search lists too, created so long after now.
fn seed_similar(mock: &Mock, count: usize, age: time::Duration) {
    for number in 0..count {
        seed_spec(mock, &spec(&format!("a-{number}")), |job| {
            job.create_time += age;
        });
    }
}

#[tokio::test]
async fn a_job_behind_a_page_of_newer_ones_is_found() {
    let mock = Arc::new(mock());
    once_at(&mock, FaultStage::Before, LIST, |mock| {
        seed_similar(mock, 150, time::Duration::seconds(1));
    });
    mock.set_faults(lose_the_response(FaultStage::After));
    let id = create(&client(&mock), "a").await.unwrap();
    let ours = mock.jobs().into_iter().find(|job| job.name == "a");
    assert_eq!(id, ours.unwrap().job_id);
    assert_eq!(calls_of(&mock, LIST).len(), 2);
}

#[tokio::test]
async fn a_search_reads_no_page_of_older_jobs() {
    let mock = mock();
    seed_similar(&mock, 150, time::Duration::minutes(-1));
    mock.set_faults(lose_the_response(FaultStage::After));
    create(&client(&mock), "a").await.unwrap();
    let searches = calls_of(&mock, LIST);
    assert_eq!(searches.len(), 1);
    assert_eq!(searches[0].parameters["Keyword"], "a");
}

/// Adds a job with the same spec during the search for a lost create.
fn seed_during_the_search(mock: &Arc<Mock>, edit: fn(&mut Job)) {
    once_at(mock, FaultStage::Before, LIST, move |mock| {
        seed_spec(mock, &spec("a"), edit);
    });
}

#[tokio::test]
async fn a_job_that_has_run_is_not_taken() {
    let edits: [fn(&mut Job); 2] = [
        |job| job.status = JobStatus::Running,
        |job| job.last_start_at = Some(job.create_time),
    ];
    for edit in edits {
        let mock = Arc::new(mock());
        seed_during_the_search(&mock, edit);
        mock.set_faults(lose_the_response(FaultStage::Arrival));
        let id = create(&client(&mock), "a").await.unwrap();
        let jobs = mock.jobs();
        assert_eq!(jobs.len(), 2);
        let ours = jobs.iter().find(|job| job.job_id == id).unwrap();
        assert!(ours.status == JobStatus::NotStarted && ours.last_start_at.is_none());
    }
}

#[tokio::test]
async fn a_job_that_is_started_before_it_is_found_is_named() {
    for check_nonces in [true, false] {
        let mock = Arc::new(mock());
        mock.configure(|config| config.check_nonces = check_nonces);
        once_at(&mock, FaultStage::Before, LIST, |mock| {
            mock.edit_job(&job_ids(mock)[0], |job| job.status = JobStatus::Running);
        });
        mock.set_faults(lose_the_response(FaultStage::After));
        let created = client(&mock).create(&spec("a")).await;
        let jobs = mock.jobs();
        let first = jobs.iter().find(|job| job.status == JobStatus::Running);
        let first = &first.unwrap().job_id;
        match created {
            Ok(created) => {
                assert!(!check_nonces, "a replay created a second job");
                assert_eq!(jobs.len(), 2);
                assert_eq!(created.possible_duplicates, [first.as_str()]);
            }
            Err(CreateError::Unresolved {
                reason, candidates, ..
            }) => {
                assert!(check_nonces, "the replay was rejected");
                assert_eq!((reason, jobs.len()), (UnresolvedReason::Started, 1));
                assert_eq!(&candidates[0].job_id, first);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_started_job_is_named_in_addition_to_the_found_one() {
    let mock = Arc::new(mock());
    seed_during_the_search(&mock, |job| job.status = JobStatus::Running);
    mock.set_faults(lose_the_response(FaultStage::After));
    let created = client(&mock).create(&spec("a")).await.unwrap();
    let jobs = mock.jobs();
    let started = jobs.iter().find(|job| job.status == JobStatus::Running);
    let started = started.unwrap().job_id.as_str();
    assert_eq!(created.possible_duplicates, [started]);
    assert_eq!(jobs.len(), 2);
}

#[tokio::test]
async fn without_the_servers_clock_no_job_is_taken_and_matching_ones_are_named() {
    let mock = mock();
    mock.configure(|config| config.omit_date_header = true);
    mock.set_faults(lose_the_response(FaultStage::After));
    let (reason, candidates) = unresolved(&client(&mock)).await;
    assert_eq!(reason, UnresolvedReason::NoClock);
    assert_eq!(candidates, job_ids(&mock));
    assert_eq!(calls_of(&mock, CREATE).len(), 1);

    // A running job is not ours, which needs no clock.
    mock.reset();
    mock.configure(|config| config.omit_date_header = true);
    let other = seed_spec(&mock, &spec("a"), |job| job.status = JobStatus::Running);
    mock.set_faults(lose_the_response(FaultStage::Arrival));
    let id = create(&client(&mock), "a").await.unwrap();
    assert_ne!(id, other.job_id);
}

#[tokio::test]
async fn a_job_that_cannot_be_confirmed_is_not_taken_but_named() {
    let mock = mock();
    mock.set_faults(vec![
        lost(CREATE, FaultStage::After).times(1),
        Fault::new(GET, FaultKind::error(403, "Forbidden.RAM")),
    ]);
    let (reason, candidates) = unresolved(&client(&mock)).await;
    assert_eq!(reason, UnresolvedReason::Unconfirmed);
    assert_eq!((candidates.len(), candidates), (1, job_ids(&mock)));
}

#[tokio::test]
async fn a_job_that_is_changed_before_it_is_read_is_named_and_no_second_one_created() {
    let mock = Arc::new(mock());
    once_at(&mock, FaultStage::Before, GET, |mock| {
        let job_id = &job_ids(mock)[0];
        mock.edit_job(job_id, |job| job.template_id = "another".to_owned());
    });
    mock.set_faults(lose_the_response(FaultStage::After));
    let (reason, candidates) = unresolved(&client(&mock)).await;
    assert_eq!(reason, UnresolvedReason::Unconfirmed);
    assert_eq!(candidates, job_ids(&mock));
    assert_eq!(calls_of(&mock, CREATE).len(), 1);
}

#[tokio::test]
async fn a_job_that_get_returns_later_than_the_list_is_found() {
    let mock = mock();
    let client = client_with(&mock, |config| {
        config.search.after_receipt = Duration::from_secs(10);
    });
    mock.configure(|config| config.get_lag_calls = 3);
    mock.set_faults(lose_the_response(FaultStage::After));
    let id = create(&client, "a").await.unwrap();
    assert_eq!(job_ids(&mock), [id]);
}

#[tokio::test]
async fn a_job_in_another_spelling_of_its_urls_is_found() {
    let mock = mock();
    mock.configure(|config| {
        config.lowercase_stream_hosts = true;
        config.drop_default_stream_ports = true;
    });
    mock.set_faults(lose_the_response(FaultStage::After));
    let mut wanted = spec("a");
    wanted.stream_output = StreamUrl::from("rtmp://OUT.example:1935/app/a");
    let created = client(&mock).create(&wanted).await.unwrap();
    assert_eq!(job_ids(&mock), [created.job_id]);
}

#[tokio::test]
async fn the_identical_bytes_are_sent_three_more_times_each_followed_by_a_search() {
    let mock = mock();
    mock.inject(lost(CREATE, FaultStage::Arrival));
    let (reason, _) = unresolved(&client(&mock)).await;
    assert_eq!(reason, UnresolvedReason::NotListed);
    let calls = calls_of(&mock, CREATE);
    assert_eq!(calls.len(), 1 + 3);
    for call in &calls {
        assert_eq!(call.parameters, calls[0].parameters);
    }
    let calls = mock.calls().into_iter();
    let mut actions: Vec<_> = calls.map(|call| call.action.unwrap()).collect();
    actions.dedup();
    assert_eq!(actions, [CREATE, LIST].repeat(4));
}

#[tokio::test]
async fn a_recovery_sends_the_identical_bytes_until_they_arrive() {
    let mock = mock();
    mock.inject(lost(CREATE, FaultStage::Arrival).times(6));
    let recovery = CallContext::recovery(Duration::from_secs(60));
    let (client, wanted) = (client(&mock), spec("a"));
    let created = client.create_edge_transcode_job(CLUSTER, &wanted, &recovery);
    let id = created.await.unwrap().job_id;
    assert_eq!(job_ids(&mock), [id]);
    let calls = calls_of(&mock, CREATE);
    assert_eq!(calls.len(), 7);
    assert!(
        calls
            .iter()
            .all(|call| call.parameters == calls[0].parameters)
    );
}

#[tokio::test]
async fn the_job_of_the_third_replay_is_found_if_its_response_is_lost_too() {
    let mock = mock();
    mock.set_faults(vec![
        lost(CREATE, FaultStage::Arrival).times(3),
        lost(CREATE, FaultStage::After).times(1),
    ]);
    let id = create(&client(&mock), "a").await.unwrap();
    assert_eq!(job_ids(&mock), [id]);
    assert_eq!(calls_of(&mock, CREATE).len(), 4);
}

#[tokio::test]
async fn an_identical_create_that_waits_can_be_cancelled_and_times_out() {
    let mock = Arc::new(mock());
    let client = client(&mock);
    mock.inject(Fault::new(CREATE, FaultKind::Pause).times(1));
    let (cancellable, stop) = cancellable_ctx();
    let short = CallContext::without_cancel(Duration::from_millis(100));
    let wanted = spec("a");
    let create = |ctx| client.create_edge_transcode_job(CLUSTER, &wanted, ctx);
    let long = ctx();
    let (first, ()) = tokio::join!(create(&long), async {
        wait_paused(&mock, 1).await;
        let (cancelled, timed_out, ()) =
            tokio::join!(create(&cancellable), create(&short), async {
                stop.cancel();
            });
        for (second, reason) in [
            (cancelled, NotSent::Cancelled),
            (timed_out, NotSent::DeadlineExceeded),
        ] {
            let Err(CreateError::Call(error)) = second else {
                panic!("{second:?}")
            };
            assert_eq!(error.failure, Failure::NotSent(reason));
        }
        mock.release();
    });
    assert_eq!(job_ids(&mock), [first.unwrap().job_id]);
}

/// Returns a mock and a client whose wall clocks can be set ahead: while a machine is suspended, only its monotonic clock
/// stands still.
fn with_clocks(of_mock: &Arc<AtomicI64>, of_client: &Arc<AtomicI64>) -> (Arc<Mock>, LiveClient) {
    let wall = |ahead: &Arc<AtomicI64>| {
        let ahead = Arc::clone(ahead);
        move || OffsetDateTime::now_utc() + time::Duration::seconds(ahead.load(Ordering::SeqCst))
    };
    let mock = Mock::start(MockSettings {
        seed: Some(1),
        clock: WallClock::new(wall(of_mock)),
        ..MockSettings::default()
    })
    .unwrap();
    let client = client_with(&mock, |config| {
        config.dependencies.clock = Arc::new(Wall(wall(of_client)));
    });
    (Arc::new(mock), client)
}

#[tokio::test]
async fn a_create_during_which_the_machine_is_suspended_finds_its_job() {
    let suspended = Arc::default();
    let (mock, client) = with_clocks(&suspended, &suspended);
    // The machine is suspended as soon as the job is created.
    once_at(&mock, FaultStage::After, CREATE, move |_| {
        suspended.store(3 * 3600, Ordering::SeqCst);
    });
    mock.set_faults(lose_the_response(FaultStage::After));
    let id = create(&client, "a").await.unwrap();
    assert_eq!(job_ids(&mock), [id]);
    assert_eq!(calls_of(&mock, CREATE).len(), 1);
}

#[tokio::test]
async fn an_older_job_is_not_taken_if_the_machine_is_suspended_before_it_reads_a_list() {
    let (of_mock, of_client) = (Arc::<AtomicI64>::default(), Arc::<AtomicI64>::default());
    let (mock, client) = with_clocks(&of_mock, &of_client);
    let minute_ago = OffsetDateTime::now_utc() - time::Duration::minutes(1);
    let older = seed_spec(&mock, &spec("a"), |job| job.create_time = minute_ago);
    // The first list has its date, and is read 3 hours later.
    mock.on_call(move |event| {
        if of_client.load(Ordering::SeqCst) > 0 {
            of_mock.store(3 * 3600, Ordering::SeqCst);
        } else if event.when == FaultStage::After && event.call.action.as_deref() == Some(LIST) {
            of_client.store(3 * 3600, Ordering::SeqCst);
        }
    });
    mock.set_faults(lose_the_response(FaultStage::Arrival));
    let (reason, candidates) = unresolved(&client).await;
    assert_eq!(reason, UnresolvedReason::NotListed);
    assert!(candidates.is_empty());
    assert_eq!(job_ids(&mock), [older.job_id]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_forward_makes_no_older_job_ours() {
    // It becomes wrong, or is set right.
    for (before, after, job_age) in [(0, 3_600, 1_800), (-600, 0, 300)] {
        let (now, wanted) = (virtual_clock(), spec("a"));
        let ahead = Arc::new(AtomicI64::new(before));
        let older = now() - time::Duration::seconds(job_age);
        let jobs = [job("older", &wanted, older)];
        let set = Arc::clone(&ahead);
        let respond = move |operation: String| {
            let attempt = if operation == CREATE {
                set.store(after, Ordering::SeqCst);
                script::lost()
            } else {
                Ok(response_of(&operation, now(), &jobs))
            };
            async { attempt }
        };
        let client = client_of(respond, |config| {
            let wall = move || now() + time::Duration::seconds(ahead.load(Ordering::SeqCst));
            config.dependencies.clock = Arc::new(Wall(wall));
        });
        let (reason, candidates) = unresolved(&client).await;
        assert_eq!(reason, UnresolvedReason::NoClock, "{after} s ahead");
        assert_eq!(candidates, ["older"], "{after} s ahead");
    }
}

#[tokio::test]
async fn after_a_cancellation_there_is_one_more_search_and_no_replay() {
    let mock = Arc::new(mock());
    let client = client_with(&mock, |config| {
        config.search.max_list_lag = Duration::from_secs(3600);
    });
    let (ctx, stop) = cancellable_ctx();
    once_at(&mock, FaultStage::After, LIST, move |_| stop.cancel());
    mock.set_faults(lose_the_response(FaultStage::Arrival));
    let created = client
        .create_edge_transcode_job(CLUSTER, &spec("a"), &ctx)
        .await;
    let Err(CreateError::Unresolved { reason, .. }) = created else {
        panic!("{created:?}")
    };
    assert_eq!(reason, UnresolvedReason::NotListed);
    assert_eq!(calls_of(&mock, CREATE).len(), 1);
    assert_eq!(calls_of(&mock, LIST).len(), 2);
}

#[tokio::test]
async fn parallel_creates_of_identical_jobs_claim_different_ones() {
    let mock = mock();
    mock.inject(lost(CREATE, FaultStage::After));
    let client = client(&mock);
    let created = futures_util::future::join_all((0..8).map(|_| create(&client, "a"))).await;
    let ids: HashSet<_> = created.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), 8);
    assert_eq!(ids, job_ids(&mock).into_iter().collect());
}

#[tokio::test]
async fn a_rejection_of_the_identical_bytes_ends_the_replays_and_is_named() {
    let mock = mock();
    mock.set_faults(lose_the_response(FaultStage::Arrival));
    let mut wanted = spec("a");
    wanted.template_id = "none".to_owned();
    let error = client(&mock).create(&wanted).await.unwrap_err();
    let CreateError::Unresolved { error: call, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(call.api_error().unwrap().code, "TemplateNotFound");
    assert!(error.to_string().contains("TemplateNotFound"), "{error}");
    let actions = mock.calls().into_iter().map(|call| call.action.unwrap());
    let mut actions: Vec<_> = actions.collect();
    actions.dedup();
    assert_eq!(actions, [CREATE, LIST, CREATE, LIST]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_hangs_holds_up_no_job_whose_id_is_known() {
    let (now, wanted) = (virtual_clock(), spec("a"));
    let jobs = [job("J", &wanted, now())];
    let (has_failed, is_created) = (Once::new(), AtomicBool::new(false));
    let respond = move |operation: String| {
        let (mut attempt, mut hangs) = (Ok(response_of(&operation, now(), &jobs)), false);
        if operation == CREATE {
            is_created.store(has_failed.is_completed(), Ordering::SeqCst);
            has_failed.call_once(|| attempt = script::lost());
        } else {
            hangs = is_created.load(Ordering::SeqCst);
            attempt = Ok(response_of(&operation, now(), &[]));
        }
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            attempt
        }
    };
    let client = client_of(respond, |config| {
        config.attempt_timeout = Duration::from_secs(30);
    });
    let started_at = Instant::now();
    let created = client.create(&wanted).await.unwrap();
    assert_eq!(created.job_id, "J");
    let time = started_at.elapsed();
    assert!(time < Duration::from_secs(6), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_date_that_the_accepted_timestamp_disproves_dates_no_job() {
    for hours in [-8, 8] {
        let (now, wanted) = (virtual_clock(), spec("a"));
        let hour_ago = now() - time::Duration::HOUR;
        let jobs = [job("ours", &wanted, now()), job("older", &wanted, hour_ago)];
        let respond = move |operation: String| {
            let attempt = if operation == CREATE {
                script::lost()
            } else {
                Ok(response_of(
                    &operation,
                    now() + time::Duration::hours(hours),
                    &jobs,
                ))
            };
            async { attempt }
        };
        let (reason, candidates) = unresolved(&client_of(respond, |_| {})).await;
        assert_eq!(reason, UnresolvedReason::NoClock, "{hours} h ahead");
        assert_eq!(candidates, ["ours", "older"], "{hours} h ahead");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_is_not_said_to_lack_the_job() {
    let (now, creates) = (virtual_clock(), AtomicU32::new(0));
    let respond = move |operation: String| {
        if operation == CREATE {
            creates.fetch_add(1, Ordering::SeqCst);
        }
        // The credentials are deactivated before the replay.
        let attempt = match (creates.load(Ordering::SeqCst), operation.as_str()) {
            (1, CREATE) => script::lost(),
            (1, _) => Ok(response_of(&operation, now(), &[])),
            _ => {
                let rejection = json!({"RequestId": "R", "Code": "InvalidAccessKeyId.Inactive"});
                Ok(script::response(403, now(), &rejection))
            }
        };
        async { attempt }
    };
    let error = create(&client_of(respond, |_| {}), "a").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("InvalidAccessKeyId.Inactive"), "{text}");
    assert!(!text.contains("does not contain"), "{text}");
    assert!(text.contains("list could not be read"), "{text}");
}

/// An API that loses the response of each create, and lists one job a page with a total count of 0.
struct Understated(Vec<Value>);

#[async_trait]
impl Exchange for Understated {
    async fn exchange(&self, request: HttpRequest<'_>) -> script::Attempt {
        if request.url.query().unwrap().contains(CREATE) {
            return script::lost();
        }
        let page = (1..10).find(|page| request.body.contains(&format!("PageNo={page}&")));
        let body = match page {
            Some(page) => {
                let jobs: Vec<_> = self.0.iter().skip(page - 1).take(1).collect();
                json!({"RequestId": "R", "TotalCount": 0, "JobList": {"Job": jobs}})
            }
            None => json!({"RequestId": "R", "Job": self.0.last()}),
        };
        Ok(script::response(200, OffsetDateTime::now_utc(), &body))
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_count_that_is_too_small_hides_no_job_from_the_search() {
    let jobs = [("other", "a-2"), ("ours", "a")]
        .map(|(id, name)| job(id, &spec(name), OffsetDateTime::now_utc()));
    let client = client_with(&mock(), |config| {
        config.dependencies.exchange = Some(Arc::new(Understated(jobs.to_vec())));
    });
    assert_eq!(create(&client, "a").await.unwrap(), "ours");
}
