//! Identities, as Terraform 1.12 and later ask for them.

use serde_json::json;

use crate::requests::{apply, null, plan, read, read_back, response, upgrade_identity, value};
use crate::sample::THING;
use crate::served::{create, only, serve, thing};
use tfplugin::generated::tfplugin6::{
    ResourceIdentityData, apply_resource_change, get_resource_identity_schemas,
    import_resource_state, plan_resource_change, read_resource,
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
    let request = get_resource_identity_schemas::Request {};
    let schemas = response(provider.get_resource_identity_schemas(request)).await;
    assert_eq!(schemas.diagnostics, []);
    let schema = &schemas.identity_schemas[THING];
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
    let planned = plan(THING, null(), thing("one"));
    let planned = response(provider.plan_resource_change(planned)).await;
    assert_eq!(planned.planned_identity, None);

    let created = response(provider.apply_resource_change(create("one"))).await;
    assert_eq!(created.new_identity, identity("created"));

    // A state that was written without an identity is as good.
    let state = created.new_state;
    let read = response(provider.read_resource(read(THING, state.clone()))).await;
    assert_eq!(read.new_identity, identity("created"));

    let change = plan_resource_change::Request {
        config: thing("one"),
        ..plan(THING, state.clone(), state)
    };
    let changed = response(provider.plan_resource_change(change)).await;
    assert_eq!(changed.planned_identity, identity("created"));
}

#[tokio::test]
async fn an_object_that_is_left_as_it_was_keeps_its_identity() {
    let mut provider = serve().await.provider;
    let prior = value(&json!({ "id": "before", "name": "one" }));
    let unreadable = value(&json!({ "id": 1 }));
    for (planned, summary) in [
        (unreadable, "Value of unexpected type"),
        (thing("panic"), "The provider crashed"),
    ] {
        let request = apply_resource_change::Request {
            planned_identity: identity("before"),
            ..apply(THING, prior.clone(), planned)
        };
        let failed = response(provider.apply_resource_change(request)).await;
        assert_eq!(only(&failed.diagnostics).0.summary, summary);
        assert_eq!(failed.new_state, prior);
        assert_eq!(failed.new_identity, identity("before"));
    }
}

#[tokio::test]
async fn an_object_that_is_gone_is_null_and_has_no_identity() {
    let mut provider = serve().await.provider;
    let request = read_resource::Request {
        current_identity: identity("gone"),
        ..read(THING, thing("gone"))
    };
    let read = response(provider.read_resource(request)).await;
    assert_eq!(read.diagnostics, []);
    assert_eq!(read.new_state, null());
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
        let request = import_resource_state::Request {
            type_name: THING.to_owned(),
            ..request
        };
        let imported = response(provider.import_resource_state(request)).await;
        let object = imported.imported_resources.into_iter().next().unwrap();
        assert_eq!(object.type_name, THING);
        assert_eq!(object.identity, identity("found"));
        let state = json!({ "id": "found", "name": "imported" });
        assert_eq!(read_back(object.state), state);
    }

    let request = import_resource_state::Request {
        type_name: THING.to_owned(),
        identity: Some(ResourceIdentityData {
            identity_data: value(&json!({ "id": null })),
        }),
        ..import_resource_state::Request::default()
    };
    let incomplete = response(provider.import_resource_state(request)).await;
    let (error, attribute) = only(&incomplete.diagnostics);
    assert_eq!(error.summary, "Invalid identity");
    assert!(error.detail.contains("null: id"), "{}", error.detail);
    assert_eq!(attribute, None);
}

#[tokio::test]
async fn a_stored_identity_is_brought_up_to_date() {
    let mut provider = serve().await.provider;
    let mut upgrade = async |type_name: &str, json: &[u8]| {
        let request = upgrade_identity(type_name, json);
        response(provider.upgrade_resource_identity(request)).await
    };
    let upgraded = upgrade(THING, br#"{"id":"created","gone":1}"#).await;
    assert_eq!(upgraded.diagnostics, []);
    assert_eq!(upgraded.upgraded_identity, identity("created"));

    // Another provider's, or none at all: core asks all the same. The next read gives one.
    for json in [&b"{}"[..], br#"{"id":1}"#, b"", b"null", b"\xff"] {
        let unreadable = upgrade(THING, json).await;
        assert_eq!(unreadable.upgraded_identity, None);
        assert_eq!(unreadable.diagnostics, []);
    }

    let unknown = upgrade("sample_other", b"{}").await;
    assert!(only(&unknown.diagnostics).0.detail.contains("sample_other"));
}
