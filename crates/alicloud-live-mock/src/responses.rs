//! The bodies of successful API responses.

use serde_json::{Map, Value, json};

use super::behavior::{Behavior, EmptyTimes};
use super::model::{Job, Template};
use super::representation::apply_deviations;
use super::store::Page;
use super::sts::{CallerIdentity, ROLE_ID};

/// The result of a successful operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing but the request ID.
    Done,
    /// The ID of the job that was created or changed.
    JobId(String),
    Job(Job),
    Jobs(Page<Job>),
    Template(Template),
    Templates(Page<Template>),
    /// The credentials of a role, and the ARN of the session.
    Role {
        keys: Value,
        session: String,
    },
    StreamState {
        online: bool,
    },
    CallerIdentity(CallerIdentity),
}

impl Outcome {
    /// Returns the JSON body of the response.
    pub(super) fn body(&self, request_id: &str, behavior: &Behavior) -> Value {
        let mut body = match self {
            Self::Done => Map::new(),
            Self::JobId(id) => one("JobId", json!(id)),
            Self::Job(shown) => one("Job", job(shown, behavior)),
            Self::Jobs(page) => list("JobList", "Job", page, behavior, |shown| {
                job(shown, behavior)
            }),
            Self::Template(shown) => one("Template", json!(shown)),
            Self::Role { keys, session } => {
                let name = session.rsplit('/').next().unwrap_or_default();
                let user = json!({"Arn": session, "AssumedRoleId": format!("{ROLE_ID}:{name}")});
                let mut body = one("Credentials", keys.clone());
                body.insert("AssumedRoleUser".to_owned(), user);
                body
            }
            Self::StreamState { online: true } => Map::from_iter([
                ("StreamState".to_owned(), json!("online")),
                ("Type".to_owned(), json!("push")),
            ]),
            Self::StreamState { online: false } => one("StreamState", json!("offline")),
            Self::CallerIdentity(identity) => match json!(identity) {
                Value::Object(body) => body,
                _ => Map::new(),
            },
            Self::Templates(page) => list("TemplateList", "Template", page, behavior, |shown| {
                json!(shown)
            }),
        };
        body.insert("RequestId".to_owned(), json!(request_id));
        apply_deviations(Value::Object(body), behavior)
    }
}

/// Returns a job in the API's field names.
fn job(job: &Job, behavior: &Behavior) -> Value {
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

fn one(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}

/// Returns a page of a list, with an object around the array as the API has it.
fn list<T>(
    outer: &str,
    inner: &str,
    page: &Page<T>,
    behavior: &Behavior,
    show: impl Fn(&T) -> Value,
) -> Map<String, Value> {
    let mut body = one("TotalCount", json!(page.total));
    if !(page.items.is_empty() && behavior.omit_empty_lists) {
        let items: Vec<Value> = page.items.iter().map(show).collect();
        body.insert(
            outer.to_owned(),
            Value::Object(one(inner, Value::Array(items))),
        );
    }
    body
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::model::{JobStatus, TemplateType};
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

    #[test]
    fn a_list_has_the_documented_two_levels_and_no_cluster() {
        let outcome = Outcome::Jobs(Page {
            items: vec![a_job()],
            total: 11,
        });
        let expected = json!({"RequestId": "R", "TotalCount": 11, "JobList": {"Job": [{
            "JobId": "J", "Name": "n", "Status": "1", "Type": "nbhd-2",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
            "TemplateId": "T", "TemplateName": "t",
            "CreateTime": "2023-07-24T16:44:55Z", "LastStartAt": "2023-07-24T16:44:56Z",
        }]}});
        assert_eq!(outcome.body("R", &Behavior::default()), expected);
    }

    #[test]
    fn an_empty_list_is_there_unless_omit_empty_lists() {
        let outcome = Outcome::Jobs(Page {
            items: Vec::new(),
            total: 0,
        });
        let with_list = json!({"RequestId": "R", "TotalCount": 0, "JobList": {"Job": []}});
        assert_eq!(outcome.body("R", &Behavior::default()), with_list);
        let behavior = Behavior {
            omit_empty_lists: true,
            ..Behavior::default()
        };
        assert_eq!(
            outcome.body("R", &behavior),
            json!({"RequestId": "R", "TotalCount": 0})
        );
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
        let body = Outcome::Template(template).body("R", &Behavior::default());
        let fields = body["Template"].as_object().unwrap();
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
