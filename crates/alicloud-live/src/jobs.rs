use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Deserializer};

use super::call::{ApiCall, OperationKind};
use super::error_codes::{ErrorClass, classify};
use super::list::{SortBy, filter_parameters};
use super::request::Parameters;
use super::{Ambiguous, CallContext, CallError, Failure, Job, LiveClient, StreamUrl};

/// The fields of a job that the user sets. All of them are sent with each create and update: the API does not document
/// what leaving a field out of an update means.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct JobSpec {
    /// The name: at most 255 Chinese characters, letters, digits, `-` and `_`.
    pub name: String,
    /// The ID of a template that the account may use in the job's cluster.
    pub template_id: String,
    /// The URL of the input stream.
    pub stream_input: StreamUrl,
    /// The URL of the output stream.
    pub stream_output: StreamUrl,
}

/// A created job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatedJob {
    /// The ID that the API assigned.
    pub job_id: String,
    /// IDs of further jobs that the same create may have created, because its response was lost: the gateway may not
    /// reject a request that it has received before, and another client may have started the job before it was found.
    pub possible_duplicates: Vec<String>,
}

/// Which jobs of a cluster to list. The list excludes jobs that were last changed more than 180 days ago, so absence from
/// it proves nothing.
#[derive(Clone, Default, Debug)]
pub struct JobFilter {
    /// `common`, `nbhd-2` or `ultra-hd`; by default, the types that the caller has permission for.
    pub r#type: Option<String>,
    /// Only jobs that are running (`true`) or stopped (`false`).
    pub running: Option<bool>,
    /// A job ID, or a part of a name.
    pub keyword: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JobResponse {
    job: Job,
}

/// A response without content of interest. With an error code it is none, whatever its status.
#[derive(Deserialize)]
struct EmptyResponse {
    #[serde(rename = "RequestId")]
    _request_id: String,
    #[serde(
        rename = "Code",
        alias = "code",
        default,
        deserialize_with = "no_error"
    )]
    _code: (),
}

/// Fails for a code of the API's errors. Another text, such as `OK`, proves no failure.
fn no_error<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let code = serde_json::Value::deserialize(deserializer)?;
    let class = code.as_str().map(|code| classify(code, 200));
    match class {
        None | Some(ErrorClass::Unknown) => Ok(()),
        Some(_) => Err(serde::de::Error::custom("it is an error")),
    }
}

/// Writes are retried. If the error of a write [is ambiguous](CallError::is_ambiguous), read the job with
/// [`Self::get_edge_transcode_job`] before anything else: that shows what the write did, and ensures that no copy of its
/// request takes effect later.
impl LiveClient {
    /// `GetEdgeTranscodeJob`: reads one job. If a failed write of this client may still arrive, the read ensures that it
    /// no longer takes effect.
    pub async fn get_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        ctx: &CallContext,
    ) -> Result<Job, CallError> {
        let job_key = [("ClusterId", cluster_id), ("JobId", job_id)];
        let call = ApiCall::new("GetEdgeTranscodeJob", OperationKind::Read, job_key);
        let job = self.call::<JobResponse>(&call, ctx).await?.value.job;
        if job.job_id == job_id {
            Ok(job)
        } else {
            let reason = "it describes another job than the requested one";
            Err(self.unreadable_response(call.operation, reason))
        }
    }

    /// `UpdateEdgeTranscodeJob`: changes a job. The API allows it only while the job is stopped.
    pub async fn update_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        spec: &JobSpec,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        let operation = "UpdateEdgeTranscodeJob";
        self.write_job(operation, cluster_id, job_id, Some(spec), ctx)
            .await
    }

    /// `DeleteEdgeTranscodeJob`: deletes a job. The API does not document whether it may be running.
    pub async fn delete_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        self.existing.record_delete(job_id);
        let operation = "DeleteEdgeTranscodeJob";
        self.write_job(operation, cluster_id, job_id, None, ctx)
            .await
    }

    /// `StartEdgeTranscodeJob`: starts a stopped job. The API does not document whether the job is running when it
    /// responds.
    pub async fn start_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        let operation = "StartEdgeTranscodeJob";
        self.write_job(operation, cluster_id, job_id, None, ctx)
            .await
    }

    /// `StopEdgeTranscodeJob`: stops a running job.
    pub async fn stop_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        let operation = "StopEdgeTranscodeJob";
        self.write_job(operation, cluster_id, job_id, None, ctx)
            .await
    }

    async fn write_job(
        &self,
        operation: &'static str,
        cluster_id: &str,
        job_id: &str,
        spec: Option<&JobSpec>,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        let job_key = [("ClusterId", cluster_id), ("JobId", job_id)];
        let parameters = job_key
            .into_iter()
            .chain(spec.into_iter().flat_map(JobSpec::parameters));
        let call = ApiCall::new(operation, OperationKind::IdempotentWrite, parameters);
        self.call::<EmptyResponse>(&call, ctx).await.map(drop)
    }

    /// Returns the error for a response that was decoded but cannot be trusted.
    pub(super) fn unreadable_response(&self, operation: &'static str, reason: &str) -> CallError {
        let failure = Failure::Ambiguous(Ambiguous::Unreadable {
            status: 200,
            reason: reason.to_owned(),
        });
        self.error(operation, 1, failure)
    }
}

impl JobSpec {
    /// Whether both describe the same job: equal, except for spellings of their URLs.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.name == other.name
            && self.template_id == other.template_id
            && self.stream_input.is_equivalent(&other.stream_input)
            && self.stream_output.is_equivalent(&other.stream_output)
    }

    pub(super) fn parameters(&self) -> [(&'static str, &str); 4] {
        [
            ("Name", &self.name),
            ("TemplateId", &self.template_id),
            ("StreamInput", self.stream_input.as_str()),
            ("StreamOutput", self.stream_output.as_str()),
        ]
    }

    /// Returns a hash that is the same for equivalent specs in the same cluster.
    pub(super) fn fingerprint(&self, cluster_id: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        let urls = [&self.stream_input, &self.stream_output].map(StreamUrl::normalized);
        (cluster_id, &self.name, &self.template_id, urls).hash(&mut hasher);
        hasher.finish()
    }
}

impl JobFilter {
    pub(super) fn parameters(self, sort_by: SortBy) -> Parameters {
        let status = self.running.map(|running| u8::from(running).to_string());
        let optional = [
            ("Type", self.r#type),
            ("Status", status),
            ("Keyword", self.keyword),
        ];
        filter_parameters(sort_by, optional)
    }
}

impl Job {
    /// Returns the fields that the user sets.
    pub fn spec(&self) -> JobSpec {
        JobSpec {
            name: self.name.clone(),
            template_id: self.template_id.clone(),
            stream_input: self.stream_input.clone(),
            stream_output: self.stream_output.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_code_is_no_success_whatever_the_status_is() {
        let decode = |code: &str| {
            let body = format!(r#"{{"RequestId": "R", "Code": {code}}}"#);
            serde_json::from_str::<EmptyResponse>(&body).is_ok()
        };
        for (code, is_success) in [
            (r#""OK""#, true),
            ("200", true),
            ("null", true),
            (r#""JobNotFound""#, false),
            (r#""Throttling.User""#, false),
        ] {
            assert_eq!(decode(code), is_success, "{code}");
        }
    }
}
