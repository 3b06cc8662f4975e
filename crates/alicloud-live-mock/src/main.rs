//! The mock API as a program.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use alicloud_live_mock::{MockSettings, Recording, Server, Template, TemplateType, parse_listen};
use clap::Parser;

#[derive(Parser)]
#[command(
    name = "alicloud-live-mock",
    version,
    about = WHAT_IT_IS,
    long_about = LONG_ABOUT,
    after_long_help = FILE_AND_DOOR
)]
struct Arguments {
    /// Configuration file in JSON: jobs, templates, clusters, faults, quotas, keys; see below.
    /// Options on the command line win over it.
    #[arg(
        long,
        value_name = "FILE",
        env = "ALICLOUD_LIVE_MOCK_CONFIG",
        verbatim_doc_comment
    )]
    config: Option<PathBuf>,
    /// Keep jobs and used nonces in this file, so that they outlive the process, even one that is
    /// killed. It is made when it is not there. One mock a file.
    /// [default: none, everything is in memory]
    #[arg(
        long,
        value_name = "FILE",
        env = "ALICLOUD_LIVE_MOCK_STATE_FILE",
        verbatim_doc_comment
    )]
    state_file: Option<PathBuf>,
    /// Where to listen, such as localhost:8080; port 0 lets the system choose. [default: 127.0.0.1:0]
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "ALICLOUD_LIVE_MOCK_LISTEN",
        value_parser = parse_listen,
        verbatim_doc_comment
    )]
    listen: Option<SocketAddr>,
    /// Allow an address beyond loopback for --listen, for containers. The control API has no
    /// authentication: everybody who reaches it reads all calls and changes all jobs. [default: no]
    #[arg(long, verbatim_doc_comment)]
    allow_remote: bool,
    /// One more name that the header Host may have beside localhost and IP addresses, such as that
    /// of a container. May be repeated.
    #[arg(long, value_name = "NAME", verbatim_doc_comment)]
    allow_host: Vec<String>,
    /// The one access key id that is known. [default: mock-access-key-id]
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// Its secret. Never use a real one. [default: mock-access-key-secret]
    #[arg(long, value_name = "SECRET")]
    access_key_secret: Option<String>,
    /// The security token that every call must carry. [default: none, any token will do]
    #[arg(long, value_name = "TOKEN")]
    security_token: Option<String>,
    /// Record: send calls on to this real endpoint, such as `https://live.aliyuncs.com`, and
    /// append what was asked and answered to the file of --record, without secrets.
    #[arg(long, value_name = "URL", requires = "record", verbatim_doc_comment)]
    upstream: Option<String>,
    /// The file that --upstream writes to.
    #[arg(long, value_name = "FILE", requires = "upstream")]
    record: Option<PathBuf>,
    /// One more cluster beside `cluster-1`, or beside those of the configuration file. May be
    /// repeated.
    #[arg(long, value_name = "ID", verbatim_doc_comment)]
    cluster: Vec<String>,
    /// One more template: id=ID and, as needed, name, type (common, nbhd-2, ultra-hd), codec
    /// (H.264, H.265), bitrate, fps, gop, resolution, cluster (else all of them), separated by
    /// commas. May be repeated.
    #[arg(long, value_name = "id=ID,...", value_parser = template, verbatim_doc_comment)]
    template: Vec<Template>,
    /// Make ids and chance repeatable. [default: none, they differ from run to run]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Calls of one operation in a minute before it is throttled; the published limit is 6000.
    /// [default: none]
    #[arg(long, value_name = "NUMBER", verbatim_doc_comment)]
    max_requests_per_minute: Option<u32>,
    /// Let running jobs be deleted. [default: no]
    #[arg(long)]
    delete_while_running: bool,
    /// Seconds that the mock's clock is ahead of the system's. [default: 0]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    clock_offset: Option<i64>,
}

const WHAT_IT_IS: &str = "\
A stand-in for the edge transcode jobs of ApsaraVideo Live, for tests of modules and programs without an account.";

const LONG_ABOUT: &str = "\
A stand-in for the edge transcode jobs of ApsaraVideo Live, for tests of modules and programs without an account.

It verifies signatures, checks parameters and preconditions as the API documents them, answers in the API's shapes
with the API's error codes, and makes trouble on demand. Nothing in it is real, and nothing costs money.

First use:

  alicloud-live-mock --listen 127.0.0.1:8080 &
  export LIVE_ENDPOINT=http://127.0.0.1:8080
  export ALICLOUD_ACCESS_KEY=mock-access-key-id ALICLOUD_SECRET_KEY=mock-access-key-secret
  terraform apply        # and look at http://127.0.0.1:8080/_mock/ in a browser

Its first line on stdout says where it listens. SIGINT and SIGTERM end it. It starts with the cluster cluster-1 and
the templates tpl-h264-720p, tpl-h265-1080p, tpl-nbhd2-1080p and tpl-uhd-4k.";

const FILE_AND_DOOR: &str = "\
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
  Jobs, faults and behavior are written as at the control door, so what it shows can be copied into the file.

While it runs, under /_mock/:
  /_mock/              a page that shows clusters, jobs and calls, with the verdict on each signature
  /_mock/help          the control door: look at calls, put jobs in, make trouble, reset
  /_mock/openapi.json  the same for machines

What it does like the cloud and what not: docs/guides/testing-with-the-mock.md.
";

const REMOTE_WARNING: &str = "\
this address is not loopback. Everybody who reaches it can read all calls, with the tokens in stream URLs, and change \
jobs and faults; nothing is encrypted";

impl Arguments {
    /// The configuration file, or the defaults, with what the command line says on top.
    fn settings(self) -> Result<MockSettings, String> {
        let mut settings = match &self.config {
            Some(path) => MockSettings::read(path)?,
            None => MockSettings::default(),
        };
        replace(&mut settings.listen, self.listen);
        replace(&mut settings.access_key_id, self.access_key_id);
        replace(&mut settings.access_key_secret, self.access_key_secret);
        settings.security_token = self.security_token.or(settings.security_token);
        settings.state_file = self.state_file.or(settings.state_file);
        settings.seed = self.seed.or(settings.seed);
        if let (Some(upstream), Some(file)) = (self.upstream, self.record) {
            let upstream = upstream.parse().map_err(|error| {
                format!("--upstream: expected a URL, not `{upstream}`: {error}")
            })?;
            settings.recording = Some(Recording { upstream, file });
        }
        settings.allow_remote |= self.allow_remote;
        settings.allowed_hosts.extend(self.allow_host);
        settings.clusters.extend(self.cluster);
        settings.templates.extend(self.template);
        let behavior = &mut settings.behavior;
        behavior.max_requests_per_minute = self
            .max_requests_per_minute
            .or(behavior.max_requests_per_minute);
        behavior.delete_while_running |= self.delete_while_running;
        replace(&mut behavior.clock_offset_seconds, self.clock_offset);
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
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "alicloud-live-mock: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    let stop = stop_signal().map_err(said)?;
    let settings = arguments.settings()?;
    let is_remote = !settings.listen.ip().is_loopback();
    let server = Server::bind(settings).map_err(said)?;
    if is_remote {
        // Where stderr is closed there is nobody to tell.
        let _ = writeln!(
            io::stderr(),
            "alicloud-live-mock: warning: {REMOTE_WARNING}"
        );
    }
    announce(&server.url()).map_err(said)?;
    server.run(stop).await.map_err(said)
}

/// Ends when the process is asked to: with Ctrl-C, or by another process (SIGTERM, on Windows Ctrl-Break).
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

fn template(text: &str) -> Result<Template, String> {
    let mut template = Template::default();
    for field in text.split(',') {
        let (name, value) = field
            .split_once('=')
            .ok_or_else(|| format!("expected name=value: {field}"))?;
        let value = value.to_owned();
        match name {
            "id" => template.template_id = value,
            "name" => template.name = value,
            "type" => {
                let unknown = || format!("no such type: {value}");
                template.kind = TemplateType::parse(&value).ok_or_else(unknown)?;
            }
            "codec" => template.codec = value,
            "bitrate" => template.bitrate = value,
            "fps" => template.fps = value,
            "gop" => template.gop = value,
            "resolution" => template.resolution = value,
            "cluster" => template.cluster_id = Some(value),
            _ => return Err(format!("no such field: {name}")),
        }
    }
    if template.template_id.is_empty() {
        return Err("a template needs an id".to_owned());
    }
    if template.name.is_empty() {
        template.name.clone_from(&template.template_id);
    }
    Ok(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_read_from_its_fields() {
        let read = template("id=t,type=nbhd-2,codec=H.265,cluster=c").unwrap();
        let expected = Template {
            cluster_id: Some("c".to_owned()),
            ..Template::new("t", "t", TemplateType::Nbhd2, "H.265")
        };
        assert_eq!(read, expected);
        for wrong in ["", "name=n", "id", "id=t,type=hd", "id=t,colour=red"] {
            assert!(template(wrong).is_err(), "{wrong}");
        }
    }
}
