//! Moves from another resource type or provider, as Terraform 1.8 and later make them.

use serde_json::json;

use crate::requests::{raw, read_back, response};
use crate::sample::THING;
use crate::served::{only, serve};
use tfplugin::generated::tfplugin6::move_resource_state;

fn request(source_type_name: &str, identity: &str) -> move_resource_state::Request {
    move_resource_state::Request {
        source_provider_address: "example.com/a/b".to_owned(),
        source_type_name: source_type_name.to_owned(),
        source_schema_version: 7,
        source_state: raw(br#"{"id":"theirs","unheard_of":[1]}"#),
        target_type_name: THING.to_owned(),
        source_private: b"theirs".to_vec(),
        source_identity: raw(identity.as_bytes()),
        source_identity_schema_version: 0,
    }
}

#[tokio::test]
async fn an_object_is_moved_with_its_identity_and_without_foreign_private_data() {
    let mut provider = serve().await.provider;
    // The provider is not configured yet.
    let request = request("other_thing", r#"{"id":"one"}"#);
    let moved = response(provider.move_resource_state(request)).await;
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
        let moved = response(provider.move_resource_state(request)).await;
        assert_eq!(moved.diagnostics, []);
        assert_eq!(moved.target_identity, None);
    }
}

#[tokio::test]
async fn what_cannot_be_moved_is_an_error() {
    let mut provider = serve().await.provider;
    let stranger = request("stranger", "{}");
    let rejected = response(provider.move_resource_state(stranger)).await;
    assert_eq!(only(&rejected.diagnostics).0.summary, "Not a thing");
    assert_eq!(rejected.target_state, None);

    let unknown = move_resource_state::Request {
        target_type_name: "sample_other".to_owned(),
        ..request("other_thing", "{}")
    };
    let unknown = response(provider.move_resource_state(unknown)).await;
    assert!(only(&unknown.diagnostics).0.detail.contains("sample_other"));
}
