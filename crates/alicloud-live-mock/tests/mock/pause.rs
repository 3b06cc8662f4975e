//! Tests pauses and the observer, which act at exactly one stage of a call.

use std::sync::{Arc, Mutex};

use alicloud_live_mock::{Fault, FaultKind, FaultStage};

use crate::caller::{NEW_JOB, TIMEOUT, call, create, mock, send_call};

const CREATE: &str = "CreateEdgeTranscodeJob";

#[test]
fn a_paused_call_waits_before_or_after_its_commit_and_then_succeeds() {
    for (stage, jobs) in [(FaultStage::Before, 0), (FaultStage::After, 1)] {
        let mock = mock();
        mock.set_faults(vec![
            Fault::new(CREATE, FaultKind::Pause).when(stage).times(1),
        ]);
        let sent = send_call(&mock, CREATE, &NEW_JOB);
        let paused = mock.wait_paused(TIMEOUT);
        assert_eq!(paused.len(), 1);
        assert_eq!(
            (paused[0].when, paused[0].call.committed),
            (stage, jobs == 1)
        );
        assert_eq!(mock.jobs().len(), jobs, "{stage:?}");
        assert_eq!(mock.release(), 1);
        let response = sent.response();
        assert_eq!(response.json()["JobId"], mock.jobs()[0].job_id.as_str());
    }
}

#[test]
fn a_paused_call_commits_although_its_caller_is_gone() {
    let mock = mock();
    mock.set_faults(vec![
        Fault::new(CREATE, FaultKind::Pause),
        Fault::new(CREATE, FaultKind::Pause).when(FaultStage::After),
    ]);
    drop(send_call(&mock, CREATE, &NEW_JOB));
    assert_eq!(mock.wait_paused(TIMEOUT)[0].when, FaultStage::Before);
    assert_eq!(mock.release(), 1);
    assert_eq!(mock.wait_paused(TIMEOUT)[0].when, FaultStage::After);
    assert_eq!(mock.jobs().len(), 1);
}

#[test]
fn a_reset_drops_paused_calls_before_they_commit() {
    let mock = mock();
    mock.set_faults(vec![Fault::new(CREATE, FaultKind::Pause)]);
    let sent = send_call(&mock, CREATE, &NEW_JOB);
    assert_eq!(mock.wait_paused(TIMEOUT).len(), 1);
    mock.reset();
    assert_eq!(sent.response().bytes, b"");
    assert_eq!(mock.jobs(), []);
    assert_eq!(mock.release(), 0);
}

#[test]
fn waiting_for_a_paused_call_has_a_timeout() {
    assert_eq!(mock().wait_paused(std::time::Duration::from_millis(1)), []);
}

#[test]
fn an_observer_is_called_for_each_call_at_each_stage() {
    let mock = mock();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observed = Arc::clone(&seen);
    mock.on_call(move |event| {
        observed
            .lock()
            .unwrap()
            .push((event.when, event.call.committed));
    });
    create(&mock);
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (FaultStage::Arrival, false),
            (FaultStage::Before, false),
            (FaultStage::After, true)
        ]
    );
    seen.lock().unwrap().clear();
    call(&mock, CREATE, &[]);
    assert_eq!(
        *seen.lock().unwrap(),
        [(FaultStage::Arrival, false), (FaultStage::After, false)],
        "a rejected call has no stage before the operation"
    );
}
