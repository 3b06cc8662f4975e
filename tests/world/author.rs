//! Makes a story up from a seed.

use crate::configuration::{Configuration, Edit, Job};
use crate::core::Version;
use crate::dice::Dice;
use crate::state::Address;
use crate::story::{Act, Command, Deed, Moment, Operator, RunSpec, Step, Story};
use crate::troubles::{Climate, Kind, Only, Trouble};

const STREAMS: usize = 4;

struct Author {
    dice: Dice,
    /// What the files of each team say so far.
    files: [Configuration; 2],
    version: Version,
    teams: usize,
    /// Nothing goes wrong and nobody else acts.
    is_quiet: bool,
    names: usize,
}

/// A story in which anything can happen.
pub(crate) fn story(seed: u64) -> Story {
    written(seed, false)
}

/// A story without faults and foreign actors.
pub(crate) fn quiet_story(seed: u64) -> Story {
    written(seed, true)
}

fn written(seed: u64, is_quiet: bool) -> Story {
    let mut dice = Dice::new(seed);
    let version = *dice.pick(&Version::ALL);
    let teams = if !is_quiet && dice.percent(20) { 2 } else { 1 };
    let mut author = Author {
        dice,
        files: Default::default(),
        version,
        teams,
        is_quiet,
        names: 0,
    };
    let climate = author.climate();
    let steps = author.steps();
    Story {
        seed,
        climate,
        steps,
    }
}

impl Author {
    fn climate(&mut self) -> Climate {
        let dice = &mut self.dice;
        if self.is_quiet || dice.percent(50) {
            return Climate::default();
        }
        let mut climate = Climate::default();
        for _ in 0..=dice.below(2) {
            match dice.below(10) {
                0 | 1 => climate.list_lag_ms = [500, 2_000, 5_000][dice.below(3)],
                2 => climate.get_lag_calls = 1 + u32::try_from(dice.below(3)).unwrap(),
                3 => climate.status_lag_gets = 1 + u32::try_from(dice.below(3)).unwrap(),
                4 => climate.quota = Some(1 + dice.below(3)),
                5 => climate.respells = true,
                6 => climate.has_no_date = true,
                7 => climate.ignores_nonces = true,
                8 => climate.clock_ahead = [-3_000, -90, 40, 4_000][dice.below(4)],
                _ if dice.percent(50) => climate.lists_without_end = true,
                _ => climate.shows_odd_status = true,
            }
        }
        climate
    }

    fn steps(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for workspace in 0..self.teams {
            for _ in 0..=self.dice.below(3) {
                steps.push(self.adds(workspace));
            }
        }
        let runs = 2 + self.dice.below(3);
        for run in 0..runs {
            if run > 0 {
                self.between_runs(&mut steps);
            }
            let workspace = self.dice.below(self.teams);
            let main = self.run(workspace);
            let beside = (self.teams > 1 && self.dice.percent(50)).then(|| {
                let mut beside = self.run(1 - workspace);
                beside.acts.clear();
                beside
            });
            steps.push(Step::Run(main, beside));
        }
        steps
    }

    fn between_runs(&mut self, steps: &mut Vec<Step>) {
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
            steps.push(Step::Wait(
                1 + u64::try_from(self.dice.below(4_000)).unwrap(),
            ));
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
                let to = self.new_address();
                let mut job = Job::of_stream(self.dice.below(STREAMS));
                job.runs = self.run_state();
                Edit::Import(to, job)
            }
            _ => Edit::Change(address, self.changed(job)),
        };
        self.files[workspace].edit(&edit);
        Some(Step::Edit(workspace, edit))
    }

    fn changed(&mut self, mut job: Job) -> Job {
        for _ in 0..=self.dice.below(2) {
            match self.dice.below(12) {
                0 | 1 => job.template = self.dice.below(3),
                2 => job.name = self.dice.below(3),
                3 => job.input = self.dice.below(3),
                4 => job.output = self.dice.below(2),
                5 => job.cluster = self.dice.below(2),
                6 | 7 => job.runs = self.run_state(),
                8 => job.timeouts = Some(4 + self.dice.below(3)),
                9 => job.create_before_destroy = !job.create_before_destroy,
                10 => job.may_not_stop = !job.may_not_stop,
                _ => job.is_protected = !job.is_protected,
            }
        }
        job
    }

    fn adds(&mut self, workspace: usize) -> Step {
        let mut job = Job::of_stream(self.dice.below(STREAMS));
        // Two blocks for one output are a mistake of the user's own.
        let taken = |job: &Job, jobs: &Configuration| {
            jobs.jobs.values().any(|other| other.stream == job.stream)
        };
        for _ in 0..4 {
            if !taken(&job, &self.files[workspace]) {
                break;
            }
            job.stream = (job.stream + 1) % STREAMS;
        }
        if taken(&job, &self.files[workspace]) {
            job.stream = STREAMS + self.names;
        }
        job.runs = self.run_state();
        job.create_before_destroy = self.dice.percent(20);
        let edit = Edit::Add(self.new_address(), job);
        self.files[workspace].edit(&edit);
        Step::Edit(workspace, edit)
    }

    fn run_state(&mut self) -> Option<bool> {
        *self
            .dice
            .pick(&[None, None, Some(true), Some(true), Some(false)])
    }

    fn new_address(&mut self) -> Address {
        self.names += 1;
        let number = self.names;
        if self.dice.percent(30) {
            format!("job.each[\"{number}\"]")
        } else {
            format!("job.n{number}")
        }
    }

    fn any_address(&mut self, workspace: usize) -> Option<Address> {
        let addresses: Vec<_> = self.files[workspace].jobs.keys().cloned().collect();
        (!addresses.is_empty()).then(|| self.dice.pick(&addresses).clone())
    }

    fn run(&mut self, workspace: usize) -> RunSpec {
        let mut run = RunSpec {
            parallelism: 1 + self.dice.below(16),
            ..RunSpec::quiet(workspace, self.version)
        };
        if self.dice.percent(15) {
            run.command = *self
                .dice
                .pick(&[Command::Plan, Command::RefreshOnly, Command::Destroy]);
        }
        run.refreshes = self.dice.percent(90);
        if run.command == Command::RefreshOnly {
            run.refreshes = true;
        }
        if let Some(address) = self.any_address(workspace) {
            if self.dice.percent(12) {
                run.replaced.push(address);
            } else if self.dice.percent(5) {
                run.target = Some(address);
            }
        }
        if self.dice.percent(25) {
            run.pause = u64::try_from(1 + self.dice.below(7_200)).unwrap();
        }
        if !self.is_quiet {
            if self.dice.percent(4) {
                run.place = 1;
            }
            for _ in 0..[0, 0, 1, 1, 2, 3][self.dice.below(6)] {
                let act = self.act();
                run.acts.push(act);
            }
        }
        run
    }

    fn act(&mut self) -> (Moment, Act) {
        let moment = if self.dice.percent(15) {
            Moment::Pause
        } else {
            Moment::Call(1 + self.dice.below(90))
        };
        let act = match self.dice.below(12) {
            0..=3 => Act::Operator(self.operator()),
            4..=7 => self.trouble(),
            8 => Act::Interrupt,
            9 => *self.dice.pick(&[Act::InterruptTwice, Act::KillProvider]),
            10 => Act::KillCore {
                with_provider: self.dice.percent(50),
            },
            _ => Act::Suspend(u64::try_from(1 + self.dice.below(3_000)).unwrap()),
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
        let longest = [300, 2_000, 10_000, 90_000, 600_000][self.dice.below(5)];
        Act::Trouble(
            trouble,
            u64::try_from(longest / 3 + self.dice.below(longest)).unwrap(),
        )
    }

    fn operator(&mut self) -> Operator {
        Operator {
            stream: self.dice.below(STREAMS),
            deed: *self.dice.pick(&Deed::ALL),
        }
    }
}
