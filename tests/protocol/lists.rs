//! List resources, as Terraform 1.14 and later ask them, and the configuration that describes what was found.

use serde_json::{Value, json};

use crate::requests::{read_back, response, value};
use crate::sample::THING;
use crate::served::{Served, attribute, happened, only, serve};
use tfplugin::generated::tfplugin6::{
    diagnostic, generate_resource_config, list_resource, validate_list_resource_config,
};

fn request(called: &str, limit: i64) -> list_resource::Request {
    list_resource::Request {
        type_name: THING.to_owned(),
        config: value(&json!({ "called": called })),
        include_resource_object: false,
        limit,
    }
}

async fn events(served: &mut Served, request: list_resource::Request) -> Vec<list_resource::Event> {
    let mut stream = response(served.provider.list_resource(request)).await;
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    events
}

#[tokio::test]
async fn each_event_has_identity_and_name_and_the_object_where_it_is_asked_for() {
    let mut served = serve().await;
    let found = events(&mut served, request("a", 2)).await;
    assert_eq!(found.len(), 2);
    for (event, name) in found.into_iter().zip(["a-1", "a-2"]) {
        assert_eq!(event.display_name, name);
        let identity = read_back(event.identity.unwrap().identity_data);
        assert_eq!(identity, json!({ "id": name }));
        assert_eq!(event.resource_object, None);
        assert_eq!(event.diagnostic, []);
    }

    let whole = list_resource::Request {
        include_resource_object: true,
        ..request("a", 1)
    };
    let found = events(&mut served, whole).await;
    let object = read_back(found.into_iter().next().unwrap().resource_object);
    assert_eq!(object, json!({ "id": "a-1", "name": "a" }));
}

#[tokio::test]
async fn no_more_are_looked_for_than_are_wanted() {
    let mut served = serve().await;
    for limit in [1, 7] {
        assert_eq!(
            events(&mut served, request("a", limit)).await.len(),
            usize::try_from(limit).unwrap()
        );
        happened(&served.backstage.over, "the list has ended").await;
    }
    for limit in [0, -1] {
        assert_eq!(events(&mut served, request("a", limit)).await, []);
    }
    assert_eq!(served.backstage.over.available_permits(), 0);
}

#[tokio::test]
async fn a_list_ends_when_its_caller_goes_away() {
    let mut served = serve().await;
    let mut stream = response(served.provider.list_resource(request("a", i64::MAX))).await;
    assert_eq!(stream.message().await.unwrap().unwrap().display_name, "a-1");
    drop(stream);
    happened(&served.backstage.over, "the list has ended").await;
}

#[tokio::test]
async fn the_diagnostics_of_a_list_come_last_at_their_attributes() {
    let mut served = serve().await;
    let found = events(&mut served, request("few", 100)).await;
    let [.., last] = &found[..] else {
        panic!("events expected");
    };
    assert_eq!(found.len(), 3);
    assert_eq!(last.identity, None);
    let [error, warning] = &last.diagnostic[..] else {
        panic!("two diagnostics expected: {last:?}");
    };
    assert_eq!(error.severity(), diagnostic::Severity::Error);
    assert_eq!(attribute(error).as_deref(), Some("called"));
    assert_eq!(warning.severity(), diagnostic::Severity::Warning);
    assert_eq!(attribute(warning), None);
}

#[tokio::test]
async fn a_panic_and_an_unknown_name_are_errors_of_the_list() {
    let mut served = serve().await;
    let found = events(&mut served, request("panic", 100)).await;
    let (error, _) = only(&found.last().unwrap().diagnostic);
    assert_eq!(error.summary, "The provider crashed");
    assert!(!format!("{found:?}").contains("hunter2"));

    let other = list_resource::Request {
        type_name: "sample_other".to_owned(),
        ..request("a", 100)
    };
    let found = events(&mut served, other).await;
    assert_eq!(found.len(), 1);
    assert!(only(&found[0].diagnostic).0.detail.contains("sample_other"));

    let unreadable = list_resource::Request {
        config: value(&json!({ "called": 1 })),
        ..request("a", 100)
    };
    let found = events(&mut served, unreadable).await;
    assert_eq!(only(&found[0].diagnostic).1.as_deref(), Some("called"));
}

#[tokio::test]
async fn a_wrong_configuration_is_rejected_at_its_attribute() {
    let mut provider = serve().await.provider;
    let request = validate_list_resource_config::Request {
        type_name: THING.to_owned(),
        config: value(&json!({ "called": "nothing" })),
        ..validate_list_resource_config::Request::default()
    };
    let rejected = response(provider.validate_list_resource_config(request)).await;
    let (error, attribute) = only(&rejected.diagnostics);
    assert_eq!(error.summary, "Nothing is called that");
    assert_eq!(attribute.as_deref(), Some("config.called"));
}

#[tokio::test]
async fn the_configuration_of_an_object_leaves_out_what_it_need_not_say() {
    let mut provider = serve().await.provider;
    let request = generate_resource_config::Request {
        type_name: THING.to_owned(),
        state: value(&json!({ "id": "created", "name": "one" })),
    };
    let generated = response(provider.generate_resource_config(request)).await;
    assert_eq!(generated.diagnostics, []);
    assert_eq!(
        read_back(generated.config),
        json!({ "id": Value::Null, "name": "one" })
    );
}
