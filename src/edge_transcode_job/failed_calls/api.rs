//! The API: one stream, which all jobs write.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use alicloud_live::{Exchange, Failure, HttpRequest, HttpResponse};
use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::{Kind, Story};
use crate::shared::scripted_api::{
    Answer, VirtualClock, done, fields, not_found, operation, parameters, rejected, template,
    the_job,
};

/// What the API knows.
#[derive(Default)]
pub(super) struct Cloud {
    pub(super) jobs: Vec<CloudJob>,
    nonces: HashSet<String>,
    pub(super) log: Vec<String>,
}

#[derive(Default)]
pub(super) struct CloudJob {
    pub(super) id: String,
    pub(super) name: String,
    created_at: String,
    pub(super) runs: bool,
    /// How often it was started since.
    pub(super) starts: usize,
    /// Reads that still show the status before the last start or stop.
    late_reads: usize,
    /// Reads that do not show it yet.
    hidden_reads: usize,
}

pub(super) struct Api {
    story: Story,
    cancel: CancellationToken,
    clock: Arc<VirtualClock>,
    cloud: Mutex<Cloud>,
}

impl CloudJob {
    pub(super) fn is_new(&self) -> bool {
        self.id != the_job().job_id
    }

    /// Whether a read does not show it yet.
    fn is_hidden(&mut self) -> bool {
        let is_hidden = self.hidden_reads > 0;
        self.hidden_reads = self.hidden_reads.saturating_sub(1);
        is_hidden
    }

    /// The job as a read shows it.
    fn shown(&mut self) -> Json {
        let is_late = self.late_reads > 0;
        self.late_reads = self.late_reads.saturating_sub(1);
        let status = if self.runs == is_late { "0" } else { "1" };
        let own = json!({"JobId": self.id, "Name": self.name, "CreateTime": self.created_at});
        fields(status, &own)
    }
}

impl Api {
    /// With the job, which runs.
    pub(super) fn new(story: Story, cancel: CancellationToken, clock: Arc<VirtualClock>) -> Self {
        let job = CloudJob {
            id: the_job().job_id,
            name: "n".to_owned(),
            created_at: clock.api_time(),
            runs: true,
            ..CloudJob::default()
        };
        let cloud = Cloud {
            jobs: vec![job],
            ..Cloud::default()
        };
        Self {
            story,
            cancel,
            clock,
            cloud: Mutex::new(cloud),
        }
    }

    /// What it knows in the end.
    pub(super) fn into_cloud(self: Arc<Self>) -> Cloud {
        std::mem::take(&mut *self.cloud.lock().unwrap())
    }

    fn carry_out(&self, cloud: &mut Cloud, request: &HttpRequest<'_>) -> Answer {
        let parameters = parameters(request);
        let operation = operation(request);
        match &*operation {
            "GetEdgeTranscodeTemplate" => return template(),
            "Create" => return self.create(cloud, &parameters),
            "List" => return list(&mut cloud.jobs),
            _ => {}
        }
        let is_it = |job: &CloudJob| job.id == parameters["JobId"];
        let Some(position) = cloud.jobs.iter().position(is_it) else {
            return not_found();
        };
        let job = &mut cloud.jobs[position];
        let late_reads = self.story.late_reads;
        let denied = rejected(403, "OperationDenied");
        match &*operation {
            "Get" if job.is_hidden() => return not_found(),
            "Get" => return Answer::Response(200, json!({"RequestId": "R", "Job": job.shown()})),
            "Start" | "Stop" if job.runs == (operation == "Start") => return denied,
            "Update" | "Delete" if job.runs => return denied,
            "Start" => {
                // All of them write the same stream, and the API stops the one that did.
                for job in cloud.jobs.iter_mut().filter(|job| job.runs) {
                    job.runs = false;
                    job.late_reads = late_reads;
                }
                let job = &mut cloud.jobs[position];
                job.runs = true;
                job.starts += 1;
                job.late_reads = late_reads;
            }
            "Stop" => {
                job.runs = false;
                job.late_reads = late_reads;
            }
            "Update" => job.name.clone_from(&parameters["Name"]),
            "Delete" => drop(cloud.jobs.remove(position)),
            other => panic!("{other} is not expected"),
        }
        done()
    }

    fn create(&self, cloud: &mut Cloud, parameters: &HashMap<String, String>) -> Answer {
        if !cloud.nonces.insert(parameters["SignatureNonce"].clone()) {
            return rejected(400, "SignatureNonceUsed");
        }
        let id = format!("new-{}", cloud.nonces.len());
        cloud.jobs.push(CloudJob {
            id: id.clone(),
            name: parameters["Name"].clone(),
            created_at: self.clock.api_time(),
            hidden_reads: self.story.late_reads,
            ..CloudJob::default()
        });
        Answer::Response(200, json!({"RequestId": "R", "JobId": id}))
    }
}

fn list(jobs: &mut [CloudJob]) -> Answer {
    let listed = jobs
        .iter_mut()
        .filter_map(|job| (!job.is_hidden()).then(|| job.shown()));
    let listed: Vec<_> = listed.collect();
    let body = json!({"RequestId": "R", "TotalCount": listed.len(), "JobList": {"Job": listed}});
    Answer::Response(200, body)
}

#[async_trait]
impl Exchange for Api {
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        let mut cloud = self.cloud.lock().unwrap();
        let call = cloud.log.len();
        cloud.log.push(operation(&request));
        if self.story.cancelled_at == Some(call) {
            self.cancel.cancel();
        }
        let fails = call
            .checked_sub(self.story.first)
            .is_some_and(|since| since < self.story.count);
        let answer = match self.story.kind {
            _ if !fails => self.carry_out(&mut cloud, &request),
            Kind::Unreachable => Answer::Unreachable,
            Kind::RequestLost => Answer::Lost,
            Kind::ResponseLost => {
                self.carry_out(&mut cloud, &request);
                Answer::Lost
            }
            Kind::Rejected(status, code) => rejected(status, code),
        };
        answer.into_response(&self.clock)
    }
}
