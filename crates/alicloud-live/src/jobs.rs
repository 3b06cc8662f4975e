use serde::Deserialize;
use tracing::warn;

use super::call::{ApiCall, OperationKind, ResponseTime};
use super::elements::{Element, Elements, count};
use super::{Ambiguous, CallContext, CallError, Failure, Job, LiveClient, StreamUrl};

/// What a user decides about a job. Sent whole with each create and update: what leaving a field out of an update
/// means is not documented.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct JobSpec {
    /// Chinese characters, letters, digits, `-` and `_`; 255 at most.
    pub name: String,
    /// A template that the account may use in the job's cluster.
    pub template_id: String,
    /// The URL that is read.
    pub stream_input: StreamUrl,
    /// The URL that is written.
    pub stream_output: StreamUrl,
}

/// A job that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatedJob {
    /// Chosen by the service.
    pub job_id: String,
    /// Further jobs that the same create may have made, after its answer was lost: the gateway may not refuse a request
    /// that it has seen before, and somebody may have started the job before it was looked for.
    pub possible_duplicates: Vec<String>,
}

/// Which jobs of a cluster to list, and how.
#[derive(Clone, Default, Debug)]
pub struct JobFilter {
    /// `common`, `nbhd-2` or `ultra-hd`; without it, the types that the caller has permission for.
    pub r#type: Option<String>,
    /// Only jobs that run (`true`) or do not (`false`).
    pub running: Option<bool>,
    /// An exact job ID, or a part of a name.
    pub keyword: Option<String>,
    /// By time of creation.
    pub sort_by: SortBy,
}

/// The order of a list, always by time of creation.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SortBy {
    /// Newest first: the API's own default.
    #[default]
    Descending,
    /// Oldest first: a job that is made while the pages are read comes last and shifts none.
    Ascending,
}

/// One page of a list of jobs.
#[derive(Clone, Debug)]
pub struct JobPage {
    /// The jobs of this page.
    pub jobs: Vec<Job>,
    /// IDs of jobs of this page that could not be decoded; empty texts where there was no ID either.
    pub unreadable: Vec<String>,
    /// All jobs that match, on whatever page.
    pub total_count: u64,
    /// When the server made the page; none if its response does not show that.
    pub time: Option<ResponseTime>,
}

/// The most jobs or templates that one page can hold.
pub(super) const MAX_PAGE_SIZE: u32 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JobBody {
    job: Job,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JobListReply {
    #[serde(deserialize_with = "count")]
    total_count: u64,
    // How an empty result looks is not documented: an absent list and an empty one both occur in SDK models.
    #[serde(default)]
    job_list: Option<JobList>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JobList {
    #[serde(default)]
    job: Option<Elements<Job>>,
}

impl Element for Job {
    const ID: &'static str = "JobId";
}

/// An answer whose content does not matter beyond being one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Acknowledged {
    #[serde(rename = "RequestId")]
    _request_id: String,
}

impl LiveClient {
    /// `GetEdgeTranscodeJob`: reads one job. Where a failed write of this client may still be on its way to the job, the
    /// read sees to it that it cannot arrive any more.
    pub async fn get_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        ctx: &CallContext,
    ) -> Result<Job, CallError> {
        let call = job_call(
            "GetEdgeTranscodeJob",
            OperationKind::Read,
            cluster_id,
            job_id,
        );
        let job = self.call::<JobBody>(&call, ctx).await?.value.job;
        if job.job_id == job_id {
            Ok(job)
        } else {
            Err(self.misleading(
                call.action,
                "it describes another job than the one asked for",
            ))
        }
    }

    /// `ListEdgeTranscodeJob`: reads one page of a cluster's jobs. `page` counts from 1.
    ///
    /// Leaves out jobs that were last touched more than 180 days ago, so absence proves nothing.
    pub async fn list_edge_transcode_jobs(
        &self,
        cluster_id: &str,
        filter: &JobFilter,
        page: u32,
        ctx: &CallContext,
    ) -> Result<JobPage, CallError> {
        self.list_jobs(cluster_id, filter, page, OperationKind::Read, ctx)
            .await
    }

    pub(super) async fn list_jobs(
        &self,
        cluster_id: &str,
        filter: &JobFilter,
        page: u32,
        kind: OperationKind,
        ctx: &CallContext,
    ) -> Result<JobPage, CallError> {
        let mut parameters = vec![
            ("ClusterId", cluster_id.to_owned()),
            ("PageNo", page.to_string()),
            ("PageSize", MAX_PAGE_SIZE.to_string()),
            ("SortBy", filter.sort_by.parameter().to_owned()),
        ];
        let optional = [
            ("Type", filter.r#type.clone()),
            (
                "Status",
                filter.running.map(|running| u8::from(running).to_string()),
            ),
            ("Keyword", filter.keyword.clone()),
        ];
        parameters.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );

        let call = ApiCall {
            action: "ListEdgeTranscodeJob",
            parameters,
            kind,
        };
        let answer = self.call::<JobListReply>(&call, ctx).await?;
        let listed = answer.value.job_list.and_then(|list| list.job);
        let listed = listed.unwrap_or_default();
        for job_id in &listed.unreadable {
            warn!(cluster_id, job_id, "a job in the list cannot be decoded");
        }
        Ok(JobPage {
            jobs: listed.decoded,
            unreadable: listed.unreadable,
            total_count: answer.value.total_count,
            time: answer.time,
        })
    }

    /// `UpdateEdgeTranscodeJob`: changes a job. The API allows it only while the job does not run.
    ///
    /// An error that [is ambiguous](CallError::is_ambiguous) leaves open what was done: read the job before anything else is
    /// done with it. [`Self::get_edge_transcode_job`] also sees to it that no copy of the request arrives later.
    pub async fn update_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        fields: &JobSpec,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        let mut call = job_call(
            "UpdateEdgeTranscodeJob",
            OperationKind::IdempotentWrite,
            cluster_id,
            job_id,
        );
        call.parameters.extend(fields.parameters());
        self.call::<Acknowledged>(&call, ctx).await.map(drop)
    }

    /// `DeleteEdgeTranscodeJob`: deletes a job. Whether the API allows it while the job runs is not documented.
    ///
    /// An error that [is ambiguous](CallError::is_ambiguous) leaves open what was done: read the job before anything else is
    /// done with it. [`Self::get_edge_transcode_job`] also sees to it that no copy of the request arrives later.
    pub async fn delete_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        self.existing.note_deletion(job_id);
        let call = job_call(
            "DeleteEdgeTranscodeJob",
            OperationKind::IdempotentWrite,
            cluster_id,
            job_id,
        );
        self.call::<Acknowledged>(&call, ctx).await.map(drop)
    }

    /// `StartEdgeTranscodeJob`: starts a job that does not run. Whether it runs when the answer comes is not
    /// documented.
    ///
    /// An error that [is ambiguous](CallError::is_ambiguous) leaves open what was done: read the job before anything else is
    /// done with it. [`Self::get_edge_transcode_job`] also sees to it that no copy of the request arrives later.
    pub async fn start_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        let call = job_call(
            "StartEdgeTranscodeJob",
            OperationKind::IdempotentWrite,
            cluster_id,
            job_id,
        );
        self.call::<Acknowledged>(&call, ctx).await.map(drop)
    }

    /// `StopEdgeTranscodeJob`: stops a job that runs.
    ///
    /// An error that [is ambiguous](CallError::is_ambiguous) leaves open what was done: read the job before anything else is
    /// done with it. [`Self::get_edge_transcode_job`] also sees to it that no copy of the request arrives later.
    pub async fn stop_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        ctx: &CallContext,
    ) -> Result<(), CallError> {
        let call = job_call(
            "StopEdgeTranscodeJob",
            OperationKind::IdempotentWrite,
            cluster_id,
            job_id,
        );
        self.call::<Acknowledged>(&call, ctx).await.map(drop)
    }

    /// An answer of the documented shape that nevertheless cannot be believed.
    pub(super) fn misleading(&self, action: &'static str, reason: &str) -> CallError {
        let failure = Failure::Ambiguous(Ambiguous::Unreadable {
            status: 200,
            reason: reason.to_owned(),
        });
        self.error(action, 1, failure)
    }
}

fn job_call(action: &'static str, kind: OperationKind, cluster_id: &str, job_id: &str) -> ApiCall {
    let parameters = vec![
        ("ClusterId", cluster_id.to_owned()),
        ("JobId", job_id.to_owned()),
    ];
    ApiCall {
        action,
        parameters,
        kind,
    }
}

impl Job {
    /// What a user decided about this job.
    pub fn fields(&self) -> JobSpec {
        JobSpec {
            name: self.name.clone(),
            template_id: self.template_id.clone(),
            stream_input: self.stream_input.clone(),
            stream_output: self.stream_output.clone(),
        }
    }
}

impl JobSpec {
    /// Whether both mean the same job: equal, but for spellings of their URLs.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.name == other.name
            && self.template_id == other.template_id
            && self.stream_input.is_equivalent(&other.stream_input)
            && self.stream_output.is_equivalent(&other.stream_output)
    }

    pub(super) fn parameters(&self) -> [(&'static str, String); 4] {
        [
            ("Name", self.name.clone()),
            ("TemplateId", self.template_id.clone()),
            ("StreamInput", self.stream_input.as_str().to_owned()),
            ("StreamOutput", self.stream_output.as_str().to_owned()),
        ]
    }
}

impl SortBy {
    pub(super) fn parameter(self) -> &'static str {
        match self {
            Self::Descending => "desc",
            Self::Ascending => "asc",
        }
    }
}
