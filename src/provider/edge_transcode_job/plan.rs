use super::model::{JobState, RUNNING, STOPPED};
use crate::terraform::value::Value;
use crate::terraform::{AttributePath, Diagnostics, diagnostic};

/// The plan of an update.
pub(super) struct Update {
    pub(super) state: JobState,
    pub(super) requires_replace: Vec<AttributePath>,
}

/// A new job: all that the API decides is unknown.
pub(super) fn create(proposed: JobState, config: &JobState) -> JobState {
    JobState {
        id: Value::Unknown,
        job_id: Value::Unknown,
        status: unknown_if_null(config.status.clone()),
        create_time: Value::Unknown,
        last_start_at: Value::Unknown,
        last_stop_at: Value::Unknown,
        template_name: Value::Unknown,
        r#type: Value::Unknown,
        ..proposed
    }
}

/// A changed job. Only what the change touches becomes unknown, so that a plan shows no more than what happens.
pub(super) fn update(
    prior: &JobState,
    proposed: JobState,
    config: &JobState,
    diagnostics: &mut Diagnostics,
) -> Update {
    if prior.cluster_id != proposed.cluster_id {
        let state = create(proposed, config);
        return Update {
            state,
            requires_replace: vec![AttributePath::new("cluster_id")],
        };
    }

    let settings_change = prior.name != proposed.name
        || prior.template_id != proposed.template_id
        || prior.stream_input != proposed.stream_input
        || prior.stream_output != proposed.stream_output;
    let status = if config.status.is_null() {
        unknown_if_null(prior.status.clone())
    } else {
        config.status.clone()
    };
    let is_running = prior.status.contains(&RUNNING);
    let may_end_as = |wanted: &str| status.is_unknown() || status.contains(&wanted);

    // An update is possible only while the job does not run: stop, update, start.
    let stops = is_running && (settings_change || may_end_as(STOPPED));
    let starts = may_end_as(RUNNING) && (!is_running || settings_change);
    if is_running && settings_change && may_end_as(RUNNING) {
        diagnostics.add_warning(diagnostic::general(
            "The stream will be interrupted",
            "The job is running, and the API changes a job only while it is stopped: it will be stopped, changed and \
             started again.",
        ));
    }

    let unknown_if = |touched: bool, value: &Value<String>| {
        if touched {
            Value::Unknown
        } else {
            value.clone()
        }
    };
    let template_changes = prior.template_id != proposed.template_id;
    let state = JobState {
        id: prior.id.clone(),
        job_id: prior.job_id.clone(),
        create_time: prior.create_time.clone(),
        last_start_at: unknown_if(starts, &prior.last_start_at),
        last_stop_at: unknown_if(stops, &prior.last_stop_at),
        template_name: unknown_if(template_changes, &prior.template_name),
        r#type: unknown_if(template_changes, &prior.r#type),
        status,
        ..proposed
    };
    Update {
        state,
        requires_replace: Vec::new(),
    }
}

/// Warns of what deleting a job means.
pub(super) fn destroy(prior: &JobState, diagnostics: &mut Diagnostics) {
    if prior.status.contains(&RUNNING) {
        diagnostics.add_warning(diagnostic::general(
            "A running job will be deleted",
            "The job is running: it will be stopped, which ends its output stream, and then deleted.",
        ));
    }
}

fn unknown_if_null(value: Value<String>) -> Value<String> {
    if value.is_null() {
        Value::Unknown
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: &str) -> JobState {
        let text = |text: &str| Value::Value(text.to_owned());
        JobState {
            id: text("c:j"),
            cluster_id: text("c"),
            job_id: text("j"),
            name: text("n"),
            template_id: text("t"),
            stream_input: text("rtmp://a/b/c"),
            stream_output: text("rtmp://d/e/f"),
            status: text(status),
            on_existing: Value::Null,
            create_time: text("T0"),
            last_start_at: text("T1"),
            last_stop_at: text("T2"),
            template_name: text("tn"),
            r#type: text("common"),
            timeouts: Value::Null,
        }
    }

    /// Plans the change of a job, with `status` in the configuration or not.
    fn planned(
        prior: &JobState,
        edit: impl FnOnce(&mut JobState),
        status: Option<&str>,
    ) -> (JobState, usize) {
        let mut proposed = prior.clone();
        edit(&mut proposed);
        let config = JobState {
            status: status.map(str::to_owned).into(),
            ..JobState::default()
        };
        if let Some(status) = status {
            proposed.status = Value::Value(status.to_owned());
        }
        let mut diagnostics = Diagnostics::default();
        let update = update(prior, proposed, &config, &mut diagnostics);
        assert!(update.requires_replace.is_empty());
        (update.state, diagnostics.warnings.len())
    }

    fn rename(job: &mut JobState) {
        job.name = Value::Value("other".to_owned());
    }

    #[test]
    fn without_a_change_the_plan_is_the_prior_state() {
        for status in [RUNNING, STOPPED, "7"] {
            assert!(planned(&job(status), |_| {}, None).0 == job(status));
        }
        assert!(planned(&job(RUNNING), |_| {}, Some(RUNNING)).0 == job(RUNNING));
    }

    #[test]
    fn changing_a_running_job_warns_of_the_interruption_and_keeps_it_running() {
        let (state, warnings) = planned(&job(RUNNING), rename, None);
        assert_eq!(warnings, 1);
        assert_eq!(state.status, Value::Value(RUNNING.to_owned()));
        assert!(state.last_start_at.is_unknown() && state.last_stop_at.is_unknown());
        assert!(
            !state.id.is_unknown()
                && !state.create_time.is_unknown()
                && !state.template_name.is_unknown()
        );
    }

    #[test]
    fn changing_a_stopped_job_touches_nothing_else() {
        let (state, warnings) = planned(&job(STOPPED), rename, None);
        let mut expected = job(STOPPED);
        rename(&mut expected);
        assert!(state == expected);
        assert_eq!(warnings, 0);
    }

    #[test]
    fn starting_and_stopping_touch_only_their_own_time() {
        let (state, warnings) = planned(&job(STOPPED), |_| {}, Some(RUNNING));
        assert!(state.last_start_at.is_unknown() && !state.last_stop_at.is_unknown());
        assert_eq!(warnings, 0);
        let (state, warnings) = planned(&job(RUNNING), rename, Some(STOPPED));
        assert!(!state.last_start_at.is_unknown() && state.last_stop_at.is_unknown());
        assert_eq!(warnings, 0);
    }

    #[test]
    fn another_template_may_have_another_name_and_type() {
        let change = |job: &mut JobState| job.template_id = Value::Value("t2".to_owned());
        let (state, _) = planned(&job(STOPPED), change, None);
        assert!(state.template_name.is_unknown() && state.r#type.is_unknown());
    }

    #[test]
    fn another_cluster_needs_another_job() {
        let prior = job(RUNNING);
        let proposed = JobState {
            cluster_id: Value::Unknown,
            ..prior.clone()
        };
        let update = update(
            &prior,
            proposed,
            &JobState::default(),
            &mut Diagnostics::default(),
        );
        assert_eq!(update.requires_replace, [AttributePath::new("cluster_id")]);
        assert!(update.state.id.is_unknown() && update.state.status.is_unknown());
    }

    #[test]
    fn deleting_a_running_job_is_warned_of() {
        let mut diagnostics = Diagnostics::default();
        destroy(&job(STOPPED), &mut diagnostics);
        assert!(diagnostics.warnings.is_empty());
        destroy(&job(RUNNING), &mut diagnostics);
        assert_eq!(diagnostics.warnings.len(), 1);
    }
}
