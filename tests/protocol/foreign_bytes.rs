//! States, private data and identities that this provider has not written, as `terraform state replace-provider` brings
//! them: the real definition responds whatever the bytes are, and calls nobody with an ID that is none.

use alicloud_auth::environment::Environment;
use alicloud_live_mock::{Mock, MockSettings};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use terraform_provider_alicloud_live::definition;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::requests::{
    apply, configure, msgpack, null, plan, read, read_back, response, upgrade, upgrade_identity,
    value,
};
use crate::served::{only, provider_block, serve_definition};
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;
use tfplugin::generated::tfplugin6::{
    Diagnostic, ResourceIdentityData, apply_resource_change, diagnostic, plan_resource_change,
    read_resource,
};

const JOB: &str = "alicloud_live_edge_transcode_job";
const NAMES: &[&str] = &[
    "id",
    "cluster_id",
    "job_id",
    "name",
    "template_id",
    "stream_input",
    "stream_output",
    "status",
    "type",
    "timeouts",
    "tags",
];

/// The provider, connected with a mock.
struct World {
    runtime: Runtime,
    mock: Mock,
    provider: ProviderClient<Channel>,
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mock = Mock::start(MockSettings::default()).unwrap();
        let mut config = provider_block(&mock);
        config["max_retries"] = 0.into();
        let provider = runtime.block_on(async {
            let definition = definition(Environment::default());
            let (channel, _, _) = serve_definition(definition).await;
            let mut provider = ProviderClient::new(channel);
            configure(&mut provider, &config).await;
            provider
        });
        Self {
            runtime,
            mock,
            provider,
        }
    }

    fn respond<T>(&self, call: impl Future<Output = Result<Response<T>, Status>>) -> T {
        self.runtime.block_on(response(call))
    }

    /// Every call that was made names a cluster and, where it names a job, a job.
    fn has_called_nobody_in_particular(&self) -> Result<(), TestCaseError> {
        for call in self.mock.calls() {
            for name in ["ClusterId", "JobId"] {
                if let Some(id) = call.parameters.get(name) {
                    let is_id = !id.is_empty()
                        && !id.contains(|c: char| c.is_whitespace() || c.is_control());
                    prop_assert!(is_id, "{:?} with {name} = {id:?}", call.action);
                }
            }
            let is_create = call.action.as_deref() == Some("CreateEdgeTranscodeJob");
            prop_assert!(call.parameters.contains_key("ClusterId") || !is_create);
        }
        Ok(())
    }
}

/// A response has a result, or errors that are no crash.
fn is_response(has_result: bool, diagnostics: &[Diagnostic]) -> Result<(), TestCaseError> {
    let errors = diagnostics
        .iter()
        .filter(|each| each.severity() == diagnostic::Severity::Error);
    for error in errors.clone() {
        prop_assert_ne!(&error.summary, "The provider crashed");
        prop_assert!(!error.detail.is_empty(), "{error:?}");
    }
    prop_assert!(has_result || errors.count() > 0);
    Ok(())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        prop_oneof!["cluster-1", "cluster-1:j", "j", "", " ", "a b:c"].prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map("[a-z]{0,6}", inner, 0..3).prop_map(|object| object.into_iter().collect()),
        ]
    })
}

/// Objects with our attributes, or anything.
fn any_object() -> impl Strategy<Value = Value> {
    let names = proptest::sample::select(NAMES).prop_map(str::to_owned);
    let object = btree_map(names, any_value(), 0..NAMES.len());
    let object = object.prop_map(|object| object.into_iter().collect());
    prop_oneof![4 => object, 1 => any_value()]
}

fn any_json() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => any_object().prop_map(|object| object.to_string().into_bytes()),
        1 => any::<Vec<u8>>(),
    ]
}

fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let object = || any_object().prop_map(|object| rmp_serde::to_vec_named(&object).unwrap());
    prop_oneof![
        4 => object(),
        1 => (object(), 0..40_usize).prop_map(|(bytes, length)| bytes[..bytes.len().min(length)].to_vec()),
        1 => any::<Vec<u8>>(),
    ]
}

fn runner() -> TestRunner {
    TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    })
}

#[test]
fn any_bytes_are_upgraded_or_rejected_and_what_is_upgraded_is_known_by_a_valid_id() {
    let world = World::new();
    let case = |(state, identity): (Vec<u8>, Vec<u8>)| {
        let mut provider = world.provider.clone();
        let upgraded = world.respond(provider.upgrade_resource_state(upgrade(JOB, &state)));
        is_response(upgraded.upgraded_state.is_some(), &upgraded.diagnostics)?;
        if let Some(state) = upgraded.upgraded_state {
            let state = read_back(Some(state));
            let part = |name: &str| state[name].as_str().unwrap();
            let id = format!("{}:{}", part("cluster_id"), part("job_id"));
            prop_assert_eq!(&state["id"], &id);
        }
        let identity = upgrade_identity(JOB, &identity);
        let upgraded = world.respond(provider.upgrade_resource_identity(identity));
        prop_assert_eq!(upgraded.diagnostics, []);
        Ok(())
    };
    runner().run(&(any_json(), any_json()), case).unwrap();
    assert!(world.mock.calls().is_empty());
}

#[test]
fn any_bytes_are_read_planned_and_applied_or_rejected_without_a_call_for_nobody() {
    let world = World::new();
    let case = |(prior, target, private): (Vec<u8>, Vec<u8>, Vec<u8>)| {
        let (prior, target) = (msgpack(prior), msgpack(target));
        let mut provider = world.provider.clone();
        let request = read_resource::Request {
            private: private.clone(),
            current_identity: Some(ResourceIdentityData {
                identity_data: target.clone(),
            }),
            ..read(JOB, prior.clone())
        };
        let read = world.respond(provider.read_resource(request));
        is_response(read.new_state.is_some(), &read.diagnostics)?;

        let request = plan_resource_change::Request {
            prior_private: private.clone(),
            ..plan(JOB, prior.clone(), target.clone())
        };
        let planned = world.respond(provider.plan_resource_change(request));
        is_response(planned.planned_state.is_some(), &planned.diagnostics)?;

        for (prior, target) in [
            (prior.clone(), target.clone()),
            (null(), target),
            (prior, null()),
        ] {
            let request = apply_resource_change::Request {
                planned_private: private.clone(),
                ..apply(JOB, prior, target)
            };
            let applied = world.respond(provider.apply_resource_change(request));
            is_response(applied.new_state.is_some(), &applied.diagnostics)?;
        }
        world.has_called_nobody_in_particular()?;
        world.mock.reset();
        Ok(())
    };
    let strategy = (any_message(), any_message(), any_message());
    runner().run(&strategy, case).unwrap();
}

#[test]
fn an_object_of_which_the_id_alone_is_known_is_read() {
    let world = World::new();
    let seeded = || {
        let job = world
            .mock
            .seed_job(|job| "camera".clone_into(&mut job.name));
        format!("cluster-1:{}", job.job_id)
    };
    let mut provider = world.provider.clone();
    for state in [
        json!({ "id": seeded() }),
        json!({ "id": seeded(), "status": 1, "job_id": null, "tags": {} }),
    ] {
        let stored = upgrade(JOB, state.to_string().as_bytes());
        let upgraded = world.respond(provider.upgrade_resource_state(stored));
        assert_eq!(upgraded.diagnostics, []);
        let read = read(JOB, upgraded.upgraded_state);
        let read = world.respond(provider.read_resource(read));
        assert_eq!(read.diagnostics, []);
        assert_eq!(read_back(read.new_state)["name"], "camera");
    }
}

#[test]
fn an_object_that_names_no_job_is_rejected_before_any_call() {
    let world = World::new();
    let state = value(&json!({ "id": "strange", "name": "camera" }));
    let mut provider = world.provider.clone();
    let read = world.respond(provider.read_resource(read(JOB, state.clone())));
    let (error, _) = only(&read.diagnostics);
    assert!(error.detail.contains("\"strange\"") && error.detail.contains("terraform import"));

    let destroy = apply(JOB, state, null());
    let destroyed = world.respond(provider.apply_resource_change(destroy));
    assert_eq!(only(&destroyed.diagnostics).0.detail, error.detail);
    // With the error core keeps the object as it has it, and what is stored beside it.
    assert!(read_back(destroyed.new_state).is_null());
    assert!(world.mock.calls().is_empty());
}
