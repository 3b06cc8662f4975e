//! How many instructions the provider executes for a call of Terraform's, and for a signature: counted by callgrind, so
//! that commits can be compared on any machine, busy or not.
//!
//! The real binary runs under callgrind twice for each row, with few and with many calls; the difference is what one
//! call costs, transport included. `make callgrind` compares with `benches/instructions.tsv`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for developers: it reports by printing and fails by panicking"
)]

#[path = "../tests/support/certificate.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with tests")]
mod certificate;
#[path = "../tests/support/plugin_host.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with tests")]
mod plugin_host;
#[path = "../tests/support/requests.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with tests")]
mod requests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use alicloud_auth::signing::{acs3, rpc_v1};
use alicloud_live_mock::{
    DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, Job, Mock, MockSettings, TemplateType,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::format_description::well_known::Rfc3339;
use tonic::transport::Channel;

use plugin_host::Plugin;
use requests::{configure, plan, read, read_back, response, validate, value};
use tfplugin::generated::plugin::Empty;
use tfplugin::generated::plugin::grpc_controller_client::GrpcControllerClient;
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;
use tfplugin::generated::tfplugin6::{get_provider_schema, plan_resource_change};

/// The counts that the tree is held to.
const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.tsv");
/// Counts that differ by less are the same: threads and random numbers (keys, hash tables) make that much.
const TOLERANCE: f64 = 0.03;
/// How often a call is made in the two runs whose difference counts.
const FEW: usize = 100;
const MANY: usize = 500;
/// Jobs that the cluster has beyond those that are read.
const OTHER_JOBS: usize = 500;
const TYPE: &str = "alicloud_live_edge_transcode_job";

/// What is counted.
#[derive(Clone, Copy, PartialEq)]
enum Row {
    GetProviderSchema,
    ValidateResourceConfig,
    PlanResourceChange,
    ReadResource,
    SignV1,
    SignV3,
}

const ROWS: [(&str, Row); 6] = [
    ("GetProviderSchema", Row::GetProviderSchema),
    ("ValidateResourceConfig", Row::ValidateResourceConfig),
    ("PlanResourceChange", Row::PlanResourceChange),
    ("ReadResource, listed", Row::ReadResource),
    ("signature 1.0", Row::SignV1),
    ("signature V3", Row::SignV3),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, sign, row, times] = &arguments[..]
        && sign == "sign"
    {
        // This program itself, under callgrind.
        let row = ROWS.iter().find(|(name, _)| name == row).unwrap().1;
        for _ in 0..times.parse().unwrap() {
            black_box(signature(row));
        }
        return ExitCode::SUCCESS;
    }

    let counts: Vec<(&str, u64)> = ROWS
        .iter()
        .map(|(name, row)| {
            println!("counting: {name}");
            (*name, instructions_for_one(name, *row))
        })
        .collect();
    report(&counts)
}

/// Prints the counts beside those on record; puts them there if `UPDATE_GENERATED` is set. Fails if they differ.
fn report(counts: &[(&str, u64)]) -> ExitCode {
    let record = recorded();
    let mut text = String::from("call\tinstructions\n");
    let mut has_changed = false;
    println!("{:<24} {:>12} {:>12}", "call", "instructions", "on record");
    for (name, count) in counts {
        writeln!(text, "{name}\t{count}").unwrap();
        let Some(before) = record.get(*name).copied() else {
            has_changed = true;
            println!("{name:<24} {count:>12}         none");
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let change = *count as f64 / before as f64 - 1.0;
        let is_same = change.abs() <= TOLERANCE;
        has_changed |= !is_same;
        let remark = if is_same { "" } else { "  <- differs" };
        println!(
            "{name:<24} {count:>12} {before:>12} {:>+7.1} %{remark}",
            100.0 * change
        );
    }
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(RECORD, text).unwrap();
        println!("Written to benches/instructions.tsv.");
    } else if has_changed {
        println!(
            "If that is meant, run `make callgrind UPDATE_GENERATED=1` and commit benches/instructions.tsv."
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn recorded() -> BTreeMap<String, u64> {
    let text = fs::read_to_string(RECORD).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let (name, count) = line.split_once('\t')?;
            Some((name.to_owned(), count.parse().ok()?))
        })
        .collect()
}

fn instructions_for_one(name: &str, row: Row) -> u64 {
    let count = |times| match row {
        Row::SignV1 | Row::SignV3 => count_signatures(name, times),
        _ => count_calls(row, times),
    };
    let (few, many) = (count(FEW), count(MANY));
    many.saturating_sub(few) / (MANY - FEW) as u64
}

fn count_signatures(name: &str, times: usize) -> u64 {
    let callgrind = Callgrind::new();
    let ended = callgrind
        .command(&std::env::current_exe().unwrap())
        .args(["sign", name, &times.to_string()])
        .status()
        .unwrap();
    assert!(ended.success());
    callgrind.count()
}

/// The parameters of a create, signed as the client does.
fn signature(row: Row) -> String {
    const SECRET: &str = "testsecret";
    let fields = [
        ("ClusterId", "cluster-1"),
        ("Name", "stream-0001"),
        ("RegionId", "cn-shanghai"),
        ("StreamInput", "rtmp://pull.example.com/live/stream-0001"),
        ("StreamOutput", "rtmp://push.example.com/live/stream-0001"),
        ("TemplateId", "tpl-h264-720p"),
    ];
    if row == Row::SignV1 {
        let common = [
            ("AccessKeyId", "testid"),
            ("Action", "CreateEdgeTranscodeJob"),
            ("Format", "JSON"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "0123456789abcdef0123456789abcdef"),
            ("SignatureVersion", "1.0"),
            ("Timestamp", "2026-01-01T00:00:00Z"),
            ("Version", "2016-11-01"),
        ];
        let query = rpc_v1::canonicalized_query(common.into_iter().chain(fields));
        return rpc_v1::signature(&rpc_v1::string_to_sign("POST", &query), SECRET);
    }
    let body = rpc_v1::canonicalized_query(fields);
    let hash = acs3::hashed_payload(body.as_bytes());
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("host", "live.aliyuncs.com"),
        ("x-acs-action", "CreateEdgeTranscodeJob"),
        ("x-acs-content-sha256", hash.as_str()),
        ("x-acs-date", "2026-01-01T00:00:00Z"),
        ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"),
        ("x-acs-version", "2016-11-01"),
    ];
    let request = acs3::canonical_request("POST", "/", [], headers, &hash);
    let signature = acs3::signature(&acs3::string_to_sign(&request), SECRET);
    acs3::authorization("testid", &acs3::signed_headers(headers), &signature)
}

/// Starts the provider as Terraform does, makes calls, and ends it.
fn count_calls(row: Row, times: usize) -> u64 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let callgrind = Callgrind::new();
    let mock = Mock::start(MockSettings {
        seed: Some(1),
        ..MockSettings::default()
    })
    .unwrap();
    let jobs: Vec<Job> = (0..MANY + OTHER_JOBS)
        .map(|_| mock.seed_job(|_| {}))
        .collect();

    let mut plugin = Plugin::start_with(|command| {
        command
            .env("LIVE_ENDPOINT", mock.url())
            .env("ALICLOUD_ACCESS_KEY", DEFAULT_ACCESS_KEY_ID)
            .env("ALICLOUD_SECRET_KEY", DEFAULT_ACCESS_KEY_SECRET);
        callgrind.wrap(command);
    });
    runtime.block_on(async {
        let channel = plugin.connect().await;
        let mut provider = ProviderClient::new(channel.clone());
        configure(&mut provider, &json!({})).await;
        // Newest first: whatever their number, the same Gets and the same pages serve the first of them.
        for job in jobs.iter().rev().take(times) {
            call(&mut provider, row, job).await;
        }
        GrpcControllerClient::new(channel)
            .shutdown(Empty {})
            .await
            .unwrap();
        assert!(plugin.ended().await.0.success());
    });
    if row == Row::ReadResource {
        let lists = mock.calls().into_iter();
        let lists = lists.filter(|call| call.action.as_deref() == Some("ListEdgeTranscodeJob"));
        assert_eq!((lists.count(), mock.calls().len()), (10, 20));
    }
    callgrind.count()
}

async fn call(provider: &mut ProviderClient<Channel>, row: Row, job: &Job) {
    let diagnostics = match row {
        Row::GetProviderSchema => {
            let request = get_provider_schema::Request {};
            let schema = response(provider.get_provider_schema(request)).await;
            schema.diagnostics
        }
        Row::ValidateResourceConfig => {
            let request = validate(TYPE, value(&config(job)));
            let validated = response(provider.validate_resource_config(request)).await;
            validated.diagnostics
        }
        Row::PlanResourceChange => {
            let (mut config, mut proposed) = (config(job), state(job));
            for object in [&mut config, &mut proposed] {
                object["name"] = json!("renamed");
            }
            let request = plan_resource_change::Request {
                config: value(&config),
                ..plan(TYPE, value(&state(job)), value(&proposed))
            };
            let planned = response(provider.plan_resource_change(request)).await;
            planned.diagnostics
        }
        _ => {
            let request = read(TYPE, value(&state(job)));
            let read = response(provider.read_resource(request)).await;
            // As values: the order of attributes means nothing.
            assert_eq!(read_back(read.new_state), state(job));
            read.diagnostics
        }
    };
    assert_eq!(diagnostics, []);
}

/// A job as Terraform's state has it.
fn state(job: &Job) -> Value {
    assert!(job.r#type == TemplateType::Common);
    json!({
        "cluster_id": job.cluster_id,
        "create_time": job.create_time.format(&Rfc3339).unwrap(),
        "id": format!("{}:{}", job.cluster_id, job.job_id),
        "job_id": job.job_id,
        "last_start_at": null,
        "last_stop_at": null,
        "name": job.name,
        "allow_stopping_for_update": null,
        "deletion_protection": null,
        "status": "Stopped",
        "stream_input": job.stream_input,
        "stream_output": job.stream_output,
        "template_id": job.template_id,
        "template_name": job.template_name,
        "timeouts": null,
        "type": "common",
    })
}

/// A job as the user configures it.
fn config(job: &Job) -> Value {
    let mut config = state(job);
    for computed in [
        "create_time",
        "id",
        "job_id",
        "status",
        "template_name",
        "type",
    ] {
        config[computed] = Value::Null;
    }
    config
}

/// A run under callgrind.
struct Callgrind {
    folder: TempDir,
}

impl Callgrind {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("valgrind");
        let output = self.folder.path().join("counts").display().to_string();
        command
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={output}"))
            .arg(program);
        command
    }

    /// Has a command run under callgrind.
    fn wrap(&self, command: &mut Command) {
        let mut wrapped = self.command(Path::new(command.get_program()));
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        wrapped.stdin(Stdio::null()).stdout(Stdio::piped());
        *command = wrapped;
    }

    /// Instructions of the run that has ended.
    fn count(&self) -> u64 {
        let text = fs::read_to_string(self.folder.path().join("counts")).unwrap();
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        total.and_then(|total| total.trim().parse().ok()).unwrap()
    }
}
