//! Callers that go away while their calls run: changes come to their own ends.

use serde_json::json;
use tokio::time::timeout;

use crate::plugin_host::LIMIT;
use crate::requests::value;
use crate::sample::POKE;
use crate::served::{Served, create, happened, serve};
use tfplugin::generated::tfplugin6::invoke_action;

#[tokio::test]
async fn a_change_comes_to_its_own_end_when_its_caller_goes_away() {
    let mut served = serve().await;
    served.create_that_waits().await.abort();
    served.stop().await;
    happened(&served.backstage.over, "the change has ended").await;
}

/// Starts a change, or an action, that does not end by a stop alone, and takes the connection away.
async fn ends_after_its_host(start: impl AsyncFnOnce(&mut Served)) {
    let mut served = serve().await;
    start(&mut served).await;
    happened(&served.backstage.waiting, "the work waits").await;
    assert!(!served.backstage.stop.token().is_cancelled());

    let Served {
        provider,
        channel,
        backstage,
        shutdown,
        server,
    } = served;
    drop((provider, channel));
    shutdown.cancel();
    happened(&backstage.waiting, "the work was stopped").await;
    assert!(backstage.stop.token().is_cancelled());
    assert!(!server.is_finished());

    backstage.lingering.add_permits(1);
    let ended = timeout(LIMIT, server).await;
    ended.expect("the server ends").unwrap().unwrap();
    happened(&backstage.over, "the work has ended").await;
}

#[tokio::test]
async fn the_server_waits_for_a_change_when_the_host_is_gone() {
    ends_after_its_host(async |served| {
        let mut caller = served.provider.clone();
        let (sent, gone) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            tokio::select! {
                response = caller.apply_resource_change(create("linger")) => panic!("{response:?}"),
                _ = gone => {}
            }
        });
        happened(&served.backstage.waiting, "the change waits").await;
        served.backstage.waiting.add_permits(1);
        drop(sent);
    })
    .await;
}

#[tokio::test]
async fn the_server_waits_for_an_action_when_the_host_is_gone() {
    ends_after_its_host(async |served| {
        let request = invoke_action::Request {
            action_type: POKE.to_owned(),
            config: value(&json!({ "whom": "linger" })),
            ..invoke_action::Request::default()
        };
        drop(served.provider.invoke_action(request).await.unwrap());
    })
    .await;
}
