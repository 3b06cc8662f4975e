//! Makes a story up from a seed.

use crate::configuration::{Configuration, Edit, Job};
use crate::dice::Dice;
use crate::state::Address;
use crate::story::{Act, Command, ConsoleAction, Moment, Operator, RunSpec, Step, Story};
use crate::troubles::{Climate, Kind, Only, Trouble};
use crate::version::Version;

const STREAMS: usize = 4;

pub struct Author {
    pub dice: Dice,
    /// What the files of each team say so far.
    pub files: [Configuration; 2],
    pub version: Version,
    pub teams: usize,
    /// Nothing goes wrong and nobody else acts.
    pub is_quiet: bool,
    /// The API shows new values only after so many calls, however long that takes: after a kill nobody makes them.
    pub lags: bool,
    pub names: usize,
}

/// A story in which anything can happen.
pub fn story(seed: u64) -> Story {
    written(seed, false)
}

/// A story without faults and foreign actors.
pub fn quiet_story(seed: u64) -> Story {
    written(seed, true)
}

fn written(seed: u64, is_quiet: bool) -> Story {
    let mut dice = Dice::new(seed);
    let version = *dice.pick(&Version::ALL);
    let mut author = Author {
        dice,
        files: Default::default(),
        version,
        teams: 1,
        is_quiet,
        lags: false,
        names: 0,
    };
    // What the story is mostly about.
    let theme = author.dice.below(10);
    let climate = author.climate();
    author.lags = climate.get_lag_calls + climate.status_lag_gets > 0;
    let steps = match theme {
        _ if is_quiet => author.anything(),
        0..=3 => author.anything(),
        4 | 5 => author.fleet(),
        6 | 7 => author.refactoring(),
        8 => author.duplicates(),
        _ => author.console(),
    };
    Story {
        seed,
        climate,
        steps,
    }
}

impl Author {
    fn climate(&mut self) -> Climate {
        let dice = &mut self.dice;
        let mut climate = Climate::default();
        if self.is_quiet || dice.percent(60) {
            return climate;
        }
        for _ in 0..=dice.below(2) {
            match dice.below(24) {
                0..=3 => climate.list_lag_ms = [500, 2_000, 5_000][dice.below(3)],
                4..=6 => climate.get_lag_calls = [1, 2, 3][dice.below(3)],
                7..=9 => climate.status_lag_gets = [1, 2, 3][dice.below(3)],
                10..=12 => climate.quota = Some(1 + dice.below(3)),
                13..=15 => climate.respells = true,
                16..=17 => climate.has_no_date = true,
                18..=19 => climate.ignores_nonces = true,
                20..=21 => climate.clock_ahead = [-3_000, -90, 40, 4_000][dice.below(4)],
                22 if dice.percent(40) => climate.lists_without_end = true,
                _ => climate.shows_odd_status = true,
            }
        }
        if climate.has_no_date {
            // Nobody could learn that the clock is off.
            climate.clock_ahead = 0;
        }
        climate
    }

    pub fn between_runs(&mut self, steps: &mut Vec<Step>) {
        for _ in 0..self.dice.below(4) {
            let workspace = self.dice.below(self.teams);
            if self.dice.percent(75) || self.is_quiet {
                steps.extend(self.edit(workspace));
            } else {
                let operator = self.operator();
                steps.push(Step::Operator(operator));
            }
        }
        if self.dice.percent(10)
            && let Some(address) = self.any_address(0)
        {
            steps.push(Step::Taint(0, address));
        }
        if self.dice.percent(20) {
            steps.push(Step::Wait(1 + self.dice.number(4_000)));
        }
    }

    fn edit(&mut self, workspace: usize) -> Option<Step> {
        let Some(address) = self.any_address(workspace) else {
            return Some(self.adds(workspace));
        };
        let job = self.files[workspace].jobs[&address];
        let edit = match self.dice.below(16) {
            0 => return Some(self.adds(workspace)),
            1 => Edit::Delete(address),
            2 => Edit::Forget(address),
            3..=6 => Edit::Rename {
                to: self.new_address(),
                from: address,
                with_moved: self.dice.percent(25),
            },
            7 if !self.is_quiet => {
                let Step::Edit(_, Edit::Add(address, job)) = self.adds(workspace) else {
                    return None;
                };
                Edit::Import(address, job)
            }
            _ => Edit::Change(address, self.changed(job)),
        };
        Some(self.edits(workspace, edit))
    }

    /// Edits the files of a workspace.
    pub fn edits(&mut self, workspace: usize, edit: Edit) -> Step {
        self.files[workspace].edit(&edit);
        Step::Edit(workspace, edit)
    }

    pub fn changed(&mut self, mut job: Job) -> Job {
        for _ in 0..=self.dice.below(2) {
            match self.dice.below(14) {
                0 | 1 => job.template = self.dice.below(3),
                2 => job.name = self.dice.below(3),
                3 => job.input = self.dice.below(3),
                4 => job.output = self.dice.below(2),
                5 => job.cluster = self.dice.below(2),
                6 | 7 => job.runs = self.run_state(),
                8 | 9 => job.timeouts = Some(4 + self.dice.below(3)),
                10 | 11 => job.create_before_destroy = !job.create_before_destroy,
                12 => job.may_not_stop = !job.may_not_stop,
                _ => job.is_protected = !job.is_protected,
            }
        }
        job
    }

    pub fn adds(&mut self, workspace: usize) -> Step {
        let mut job = Job::of_stream(self.dice.below(STREAMS));
        // Two blocks for one output are a mistake of the user's own.
        let taken = |job: &Job, files: &Configuration| {
            files.jobs.values().any(|other| other.stream == job.stream)
        };
        for _ in 0..STREAMS {
            if !taken(&job, &self.files[workspace]) {
                break;
            }
            job.stream = (job.stream + 1) % STREAMS;
        }
        if taken(&job, &self.files[workspace]) {
            job.stream = 2 * STREAMS + self.names;
        }
        job.runs = self.run_state();
        job.create_before_destroy = self.dice.percent(20);
        let address = self.new_address();
        self.edits(workspace, Edit::Add(address, job))
    }

    pub fn run_state(&mut self) -> Option<bool> {
        *self
            .dice
            .pick(&[None, None, Some(true), Some(true), Some(false)])
    }

    pub fn new_address(&mut self) -> Address {
        self.names += 1;
        let number = self.names;
        if self.dice.percent(30) {
            format!("job.each[\"{number}\"]")
        } else {
            format!("job.n{number}")
        }
    }

    pub fn any_address(&mut self, workspace: usize) -> Option<Address> {
        let addresses: Vec<_> = self.files[workspace].jobs.keys().cloned().collect();
        (!addresses.is_empty()).then(|| self.dice.pick(&addresses).clone())
    }

    pub fn run(&mut self, workspace: usize) -> RunSpec {
        let mut run = RunSpec {
            parallelism: 1 + self.dice.below(16),
            ..RunSpec::quiet(workspace, self.version)
        };
        if self.dice.percent(15) {
            run.command = *self
                .dice
                .pick(&[Command::Plan, Command::RefreshOnly, Command::Destroy]);
        }
        run.refreshes = run.command == Command::RefreshOnly || self.dice.percent(90);
        if let Some(address) = self.any_address(workspace) {
            if self.dice.percent(12) {
                run.replaced.push(address);
            } else if self.dice.percent(5) {
                run.target = Some(address);
            }
        }
        if matches!(run.command, Command::Destroy | Command::RefreshOnly) {
            run.replaced.clear();
        }
        if self.dice.percent(25) {
            run.pause = 1 + self.dice.number(7_200);
        }
        if !self.is_quiet {
            if self.dice.percent(4) {
                run.place = 1;
            }
            for _ in 0..[0, 1, 1, 1, 2, 3][self.dice.below(6)] {
                let act = self.act(workspace);
                run.acts.push(act);
            }
        }
        run
    }

    fn act(&mut self, workspace: usize) -> (Moment, Act) {
        let moment = if self.dice.percent(15) {
            Moment::Pause
        } else {
            let moments = 14 * self.files[workspace].jobs.len();
            Moment::Call(1 + self.dice.below(8 + moments))
        };
        let act = match self.dice.below(12) {
            0..=2 => Act::Operator(self.operator()),
            3..=7 => self.trouble(),
            8 => Act::Interrupt,
            9 | 10 if self.lags => Act::Interrupt,
            9 => *self.dice.pick(&[Act::InterruptTwice, Act::KillProvider]),
            10 => Act::KillCore {
                with_provider: self.dice.percent(50),
            },
            _ => Act::Suspend(1 + self.dice.number(3_000)),
        };
        (moment, act)
    }

    fn trouble(&mut self) -> Act {
        let trouble = Trouble {
            kind: *self.dice.pick(&Kind::ALL),
            share: [20, 50, 100][self.dice.below(3)],
            only: *self
                .dice
                .pick(&[Only::All, Only::All, Only::Writes, Only::Creates]),
        };
        let longest = [300, 2_000, 9_000, 90_000, 600_000][self.dice.below(5)];
        Act::Trouble(trouble, longest / 3 + self.dice.number(longest * 2 / 3))
    }

    pub fn operator(&mut self) -> Operator {
        Operator {
            stream: self.dice.below(STREAMS),
            action: *self.dice.pick(&ConsoleAction::ALL),
        }
    }
}
