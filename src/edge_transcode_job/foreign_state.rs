//! Objects in a state file, whichever provider wrote them: this provider, an earlier version, or another provider that has the
//! same resource type. Those come by a `moved` block, and by `terraform state replace-provider`.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::TYPE_NAME;
use super::model::{JobModel, TimeoutsBlock};
use crate::shared::check::shown_id;
use crate::shared::job_identity::JobIdentity;
use crate::shared::reading::text;
use tfplugin::value::Value;
use tfplugin::{Diagnostic, EncodedValue, MoveSource, diagnostic};

/// The job that an object of another type or provider describes.
pub(super) fn moved(source: &MoveSource) -> Result<JobModel, Diagnostic> {
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
    job(&source.state, source.identity.as_ref()).map_err(|object| {
        diagnostic::general(
            "Job cannot be moved",
            format!(
                "The object that the provider {} has in the state (schema version {}) {object}. Replace the \
                 moved block with an import block, and remove the old object from the state:\n\n  terraform state rm \
                 <old address>",
                source.provider_address, source.schema_version
            ),
        )
    })
}

/// The job that an object of this type describes.
pub(super) fn upgraded(state: &EncodedValue) -> Result<JobModel, Diagnostic> {
    job(state, None).map_err(|object| {
        diagnostic::general(
            "Object in the state cannot be read",
            format!(
                "An object of type {TYPE_NAME} in the state {object}. Another provider may have written it. Remove it from \
                 the state, and import the job:\n\n  terraform state rm <address>\n  terraform import <address> \
                 '<cluster_id>:<job_id>'\n\nAn import block does the same as the second command."
            ),
        )
    })
}

/// The job of a state, with an ID that the API can be called with; it may stand in the attribute `id` alone.
pub(super) fn identified(state: JobModel) -> Result<JobModel, Diagnostic> {
    if state.identity().is_valid() {
        return Ok(state);
    }
    let id = text(&state.id);
    match JobIdentity::parse(id) {
        Ok(id) => Ok(state.with_identity(&id)),
        Err(_) => Err(diagnostic::general(
            "Job in the state has no valid ID",
            format!(
                "An object of type {TYPE_NAME} in the state {}. No call was made. Remove it from the state, and import \
                 the job:\n\n  terraform state rm <address>\n  terraform import <address> '<cluster_id>:<job_id>'",
                unidentified(Some(id))
            ),
        )),
    }
}

/// The job that an object describes, or a predicate that says why the object does not identify a job. What
/// is not as an attribute of this provider is left out: the read that follows fills it in.
fn job(state: &EncodedValue, identity: Option<&EncodedValue>) -> Result<JobModel, String> {
    let Ok(attributes) = state.decode::<Map<String, Json>>() else {
        return Err("is not a JSON object".to_owned());
    };
    match find_identity(&attributes, identity) {
        Some(id) => Ok(known_attributes(attributes).with_identity(&id)),
        None => Err(unidentified(attributes.get("id").and_then(Json::as_str))),
    }
}

fn unidentified(id: Option<&str>) -> String {
    let id = match id {
        Some(id) if !id.is_empty() => format!("its id is {}", shown_id(id)),
        _ => "it has no id".to_owned(),
    };
    format!(
        "contains neither cluster_id and job_id nor an id of the form <cluster_id>:<job_id> ({id}), so the job cannot be \
         identified"
    )
}

/// The attributes that have the types of ours. Other providers store an empty string where nothing is set.
fn known_attributes(mut attributes: Map<String, Json>) -> JobModel {
    attributes.retain(|_, value| *value != "" && !has_array(value));
    let has_our_block = attributes.get("timeouts").is_some_and(is_our_block);
    let mut state = JobModel::deserialize(&Json::Object(attributes.clone())).unwrap_or_else(|_| {
        attributes.retain(|name, value| JobModel::deserialize(&one(name, value)).is_ok());
        JobModel::deserialize(Json::Object(attributes)).unwrap_or_default()
    });
    // An empty block would differ from a configuration that has none. One of ours is configured, and its timeouts are null.
    if state.timeouts.contains(&TimeoutsBlock::default()) && !has_our_block {
        state.timeouts = Value::Null;
    }
    state
}

/// Whether a value is or contains an array. No attribute does, and the decoder takes some arrays for unknown values.
fn has_array(value: &Json) -> bool {
    match value {
        Json::Array(_) => true,
        Json::Object(members) => members.values().any(has_array),
        _ => false,
    }
}

/// Whether this provider has written the block `timeouts`: others have no timeout for reads.
fn is_our_block(timeouts: &Json) -> bool {
    let mut operations = ["create", "read", "update", "delete"].into_iter();
    operations.all(|operation| timeouts.get(operation).is_some())
}

fn one(name: &str, value: &Json) -> Json {
    Json::Object([(name.to_owned(), value.clone())].into_iter().collect())
}

/// The job's ID: from the identity, the attributes of that name, or the attribute `id`.
fn find_identity(
    attributes: &Map<String, Json>,
    identity: Option<&EncodedValue>,
) -> Option<JobIdentity> {
    let from_identity = || identity?.decode::<JobIdentity>().ok();
    let text = |name: &str| attributes.get(name)?.as_str().map(str::to_owned);
    let from_attributes = || {
        let (cluster_id, job_id) = (text("cluster_id")?, text("job_id")?);
        Some(JobIdentity { cluster_id, job_id })
    };
    from_identity()
        .filter(JobIdentity::is_valid)
        .or_else(|| from_attributes().filter(JobIdentity::is_valid))
        .or_else(|| JobIdentity::parse(&text("id")?).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn encoded(json: &Json) -> EncodedValue {
        EncodedValue::Json(json.to_string().into_bytes())
    }

    #[test]
    fn an_id_that_cannot_be_used_is_shown_if_there_is_one() {
        assert!(unidentified(Some("x")).contains("(its id is \"x\")"));
        for id in [None, Some("")] {
            assert!(unidentified(id).contains("(it has no id)"));
        }
    }

    fn moved(state: &Json, identity: Option<&Json>) -> Result<JobModel, Diagnostic> {
        moved_from(TYPE_NAME, state, identity)
    }

    fn moved_from(
        type_name: &str,
        state: &Json,
        identity: Option<&Json>,
    ) -> Result<JobModel, Diagnostic> {
        super::moved(&MoveSource {
            provider_address: "registry.terraform.io/aliyun/alicloud".to_owned(),
            type_name: type_name.to_owned(),
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
            assert_eq!(job.identity().to_string(), "c:j");
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
        assert_eq!(job.timeout(|block| &block.create).as_secs(), 7 * 60);

        for timeouts in ["[]", r#""5m""#, r#"{"create": 5}"#, r#"{"other": "5m"}"#] {
            let timeouts: Json = timeouts.parse().unwrap();
            let state = json!({"id": "c:j", "timeouts": timeouts});
            assert!(moved(&state, None).is_ok_and(|job| job.timeouts.is_null()));
        }
    }

    /// The decoder takes such an array for an extension of MessagePack, by which unknown values are encoded.
    #[test]
    fn an_array_is_no_unknown_value() {
        let unknown = json!([5, "x"]);
        for state in [
            json!({"id": "c:j", "name": unknown}),
            json!({"id": "c:j", "allow_stopping_for_update": unknown}),
            json!({"id": "c:j", "timeouts": unknown}),
            json!({"id": "c:j", "timeouts": {"create": unknown}}),
        ] {
            let job = moved(&state, None).unwrap_or_else(|error| panic!("{error:?}"));
            assert!(job == JobModel::from_identity(&job.identity()), "{state}");
        }
    }

    #[test]
    fn an_empty_block_of_ours_is_kept() {
        let block = json!({"create": null, "read": null, "update": null, "delete": null});
        let job = upgraded(&encoded(&json!({"id": "c:j", "timeouts": block})));
        assert!(job.is_ok_and(|job| job.timeouts.contains(&TimeoutsBlock::default())));
        let block = json!({"create": null, "update": null, "delete": null});
        let job = upgraded(&encoded(&json!({"id": "c:j", "timeouts": block})));
        assert!(job.is_ok_and(|job| job.timeouts.is_null()));
    }

    #[test]
    fn an_object_of_another_type_is_rejected() {
        let error = moved_from("alicloud_live_caster", &json!({"id": "c:j"}), None).err();
        assert!(error.unwrap().detail.contains("alicloud_live_caster"));
    }

    #[test]
    fn an_object_that_names_no_job_is_rejected_with_what_is_missing() {
        for state in [
            json!({}),
            json!({"id": "j"}),
            json!({"cluster_id": "c"}),
            json!({"cluster_id": "c", "job_id": ""}),
        ] {
            let detail = moved(&state, None).err().unwrap().detail;
            for part in [
                "aliyun/alicloud",
                "version 3",
                "cluster_id and job_id",
                "import",
            ] {
                assert!(detail.contains(part), "{part}: {detail}");
            }
        }
    }

    #[test]
    fn an_object_of_ours_in_the_state_needs_no_more_than_its_id() {
        for state in [
            json!({"id": "c:j"}),
            json!({"id": "c:j", "cluster_id": "", "job_id": 7, "status": 1}),
            json!({"cluster_id": "c", "job_id": "j", "timeouts": []}),
        ] {
            let job = upgraded(&encoded(&state)).unwrap_or_else(|_| panic!("{state}"));
            assert!(job == JobModel::from_identity(&job.identity()), "{state}");
            assert_eq!(job.identity().to_string(), "c:j");
        }
    }

    #[test]
    fn an_object_that_cannot_be_understood_is_named_and_no_bug_of_ours() {
        let url = "rtmp://h/app/s?auth_key=1893456000-0-0-c0ffee";
        for (state, part) in [
            (
                json!({"id": "9B1571B5-13CB-44F7-A1BA-6AE561FF46F7"}),
                "\"9B1571B5-13CB-44F7-A1BA-6AE561FF46F7\"",
            ),
            (json!({"id": "strange", "job_id": "j"}), "\"strange\""),
            (json!({"id": url}), "characters"),
            (json!({}), "it has no id"),
            (json!([1]), "not a JSON object"),
        ] {
            let detail = upgraded(&encoded(&state)).err().unwrap().detail;
            for part in [part, "state rm", "terraform import"] {
                assert!(detail.contains(part), "{part}: {detail}");
            }
            assert!(!detail.contains("bug") && !detail.contains("c0ffee"));
        }
    }

    #[test]
    fn an_id_is_derived_before_a_call_or_rejected() {
        let known = |id: &str, job_id: &str| JobModel {
            id: id.to_owned().into(),
            job_id: job_id.to_owned().into(),
            name: "n".to_owned().into(),
            ..JobModel::default()
        };
        let job = identified(known("c:j", "")).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(job.identity().to_string(), "c:j");
        assert_eq!(job.name, Value::Value("n".to_owned()));
        for state in [known("", "j"), known("a b:c", ""), JobModel::default()] {
            let detail = identified(state).err().unwrap().detail;
            assert!(detail.contains("No call was made"), "{detail}");
        }
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            // With a string behind it in an array: an extension of MessagePack.
            any::<i8>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            "\\PC{0,8}(:\\PC{0,8})?".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::btree_map("[a-z]{0,6}", inner, 0..4)
                    .prop_map(|object| object.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_the_attributes_are_a_job_has_a_valid_id_and_is_wholly_known(
            values in proptest::collection::vec(any_json(), 7),
        ) {
            let names = ["id", "cluster_id", "job_id", "name", "status", "timeouts", "tags"];
            let attributes: Map<String, Json> = names.map(str::to_owned).into_iter().zip(values).collect();
            if let Ok(job) = upgraded(&encoded(&Json::Object(attributes))) {
                prop_assert!(job.identity().is_valid());
                let written = EncodedValue::encode(&job).unwrap();
                // Unknown values have no form in JSON.
                prop_assert!(written.decode::<Json>().is_ok());
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = upgraded(&EncodedValue::Json(bytes.clone()));
            let _ = upgraded(&EncodedValue::MessagePack(bytes));
        }
    }
}
