//! A world for the provider: a miniature Terraform core, the mock API, and everybody else who touches the jobs, in
//! virtual time and from one seed. It looks for what no single test thinks of.
//!
//! | file | what it contains |
//! |---|---|
//! | `story`, `author`, `themes` | what happens in a world, and how it is made up from a seed |
//! | `configuration` | what users write, and how they change it |
//! | `api`, `troubles`, `actors` | the cloud, what is wrong with it, and people in the console |
//! | `process` | a provider process |
//! | `core`, `walk`, `visit`, `plan`, `apply` | the miniature core: a command, its graph, a node of it, its two walks |
//! | `version` | what differs between releases |
//! | `state`, `value`, `checks` | what core stores, and what it checks |
//! | `world` | plays a story |
//! | `invariants`, `outputs` | what must hold |
//! | `shrink`, `coverage` | a short story of a failure, and a table of what was met |
//! | `real` | the same stories played by real Terraform |

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is how a test fails, and it prints what it found"
)]
#![expect(
    unreachable_pub,
    reason = "in a test program nothing is reachable from outside"
)]

mod actors;
mod api;
mod apply;
mod author;
mod checks;
mod configuration;
mod core;
mod coverage;
mod dice;
mod invariants;
mod outputs;
mod plan;
mod process;
mod real;
mod shrink;
mod state;
mod story;
mod themes;
mod troubles;
mod value;
mod version;
mod visit;
mod walk;
mod world;

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Instant;

use coverage::Coverage;
use world::{play, play_and_narrate};

/// Worlds of a usual run; `WORLDS` names another number.
const WORLDS: u64 = 1_000;
/// From so many on, every cell of the table of what was met must have something in it, but for the rarest.
const COVERING_RUN: u64 = 3_000;
/// From so many on, the rarest things are met too.
const LONG_RUN: u64 = 50_000;
/// After so many worlds a run tells how far it is.
const STAGE: u64 = 10_000;

fn number(variable: &str, default: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.map_or(default, |value| value.parse().expect(variable))
}

#[test]
fn no_world_breaks_a_rule() {
    let (worlds, first) = (number("WORLDS", WORLDS), number("WORLD_SEED", 1));
    // Stories of each rule that are printed; with none the first failure ends the run.
    let shown = usize::try_from(number("WORLD_FAILURES", 1)).unwrap();
    // The one rule that is looked at.
    let only = std::env::var("WORLD_RULE").ok();
    let began = Instant::now();
    let mut coverage = Coverage::default();
    let mut failures: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut stories = String::new();
    for number in 0..worlds {
        let seed = first.wrapping_add(number);
        if number > 0 && number % STAGE == 0 {
            let broken: usize = failures.values().map(Vec::len).sum();
            println!("{number} worlds, next seed {seed}, rules broken {broken} times");
        }
        let outcome = play(&author::story(seed));
        coverage.add(&outcome.coverage);
        let mut rules: BTreeSet<_> = outcome.violations.iter().map(|found| found.rule).collect();
        rules.retain(|rule| only.as_ref().is_none_or(|only| only == rule));
        for rule in rules {
            let seeds = failures.entry(rule).or_default();
            seeds.push(seed);
            println!("seed {seed} breaks `{rule}`");
            assert!(shown > 0, "seed {seed} breaks `{rule}`");
            if seeds.len() <= shown {
                write!(stories, "\n\n{}", short_story(seed, rule)).unwrap();
            }
        }
    }
    let seconds = began.elapsed().as_secs();
    println!(
        "{worlds} worlds from seed {first} in {seconds} s\n{}",
        coverage.table()
    );
    for (rule, seeds) in &failures {
        println!("{rule}: {} worlds, {seeds:?}", seeds.len());
    }
    assert!(failures.is_empty(), "{stories}");
    if worlds >= COVERING_RUN {
        let empty = coverage.empty_cells(worlds >= LONG_RUN);
        assert!(empty.is_empty(), "never met: {empty:#?}");
    }
}

/// The short story of a failure.
fn short_story(seed: u64, rule: &str) -> String {
    let (story, violations) = shrink::shrink(&author::story(seed), rule);
    let mut text = format!("WORLD_SEED={seed} WORLDS=1 breaks `{rule}`:\n{story}");
    let outcome = play_and_narrate(&story);
    for event in outcome.events {
        writeln!(text, "    {event}").unwrap();
    }
    for violation in violations {
        writeln!(text, "  {}: {}", violation.rule, violation.text).unwrap();
    }
    text
}

#[test]
fn a_seed_makes_one_world() {
    for seed in 1..40 {
        let story = author::story(seed);
        let [once, again] = [play_and_narrate(&story), play_and_narrate(&story)];
        assert_eq!(once.events, again.events, "seed {seed}");
    }
}

#[test]
fn quiet_worlds_break_no_rule() {
    for seed in 1..100 {
        let story = author::quiet_story(seed);
        let violations = play(&story).violations;
        assert!(violations.is_empty(), "{seed}: {violations:?}\n{story}");
    }
}

/// Stories that real Terraform plays too, of each release; `WORLD_REAL_STORIES` names another number.
const REAL_STORIES: u64 = 6;

#[test]
fn terraform_1_6_6_calls_as_the_miniature_core_does() {
    real::compare("1.6.6", 6, number("WORLD_REAL_STORIES", REAL_STORIES));
}

#[test]
fn terraform_1_12_2_calls_as_the_miniature_core_does() {
    real::compare("1.12.2", 12, number("WORLD_REAL_STORIES", REAL_STORIES));
}

#[test]
fn terraform_1_15_5_calls_as_the_miniature_core_does() {
    real::compare("1.15.5", 15, number("WORLD_REAL_STORIES", REAL_STORIES));
}
