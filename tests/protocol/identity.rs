//! Identities, as Terraform 1.12 and later ask for them.

use serde_json::{Value, json};

use crate::sample::THING;
use crate::served::{create, only, read_back, serve, thing, value};
use tfplugin::generated::tfplugin6::{
    RawState, ResourceIdentityData, apply_resource_change, get_resource_identity_schemas,
    import_resource_state, plan_resource_change, read_resource, upgrade_resource_identity,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "messages hold identities that way"
)]
fn identity(id: &str) -> Option<ResourceIdentityData> {
    Some(ResourceIdentityData {
        identity_data: value(&json!({ "id": id })),
    })
}

#[tokio::test]
async fn each_resource_type_says_what_tells_its_objects_apart() {
    let mut provider = serve().await.provider;
    let response = provider
        .get_resource_identity_schemas(get_resource_identity_schemas::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(response.diagnostics, []);
    let schema = &response.identity_schemas[THING];
    assert_eq!(schema.version, 1);
    let [id] = &schema.identity_attributes[..] else {
        panic!("one attribute expected: {schema:?}");
    };
    assert_eq!(
        (id.name.as_str(), id.r#type.as_slice()),
        ("id", br#""string""#.as_slice())
    );
    assert!(id.required_for_import && !id.optional_for_import);
}

#[tokio::test]
async fn an_object_has_its_identity_as_soon_as_that_is_known() {
    let mut provider = serve().await.provider;
    let planned = provider
        .plan_resource_change(plan_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: value(&Value::Null),
            proposed_new_state: thing("one"),
            config: thing("one"),
            ..plan_resource_change::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(planned.planned_identity, None);

    let made = provider
        .apply_resource_change(create("one"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(made.new_identity, identity("made"));

    // A state that was written without an identity is as good.
    let read = provider
        .read_resource(read_resource::Request {
            type_name: THING.to_owned(),
            current_state: made.new_state.clone(),
            ..read_resource::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.new_identity, identity("made"));

    let changed = provider
        .plan_resource_change(plan_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: made.new_state.clone(),
            proposed_new_state: made.new_state.clone(),
            config: thing("one"),
            ..plan_resource_change::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(changed.planned_identity, identity("made"));
}

#[tokio::test]
async fn an_object_that_is_left_as_it_was_keeps_its_identity() {
    let mut provider = serve().await.provider;
    let prior = value(&json!({ "id": "before", "name": "one" }));
    let unreadable = value(&json!({ "id": 1 }));
    let failed = provider
        .apply_resource_change(apply_resource_change::Request {
            prior_state: prior.clone(),
            planned_state: unreadable,
            planned_identity: identity("before"),
            ..create("one")
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(failed.diagnostics.len(), 1);
    assert_eq!(failed.new_state, prior);
    assert_eq!(failed.new_identity, identity("before"));

    let crashed = provider
        .apply_resource_change(apply_resource_change::Request {
            prior_state: prior,
            planned_identity: identity("before"),
            ..create("panic")
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(only(&crashed.diagnostics).0.summary, "The provider crashed");
    assert_eq!(crashed.new_identity, identity("before"));
}

#[tokio::test]
async fn an_object_that_is_gone_has_no_identity() {
    let mut provider = serve().await.provider;
    let read = provider
        .read_resource(read_resource::Request {
            type_name: THING.to_owned(),
            current_state: thing("gone"),
            current_identity: identity("gone"),
            ..read_resource::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.new_identity, None);
}

#[tokio::test]
async fn an_object_is_imported_by_id_or_by_identity_and_has_an_identity() {
    let mut provider = serve().await.provider;
    for request in [
        import_resource_state::Request {
            id: "found".to_owned(),
            ..import_resource_state::Request::default()
        },
        import_resource_state::Request {
            identity: identity("found"),
            ..import_resource_state::Request::default()
        },
    ] {
        let imported = provider
            .import_resource_state(import_resource_state::Request {
                type_name: THING.to_owned(),
                ..request
            })
            .await
            .unwrap()
            .into_inner();
        let object = imported.imported_resources.into_iter().next().unwrap();
        assert_eq!(object.identity, identity("found"));
        assert_eq!(read_back(object.state)["id"], "found");
    }

    let incomplete = provider
        .import_resource_state(import_resource_state::Request {
            type_name: THING.to_owned(),
            identity: Some(ResourceIdentityData {
                identity_data: value(&json!({ "id": null })),
            }),
            ..import_resource_state::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    let (error, attribute) = only(&incomplete.diagnostics);
    assert_eq!(error.summary, "Value of unexpected type");
    assert_eq!(attribute.as_deref(), Some("id"));
}

#[tokio::test]
async fn a_stored_identity_is_brought_up_to_date() {
    let mut provider = serve().await.provider;
    let mut upgrade = async |type_name: &str, json: &[u8]| {
        provider
            .upgrade_resource_identity(upgrade_resource_identity::Request {
                type_name: type_name.to_owned(),
                version: 0,
                raw_identity: Some(RawState {
                    json: json.to_vec(),
                    ..RawState::default()
                }),
            })
            .await
            .unwrap()
            .into_inner()
    };
    let upgraded = upgrade(THING, br#"{"id":"made","gone":1}"#).await;
    assert_eq!(upgraded.diagnostics, []);
    assert_eq!(upgraded.upgraded_identity, identity("made"));

    // Another provider's, or none at all: core asks all the same. The next read gives one.
    for json in [&b"{}"[..], br#"{"id":1}"#, b"", b"null", b"\xff"] {
        let unreadable = upgrade(THING, json).await;
        assert_eq!(unreadable.upgraded_identity, None);
        assert_eq!(unreadable.diagnostics, []);
    }

    let unknown = upgrade("sample_other", b"{}").await;
    assert!(only(&unknown.diagnostics).0.detail.contains("sample_other"));
}
