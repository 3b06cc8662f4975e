//! What each start of the provider costs, with a host that speaks as Terraform does: from exec to the handshake line,
//! memory, and the time of the schema call. Terraform starts the provider several times in one command.
//!
//! `--executable=PATH` measures another than the one that was built with this program. `--handshake-only` makes no calls:
//! a provider written in Go presents a P-521 certificate, which this host cannot verify.
//!
//! Prints one JSON object with a list of figures for each quantity, one figure a run; `scripts/bench` makes the table.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a program for developers, with the host that the tests use"
)]

#[path = "../tests/support/certificate.rs"]
mod certificate;
#[path = "../tests/support/plugin_host.rs"]
mod plugin_host;

use std::env;
use std::fs;
use std::path::Path;
use std::time::Instant;

use plugin_host::Plugin;
use serde::Serialize;
use tfplugin::generated::tfplugin6::get_provider_schema::Request;
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;

const RUNS: usize = 30;

#[derive(Default, Serialize)]
struct Figures {
    handshake_ms: Vec<f64>,
    idle_rss_kib: Vec<f64>,
    first_schema_ms: Vec<f64>,
    second_schema_ms: Vec<f64>,
    rss_after_schema_kib: Vec<f64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Cargo adds options of its own.
    let arguments: Vec<String> = env::args().collect();
    let executable = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--executable="));
    let executable = Path::new(executable.unwrap_or(plugin_host::PROVIDER));
    let handshake_only = arguments
        .iter()
        .any(|argument| argument == "--handshake-only");
    let mut figures = Figures::default();
    for _ in 0..RUNS {
        let mut start = Instant::now();
        let plugin = Plugin::start_executable(executable, |_| start = Instant::now());
        figures.handshake_ms.push(milliseconds(start));
        figures.idle_rss_kib.push(resident_kib(&plugin));
        if handshake_only {
            continue;
        }

        let mut provider = ProviderClient::new(plugin.connect().await);
        for times in [&mut figures.first_schema_ms, &mut figures.second_schema_ms] {
            let start = Instant::now();
            provider.get_provider_schema(Request {}).await.unwrap();
            times.push(milliseconds(start));
        }
        figures.rss_after_schema_kib.push(resident_kib(&plugin));
    }
    println!("{}", serde_json::to_string(&figures).unwrap());
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn resident_kib(plugin: &Plugin) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", plugin.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("Linux tells each process's memory");
    line.trim_end_matches(" kB").trim().parse().unwrap()
}
