//! Taking over an object that another provider has in the state under the same resource type: a `moved` block does that
//! when a configuration changes from one provider to the other.

use serde_json::{Map, Value as Json};

use super::TYPE_NAME;
use super::model::{JobState, TimeoutsBlock};
use crate::provider::job_id::JobId;
use crate::terraform::value::Value;
use crate::terraform::{Diagnostic, MoveSource, diagnostic};

/// The job that an object describes. Of attributes that are not ours, or not as ours are, nothing is taken: the read that
/// follows fills in what is missing.
pub(super) fn job(source: &MoveSource) -> Result<JobState, Diagnostic> {
    if source.type_name != TYPE_NAME {
        return Err(diagnostic::general(
            "Object cannot be moved",
            format!(
                "An object of type {} of the provider {} cannot become a {TYPE_NAME}. Only objects of the same type can \
                 be moved here, from any provider.",
                source.type_name, source.provider_address
            ),
        ));
    }
    let attributes: Map<String, Json> = source.state.decode()?;
    let Some(id) = job_id(source, &attributes) else {
        return Err(diagnostic::general(
            "Job cannot be moved",
            format!(
                "The object that the provider {} has in the state (schema version {}) holds neither cluster_id and job_id \
                 nor an id of the form <cluster_id>:<job_id>, so which job it is cannot be told. Put an import block in \
                 the place of the moved block, and forget the old object:\n\n  terraform state rm <old address>",
                source.provider_address, source.schema_version
            ),
        ));
    };
    let text = |name: &str| match attributes.get(name) {
        Some(Json::String(text)) if !text.is_empty() => Value::Value(text.clone()),
        _ => Value::Null,
    };
    let flag = |name: &str| attributes.get(name).and_then(Json::as_bool).into();
    Ok(JobState {
        name: text("name"),
        template_id: text("template_id"),
        stream_input: text("stream_input"),
        stream_output: text("stream_output"),
        status: text("status"),
        allow_stopping_for_update: flag("allow_stopping_for_update"),
        deletion_protection: flag("deletion_protection"),
        create_time: text("create_time"),
        last_start_at: text("last_start_at"),
        last_stop_at: text("last_stop_at"),
        template_name: text("template_name"),
        r#type: text("type"),
        timeouts: timeouts(attributes.get("timeouts")).into(),
        ..JobState::known_by_id(&id)
    })
}

/// The block, where it sets anything. An empty one would differ from a configuration that has none.
fn timeouts(value: Option<&Json>) -> Option<TimeoutsBlock> {
    let object = value.filter(|value| value.is_object())?;
    let block: TimeoutsBlock = serde_json::from_value(object.clone()).ok()?;
    (block != TimeoutsBlock::default()).then_some(block)
}

/// The job's ID: as the identity, the attributes of that name or the attribute `id` tell it.
fn job_id(source: &MoveSource, attributes: &Map<String, Json>) -> Option<JobId> {
    let of_identity = || source.identity.as_ref()?.decode::<JobId>().ok();
    let text = |name: &str| attributes.get(name)?.as_str().map(str::to_owned);
    let of_attributes = || {
        Some(JobId {
            cluster_id: text("cluster_id")?,
            job_id: text("job_id")?,
        })
    };
    let of_id = || JobId::parse(&text("id")?).ok();
    of_identity()
        .filter(JobId::is_valid)
        .or_else(|| of_attributes().filter(JobId::is_valid))
        .or_else(of_id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::terraform::Encoded;

    fn moved(state: &Json, identity: Option<&Json>) -> Result<JobState, Diagnostic> {
        let encoded = |json: &Json| Encoded::Json(json.to_string().into_bytes());
        job(&MoveSource {
            provider_address: "registry.terraform.io/aliyun/alicloud".to_owned(),
            type_name: TYPE_NAME.to_owned(),
            schema_version: 3,
            state: encoded(state),
            identity: identity.map(encoded),
        })
    }

    #[test]
    fn a_job_is_known_by_its_identity_its_attributes_or_its_id() {
        let identity = json!({"cluster_id": "c", "job_id": "j", "region": "cn-shanghai"});
        for (state, identity) in [
            (json!({}), Some(&identity)),
            (json!({"cluster_id": "c", "job_id": "j", "id": "j"}), None),
            (json!({"id": "c:j"}), None),
            (json!({"id": "c:j", "cluster_id": "", "job_id": null}), None),
            (json!({"id": "c:j"}), Some(&json!({"id": 1}))),
        ] {
            let job = moved(&state, identity).unwrap_or_else(|_| panic!("{state} {identity:?}"));
            assert_eq!(job.job_id().to_string(), "c:j");
        }
    }

    #[test]
    fn what_is_as_ours_is_taken_and_nothing_else() {
        let state = json!({
            "id": "c:j", "name": "n", "stream_input": "rtmp://a/b/c", "status": 1, "type": "",
            "job_name": "foreign", "tags": {"a": "b"}, "timeouts": {"create": "7m", "other": "1m"},
        });
        let job = moved(&state, None).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(job.name, Value::Value("n".to_owned()));
        assert_eq!(job.stream_input, Value::Value("rtmp://a/b/c".to_owned()));
        assert!(job.status.is_null() && job.r#type.is_null() && job.template_id.is_null());
        assert_eq!(job.timeouts().create.as_secs(), 7 * 60);

        for timeouts in [
            json!([]),
            json!("5m"),
            json!({"create": 5}),
            json!({"other": "5m"}),
        ] {
            let state = json!({"id": "c:j", "timeouts": timeouts});
            assert!(moved(&state, None).is_ok_and(|job| job.timeouts.is_null()));
        }
    }

    #[test]
    fn an_object_of_another_type_is_refused() {
        let source = MoveSource {
            provider_address: "registry.terraform.io/aliyun/alicloud".to_owned(),
            type_name: "alicloud_live_caster".to_owned(),
            schema_version: 0,
            state: Encoded::Json(br#"{"id":"c:j"}"#.to_vec()),
            identity: None,
        };
        let Err(error) = job(&source) else {
            panic!("a caster is no job");
        };
        assert!(error.detail.contains("alicloud_live_caster"));
    }

    #[test]
    fn an_object_that_names_no_job_is_refused_with_what_is_missing() {
        for state in [
            json!({}),
            json!({"id": "j"}),
            json!({"cluster_id": "c"}),
            json!({"cluster_id": "c", "job_id": ""}),
        ] {
            let Err(error) = moved(&state, None) else {
                panic!("{state}");
            };
            for part in [
                "aliyun/alicloud",
                "version 3",
                "cluster_id and job_id",
                "import",
            ] {
                assert!(error.detail.contains(part), "{part}: {}", error.detail);
            }
        }
    }
}
