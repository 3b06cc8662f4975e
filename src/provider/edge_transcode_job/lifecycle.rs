use std::time::Duration;

use super::aftermath::Aftermath;
use super::model::{JobState, OnExisting, RUNNING, STOPPED, status_text};
use super::refusal;
use super::run_state::{Unreached, appear, reach};
use crate::client::{CreateError, Job, JobFields, JobStatus, LiveClient, Scope};
use crate::provider::call_error::to_diagnostic;
use crate::provider::job_id::JobId;
use crate::terraform::value::Value;
use crate::terraform::{Diagnostic, Diagnostics};

/// Time to start a job again that was stopped for an update which then failed.
const RESTORE_TIME: Duration = Duration::from_secs(30);

/// Reads a job anew. `None` without an error: it verifiably does not exist any more.
pub(super) async fn read(
    client: &LiveClient,
    mut state: JobState,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Option<JobState> {
    let id = state.job_id();
    match client
        .refresh_edge_transcode_job(
            &id.cluster_id,
            &id.job_id,
            |job| state.agrees_with(job),
            scope,
        )
        .await
    {
        Ok(job) => {
            state.take_over(&job);
            Some(state)
        }
        Err(error) if error.is_job_not_found() => None,
        Err(error) => {
            diagnostics.add_error(to_diagnostic("Job could not be read", &error));
            None
        }
    }
}

/// Makes a job and brings it to the planned run state. `None` only when no job was made: as soon as there is an ID it
/// must reach the state, whatever fails after.
pub(super) async fn create(
    client: &LiveClient,
    planned: JobState,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Option<JobState> {
    let id = make_or_adopt(client, &planned, scope, diagnostics).await?;
    let mut state = JobState {
        id: Value::Value(id.to_string()),
        job_id: Value::Value(id.job_id.clone()),
        ..planned
    };

    let wanted = wanted_status(&state.status);
    let job = match settle(client, &id, wanted.as_ref(), scope).await {
        Ok(job) => Some(job),
        Err(error) => {
            let aftermath = Aftermath::look(client, &id).await;
            // An error would taint it, and the next apply would replace a job that is just right.
            if !aftermath.is_as_planned(&state.fields(), wanted.as_ref()) {
                diagnostics.add_error(followed_by(
                    error.to_diagnostic("Job was created, but is not as planned"),
                    &aftermath.of_create(),
                ));
            }
            aftermath.job().cloned()
        }
    };
    match job {
        Some(job) => {
            state.take_over_computed(&job);
            state.status = Value::Value(status_text(&job.status).to_owned());
        }
        None => state.status = Value::Null,
    }
    state.unknown_to_null();
    Some(state)
}

/// Waits for a new job, and brings it to its run state.
async fn settle(
    client: &LiveClient,
    id: &JobId,
    wanted: Option<&JobStatus>,
    scope: &Scope,
) -> Result<Job, Unreached> {
    let job = appear(client, id, scope).await?;
    match wanted {
        None => Ok(job),
        Some(wanted) => reach(client, id, job, wanted, scope).await,
    }
}

/// A job with the planned fields: a new one, or one that exists already where the user wants it so.
async fn make_or_adopt(
    client: &LiveClient,
    planned: &JobState,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Option<JobId> {
    let cluster_id = planned.job_id().cluster_id;
    let fields = planned.fields();
    let on_existing = planned.on_existing();
    let in_cluster = |job_id: String| JobId {
        cluster_id: cluster_id.clone(),
        job_id,
    };

    if on_existing != OnExisting::Create {
        let existing = client
            .existing_edge_transcode_jobs(&cluster_id, &fields, scope)
            .await;
        let existing: Vec<_> = existing
            .map_err(|error| diagnostics.add_error(refusal::cannot_look(&error)))
            .ok()?
            .into_iter()
            .map(in_cluster)
            .collect();
        match (existing.as_slice(), on_existing) {
            ([], _) => {}
            ([job], OnExisting::Adopt) => {
                // Another resource with the same fields may have adopted it in this very run.
                if client.claim_edge_transcode_job(&job.job_id) {
                    return Some(job.clone());
                }
            }
            (jobs, _) => {
                diagnostics.add_error(refusal::exists_already(jobs));
                return None;
            }
        }
    }

    match client
        .create_edge_transcode_job(&cluster_id, &fields, scope)
        .await
    {
        Ok(created) => {
            let doubles: Vec<_> = created.doubles.into_iter().map(in_cluster).collect();
            if !doubles.is_empty() {
                diagnostics.add_warning(refusal::doubles(&doubles));
            }
            Some(in_cluster(created.job_id))
        }
        Err(CreateError::Call(error)) => {
            diagnostics.add_error(to_diagnostic("Job could not be created", &error));
            None
        }
        Err(CreateError::Unresolved { error, candidates }) => {
            let candidates: Vec<_> = candidates
                .into_iter()
                .map(|job| in_cluster(job.job_id))
                .collect();
            diagnostics.add_error(refusal::unresolved(&error, &candidates));
            None
        }
    }
}

/// Changes a job: stop, update, start, as far as each is needed by what the API shows now. The answer is the job as
/// it is in the end; after a failure the errors say in which state that is.
pub(super) async fn update(
    client: &LiveClient,
    prior: JobState,
    planned: JobState,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> JobState {
    let id = prior.job_id();
    let error = match change(client, &id, &planned, scope).await {
        Ok(job) => return updated(planned, &job),
        Err(error) => error,
    };
    let aftermath = Aftermath::look(client, &id).await;
    if let Some(job) = aftermath.job()
        && aftermath.is_as_planned(&planned.fields(), wanted_status(&planned.status).as_ref())
    {
        return updated(planned, job);
    }

    let was_running = prior.status.contains(&RUNNING);
    diagnostics.add_error(followed_by(
        error.to_diagnostic("Job could not be updated"),
        &aftermath.of_update(&planned.fields(), was_running),
    ));
    let mut state = JobState {
        timeouts: planned.timeouts,
        ..prior
    };
    if let Some(job) = aftermath.job() {
        state.take_over(job);
    }
    state
}

fn updated(planned: JobState, job: &Job) -> JobState {
    let mut state = planned;
    state.take_over_computed(job);
    state.status = Value::Value(status_text(&job.status).to_owned());
    state
}

async fn change(
    client: &LiveClient,
    id: &JobId,
    planned: &JobState,
    scope: &Scope,
) -> Result<Job, Unreached> {
    let job = client
        .get_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
        .await?;
    let wanted = wanted_status(&planned.status).unwrap_or_else(|| job.status.clone());
    let fields = planned.fields();
    if job.fields() == fields {
        return reach(client, id, job, &wanted, scope).await;
    }

    let before = job.status.clone();
    let changed = change_while_stopped(client, id, job, &fields, scope).await;
    match changed {
        Ok(job) => reach(client, id, job, &wanted, scope).await,
        Err(error) => {
            restore(client, id, &before, scope).await;
            Err(error)
        }
    }
}

async fn change_while_stopped(
    client: &LiveClient,
    id: &JobId,
    job: Job,
    fields: &JobFields,
    scope: &Scope,
) -> Result<Job, Unreached> {
    reach(client, id, job, &JobStatus::NotStarted, scope).await?;
    let updated = client
        .update_edge_transcode_job(&id.cluster_id, &id.job_id, fields, scope)
        .await;
    let job = client
        .get_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
        .await;
    match updated {
        // An attempt whose answer was lost has done it.
        Err(error)
            if error.is_ambiguous() && job.as_ref().is_ok_and(|job| job.fields() == *fields) =>
        {
            Ok(job?)
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok(job?),
    }
}

/// Starts a job again that ran before an update or a restart failed. Whether that worked is told by the look that
/// follows.
pub(super) async fn restore(client: &LiveClient, id: &JobId, before: &JobStatus, scope: &Scope) {
    if *before != JobStatus::Running {
        return;
    }
    let scope = scope.with_time(RESTORE_TIME);
    if let Ok(job) = client
        .get_edge_transcode_job(&id.cluster_id, &id.job_id, &scope)
        .await
    {
        let _ = reach(client, id, job, before, &scope).await;
    }
}

/// Deletes a job; a running one is stopped first. That it is gone already is success.
pub(super) async fn delete(
    client: &LiveClient,
    prior: &JobState,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    let id = prior.job_id();
    let error = match stop_and_delete(client, &id, scope).await {
        Ok(()) => return Some(()),
        Err(error) if error.is_job_not_found() => return Some(()),
        Err(error) => error,
    };
    let aftermath = Aftermath::look(client, &id).await;
    if aftermath.is_gone() {
        return Some(());
    }
    diagnostics.add_error(followed_by(
        error.to_diagnostic("Job could not be deleted"),
        &aftermath.of_run_state(),
    ));
    None
}

async fn stop_and_delete(client: &LiveClient, id: &JobId, scope: &Scope) -> Result<(), Unreached> {
    let job = client
        .get_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
        .await?;
    reach(client, id, job, &JobStatus::NotStarted, scope).await?;
    Ok(client
        .delete_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
        .await?)
}

/// The diagnostic with a paragraph more.
pub(super) fn followed_by(diagnostic: Diagnostic, paragraph: &str) -> Diagnostic {
    Diagnostic {
        detail: format!("{}\n\n{paragraph}", diagnostic.detail).into(),
        ..diagnostic
    }
}

fn wanted_status(status: &Value<String>) -> Option<JobStatus> {
    match status {
        Value::Value(text) if text == RUNNING => Some(JobStatus::Running),
        Value::Value(text) if text == STOPPED => Some(JobStatus::NotStarted),
        _ => None,
    }
}
