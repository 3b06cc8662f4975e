//! The requests that core makes of a provider, and their responses.

use serde::Serialize;
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Response, Status};

use tfplugin::generated::tfplugin6::provider_client::ProviderClient;
use tfplugin::generated::tfplugin6::{
    DynamicValue, RawState, apply_resource_change, configure_provider, plan_resource_change,
    read_resource, upgrade_resource_identity, upgrade_resource_state, validate_resource_config,
};

/// Configures a provider for the calls that follow.
pub async fn configure(provider: &mut ProviderClient<Channel>, config: &Value) {
    let request = configure_provider::Request {
        terraform_version: "1.15.5".to_owned(),
        config: value(config),
        ..configure_provider::Request::default()
    };
    let configured = response(provider.configure_provider(request)).await;
    assert_eq!(configured.diagnostics, []);
}

/// The response of a call. gRPC errors are for what the server does not have.
pub async fn response<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> T {
    call.await.unwrap().into_inner()
}

#[expect(clippy::unnecessary_wraps, reason = "messages hold values that way")]
pub fn msgpack(msgpack: Vec<u8>) -> Option<DynamicValue> {
    Some(DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}

pub fn value(value: &impl Serialize) -> Option<DynamicValue> {
    msgpack(rmp_serde::to_vec_named(value).unwrap())
}

pub fn null() -> Option<DynamicValue> {
    value(&Value::Null)
}

pub fn read_back(value: Option<DynamicValue>) -> Value {
    rmp_serde::from_slice(&value.expect("a value").msgpack).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "messages hold states that way")]
pub fn raw(json: &[u8]) -> Option<RawState> {
    Some(RawState {
        json: json.to_vec(),
        ..RawState::default()
    })
}

pub fn validate(
    type_name: &str,
    config: Option<DynamicValue>,
) -> validate_resource_config::Request {
    validate_resource_config::Request {
        type_name: type_name.to_owned(),
        config,
        ..validate_resource_config::Request::default()
    }
}

pub fn upgrade(type_name: &str, json: &[u8]) -> upgrade_resource_state::Request {
    upgrade_resource_state::Request {
        type_name: type_name.to_owned(),
        version: 0,
        raw_state: raw(json),
    }
}

pub fn upgrade_identity(type_name: &str, json: &[u8]) -> upgrade_resource_identity::Request {
    upgrade_resource_identity::Request {
        type_name: type_name.to_owned(),
        version: 0,
        raw_identity: raw(json),
    }
}

pub fn read(type_name: &str, state: Option<DynamicValue>) -> read_resource::Request {
    read_resource::Request {
        type_name: type_name.to_owned(),
        current_state: state,
        ..read_resource::Request::default()
    }
}

/// A plan whose configuration is what core proposes.
pub fn plan(
    type_name: &str,
    prior: Option<DynamicValue>,
    proposed: Option<DynamicValue>,
) -> plan_resource_change::Request {
    plan_resource_change::Request {
        type_name: type_name.to_owned(),
        prior_state: prior,
        proposed_new_state: proposed.clone(),
        config: proposed,
        ..plan_resource_change::Request::default()
    }
}

pub fn apply(
    type_name: &str,
    prior: Option<DynamicValue>,
    planned: Option<DynamicValue>,
) -> apply_resource_change::Request {
    apply_resource_change::Request {
        type_name: type_name.to_owned(),
        prior_state: prior,
        planned_state: planned.clone(),
        config: planned,
        ..apply_resource_change::Request::default()
    }
}
