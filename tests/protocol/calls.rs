//! Calls of every protocol version: schemas, resources, data sources, functions.

use serde_json::{Value, json};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::plugin_host::LIMIT;
use crate::requests::{
    apply, configure, null, plan, read, read_back, response, upgrade, validate, value,
};
use crate::sample::{GREETING, POKE, REPEAT, THING, ThingState};
use crate::served::{Served, create, only, serve, thing};
use tfplugin::generated::plugin::Empty;
use tfplugin::generated::plugin::grpc_broker_client::GrpcBrokerClient;
use tfplugin::generated::plugin::grpc_controller_client::GrpcControllerClient;
use tfplugin::generated::plugin::grpc_stdio_client::GrpcStdioClient;
use tfplugin::generated::tfplugin6::{
    Schema, apply_resource_change, call_function, diagnostic, get_functions, get_metadata,
    get_provider_schema, open_ephemeral_resource, plan_resource_change, read_data_source,
    read_resource, validate_data_resource_config, validate_provider_config,
};

const LARGE: usize = 20 << 20;

#[tokio::test]
async fn the_schema_has_all_that_is_offered_and_says_what_core_may_do() {
    let mut provider = serve().await.provider;
    let schema = response(provider.get_provider_schema(get_provider_schema::Request {})).await;
    assert_eq!(schema.diagnostics, []);
    let capabilities = schema.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy);
    assert!(capabilities.get_provider_schema_optional);
    assert!(capabilities.move_resource_state);
    assert!(capabilities.generate_resource_config);
    let attributes = |schema: &Schema| -> Vec<String> {
        let attributes = &schema.block.as_ref().unwrap().attributes;
        attributes.iter().map(|each| each.name.clone()).collect()
    };
    assert_eq!(attributes(&schema.provider.unwrap()), ["region"]);
    assert_eq!(attributes(&schema.resource_schemas[THING]), ["id", "name"]);
    assert_eq!(attributes(&schema.list_resource_schemas[THING]), ["called"]);
    let action = schema.action_schemas[POKE].schema.as_ref().unwrap();
    assert_eq!(attributes(action), ["whom"]);
    assert!(schema.data_source_schemas.contains_key(GREETING));
    assert_eq!(schema.functions[REPEAT].parameters.len(), 2);

    let functions = response(provider.get_functions(get_functions::Request {})).await;
    assert_eq!(functions.functions, schema.functions);
    let metadata = response(provider.get_metadata(get_metadata::Request {})).await;
    assert_eq!(metadata.resources[0].type_name, THING);
    assert_eq!(metadata.list_resources[0].type_name, THING);
    assert_eq!(metadata.actions[0].type_name, POKE);
    assert_eq!(metadata.data_sources[0].type_name, GREETING);
    assert_eq!(metadata.functions[0].name, REPEAT);
}

#[tokio::test]
async fn a_resource_lives_from_plan_to_destruction() {
    let mut provider = serve().await.provider;

    let planned = plan(THING, null(), thing("one"));
    let planned = response(provider.plan_resource_change(planned)).await;
    let planned = planned.planned_state.unwrap().msgpack;
    let planned: ThingState = rmp_serde::from_slice(&planned).unwrap();
    assert!(planned.id.is_unknown());

    let created = response(provider.apply_resource_change(create("one"))).await;
    assert_eq!(created.diagnostics, []);
    assert_eq!(created.private, br#""private""#);
    let state = created.new_state.clone();
    assert_eq!(
        read_back(created.new_state),
        json!({ "id": "created", "name": "one" })
    );

    let request = read_resource::Request {
        private: created.private.clone(),
        ..read(THING, state.clone())
    };
    let read = response(provider.read_resource(request)).await;
    assert_eq!(read.new_state, state);
    assert_eq!(read.private, created.private);

    let rename = plan_resource_change::Request {
        prior_private: created.private.clone(),
        ..plan(THING, state.clone(), thing("two"))
    };
    let renamed = response(provider.plan_resource_change(rename)).await;
    assert_eq!(renamed.requires_replace.len(), 1);
    assert_eq!(renamed.planned_private, created.private);

    let destroy = apply_resource_change::Request {
        planned_private: created.private,
        ..apply(THING, state, null())
    };
    let destroyed = response(provider.apply_resource_change(destroy)).await;
    assert_eq!(destroyed.diagnostics, []);
    assert_eq!(read_back(destroyed.new_state), Value::Null);
}

#[tokio::test]
async fn a_stored_object_is_upgraded() {
    let mut provider = serve().await.provider;
    let stored = upgrade(THING, br#"{"id":"created","name":"one","gone":1}"#);
    let upgraded = response(provider.upgrade_resource_state(stored)).await;
    assert_eq!(
        read_back(upgraded.upgraded_state),
        json!({ "id": "created", "name": "one" })
    );
}

#[tokio::test]
async fn a_wrong_value_is_reported_at_its_attribute() {
    let mut provider = serve().await.provider;
    let resource = response(provider.validate_resource_config(validate(THING, thing("")))).await;
    let (error, attribute) = only(&resource.diagnostics);
    assert_eq!(error.summary, "Name is empty");
    assert_eq!(attribute.as_deref(), Some("name"));

    let config = value(&json!({ "region": "nowhere" }));
    let block = validate_provider_config::Request { config };
    let block = response(provider.validate_provider_config(block)).await;
    let (_, attribute) = only(&block.diagnostics);
    assert_eq!(attribute.as_deref(), Some("region"));

    let source = validate_data_resource_config::Request {
        type_name: GREETING.to_owned(),
        config: value(&json!({ "whom": "nobody", "text": null })),
    };
    let source = response(provider.validate_data_resource_config(source)).await;
    let (warning, attribute) = only(&source.diagnostics);
    assert_eq!(warning.severity(), diagnostic::Severity::Warning);
    assert_eq!(attribute.as_deref(), Some("whom"));
}

fn greeting(whom: &str) -> read_data_source::Request {
    read_data_source::Request {
        type_name: GREETING.to_owned(),
        config: value(&json!({ "whom": whom, "text": null })),
        ..read_data_source::Request::default()
    }
}

#[tokio::test]
async fn a_data_source_responds_by_the_configured_provider() {
    let mut provider = serve().await.provider;
    configure(&mut provider, &json!({ "region": null })).await;
    let read = response(provider.read_data_source(greeting("us"))).await;
    assert_eq!(
        read_back(read.state),
        json!({ "whom": "us", "text": "hello from 1.15.5" })
    );

    let rejected = response(provider.read_data_source(greeting("nobody"))).await;
    assert_eq!(rejected.state, None);
    let (_, attribute) = only(&rejected.diagnostics);
    assert_eq!(attribute.as_deref(), Some("whom"));
}

#[tokio::test]
async fn a_function_responds_or_names_the_argument_at_fault() {
    let mut provider = serve().await.provider;
    let mut call = async |name: &str, arguments: &[Value]| {
        let request = call_function::Request {
            name: name.to_owned(),
            arguments: arguments.iter().filter_map(value).collect(),
        };
        response(provider.call_function(request)).await
    };
    let repeated = call(REPEAT, &[json!("ab"), json!(2)]).await;
    assert_eq!(repeated.error, None);
    assert_eq!(read_back(repeated.result), "abab");

    for (second, text) in [
        (json!(-1), "Less than nothing"),
        (json!("many"), "Value of unexpected type. "),
    ] {
        let error = call(REPEAT, &[json!("ab"), second]).await.error.unwrap();
        assert!(error.text.starts_with(text), "{}", error.text);
        assert!(!error.text.ends_with('.'), "core ends the sentence");
        assert_eq!(error.function_argument, Some(1));
    }

    let unknown = call("no_such_function", &[]).await.error.unwrap();
    assert!(unknown.text.contains("no_such_function"));
    assert_eq!(unknown.function_argument, None);
}

#[tokio::test]
async fn an_unknown_name_is_an_error_that_names_it() {
    let mut provider = serve().await.provider;
    let resource = apply_resource_change::Request {
        planned_private: b"kept".to_vec(),
        ..apply("sample_other", thing("one"), None)
    };
    let resource = response(provider.apply_resource_change(resource)).await;
    let (error, _) = only(&resource.diagnostics);
    assert!(error.detail.contains("sample_other"));
    assert_eq!(resource.new_state, thing("one"));
    assert_eq!(resource.private, b"kept");

    let source = read_data_source::Request {
        type_name: "sample_other".to_owned(),
        ..read_data_source::Request::default()
    };
    let source = response(provider.read_data_source(source)).await;
    assert!(only(&source.diagnostics).0.detail.contains("sample_other"));
}

#[tokio::test]
async fn a_stop_in_mid_call_ends_it_with_what_was_created_and_later_calls_work() {
    let mut served = serve().await;
    let running = served.create_that_waits().await;
    assert_eq!(served.stop().await.error, "");
    let half_created = running.await.unwrap();
    assert_eq!(only(&half_created.diagnostics).0.summary, "Stopped");
    assert_eq!(
        read_back(half_created.new_state),
        json!({ "id": "created", "name": "wait" })
    );
    assert_eq!(half_created.private, br#""private""#);

    let later = response(served.provider.apply_resource_change(create("one"))).await;
    assert_eq!(later.diagnostics, []);
}

#[tokio::test]
async fn a_panic_fails_its_own_call_and_no_other() {
    let mut served = serve().await;
    let running = served.create_that_waits().await;
    let provider = &mut served.provider;
    let crash = apply_resource_change::Request {
        prior_state: thing("before"),
        planned_private: b"\xc0".to_vec(),
        ..create("panic")
    };
    let crashed = response(provider.apply_resource_change(crash)).await;
    let (error, _) = only(&crashed.diagnostics);
    assert_eq!(error.summary, "The provider crashed");
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(crashed.new_state, thing("before"));
    assert_eq!(crashed.private, b"\xc0");

    let crashed =
        response(provider.validate_resource_config(validate(THING, thing("panic")))).await;
    assert_eq!(only(&crashed.diagnostics).0.summary, "The provider crashed");

    assert!(!running.is_finished());
    served.stop().await;
    let other = running.await.unwrap();
    assert_eq!(only(&other.diagnostics).0.summary, "Stopped");
}

#[tokio::test]
async fn twenty_mebibytes_pass_both_ways() {
    let mut provider = serve().await.provider;
    let name = "x".repeat(LARGE);
    let created = response(provider.apply_resource_change(create(&name))).await;
    assert_eq!(read_back(created.new_state)["name"], name);
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
        sent = &mut broker => panic!("the broker sent {sent:?}"),
        sent = &mut stdio => panic!("stdio sent {sent:?}"),
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
