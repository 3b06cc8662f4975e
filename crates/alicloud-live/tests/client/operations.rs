//! The operations without faults of network or server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alicloud_auth::credentials::{Credentials, CredentialsCache};
use alicloud_live::{
    CallContext, Endpoint, Failure, JobFilter, JobStatus, LiveClient, NotSent, Protocol, SortBy,
    StreamName, TemplateFilter,
};
use alicloud_live_mock::{DEFAULT_ACCESS_KEY_ID, Fault, FaultKind, SignatureCheck};
use tokio_util::sync::CancellationToken;

use crate::support::{CLUSTER, client, ctx, mock, quick_config, spec};

#[tokio::test]
async fn a_job_is_created_changed_started_stopped_and_deleted() {
    let mock = mock();
    let client = client(&mock);
    let ctx = ctx();

    let id = client
        .create_edge_transcode_job(CLUSTER, &spec("直播-1"), &ctx)
        .await
        .unwrap()
        .job_id;
    let job = client
        .get_edge_transcode_job(CLUSTER, &id, &ctx)
        .await
        .unwrap();
    assert_eq!(job.spec(), spec("直播-1"));
    assert_eq!(job.status, JobStatus::NotStarted);
    assert_eq!(job.last_start_at, None);
    assert_eq!(job.r#type.as_deref(), Some("common"));

    client
        .update_edge_transcode_job(CLUSTER, &id, &spec("other"), &ctx)
        .await
        .unwrap();
    client
        .start_edge_transcode_job(CLUSTER, &id, &ctx)
        .await
        .unwrap();
    let job = client
        .get_edge_transcode_job(CLUSTER, &id, &ctx)
        .await
        .unwrap();
    assert_eq!(
        (job.name.as_str(), job.status),
        ("other", JobStatus::Running)
    );
    assert!(job.last_start_at.is_some());

    client
        .stop_edge_transcode_job(CLUSTER, &id, &ctx)
        .await
        .unwrap();
    client
        .delete_edge_transcode_job(CLUSTER, &id, &ctx)
        .await
        .unwrap();
    let gone = client
        .get_edge_transcode_job(CLUSTER, &id, &ctx)
        .await
        .unwrap_err();
    assert!(gone.is_job_not_found());
    assert!(mock.jobs().is_empty());
    assert!(
        mock.calls()
            .iter()
            .all(|call| call.signature == SignatureCheck::Valid)
    );
}

#[tokio::test]
async fn a_list_has_pages_filters_and_an_order() {
    let mock = mock();
    let client = client(&mock);
    for number in 0..105 {
        mock.seed_job(|job| job.name = format!("job-{number}"));
    }
    let ascending = JobFilter {
        sort_by: SortBy::Ascending,
        ..JobFilter::default()
    };
    let first = client
        .list_edge_transcode_jobs(CLUSTER, &ascending, 1, &ctx())
        .await
        .unwrap();
    let second = client
        .list_edge_transcode_jobs(CLUSTER, &ascending, 2, &ctx())
        .await
        .unwrap();
    assert_eq!(
        (first.items.len(), second.items.len(), first.total_count),
        (100, 5, 105)
    );
    assert_eq!(first.items[0].name, "job-0");
    assert!(first.time.is_some());

    let named = JobFilter {
        keyword: Some("job-10".to_owned()),
        running: Some(false),
        ..JobFilter::default()
    };
    let named = client
        .list_edge_transcode_jobs(CLUSTER, &named, 1, &ctx())
        .await
        .unwrap();
    assert_eq!(named.total_count, 6);
    let running = JobFilter {
        running: Some(true),
        ..JobFilter::default()
    };
    mock.configure(|config| {
        config.omit_empty_lists = true;
        config.numbers_as_strings = true;
    });
    let running = client
        .list_edge_transcode_jobs(CLUSTER, &running, 1, &ctx())
        .await
        .unwrap();
    assert_eq!((running.items.len(), running.total_count), (0, 0));
}

#[tokio::test]
async fn templates_can_be_read_and_listed() {
    let mock = mock();
    let client = client(&mock);
    let template = client
        .get_edge_transcode_template(CLUSTER, "tpl-uhd-4k", &ctx())
        .await
        .unwrap();
    assert_eq!(template.codec.as_deref(), Some("H.265"));
    assert_eq!(template.r#type.as_deref(), Some("ultra-hd"));

    let h265 = TemplateFilter {
        video_codec: Some("H.265".to_owned()),
        ..TemplateFilter::default()
    };
    let page = client
        .list_edge_transcode_templates(CLUSTER, &h265, 1, &ctx())
        .await
        .unwrap();
    assert_eq!((page.total_count, page.items.len()), (2, 2));

    let error = client
        .get_edge_transcode_template(CLUSTER, "none", &ctx())
        .await
        .unwrap_err();
    assert!(error.is_rejected_with("TemplateNotFound") && !error.is_job_not_found());
}

#[tokio::test]
async fn a_rejection_keeps_code_status_and_request_id() {
    let mock = mock();
    let mut config = quick_config(&mock);
    config.credentials = CredentialsCache::from_static(Credentials {
        access_key_id: DEFAULT_ACCESS_KEY_ID.to_owned(),
        access_key_secret: "wrong".into(),
        security_token: None,
        account_id: None,
    });
    let client = LiveClient::new(config).unwrap();
    let error = client
        .get_edge_transcode_job(CLUSTER, "J", &ctx())
        .await
        .unwrap_err();
    let call = mock.calls().pop().unwrap();
    let api_error = error.api_error().unwrap();
    assert_eq!(api_error.code, "SignatureDoesNotMatch");
    assert_eq!(Some(api_error.status), call.status);
    assert_eq!(api_error.request_id, call.request_id);
    assert!(
        !error.to_string().contains("StringToSign") && !error.to_string().contains("%26"),
        "{error}"
    );
    assert_eq!(mock.calls().len(), 1);
}

#[tokio::test]
async fn without_a_server_nothing_is_sent_and_the_endpoint_is_named() {
    let mock = mock();
    let client = client(&mock);
    let url = mock.url();
    drop(mock);
    let error = client
        .get_edge_transcode_job(CLUSTER, "J", &ctx())
        .await
        .unwrap_err();
    assert!(
        matches!(error.failure, Failure::NotSent(NotSent::NoConnection(_))),
        "{error}"
    );
    assert!(error.to_string().contains(&url), "{error}");
}

#[tokio::test]
async fn after_a_cancellation_nothing_is_sent() {
    let mock = mock();
    let client = client(&mock);
    let stop = CancellationToken::new();
    stop.cancel();
    let ctx = CallContext::new(Duration::from_secs(5), stop);
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
    let relay = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = quick_config(&mock);
    let address = relay.local_addr().unwrap().to_string();
    config.endpoint = Endpoint::parse(&address, Protocol::Http).unwrap();
    let client = LiveClient::new(config).unwrap();

    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let server = mock.url().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = relay.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            let mut far = tokio::net::TcpStream::connect(&server).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    for _ in 0..20 {
        let error = client
            .get_edge_transcode_job(CLUSTER, "J", &ctx())
            .await
            .unwrap_err();
        assert!(error.is_job_not_found());
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_stream_is_online_offline_or_of_an_unknown_domain() {
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
    let online = state("s").await.unwrap().unwrap();
    assert_eq!(
        (online.state.as_str(), online.r#type.as_deref()),
        ("online", Some("push"))
    );
    let offline = state("t").await.unwrap().unwrap();
    assert_eq!((offline.state.as_str(), offline.r#type), ("offline", None));

    for code in [
        "InvalidParam",
        "InvalidDomain.NotFound",
        "InvalidDomainName.NotFound",
    ] {
        mock.set_faults(vec![Fault::new(DESCRIBE, FaultKind::error(400, code))]);
        let before = mock.calls().len();
        assert_eq!(state("s").await.unwrap(), None, "{code}");
        assert_eq!(mock.calls().len(), before + 1, "{code} is final");
    }
    mock.set_faults(vec![Fault::new(
        DESCRIBE,
        FaultKind::error(403, "NoPermission"),
    )]);
    assert!(
        state("s")
            .await
            .unwrap_err()
            .is_rejected_with("NoPermission")
    );
    mock.set_faults(vec![
        Fault::new(DESCRIBE, FaultKind::internal_error()).times(2),
    ]);
    assert!(state("s").await.unwrap().is_some(), "a read is retried");
}
