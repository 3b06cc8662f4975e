//! Tests pauses and the observer, which act at exactly one stage of a call.

use std::sync::{Arc, Mutex};

use alicloud_live_mock::{Fault, FaultKind, FaultStage};

use crate::caller::{NEW_JOB, TIMEOUT, call, create, mock, send_call};

const CREATE: &str = "CreateEdgeTranscodeJob";

#[test]
fn a_paused_call_waits_before_or_after_its_commit_and_then_succeeds() {
    for (stage, jobs) in [(FaultStage::Before, 0), (FaultStage::After, 1)] {
        let mock = mock();
        let pause = Fault::new(CREATE, FaultKind::Pause);
        mock.set_faults(vec![pause.when(stage).times(1)]);
        let sent = send_call(&mock, CREATE, &NEW_JOB);
        let paused = mock.wait_paused(TIMEOUT);
        assert_eq!(paused.len(), 1);
        assert_eq!(paused[0].when, stage);
        assert_eq!(paused[0].call.committed, jobs == 1);
        assert_eq!(mock.jobs().len(), jobs, "{stage:?}");
        assert_eq!(mock.release(), 1);
        assert_eq!(sent.response().job_id(), mock.jobs()[0].job_id);
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
        let mut observed = observed.lock().unwrap();
        observed.push((event.when, event.call.committed));
    });
    let seen = || std::mem::take(&mut *seen.lock().unwrap());
    create(&mock);
    let (arrival, before) = ((FaultStage::Arrival, false), (FaultStage::Before, false));
    assert_eq!(seen(), [arrival, before, (FaultStage::After, true)]);
    // A rejected call has no stage before the operation.
    call(&mock, CREATE, &[]);
    assert_eq!(seen(), [arrival, (FaultStage::After, false)]);
}
