//! Actions, as Terraform 1.14 and later invoke them.

use std::collections::BTreeMap;

use serde_json::json;
use tonic::Streaming;

use crate::requests::{response, value};
use crate::sample::POKE;
use crate::served::{Served, happened, only, serve};
use tfplugin::generated::tfplugin6::invoke_action::event::{Progress, Type};
use tfplugin::generated::tfplugin6::{
    Diagnostic, DynamicValue, invoke_action, plan_action, validate_action_config,
};

fn request(whom: &str) -> invoke_action::Request {
    invoke_action::Request {
        action_type: POKE.to_owned(),
        config: value(&json!({ "whom": whom })),
        ..invoke_action::Request::default()
    }
}

/// The messages of an action on its way, and its diagnostics in the end.
async fn ended(mut events: Streaming<invoke_action::Event>) -> (Vec<String>, Vec<Diagnostic>) {
    let mut messages = Vec::new();
    let completed = loop {
        match events.message().await.unwrap().unwrap().r#type.unwrap() {
            Type::Progress(Progress { message }) => messages.push(message),
            Type::Completed(completed) => break completed,
        }
    };
    assert_eq!(events.message().await.unwrap(), None);
    (messages, completed.diagnostics)
}

async fn invoked(
    served: &mut Served,
    request: invoke_action::Request,
) -> (Vec<String>, Vec<Diagnostic>) {
    let events = served.provider.invoke_action(request).await.unwrap();
    ended(events.into_inner()).await
}

#[tokio::test]
async fn an_action_reports_its_progress_and_completes_once() {
    let mut served = serve().await;
    let (messages, diagnostics) = invoked(&mut served, request("me")).await;
    assert_eq!(messages, ["reaching out", "poked"]);
    assert_eq!(diagnostics, []);
}

fn plan(config: Option<DynamicValue>) -> plan_action::Request {
    plan_action::Request {
        action_type: POKE.to_owned(),
        config,
        ..plan_action::Request::default()
    }
}

#[tokio::test]
async fn a_wrong_configuration_is_rejected_when_it_is_checked_and_when_it_is_planned() {
    let mut provider = serve().await.provider;
    let config = value(&json!({ "whom": "nobody" }));
    let check = validate_action_config::Request {
        type_name: POKE.to_owned(),
        config: config.clone(),
    };
    let checked = response(provider.validate_action_config(check)).await;
    let planned = response(provider.plan_action(plan(config))).await;
    for diagnostics in [checked.diagnostics, planned.diagnostics] {
        let (error, attribute) = only(&diagnostics);
        assert_eq!(error.summary, "Nobody to poke");
        assert_eq!(attribute.as_deref(), Some("whom"));
    }
    assert_eq!(planned.deferred, None);
}

#[tokio::test]
async fn what_is_not_known_yet_can_be_planned() {
    let mut provider = serve().await.provider;
    let unknown: tfplugin::value::Value<String> = tfplugin::value::Value::Unknown;
    let config = value(&BTreeMap::from([("whom", unknown)]));
    let planned = response(provider.plan_action(plan(config))).await;
    assert_eq!(planned.diagnostics, []);
}

#[tokio::test]
async fn a_stop_ends_an_action_that_waits() {
    let mut served = serve().await;
    let events = served.provider.invoke_action(request("wait")).await;
    happened(&served.backstage.waiting, "the action waits").await;
    served.stop().await;
    let (messages, diagnostics) = ended(events.unwrap().into_inner()).await;
    assert_eq!(messages, ["reaching out"]);
    assert_eq!(only(&diagnostics).0.summary, "Stopped");
}

#[tokio::test]
async fn an_action_comes_to_its_own_end_when_its_caller_goes_away() {
    let mut served = serve().await;
    let events = served.provider.invoke_action(request("wait")).await;
    happened(&served.backstage.waiting, "the action waits").await;
    drop(events);
    served.stop().await;
    happened(&served.backstage.over, "the action has ended").await;
}

#[tokio::test]
async fn a_panic_and_an_unknown_name_are_errors_of_the_action() {
    let mut served = serve().await;
    let (messages, diagnostics) = invoked(&mut served, request("panic")).await;
    assert_eq!(messages, ["reaching out"]);
    let (error, _) = only(&diagnostics);
    assert_eq!(error.summary, "The provider crashed");
    assert!(!format!("{error:?}").contains("hunter2"));

    let other = invoke_action::Request {
        action_type: "sample_other".to_owned(),
        ..request("me")
    };
    let (messages, diagnostics) = invoked(&mut served, other).await;
    assert_eq!(messages, [""; 0]);
    assert!(only(&diagnostics).0.detail.contains("sample_other"));
}
