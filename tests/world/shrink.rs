//! Makes a failing story short: takes out whatever it still fails without.

use crate::invariants::Violation;
use crate::story::{RunSpec, Step, Story};
use crate::troubles::Climate;
use crate::world::play;

/// The shortest story found in which the same rule is broken, and how.
pub fn shrink(story: &Story, rule: &str) -> (Story, Vec<Violation>) {
    let mut best = story.clone();
    let mut violations = play(&best).violations;
    loop {
        let shorter = candidates(&best).into_iter().find_map(|candidate| {
            let violations = play(&candidate).violations;
            let fails = violations.iter().any(|violation| violation.rule == rule);
            fails.then_some((candidate, violations))
        });
        match shorter {
            Some((story, found)) => (best, violations) = (story, found),
            None => return (best, violations),
        }
    }
}

/// All stories that are a little shorter or plainer.
fn candidates(story: &Story) -> Vec<Story> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Story)| {
        let mut candidate = story.clone();
        change(&mut candidate);
        if candidate != *story {
            all.push(candidate);
        }
    };
    for index in 0..story.steps.len() {
        with(&|story| drop(story.steps.remove(index)));
    }
    for take_away in HABITS {
        with(&|story| take_away(&mut story.climate));
    }
    for (index, step) in story.steps.iter().enumerate() {
        let Step::Run(run, _) = step else {
            continue;
        };
        let mut with_run = |change: &dyn Fn(&mut RunSpec, &mut Option<RunSpec>)| {
            with(&|story| {
                if let Step::Run(run, beside) = &mut story.steps[index] {
                    change(run, beside);
                }
            });
        };
        with_run(&|_, beside| *beside = None);
        for act in 0..run.acts.len() {
            with_run(&|run, _| {
                run.acts.remove(act);
            });
        }
        with_run(&|run, _| run.pause = 0);
        with_run(&|run, _| run.parallelism = 1);
        with_run(&|run, _| run.replaced.clear());
    }
    all
}

/// Each takes one habit of the API away.
const HABITS: [fn(&mut Climate); 10] = [
    |climate| climate.list_lag_ms = 0,
    |climate| climate.get_lag_calls = 0,
    |climate| climate.status_lag_gets = 0,
    |climate| climate.quota = None,
    |climate| climate.respells = false,
    |climate| climate.has_no_date = false,
    |climate| climate.ignores_nonces = false,
    |climate| climate.lists_without_end = false,
    |climate| climate.shows_odd_status = false,
    |climate| climate.clock_ahead = 0,
];
