//! Makes a failing story short: takes out whatever it still fails without.

use crate::invariants::Violation;
use crate::story::{Step, Story};
use crate::troubles::Climate;
use crate::world::play;

/// The shortest story found in which the same rule is broken, and how.
pub(crate) fn shrink(story: &Story, rule: &str) -> (Story, Vec<Violation>) {
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
        all.push(candidate);
    };
    for index in 0..story.steps.len() {
        with(&|story| {
            story.steps.remove(index);
        });
    }
    with_plainer_climates(story, &mut with);
    for (index, step) in story.steps.iter().enumerate() {
        let Step::Run(run, beside) = step else {
            continue;
        };
        if beside.is_some() {
            with(&|story| {
                if let Step::Run(_, beside) = &mut story.steps[index] {
                    *beside = None;
                }
            });
        }
        for act in 0..run.acts.len() {
            with(&|story| {
                if let Step::Run(run, _) = &mut story.steps[index] {
                    run.acts.remove(act);
                }
            });
        }
        if run.pause > 0 {
            with(&|story| {
                if let Step::Run(run, _) = &mut story.steps[index] {
                    run.pause = 0;
                }
            });
        }
        if run.parallelism > 1 {
            with(&|story| {
                if let Step::Run(run, _) = &mut story.steps[index] {
                    run.parallelism = 1;
                }
            });
        }
        if !run.replaced.is_empty() {
            with(&|story| {
                if let Step::Run(run, _) = &mut story.steps[index] {
                    run.replaced.clear();
                }
            });
        }
    }
    all
}

/// Takes a story that is changed so.
type TakeChanged<'a> = &'a mut dyn FnMut(&dyn Fn(&mut Story));

/// Takes one habit of the API away.
type Plainer = fn(&mut Climate);

fn with_plainer_climates(story: &Story, with: TakeChanged<'_>) {
    let habit: [Plainer; 10] = [
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
    for change in habit {
        let mut plainer = story.climate.clone();
        change(&mut plainer);
        if plainer != story.climate {
            with(&|story| change(&mut story.climate));
        }
    }
}
