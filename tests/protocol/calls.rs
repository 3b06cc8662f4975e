//! Calls of every protocol version: schemas, resources, data sources, functions.

use serde_json::{Value, json};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::plugin_host::LIMIT;
use crate::sample::{GREETING, REPEAT, THING, ThingState};
use crate::served::{Served, create, only, read_back, serve, thing, value};
use tfplugin::generated::plugin::Empty;
use tfplugin::generated::plugin::grpc_broker_client::GrpcBrokerClient;
use tfplugin::generated::plugin::grpc_controller_client::GrpcControllerClient;
use tfplugin::generated::plugin::grpc_stdio_client::GrpcStdioClient;
use tfplugin::generated::tfplugin6::{
    RawState, apply_resource_change, call_function, configure_provider, diagnostic, get_functions,
    get_metadata, get_provider_schema, import_resource_state, open_ephemeral_resource,
    plan_resource_change, read_data_source, read_resource, stop_provider, upgrade_resource_state,
    validate_data_resource_config, validate_provider_config, validate_resource_config,
};

const LARGE: usize = 20 << 20;

#[tokio::test]
async fn the_schema_has_all_that_is_offered_and_says_what_core_may_do() {
    let mut served = serve().await;
    let response = served
        .provider
        .get_provider_schema(get_provider_schema::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(response.diagnostics, []);
    let capabilities = response.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy);
    assert!(capabilities.get_provider_schema_optional);
    assert!(response.provider.is_some());
    assert!(response.data_source_schemas.contains_key(GREETING));
    assert_eq!(response.functions[REPEAT].parameters.len(), 2);
    let block = response.resource_schemas[THING].block.as_ref().unwrap();
    let names: Vec<_> = block.attributes.iter().map(|each| &each.name).collect();
    assert_eq!(names, ["id", "name"]);

    let functions = served
        .provider
        .get_functions(get_functions::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(functions.functions, response.functions);
    let metadata = served
        .provider
        .get_metadata(get_metadata::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(metadata.resources[0].type_name, THING);
    assert_eq!(metadata.data_sources[0].type_name, GREETING);
    assert_eq!(metadata.functions[0].name, REPEAT);
}

#[tokio::test]
async fn a_resource_lives_from_plan_to_destruction() {
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
    let planned = planned.planned_state.unwrap().msgpack;
    let planned: ThingState = rmp_serde::from_slice(&planned).unwrap();
    assert!(planned.id.is_unknown());

    let made = provider
        .apply_resource_change(create("one"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(made.diagnostics, []);
    assert_eq!(made.private, br#""private""#);
    let state = made.new_state.clone();
    assert_eq!(
        read_back(made.new_state),
        json!({ "id": "made", "name": "one" })
    );

    let read = provider
        .read_resource(read_resource::Request {
            type_name: THING.to_owned(),
            current_state: state.clone(),
            private: made.private.clone(),
            ..read_resource::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (read.new_state, read.private),
        (state.clone(), made.private.clone())
    );

    let renamed = provider
        .plan_resource_change(plan_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: state.clone(),
            proposed_new_state: thing("two"),
            config: thing("two"),
            prior_private: made.private.clone(),
            ..plan_resource_change::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(renamed.requires_replace.len(), 1);
    assert_eq!(renamed.planned_private, made.private);

    let destroyed = provider
        .apply_resource_change(apply_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: state,
            planned_state: value(&Value::Null),
            planned_private: made.private,
            ..apply_resource_change::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(destroyed.diagnostics, []);
    assert_eq!(read_back(destroyed.new_state), Value::Null);
}

#[tokio::test]
async fn an_object_that_is_gone_is_null() {
    let mut provider = serve().await.provider;
    let read = provider
        .read_resource(read_resource::Request {
            type_name: THING.to_owned(),
            current_state: thing("gone"),
            ..read_resource::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.diagnostics, []);
    assert_eq!(read_back(read.new_state), Value::Null);
}

#[tokio::test]
async fn a_stored_object_is_upgraded_and_an_id_imported() {
    let mut provider = serve().await.provider;
    let upgraded = provider
        .upgrade_resource_state(upgrade_resource_state::Request {
            type_name: THING.to_owned(),
            version: 1,
            raw_state: Some(RawState {
                json: br#"{"id":"made","name":"one","gone":1}"#.to_vec(),
                ..RawState::default()
            }),
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        read_back(upgraded.upgraded_state),
        json!({ "id": "made", "name": "one" })
    );

    let imported = provider
        .import_resource_state(import_resource_state::Request {
            type_name: THING.to_owned(),
            id: "found".to_owned(),
            ..import_resource_state::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    let object = imported.imported_resources.into_iter().next().unwrap();
    assert_eq!(object.type_name, THING);
    assert_eq!(
        read_back(object.state),
        json!({ "id": "found", "name": "imported" })
    );
}

#[tokio::test]
async fn a_wrong_value_is_reported_at_its_attribute() {
    let mut provider = serve().await.provider;
    let resource = provider
        .validate_resource_config(validate_resource_config::Request {
            type_name: THING.to_owned(),
            config: thing(""),
            ..validate_resource_config::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    let (error, attribute) = only(&resource.diagnostics);
    assert_eq!(error.summary, "Name is empty");
    assert_eq!(attribute.as_deref(), Some("name"));

    let block = provider
        .validate_provider_config(validate_provider_config::Request {
            config: value(&json!({ "region": "nowhere" })),
        })
        .await
        .unwrap()
        .into_inner();
    let (_, attribute) = only(&block.diagnostics);
    assert_eq!(attribute.as_deref(), Some("region"));

    let source = provider
        .validate_data_resource_config(validate_data_resource_config::Request {
            type_name: GREETING.to_owned(),
            config: value(&json!({ "whom": "nobody", "text": null })),
        })
        .await
        .unwrap()
        .into_inner();
    let (warning, attribute) = only(&source.diagnostics);
    assert_eq!(warning.severity(), diagnostic::Severity::Warning);
    assert_eq!(attribute.as_deref(), Some("whom"));
}

#[tokio::test]
async fn a_data_source_responds_by_the_configured_provider() {
    let mut provider = serve().await.provider;
    provider
        .configure_provider(configure_provider::Request {
            terraform_version: "1.15.5".to_owned(),
            config: value(&json!({ "region": null })),
            ..configure_provider::Request::default()
        })
        .await
        .unwrap();
    let mut read = async |whom: &str| {
        provider
            .read_data_source(read_data_source::Request {
                type_name: GREETING.to_owned(),
                config: value(&json!({ "whom": whom, "text": null })),
                ..read_data_source::Request::default()
            })
            .await
            .unwrap()
            .into_inner()
    };
    assert_eq!(
        read_back(read("us").await.state),
        json!({ "whom": "us", "text": "hello from 1.15.5" })
    );

    let rejected = read("nobody").await;
    assert_eq!(rejected.state, None);
    let (_, attribute) = only(&rejected.diagnostics);
    assert_eq!(attribute.as_deref(), Some("whom"));
}

#[tokio::test]
async fn a_function_responds_or_names_the_argument_at_fault() {
    let mut provider = serve().await.provider;
    let mut call = async |name: &str, arguments: &[Value]| {
        provider
            .call_function(call_function::Request {
                name: name.to_owned(),
                arguments: arguments.iter().filter_map(value).collect(),
            })
            .await
            .unwrap()
            .into_inner()
    };
    let response = call(REPEAT, &[json!("ab"), json!(2)]).await;
    assert_eq!(response.error, None);
    assert_eq!(read_back(response.result), "abab");

    for (second, text) in [
        (json!(-1), "Less than nothing"),
        (json!("many"), "Value of unexpected type"),
    ] {
        let error = call(REPEAT, &[json!("ab"), second]).await.error.unwrap();
        assert!(error.text.starts_with(text), "{}", error.text);
        assert_eq!(error.function_argument, Some(1));
    }

    let unknown = call("no_such_function", &[]).await.error.unwrap();
    assert!(unknown.text.contains("no_such_function"));
    assert_eq!(unknown.function_argument, None);
}

#[tokio::test]
async fn an_unknown_name_is_an_error_that_names_it() {
    let mut provider = serve().await.provider;
    let resource = provider
        .apply_resource_change(apply_resource_change::Request {
            type_name: "sample_other".to_owned(),
            prior_state: thing("one"),
            planned_private: b"kept".to_vec(),
            ..apply_resource_change::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    let (error, _) = only(&resource.diagnostics);
    assert!(error.detail.contains("sample_other"));
    assert_eq!(resource.new_state, thing("one"));
    assert_eq!(resource.private, b"kept");

    let source = provider
        .read_data_source(read_data_source::Request {
            type_name: "sample_other".to_owned(),
            ..read_data_source::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert!(only(&source.diagnostics).0.detail.contains("sample_other"));
}

#[tokio::test]
async fn a_stop_in_mid_call_ends_it_with_what_was_made_and_later_calls_work() {
    let Served {
        mut provider,
        backstage,
        ..
    } = serve().await;
    let mut busy = provider.clone();
    let running = tokio::spawn(async move { busy.apply_resource_change(create("wait")).await });
    backstage.waiting.acquire().await.unwrap().forget();

    let stopped = provider
        .stop_provider(stop_provider::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stopped.error, "");
    let half_made = running.await.unwrap().unwrap().into_inner();
    assert_eq!(only(&half_made.diagnostics).0.summary, "Stopped");
    assert_eq!(
        read_back(half_made.new_state),
        json!({ "id": "made", "name": "wait" })
    );
    assert_eq!(half_made.private, br#""private""#);

    let later = provider
        .apply_resource_change(create("one"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(later.diagnostics, []);
}

#[tokio::test]
async fn a_panic_fails_its_own_call_and_no_other() {
    let Served {
        mut provider,
        backstage,
        ..
    } = serve().await;
    let mut busy = provider.clone();
    let running = tokio::spawn(async move { busy.apply_resource_change(create("wait")).await });
    backstage.waiting.acquire().await.unwrap().forget();

    let crashed = provider
        .apply_resource_change(apply_resource_change::Request {
            prior_state: thing("before"),
            planned_private: b"\xc0".to_vec(),
            ..create("panic")
        })
        .await
        .unwrap()
        .into_inner();
    let (error, _) = only(&crashed.diagnostics);
    assert_eq!(error.summary, "The provider crashed");
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(crashed.new_state, thing("before"));
    assert_eq!(crashed.private, b"\xc0");

    let crashed = provider
        .validate_resource_config(validate_resource_config::Request {
            type_name: THING.to_owned(),
            config: thing("panic"),
            ..validate_resource_config::Request::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(only(&crashed.diagnostics).0.summary, "The provider crashed");

    assert!(!running.is_finished());
    provider
        .stop_provider(stop_provider::Request {})
        .await
        .unwrap();
    let other = running.await.unwrap().unwrap().into_inner();
    assert_eq!(only(&other.diagnostics).0.summary, "Stopped");
}

#[tokio::test]
async fn twenty_mebibytes_pass_both_ways() {
    let mut provider = serve().await.provider;
    let name = "x".repeat(LARGE);
    let made = provider
        .apply_resource_change(create(&name))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read_back(made.new_state)["name"], name);
}

#[tokio::test]
async fn what_we_do_not_have_is_unimplemented() {
    let mut provider = serve().await.provider;
    let rejected = provider
        .open_ephemeral_resource(open_ephemeral_resource::Request::default())
        .await
        .unwrap_err();
    assert_eq!(rejected.code(), Code::Unimplemented);
}

#[tokio::test]
async fn the_hosts_own_services_respond_and_end_with_the_server() {
    let Served {
        provider,
        channel,
        server,
        ..
    } = serve().await;
    let mut broker = GrpcBrokerClient::new(channel.clone())
        .start_stream(tokio_stream::pending())
        .await
        .unwrap()
        .into_inner();
    let mut stdio = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .unwrap()
        .into_inner();
    let (mut broker, mut stdio) = (Box::pin(broker.message()), Box::pin(stdio.message()));
    let mut health = HealthClient::new(channel.clone());
    tokio::select! {
        biased;
        said = &mut broker => panic!("the broker said {said:?}"),
        said = &mut stdio => panic!("stdio said {said:?}"),
        health = health.check(HealthCheckRequest { service: "plugin".to_owned() }) => {
            assert_eq!(health.unwrap().into_inner().status(), ServingStatus::Serving);
        }
    }

    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();
    assert_eq!(broker.await.unwrap(), None);
    assert_eq!(stdio.await.unwrap(), None);
    drop(health);
    drop(provider);
    let ended = tokio::time::timeout(LIMIT, server).await;
    ended.expect("the server ends").unwrap().unwrap();
}
