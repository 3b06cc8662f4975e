//! The operations without faults of network or server.

use alicloud_auth::credentials::{Credentials, CredentialsCache};
use alicloud_live::{JobFilter, JobStatus, LiveClient, StreamName, TemplateFilter};
use alicloud_live_mock::{DEFAULT_ACCESS_KEY_ID, Fault, FaultKind, SignatureCheck};

use crate::relay::{Fate, Relay};
use crate::support::{
    CLUSTER, Calls as _, Inject as _, assert_no_connection, cancellable_ctx, client, client_with,
    ctx, mock, spec,
};

#[tokio::test]
async fn a_job_is_created_changed_started_stopped_and_deleted() {
    let mock = mock();
    let client = client(&mock);

    let id = client.create(&spec("直播-1")).await.unwrap().job_id;
    let job = client.get(&id).await.unwrap();
    assert_eq!(job.spec(), spec("直播-1"));
    assert_eq!(job.status, JobStatus::NotStarted);
    assert_eq!(job.last_start_at, None);
    assert_eq!(job.r#type.as_deref(), Some("common"));

    client.update(&id, &spec("other")).await.unwrap();
    client.start(&id).await.unwrap();
    let job = client.get(&id).await.unwrap();
    assert_eq!(job.name, "other");
    assert_eq!(job.status, JobStatus::Running);
    assert!(job.last_start_at.is_some());

    client.stop(&id).await.unwrap();
    client.delete(&id).await.unwrap();
    let gone = client.get(&id).await.unwrap_err();
    assert!(gone.is_job_not_found());
    assert!(mock.jobs().is_empty());
    for call in mock.calls() {
        assert_eq!(call.signature, SignatureCheck::Valid, "{call:?}");
    }
}

#[tokio::test]
async fn a_list_has_pages_filters_and_an_order() {
    let mock = mock();
    let client = client(&mock);
    for number in 0..105 {
        mock.seed_job(|job| job.name = format!("job-{number}"));
    }
    let ctx = ctx();
    let mut pages = client.edge_transcode_job_pages(CLUSTER, JobFilter::default(), &ctx);
    let first = pages.next().await.unwrap().unwrap();
    let second = pages.next().await.unwrap().unwrap();
    assert_eq!((first.len(), second.len()), (100, 5));
    assert_eq!(first[0].name, "job-0");
    assert!(pages.next().await.unwrap().is_none());

    let named = JobFilter {
        keyword: Some("job-10".to_owned()),
        running: Some(false),
        ..JobFilter::default()
    };
    assert_eq!(client.jobs(named).await.unwrap().items.len(), 6);
    let running = JobFilter {
        running: Some(true),
        ..JobFilter::default()
    };
    mock.configure(|config| {
        config.omit_empty_lists = true;
        config.numbers_as_strings = true;
    });
    assert!(client.jobs(running).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn templates_can_be_read_and_listed() {
    let mock = mock();
    let client = client(&mock);
    let ctx = ctx();
    let get = async |id| client.get_edge_transcode_template(CLUSTER, id, &ctx).await;
    let template = get("tpl-uhd-4k").await.unwrap();
    assert_eq!(template.codec.as_deref(), Some("H.265"));
    assert_eq!(template.r#type.as_deref(), Some("ultra-hd"));

    let h265 = TemplateFilter {
        video_codec: Some("H.265".to_owned()),
        ..TemplateFilter::default()
    };
    let listed = client
        .edge_transcode_template_pages(CLUSTER, h265, &ctx)
        .rest()
        .await;
    assert_eq!(listed.unwrap().items.len(), 2);

    let error = get("none").await.unwrap_err();
    assert!(error.is_rejected_with("TemplateNotFound") && !error.is_job_not_found());
}

#[tokio::test]
async fn a_rejection_keeps_code_status_and_request_id() {
    let mock = mock();
    let client = client_with(&mock, |config| {
        let credentials = Credentials::new(DEFAULT_ACCESS_KEY_ID, "wrong");
        config.credentials = CredentialsCache::from_static(credentials);
    });
    let error = client.get("J").await.unwrap_err();
    let call = mock.calls().pop().unwrap();
    let api_error = error.api_error().unwrap();
    assert_eq!(api_error.code, "SignatureDoesNotMatch");
    assert_eq!(Some(api_error.status), call.status);
    assert_eq!(api_error.request_id, call.request_id);
    assert!(
        !error.to_string().contains("StringToSign") && !error.to_string().contains("%26"),
        "{error}"
    );
    assert!(!error.to_string().contains("attempt"), "{error}");
    assert_eq!(mock.calls().len(), 1);
}

#[tokio::test]
async fn without_a_server_nothing_is_sent_and_the_endpoint_is_named() {
    let mock = mock();
    let client = client(&mock);
    let url = mock.url();
    drop(mock);
    let error = client.get("J").await.unwrap_err();
    assert_no_connection(&error);
    assert!(error.to_string().contains(&url), "{error}");
}

#[tokio::test]
async fn after_a_cancellation_nothing_is_sent() {
    let mock = mock();
    let client = client(&mock);
    let (ctx, stop) = cancellable_ctx();
    stop.cancel();
    let error = client
        .delete_edge_transcode_job(CLUSTER, "J", &ctx)
        .await
        .unwrap_err();
    assert!(error.is_cancelled());
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn connections_are_reused() {
    let mock = mock();
    let relay = Relay::start(&mock, |_| Fate::Pass).await;
    let client = LiveClient::new(relay.config(&mock)).unwrap();
    for _ in 0..20 {
        let error = client.get("J").await.unwrap_err();
        assert!(error.is_job_not_found());
    }
    assert_eq!(relay.connections(), 1);
}

#[tokio::test]
async fn a_stream_is_online_offline_or_not_shown() {
    const DESCRIBE: &str = "DescribeLiveStreamState";
    let mock = mock();
    mock.configure(|config| config.online_inputs = vec!["rtmp://in.example/app/s".to_owned()]);
    let client = client(&mock);
    let state = async |stream: &str| {
        let name = StreamName {
            domain: "in.example".to_owned(),
            app: "app".to_owned(),
            stream: stream.to_owned(),
        };
        client.describe_live_stream_state(&name, &ctx()).await
    };
    for (stream, expected, r#type) in [("s", "online", Some("push")), ("t", "offline", None)] {
        let state = state(stream).await.unwrap();
        assert_eq!((&*state.state, state.r#type.as_deref()), (expected, r#type));
    }

    for (code, is_domain_not_found) in [
        ("InvalidParam", false),
        ("InvalidDomain.NotFound", true),
        ("InvalidDomainName.NotFound", true),
    ] {
        mock.inject(Fault::new(DESCRIBE, FaultKind::error(400, code)));
        let before = mock.calls().len();
        let error = state("s").await.unwrap_err();
        assert!(error.is_stream_not_shown(), "{code}");
        assert_eq!(error.is_domain_not_found(), is_domain_not_found, "{code}");
        assert_eq!(mock.calls().len(), before + 1, "{code} is final");
    }
    mock.inject(Fault::new(DESCRIBE, FaultKind::error(403, "NoPermission")));
    let error = state("s").await.unwrap_err();
    assert!(error.is_rejected_with("NoPermission") && !error.is_stream_not_shown());
    mock.inject(Fault::new(DESCRIBE, FaultKind::internal_error()).times(2));
    assert!(state("s").await.is_ok(), "a read is retried");
}
