//! Moves from another resource type or provider, as Terraform 1.8 and later make them.

use serde_json::json;

use crate::sample::THING;
use crate::served::{only, read_back, serve};
use tfplugin::generated::tfplugin6::{RawState, get_provider_schema, move_resource_state};

fn request(source_type_name: &str, identity: &str) -> move_resource_state::Request {
    let raw = |json: &str| {
        Some(RawState {
            json: json.as_bytes().to_vec(),
            ..RawState::default()
        })
    };
    move_resource_state::Request {
        source_provider_address: "example.com/a/b".to_owned(),
        source_type_name: source_type_name.to_owned(),
        source_schema_version: 7,
        source_state: raw(r#"{"id":"theirs","unheard_of":[1]}"#),
        target_type_name: THING.to_owned(),
        source_private: b"theirs".to_vec(),
        source_identity: raw(identity),
        source_identity_schema_version: 0,
    }
}

#[tokio::test]
async fn an_object_is_taken_over_with_its_identity_and_without_foreign_private_data() {
    let mut provider = serve().await.provider;
    let schema = provider
        .get_provider_schema(get_provider_schema::Request {})
        .await
        .unwrap()
        .into_inner();
    assert!(schema.server_capabilities.unwrap().move_resource_state);

    // The provider is not configured yet.
    let moved = provider
        .move_resource_state(request("other_thing", r#"{"id":"one"}"#))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(moved.diagnostics, []);
    assert_eq!(
        read_back(moved.target_state),
        json!({ "id": "one", "name": "example.com/a/b 7" })
    );
    assert_eq!(moved.target_private, br#""ours""#);
    let identity = moved.target_identity.unwrap().identity_data;
    assert_eq!(read_back(identity), json!({ "id": "one" }));
}

#[tokio::test]
async fn an_object_may_come_without_an_identity() {
    let mut provider = serve().await.provider;
    for request in [
        request("other_thing", ""),
        request("other_thing", "null"),
        move_resource_state::Request {
            source_identity: None,
            ..request("other_thing", "")
        },
    ] {
        let moved = provider
            .move_resource_state(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(moved.diagnostics, []);
        assert_eq!(moved.target_identity, None);
    }
}

#[tokio::test]
async fn what_cannot_be_moved_is_an_error() {
    let mut provider = serve().await.provider;
    let rejected = provider
        .move_resource_state(request("stranger", "{}"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(only(&rejected.diagnostics).0.summary, "Not a thing");
    assert_eq!(rejected.target_state, None);

    let unknown = move_resource_state::Request {
        target_type_name: "sample_other".to_owned(),
        ..request("other_thing", "{}")
    };
    let unknown = provider
        .move_resource_state(unknown)
        .await
        .unwrap()
        .into_inner();
    assert!(only(&unknown.diagnostics).0.detail.contains("sample_other"));
}
