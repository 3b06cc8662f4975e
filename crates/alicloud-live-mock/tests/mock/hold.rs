//! Acting at exactly one point of a call, without clocks.

use std::sync::{Arc, Mutex};

use alicloud_live_mock::{Fault, FaultKind, FaultStage};

use crate::caller::{NEW_JOB, PATIENCE, call, create, mock, send_call};

const CREATE: &str = "CreateEdgeTranscodeJob";

#[test]
fn a_held_call_waits_before_or_after_its_commit_and_then_succeeds() {
    for (point, jobs) in [(FaultStage::Before, 0), (FaultStage::After, 1)] {
        let mock = mock();
        mock.set_faults(vec![
            Fault::new(CREATE, FaultKind::Pause).when(point).times(1),
        ]);
        let sent = send_call(&mock, CREATE, &NEW_JOB);
        let held = mock.wait_paused(PATIENCE);
        assert_eq!(held.len(), 1);
        assert_eq!((held[0].when, held[0].call.committed), (point, jobs == 1));
        assert_eq!(mock.jobs().len(), jobs, "{point:?}");
        assert_eq!(mock.release(), 1);
        let reply = sent.reply();
        assert_eq!(reply.json()["JobId"], mock.jobs()[0].job_id.as_str());
    }
}

#[test]
fn a_held_call_commits_though_its_caller_is_gone() {
    let mock = mock();
    mock.set_faults(vec![
        Fault::new(CREATE, FaultKind::Pause),
        Fault::new(CREATE, FaultKind::Pause).when(FaultStage::After),
    ]);
    drop(send_call(&mock, CREATE, &NEW_JOB));
    assert_eq!(mock.wait_paused(PATIENCE)[0].when, FaultStage::Before);
    assert_eq!(mock.release(), 1);
    assert_eq!(mock.wait_paused(PATIENCE)[0].when, FaultStage::After);
    assert_eq!(mock.jobs().len(), 1);
}

#[test]
fn a_reset_drops_held_calls_and_they_commit_nothing() {
    let mock = mock();
    mock.set_faults(vec![Fault::new(CREATE, FaultKind::Pause)]);
    let sent = send_call(&mock, CREATE, &NEW_JOB);
    assert_eq!(mock.wait_paused(PATIENCE).len(), 1);
    mock.reset();
    assert_eq!(sent.reply().bytes, b"");
    assert_eq!(mock.jobs(), []);
    assert_eq!(mock.release(), 0);
}

#[test]
fn waiting_for_what_never_comes_ends() {
    assert_eq!(mock().wait_paused(std::time::Duration::from_millis(1)), []);
}

#[test]
fn an_observer_sees_each_call_at_each_point() {
    let mock = mock();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    mock.on_call(move |event| {
        notes
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
        "refused calls do no work"
    );
}
