//! What is told of a call, whatever became of its attempts.

use alicloud_live::client::Failure;
use alicloud_live::mock::{Fault, FaultKind, JobStatus as MockStatus, Mock, Point};

use crate::support::{CLUSTER, CREATE, calls_of, client, fields, mock, scope};

const STOP: &str = "StopEdgeTranscodeJob";

fn running_job(mock: &Mock) -> String {
    mock.seed_job(|job| job.status = MockStatus::Running).job_id
}

/// Status and code of answers that may come after the work: none of these codes is documented.
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
async fn a_code_that_nobody_knows_loses_no_job() {
    for (status, code) in UNKNOWN {
        let mock = mock();
        let fault = Fault::new(CREATE, FaultKind::error(*status, code));
        mock.set_faults(vec![fault.when(Point::After).times(1)]);
        let created = client(&mock)
            .create_edge_transcode_job(CLUSTER, &fields("a"), &scope())
            .await
            .unwrap_or_else(|error| panic!("{status} {code}: {error:?}"));
        assert_eq!(mock.jobs()[0].job_id, created.job_id, "{status} {code}");
        assert_eq!(calls_of(&mock, CREATE).len(), 1, "{status} {code}");
    }
}

#[tokio::test]
async fn a_code_that_nobody_knows_proves_nothing_about_a_write() {
    for (status, code) in UNKNOWN {
        let mock = mock();
        let id = running_job(&mock);
        let fault = Fault::new(STOP, FaultKind::error(*status, code)).when(Point::After);
        mock.set_faults(vec![fault]);
        let error = client(&mock)
            .stop_edge_transcode_job(CLUSTER, &id, &scope())
            .await
            .unwrap_err();
        assert!(
            matches!(error.failure, Failure::Ambiguous(_)),
            "{status} {code}: {error:?}"
        );
    }
}

#[tokio::test]
async fn status_429_is_throttling_whatever_the_code() {
    let mock = mock();
    mock.set_faults(vec![
        Fault::new(CREATE, FaultKind::error(429, "SlowDownPlease")).times(7),
    ]);
    client(&mock)
        .create_edge_transcode_job(CLUSTER, &fields("a"), &scope())
        .await
        .unwrap();
    assert_eq!((calls_of(&mock, CREATE).len(), mock.jobs().len()), (8, 1));
}
