//! Whether the miniature core calls the provider as real Terraform does: the same quiet story is played by both, and
//! the calls of each process are compared.
//!
//! Real Terraform runs with `-parallelism=1`, so that each node of its graph makes its calls in a row. The order of
//! nodes is random in both, so its calls must be those of the miniature core's nodes in some order.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::author::quiet_story;
use crate::configuration::{Configuration, Job};
use crate::process::Rpc;
use crate::story::{Command, RunSpec, Step, Story};
use crate::support::workspace::TestWorkspace;
use crate::version::Version;
use crate::world::play;

const TYPE: &str = "alicloud_live_edge_transcode_job";

/// What the plugin's log calls the calls that are compared.
const CALLS: [(&str, &str); 6] = [
    ("ValidateResourceConfig", "Validate"),
    ("UpgradeResourceState", "Upgrade"),
    ("ReadResource", "Read"),
    ("PlanResourceChange", "Plan"),
    ("ApplyResourceChange", "Apply"),
    ("ImportResourceState", "Import"),
];

/// The calls of each process of a command, in the order of starting; processes without such calls are left out.
type Calls = Vec<Vec<String>>;

/// Plays so many stories with both.
pub fn compare(release: &str, minor: usize, stories: u64) {
    for seed in 1..=stories {
        let story = of_release(quiet_story(seed), minor);
        let real = play_real(release, &story);
        let outcome = play(&story);
        for (number, (real, small)) in real.iter().zip(&outcome.calls).enumerate() {
            let small: Vec<_> = small.iter().map(|calls| nodes(calls)).collect();
            let small: Vec<_> = small
                .into_iter()
                .filter(|nodes| !nodes.is_empty())
                .collect();
            let is_same = real.len() == small.len()
                && real
                    .iter()
                    .zip(&small)
                    .all(|(real, nodes)| is_made_of(real, nodes));
            assert!(
                is_same,
                "story {seed}, run {number}: Terraform {release} calls {real:#?}, the miniature core {small:#?}\n{story}"
            );
        }
    }
}

/// The same story for this release, without what is a matter of chance.
fn of_release(mut story: Story, minor: usize) -> Story {
    for step in &mut story.steps {
        if let Step::Run(run, _) = step {
            run.version = Version { minor };
            run.parallelism = 1;
        }
    }
    story
}

/// The calls of each node.
fn nodes(calls: &[Rpc]) -> Vec<Vec<String>> {
    let mut nodes: Vec<(usize, Vec<String>)> = Vec::new();
    for call in calls
        .iter()
        .filter(|call| CALLS.iter().any(|(_, name)| *name == call.name))
    {
        match nodes.last_mut() {
            Some((node, calls)) if *node == call.node => calls.push(call.name.to_owned()),
            _ => nodes.push((call.node, vec![call.name.to_owned()])),
        }
    }
    nodes.into_iter().map(|(_, calls)| calls).collect()
}

/// Whether `calls` are those of all nodes, one node after the other.
fn is_made_of(calls: &[String], nodes: &[Vec<String>]) -> bool {
    if nodes.is_empty() {
        return calls.is_empty();
    }
    (0..nodes.len()).any(|first| {
        let mut rest = nodes.to_vec();
        let node = rest.remove(first);
        calls.starts_with(&node) && is_made_of(&calls[node.len()..], &rest)
    })
}

/// What real Terraform calls in each run of a story.
fn play_real(release: &str, story: &Story) -> Vec<Calls> {
    let world = TestWorkspace::new(release);
    world.unset("ALICLOUD_SECURITY_TOKEN");
    let mut files = Configuration::default();
    let mut runs = Vec::new();
    for step in &story.steps {
        match step {
            Step::Edit(_, edit) => files.edit(edit),
            Step::Taint(_, address) => taint(&world, address),
            Step::Run(run, _) => {
                let logged = log(&world).len();
                world.configure_all(format_args!(
                    "provider \"alicloud\" {{}}\n{}",
                    hcl(&files, run)
                ));
                let is_applied = run_real(&world, run);
                runs.push(calls(&log(&world)[logged..]));
                if is_applied && run.command != Command::Plan {
                    files.clear_refactorings();
                }
            }
            Step::Operator(_) | Step::Wait(_) => {}
        }
    }
    runs
}

fn run_real(world: &TestWorkspace, run: &RunSpec) -> bool {
    let options = options(run);
    let execute = |arguments: &[&str]| {
        let options = options.iter().map(String::as_str);
        let arguments: Vec<_> = arguments.iter().copied().chain(options).collect();
        world.run(&arguments).has_succeeded()
    };
    match run.command {
        Command::Plan => execute(&["plan", "-no-color"]),
        Command::RefreshOnly => execute(&["apply", "-no-color", "-auto-approve", "-refresh-only"]),
        Command::Destroy => execute(&["destroy", "-no-color", "-auto-approve"]),
        Command::Apply if run.pause == 0 => execute(&["apply", "-no-color", "-auto-approve"]),
        Command::Apply => {
            execute(&["plan", "-no-color", "-out=saved"])
                && world
                    .run(&["apply", "-no-color", "-parallelism=1", "saved"])
                    .has_succeeded()
        }
    }
}

fn options(run: &RunSpec) -> Vec<String> {
    let mut options = vec!["-parallelism=1".to_owned()];
    if !run.refreshes {
        options.push("-refresh=false".to_owned());
    }
    if run.command == Command::Apply || run.command == Command::Plan {
        let replaced = run.replaced.iter();
        options.extend(replaced.map(|address| format!("-replace={}", real_address(address))));
    }
    if let Some(target) = &run.target {
        options.push(format!("-target={}", real_address(target)));
    }
    options
}

/// `job.n1` and `job.each["2"]` as Terraform calls them; each key has a resource of its own.
fn real_address(address: &str) -> String {
    match address.split_once('[') {
        None => format!("{TYPE}.{}", address.trim_start_matches("job.")),
        Some((_, key)) => {
            let key = key.trim_end_matches(']');
            format!("{TYPE}.each_{}[{key}]", key.trim_matches('"'))
        }
    }
}

fn resource_name(address: &str) -> String {
    let address = real_address(address);
    let name = address.trim_start_matches(TYPE).trim_start_matches('.');
    name.split('[').next().unwrap().to_owned()
}

fn hcl(files: &Configuration, run: &RunSpec) -> String {
    let mut text = String::new();
    for (address, job) in &files.jobs {
        text.push_str(&resource(address, job));
    }
    for (from, to) in &files.moved {
        let (from, to) = (real_address(from), real_address(to));
        writeln!(text, "moved {{\n  from = {from}\n  to = {to}\n}}").unwrap();
    }
    for address in files
        .removed
        .iter()
        .filter(|_| run.version.has_removed_blocks())
    {
        let name = resource_name(address);
        writeln!(
            text,
            "removed {{\n  from = {TYPE}.{name}\n  lifecycle {{\n    destroy = false\n  }}\n}}"
        )
        .unwrap();
    }
    text
}

fn resource(address: &str, job: &Job) -> String {
    let name = resource_name(address);
    let mut text = format!("resource \"{TYPE}\" \"{name}\" {{\n");
    if let Some((_, key)) = address.split_once('[') {
        let key = key.trim_end_matches(']');
        writeln!(text, "  for_each = toset([{key}])").unwrap();
    }
    for (attribute, value) in job.required() {
        writeln!(text, "  {attribute} = \"{value}\"").unwrap();
    }
    if let Some(status) = job.status() {
        writeln!(text, "  status = \"{status}\"").unwrap();
    }
    if job.is_protected {
        text.push_str("  deletion_protection = true\n");
    }
    if job.may_not_stop {
        text.push_str("  allow_stopping_for_update = false\n");
    }
    if let Some(minutes) = job.timeouts {
        writeln!(text, "  timeouts {{\n    update = \"{minutes}m\"\n  }}").unwrap();
    }
    if job.create_before_destroy {
        text.push_str("  lifecycle {\n    create_before_destroy = true\n  }\n");
    }
    text.push_str("}\n");
    text
}

fn taint(world: &TestWorkspace, address: &str) {
    if world.state_file().is_empty() {
        return;
    }
    let name = resource_name(address);
    world.edit_state(|state| {
        for resource in state["resources"].as_array_mut().into_iter().flatten() {
            if resource["name"] == name.as_str() {
                for instance in resource["instances"].as_array_mut().into_iter().flatten() {
                    instance["status"] = "tainted".into();
                }
            }
        }
    });
}

fn log(world: &TestWorkspace) -> String {
    std::fs::read_to_string(world.home().join("terraform.log")).unwrap_or_default()
}

/// The calls that the provider's processes logged.
fn calls(log: &str) -> Calls {
    let mut processes: Vec<u64> = Vec::new();
    let mut calls: BTreeMap<u64, Vec<(u64, String)>> = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains("call received")) {
        let field = |name: &str| {
            let (_, rest) = line.split_once(&format!("{name}="))?;
            rest.split_whitespace()
                .next()
                .map(|value| value.trim_matches('"'))
        };
        let (Some(rpc), Some(id)) = (field("tf_rpc"), field("tf_req_id")) else {
            continue;
        };
        let Some((_, name)) = CALLS.iter().find(|(call, _)| *call == rpc) else {
            continue;
        };
        let (process, number) = id.split_once('-').unwrap();
        let process = process.parse().unwrap();
        if !processes.contains(&process) {
            processes.push(process);
        }
        let number = number.parse().unwrap();
        calls
            .entry(process)
            .or_default()
            .push((number, (*name).to_owned()));
    }
    let in_order = |process: &u64| {
        let mut calls = calls[process].clone();
        calls.sort();
        calls.into_iter().map(|(_, name)| name).collect()
    };
    processes.iter().map(in_order).collect()
}
