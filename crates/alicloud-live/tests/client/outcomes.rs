//! The failure of a call with several attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alicloud_live::{JobStatus, LiveClient};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus as MockStatus, Mock};

use time::OffsetDateTime;

use crate::relay::{Fate, Relay};
use crate::support::{
    CREATE, Calls as _, GET, Inject as _, Wall, calls_of, client, lost, mock, nonces, spec,
};

const START: &str = "StartEdgeTranscodeJob";
const STOP: &str = "StopEdgeTranscodeJob";

fn running_job(mock: &Mock) -> String {
    mock.seed_job(|job| job.status = MockStatus::Running).job_id
}

/// Status and code of responses that may come after the work: none of these codes is documented.
const UNKNOWN: &[(u16, &str)] = &[
    (400, "NewCode"),
    (403, "ForbiddenToLookBack"),
    (404, "JobNotFoundYet"),
    (408, "RequestTimeout"),
    (409, "InvalidatedCache"),
    (425, "TooEarly"),
    (499, "ClientClosedRequest"),
];

#[tokio::test]
async fn an_unknown_code_loses_no_job() {
    for (status, code) in UNKNOWN {
        let mock = mock();
        let fault = Fault::new(CREATE, FaultKind::error(*status, code));
        mock.inject(fault.when(FaultStage::After).times(1));
        let created = client(&mock)
            .create(&spec("a"))
            .await
            .unwrap_or_else(|error| panic!("{status} {code}: {error:?}"));
        assert_eq!(mock.jobs()[0].job_id, created.job_id, "{status} {code}");
        assert_eq!(calls_of(&mock, CREATE).len(), 1, "{status} {code}");
    }
}

#[tokio::test]
async fn an_unknown_code_proves_nothing_about_a_write() {
    for (status, code) in UNKNOWN {
        let mock = mock();
        let id = running_job(&mock);
        let fault = Fault::new(STOP, FaultKind::error(*status, code)).when(FaultStage::After);
        mock.inject(fault);
        let error = client(&mock).stop(&id).await.unwrap_err();
        assert!(error.is_ambiguous(), "{status} {code}: {error:?}");
    }
}

#[tokio::test]
async fn a_write_whose_response_was_lost_is_sent_again_byte_for_byte() {
    let mock = mock();
    let id = running_job(&mock);
    mock.inject(lost(STOP, FaultStage::Arrival).times(2));
    client(&mock).stop(&id).await.unwrap();
    let calls = calls_of(&mock, STOP);
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0].parameters, calls[1].parameters);
    assert_eq!(calls[0].parameters, calls[2].parameters);
}

/// The rejected copy shows that an earlier one has arrived, so none can arrive later when the next one is signed.
#[tokio::test]
async fn a_write_gets_a_new_signature_only_if_it_certainly_arrived() {
    for (point, last_code) in [
        (FaultStage::Before, None),
        (FaultStage::After, Some("OperationDenied")),
    ] {
        let mock = mock();
        let id = running_job(&mock);
        mock.inject(lost(STOP, point).times(1));
        let stopped = client(&mock).stop(&id).await;
        match last_code {
            None => stopped.unwrap(),
            // The first copy, whose response was lost, has stopped the job: only a read shows that.
            Some(_) => assert!(stopped.unwrap_err().is_ambiguous()),
        }
        assert_eq!(mock.jobs()[0].status, MockStatus::NotStarted);
        let calls = calls_of(&mock, STOP);
        let codes: Vec<_> = calls.iter().map(|call| call.code.as_deref()).collect();
        assert_eq!(codes[1..], [Some("SignatureNonceUsed"), last_code]);
        assert_eq!(calls[0].parameters, calls[1].parameters);
        assert_ne!(calls[1].parameters, calls[2].parameters);
    }
}

/// Returns a relay that forwards all requests but the first ones, and a client behind it.
async fn behind_relay(mock: &Mock, requests: usize, fate: Fate) -> (Relay, LiveClient) {
    let relay = Relay::start(mock, move |request| {
        if request.number < requests {
            fate
        } else {
            Fate::Pass
        }
    })
    .await;
    let mut config = relay.config(mock);
    config.attempt_timeout = Duration::from_millis(300);
    (relay, LiveClient::new(config).unwrap())
}

#[tokio::test]
async fn a_late_first_copy_undoes_nothing() {
    let mock = mock();
    let id = running_job(&mock);
    let (relay, client) = behind_relay(&mock, 1, Fate::Delay).await;
    client.stop(&id).await.unwrap();
    client.start(&id).await.unwrap();
    let responses = relay.deliver().await;
    assert_eq!(responses.len(), 1);
    assert!(responses[0].contains("SignatureNonceUsed"), "{responses:?}");
    let job = client.get(&id).await.unwrap();
    assert_eq!(job.status, JobStatus::Running);
}

/// Then the next attempt has a new signature, as if the copy could not arrive.
#[tokio::test]
async fn a_late_first_copy_undoes_nothing_though_the_clock_is_set_forward() {
    let mock = mock();
    let id = running_job(&mock);
    let ahead = Arc::new(AtomicI64::new(0));
    let set_forward = Arc::clone(&ahead);
    let relay = Relay::start(&mock, move |request| {
        if request.number > 0 {
            return Fate::Pass;
        }
        set_forward.store(11, Ordering::SeqCst);
        Fate::Delay
    })
    .await;
    let mut config = relay.config(&mock);
    config.attempt_timeout = Duration::from_millis(300);
    config.dependencies.clock = Arc::new(Wall(move || {
        OffsetDateTime::now_utc() + time::Duration::minutes(ahead.load(Ordering::SeqCst))
    }));
    let client = LiveClient::new(config).unwrap();
    client.stop(&id).await.unwrap();
    client.get(&id).await.unwrap();
    client.start(&id).await.unwrap();
    let responses = relay.deliver().await;
    assert!(responses[0].contains("SignatureNonceUsed"), "{responses:?}");
    let job = client.get(&id).await.unwrap();
    assert_eq!(job.status, JobStatus::Running);
}

#[tokio::test]
async fn a_read_after_a_failed_write_ensures_that_no_copy_takes_effect_later() {
    let mock = mock();
    let id = running_job(&mock);
    let (relay, client) = behind_relay(&mock, 10, Fate::Delay).await;
    // Two writes fail, and none of their copies has arrived yet.
    for _ in 0..2 {
        assert!(client.stop(&id).await.unwrap_err().is_ambiguous());
    }
    let status = async || client.get(&id).await.unwrap().status;
    assert_eq!(status().await, JobStatus::Running);
    let late = relay.deliver().await;
    assert_eq!(late.len(), 10);
    for response in late {
        assert!(response.contains("SignatureNonceUsed"), "{response}");
    }
    assert_eq!(status().await, JobStatus::Running);
    assert_eq!(calls_of(&mock, GET).len(), 2 + 1);
}

#[tokio::test]
async fn a_read_after_a_failed_write_that_arrived_shows_its_effect() {
    let mock = mock();
    let id = running_job(&mock);
    let (_relay, client) = behind_relay(&mock, 5, Fate::LoseResponse).await;
    assert!(client.stop(&id).await.unwrap_err().is_ambiguous());
    let job = client.get(&id).await.unwrap();
    assert_eq!(job.status, JobStatus::NotStarted);
    assert_eq!(calls_of(&mock, GET).len(), 2);
}

#[tokio::test]
async fn after_a_rejection_a_write_gets_a_new_signature() {
    let mock = mock();
    let id = running_job(&mock);
    mock.inject(Fault::new(STOP, FaultKind::throttling_user()).times(2));
    client(&mock).stop(&id).await.unwrap();
    assert_eq!(nonces(&mock, STOP).len(), 3);
}

#[tokio::test]
async fn a_throttled_copy_after_a_lost_one_does_not_end_the_call() {
    // In this mock the throttled copy uses the nonce, so the lost one has no effect.
    let mock = mock();
    let id = running_job(&mock);
    mock.set_faults(vec![
        lost(STOP, FaultStage::Arrival).times(1),
        Fault::new(STOP, FaultKind::throttling_user()).times(1),
    ]);
    client(&mock).stop(&id).await.unwrap();
    assert_eq!(mock.jobs()[0].status, MockStatus::NotStarted);
    let calls = calls_of(&mock, STOP);
    let codes: Vec<_> = calls.iter().map(|call| call.code.as_deref()).collect();
    assert_eq!(
        codes,
        [
            None,
            Some("Throttling.User"),
            Some("SignatureNonceUsed"),
            None
        ]
    );
    for copy in &calls[1..3] {
        assert_eq!(copy.parameters, calls[0].parameters);
    }
}

#[tokio::test]
async fn a_call_that_was_carried_out_is_never_reported_as_not_sent() {
    let mock = mock();
    let id = running_job(&mock);
    let mut relay = Relay::start(&mock, |_| Fate::LoseResponse).await;
    let client = LiveClient::new(relay.config(&mock)).unwrap();
    let (stopped, ()) = tokio::join!(async { client.stop(&id).await }, async {
        relay.arrival().await;
        relay.close().await;
    });
    let error = stopped.unwrap_err();
    assert_eq!(mock.jobs()[0].status, MockStatus::NotStarted);
    assert!(error.is_ambiguous(), "{error:?}");
    assert!(error.attempts > 1, "{error:?}");
}

#[tokio::test]
async fn a_rejection_after_a_lost_response_does_not_prove_that_nothing_was_done() {
    let mock = mock();
    // Like a gateway that does not check nonces: the retry finds the effect of the first copy.
    mock.configure(|config| config.check_nonces = false);
    let id = running_job(&mock);
    mock.inject(lost(STOP, FaultStage::After).times(1));
    let client = client(&mock);
    let error = client.stop(&id).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    assert!(!error.is_rejected_with("OperationDenied"));
    assert!(error.to_string().contains("OperationDenied"), "{error}");

    // That a job does not exist is certain, whatever was done.
    mock.inject(lost("DeleteEdgeTranscodeJob", FaultStage::After).times(1));
    let error = client.delete(&id).await.unwrap_err();
    assert!(error.is_job_not_found(), "{error:?}");
}

#[tokio::test]
async fn a_read_returns_its_last_failure() {
    let mock = mock();
    mock.set_faults(vec![
        lost(GET, FaultStage::After).times(2),
        Fault::new(START, FaultKind::Drop),
    ]);
    let error = client(&mock).get("J").await.unwrap_err();
    assert!(error.is_rejected() && error.is_job_not_found(), "{error:?}");
}
