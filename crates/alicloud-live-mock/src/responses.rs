//! The shapes of successful API responses.

use serde_json::{Value, json};

use super::behavior::{Behavior, EmptyTimes};
use super::model::Job;
use super::store::Page;

/// Returns a job in the API's field names.
pub(super) fn job(job: &Job, behavior: &Behavior) -> Value {
    let time = |time| json!(behavior.time_format.format(time));
    let mut body = json!({
        "JobId": job.job_id,
        "Name": job.name,
        "Status": job.status.as_str(),
        "StreamInput": job.stream_input,
        "StreamOutput": job.stream_output,
        "TemplateId": job.template_id,
        "TemplateName": job.template_name,
        "Type": job.r#type,
        "CreateTime": time(job.create_time),
    });
    for (name, happened) in [
        ("LastStartAt", job.last_start_at),
        ("LastStopAt", job.last_stop_at),
    ] {
        match (happened, behavior.empty_times) {
            (Some(happened), _) => body[name] = time(happened),
            (None, EmptyTimes::Absent) => {}
            (None, EmptyTimes::Null) => body[name] = Value::Null,
            (None, EmptyTimes::Empty) => body[name] = json!(""),
        }
    }
    body
}

/// Returns a page of a list, with an object around the array as the API has it.
pub(super) fn list<T>(
    outer: &str,
    inner: &str,
    page: &Page<T>,
    behavior: &Behavior,
    show: impl Fn(&T) -> Value,
) -> Value {
    let mut body = json!({"TotalCount": page.total});
    if !(page.items.is_empty() && behavior.omit_empty_lists) {
        let items: Vec<Value> = page.items.iter().map(show).collect();
        body[outer] = json!({inner: items});
    }
    body
}

/// Returns the state of a stream.
pub(super) fn stream_state(is_online: bool) -> Value {
    if is_online {
        json!({"StreamState": "online", "Type": "push"})
    } else {
        json!({"StreamState": "offline"})
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::model::{JobStatus, Template, TemplateType};
    use crate::settings::default_templates;

    fn a_job() -> Job {
        Job {
            cluster_id: "c".to_owned(),
            job_id: "J".to_owned(),
            name: "n".to_owned(),
            status: JobStatus::Running,
            stream_input: "rtmp://a/b/c".to_owned(),
            stream_output: "rtmp://d/e/f".to_owned(),
            template_id: "T".to_owned(),
            template_name: "t".to_owned(),
            r#type: TemplateType::Nbhd2,
            create_time: OffsetDateTime::from_unix_timestamp(1_690_217_095).unwrap(),
            last_start_at: Some(OffsetDateTime::from_unix_timestamp(1_690_217_096).unwrap()),
            last_stop_at: None,
        }
    }

    fn job_list(items: Vec<Job>, total: usize, behavior: &Behavior) -> Value {
        let page = Page { items, total };
        list("JobList", "Job", &page, behavior, |shown| {
            job(shown, behavior)
        })
    }

    #[test]
    fn a_list_has_the_documented_two_levels_and_no_cluster() {
        let expected = json!({"TotalCount": 11, "JobList": {"Job": [{
            "JobId": "J", "Name": "n", "Status": "1", "Type": "nbhd-2",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
            "TemplateId": "T", "TemplateName": "t",
            "CreateTime": "2023-07-24T16:44:55Z", "LastStartAt": "2023-07-24T16:44:56Z",
        }]}});
        assert_eq!(job_list(vec![a_job()], 11, &Behavior::default()), expected);
    }

    #[test]
    fn an_empty_list_is_there_unless_omit_empty_lists() {
        let with_list = json!({"TotalCount": 0, "JobList": {"Job": []}});
        assert_eq!(job_list(Vec::new(), 0, &Behavior::default()), with_list);
        let behavior = Behavior {
            omit_empty_lists: true,
            ..Behavior::default()
        };
        assert_eq!(job_list(Vec::new(), 0, &behavior), json!({"TotalCount": 0}));
    }

    #[test]
    fn a_time_that_does_not_exist_yet_is_shown_as_configured() {
        let shown = |empty_times| {
            let behavior = Behavior {
                empty_times,
                ..Behavior::default()
            };
            job(&a_job(), &behavior).get("LastStopAt").cloned()
        };
        assert_eq!(shown(EmptyTimes::Absent), None);
        assert_eq!(shown(EmptyTimes::Null), Some(Value::Null));
        assert_eq!(shown(EmptyTimes::Empty), Some(json!("")));
    }

    #[test]
    fn every_field_of_a_template_is_a_string_and_its_cluster_is_not_shown() {
        let template = Template {
            cluster_id: Some("c".to_owned()),
            ..default_templates().remove(0)
        };
        let shown = json!(template);
        let fields = shown.as_object().unwrap();
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        let documented = [
            "Bitrate",
            "Codec",
            "CreateTime",
            "Fps",
            "Gop",
            "Name",
            "Resolution",
            "TemplateId",
            "Type",
        ];
        assert_eq!(names, documented);
        assert!(fields.values().all(Value::is_string), "{fields:?}");
    }
}
