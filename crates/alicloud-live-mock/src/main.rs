//! The mock as a program.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use alicloud_live_mock::{
    MockSettings, Recording, Server, Template, TemplateType, parse_listen, parse_upstream,
};
use clap::Parser;
use url::Url;

#[derive(Parser)]
#[command(
    name = "alicloud-live-mock",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_long_help = AFTER_HELP
)]
struct Arguments {
    /// Configuration file in JSON: jobs, templates, clusters, faults, quotas, keys; see below.
    /// Command-line options override it.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    #[arg(env = "ALICLOUD_LIVE_MOCK_CONFIG")]
    config: Option<PathBuf>,
    /// Store jobs and used nonces in this file, so that they survive a restart, even after a kill.
    /// It is created if it does not exist. Only one mock can use it at a time.
    /// [default: none, everything is in memory]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    #[arg(env = "ALICLOUD_LIVE_MOCK_STATE_FILE")]
    state_file: Option<PathBuf>,
    /// Address to listen on, such as localhost:8080; with port 0 the system chooses a free port.
    /// [default: 127.0.0.1:0]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_listen, verbatim_doc_comment)]
    #[arg(env = "ALICLOUD_LIVE_MOCK_LISTEN")]
    listen: Option<SocketAddr>,
    /// Allow --listen with an address that is not loopback, for containers. The control API has no
    /// authentication: anyone who can reach it can read all calls and change all jobs. [default: no]
    #[arg(long, verbatim_doc_comment)]
    allow_remote: bool,
    /// Name to accept in the header Host besides localhost and IP addresses, such as the name of a
    /// container. Can be repeated.
    #[arg(long, value_name = "NAME", verbatim_doc_comment)]
    allow_host: Vec<String>,
    /// ID of the first access key. [default: mock-access-key-id]
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// Secret of the first access key. Never use a real one. [default: mock-access-key-secret]
    #[arg(long, value_name = "SECRET")]
    access_key_secret: Option<String>,
    /// Record: forward calls to this real endpoint, such as `https://live.aliyuncs.com`, and append
    /// requests and responses to the file of --record, without secrets.
    #[arg(long, value_name = "URL", value_parser = parse_upstream, verbatim_doc_comment)]
    #[arg(requires = "record")]
    upstream: Option<Url>,
    /// File that --upstream writes to.
    #[arg(long, value_name = "FILE", requires = "upstream")]
    record: Option<PathBuf>,
    /// Cluster to add to `cluster-1`, or to the clusters of the configuration file. Can be
    /// repeated.
    #[arg(long, value_name = "ID", verbatim_doc_comment)]
    cluster: Vec<String>,
    /// Template to add: id=ID and optionally name, type (common, nbhd-2, ultra-hd), codec (H.264,
    /// H.265), bitrate, fps, gop, resolution, cluster (default: all), separated by commas. Can be
    /// repeated.
    #[arg(long, value_name = "id=ID,...", value_parser = parse_template, verbatim_doc_comment)]
    template: Vec<Template>,
}

const ABOUT: &str = "\
A mock of the API for edge transcode jobs of ApsaraVideo Live, for tests without an account.";

const LONG_ABOUT: &str = "\
A mock of the API for edge transcode jobs of ApsaraVideo Live, for tests without an account.

It verifies signatures, checks parameters and preconditions as the API reference documents them, responds in the API's
format with the API's error codes, and injects faults on request. Its jobs are not real and cost nothing.

First use:

  alicloud-live-mock --listen 127.0.0.1:8080 &
  export LIVE_ENDPOINT=http://127.0.0.1:8080
  export ALICLOUD_ACCESS_KEY=mock-access-key-id ALICLOUD_SECRET_KEY=mock-access-key-secret
  terraform apply        # then open http://127.0.0.1:8080/_mock/ in a browser

The first line on stdout is `listening on URL`. SIGINT and SIGTERM stop it. It starts with the cluster cluster-1 and
the templates tpl-h264-720p, tpl-h265-1080p, tpl-nbhd2-1080p and tpl-uhd-4k.";

const AFTER_HELP: &str = "\
Configuration file, every key optional:
  {
    \"listen\": \"127.0.0.1:8080\",
    \"access_key_id\": \"mock-access-key-id\", \"access_key_secret\": \"mock-access-key-secret\",
    \"clusters\": [\"cluster-1\", \"cluster-2\"],
    \"templates\": [{\"TemplateId\": \"tpl-own\", \"Type\": \"common\", \"Codec\": \"H.264\"}],
    \"jobs\": [{\"ClusterId\": \"cluster-2\", \"Name\": \"camera-1\", \"TemplateId\": \"tpl-own\", \"Status\": \"1\"}],
    \"faults\": [{\"action\": \"CreateEdgeTranscodeJob\", \"kind\": \"drop\", \"when\": \"after\", \"times\": 1}],
    \"behavior\": {\"max_running_jobs\": 10, \"max_requests_per_minute\": 6000}
  }
  Further keys: allow_remote, allowed_hosts, state_file, security_token, role_arn, oidc_token, cloud_sso_token, seed,
  max_recorded_calls, max_recorded_bytes, request_timeout_ms, access_keys, recording.
  Jobs, faults and behavior have the same form as in the control API, so its responses can be copied into the file.

While it runs, under /_mock/:
  /_mock/              a page that shows clusters, jobs and calls, with the result of each signature check
  /_mock/help          the control API: read calls, create jobs, inject faults, reset
  /_mock/openapi.json  its OpenAPI description

How it differs from Alibaba Cloud: docs/guides/testing-with-the-mock.md.
";

const REMOTE_WARNING: &str = "\
this address is not loopback. Anyone who can reach it can read all calls, including the tokens in stream URLs, and \
change jobs and faults; nothing is encrypted";

impl Arguments {
    /// Returns the configuration file, or the defaults, overridden by the command line.
    fn settings(self) -> Result<MockSettings, String> {
        let mut settings = match &self.config {
            Some(path) => MockSettings::read(path)?,
            None => MockSettings::default(),
        };
        replace(&mut settings.listen, self.listen);
        replace(&mut settings.access_key_id, self.access_key_id);
        replace(&mut settings.access_key_secret, self.access_key_secret);
        settings.state_file = self.state_file.or(settings.state_file);
        if let (Some(upstream), Some(file)) = (self.upstream, self.record) {
            settings.recording = Some(Recording { upstream, file });
        }
        settings.allow_remote |= self.allow_remote;
        settings.allowed_hosts.extend(self.allow_host);
        settings.clusters.extend(self.cluster);
        settings.templates.extend(self.template);
        settings.check().map_err(|why| match &self.config {
            Some(path) => format!("{}: {why}", path.display()),
            None => why,
        })?;
        Ok(settings)
    }
}

fn replace<T>(value: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *value = with;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            report(&message);
            ExitCode::FAILURE
        }
    }
}

fn report(message: &str) {
    // A closed stderr leaves no other place to report to.
    let _ = writeln!(io::stderr(), "alicloud-live-mock: {message}");
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let message = |error: io::Error| error.to_string();
    let stop = stop_signal().map_err(message)?;
    let settings = arguments.settings()?;
    let is_remote = !settings.listen.ip().is_loopback();
    let server = Server::bind(settings).map_err(message)?;
    if is_remote {
        report(&format!("warning: {REMOTE_WARNING}"));
    }
    announce(&server.url()).map_err(message)?;
    server.run(stop).await.map_err(message)
}

/// Completes on Ctrl-C, or when another process asks this one to stop (SIGTERM; Ctrl-Break on Windows).
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = {
        use tokio::signal::unix::{SignalKind, signal};
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    #[cfg(windows)]
    let (mut interrupt, mut terminate) = {
        use tokio::signal::windows::{ctrl_break, ctrl_c};
        (ctrl_c()?, ctrl_break()?)
    };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn announce(url: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {url}")?;
    stdout.flush()
}

fn parse_template(text: &str) -> Result<Template, String> {
    let mut template = Template::default();
    for field in text.split(',') {
        let (name, value) = field
            .split_once('=')
            .ok_or_else(|| format!("expected name=value, not `{field}`"))?;
        let value = value.to_owned();
        match name {
            "id" => template.template_id = value,
            "name" => template.name = value,
            "type" => {
                let unknown =
                    || format!("expected the type common, nbhd-2 or ultra-hd, not `{value}`");
                template.r#type = TemplateType::parse(&value).ok_or_else(unknown)?;
            }
            "codec" => template.codec = value,
            "bitrate" => template.bitrate = value,
            "fps" => template.fps = value,
            "gop" => template.gop = value,
            "resolution" => template.resolution = value,
            "cluster" => template.cluster_id = Some(value),
            _ => return Err(format!("unknown field `{name}`")),
        }
    }
    if template.template_id.is_empty() {
        return Err("expected id=ID".to_owned());
    }
    if template.name.is_empty() {
        template.name.clone_from(&template.template_id);
    }
    Ok(template)
}
