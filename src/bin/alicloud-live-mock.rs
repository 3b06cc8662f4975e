//! The mock API as a program.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use alicloud_live::mock::{
    Config, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLUSTER, Server, Settings,
    Template, TemplateKind, default_templates,
};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for the edge transcode operations of ApsaraVideo Live, for tests.
///
/// It keeps everything in memory, verifies signatures, checks parameters and preconditions as the API documents them,
/// and answers in the API's shapes. Its first line on stdout says where it listens. SIGINT and SIGTERM end it.
///
/// It starts with the templates tpl-h264-720p, tpl-h265-1080p, tpl-nbhd2-1080p and tpl-uhd-4k.
/// GET /_mock/ lists what tests can look at and change.
#[derive(Parser)]
#[command(name = "alicloud-live-mock", version)]
struct Arguments {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The one access key id that is known.
    #[arg(long, value_name = "ID", default_value = DEFAULT_ACCESS_KEY_ID)]
    access_key_id: String,
    /// Its secret. Never use a real one.
    #[arg(long, value_name = "SECRET", default_value = DEFAULT_ACCESS_KEY_SECRET)]
    access_key_secret: String,
    /// The security token that every call must carry.
    #[arg(long, value_name = "TOKEN")]
    security_token: Option<String>,
    /// One more cluster beside `cluster-1`. May be repeated.
    #[arg(long, value_name = "ID")]
    cluster: Vec<String>,
    /// One more template: id=ID and, as needed, name, type (common, nbhd-2, ultra-hd), codec (H.264, H.265), bitrate, fps,
    /// gop, resolution, cluster (else all of them), separated by commas. May be repeated.
    #[arg(long, value_name = "id=ID,...", value_parser = template)]
    template: Vec<Template>,
    /// Make ids and chance repeatable.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Calls of one operation in a minute before it is throttled; the published limit is 6000. [default: none]
    #[arg(long, value_name = "NUMBER")]
    calls_per_minute: Option<u32>,
    /// Let running jobs be deleted.
    #[arg(long)]
    delete_while_running: bool,
    /// Seconds that the mock's clock is ahead of the system's.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    clock_offset: i64,
}

impl Arguments {
    fn settings(self) -> Settings {
        let mut clusters = vec![DEFAULT_CLUSTER.to_owned()];
        clusters.extend(self.cluster);
        let mut templates = default_templates();
        templates.extend(self.template);
        Settings {
            listen: self.listen,
            access_key_id: self.access_key_id,
            access_key_secret: self.access_key_secret,
            security_token: self.security_token,
            clusters,
            templates,
            seed: self.seed,
            config: Config {
                calls_per_minute: self.calls_per_minute,
                delete_while_running: self.delete_while_running,
                clock_offset_seconds: self.clock_offset,
                ..Config::default()
            },
            ..Settings::default()
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let server = Server::bind(Arguments::parse().settings())?;
    announce(&server.url())?;
    server
        .run(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
        .await
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
                template.kind = TemplateKind::parse(&value).ok_or_else(unknown)?;
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
            ..Template::new("t", "t", TemplateKind::Nbhd2, "H.265")
        };
        assert_eq!(read, expected);
        for wrong in ["", "name=n", "id", "id=t,type=hd", "id=t,colour=red"] {
            assert!(template(wrong).is_err(), "{wrong}");
        }
    }
}
