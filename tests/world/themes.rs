//! What stories are about.

use crate::author::Author;
use crate::configuration::{Edit, Job};
use crate::story::{Act, Command, ConsoleAction, Moment, Operator, RunSpec, Step};
use crate::troubles::{Kind, Only, Trouble};

impl Author {
    pub fn anything(&mut self) -> Vec<Step> {
        if !self.is_quiet && self.dice.percent(20) {
            self.teams = 2;
        }
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

    /// Many running jobs change at once.
    pub fn fleet(&mut self) -> Vec<Step> {
        let mut steps = self.running_jobs(3 + self.dice.clone().below(6));
        let jobs = self.files[0].jobs.clone();
        let template = 1 + self.dice.below(2);
        for (address, job) in jobs {
            steps.push(self.edits(0, Edit::Change(address, Job { template, ..job })));
        }
        let run = self.applies();
        steps.push(Step::Run(run, None));
        steps
    }

    /// Blocks get other names, keys and life cycles.
    pub fn refactoring(&mut self) -> Vec<Step> {
        let mut steps = self.running_jobs(1 + self.dice.clone().below(3));
        for (address, mut job) in self.files[0].jobs.clone() {
            let edit = match self.dice.below(6) {
                0..=2 => Edit::Rename {
                    to: self.new_address(),
                    from: address,
                    with_moved: self.dice.percent(20),
                },
                3 => {
                    let is_tainted = self.dice.percent(50);
                    if is_tainted {
                        steps.push(Step::Taint(0, address.clone()));
                    }
                    job.create_before_destroy = true;
                    Edit::Change(address, job)
                }
                4 => {
                    job.cluster = 1 - job.cluster;
                    Edit::Change(address, job)
                }
                _ => Edit::Change(address, self.changed(job)),
            };
            steps.push(self.edits(0, edit));
        }
        let mut run = self.applies();
        if self.dice.percent(30) {
            run.replaced.extend(self.any_address(0));
        }
        steps.push(Step::Run(run, None));
        steps
    }

    /// Two teams create the same jobs, and responses are lost.
    pub fn duplicates(&mut self) -> Vec<Step> {
        self.teams = 2;
        let mut steps = Vec::new();
        for stream in 0..=self.dice.below(2) {
            for workspace in 0..2 {
                let mut job = Job::of_stream(stream);
                job.runs = self.run_state();
                let address = self.new_address();
                steps.push(self.edits(workspace, Edit::Add(address, job)));
            }
        }
        let mut run = self.applies();
        run.workspace = self.dice.below(2);
        let only = Only::Creates;
        let kind = *self.dice.pick(&[
            Kind::LostBefore,
            Kind::LostAfter,
            Kind::Hang,
            Kind::ErrorAfterWork,
        ]);
        let share = [50, 100][self.dice.below(2)];
        let time = [2_000, 20_000, 60_000][self.dice.below(3)];
        let trouble = Trouble { kind, share, only };
        run.acts
            .push((Moment::Call(1), Act::Trouble(trouble, time)));
        if self.dice.percent(50) {
            let operator = Operator {
                stream: 0,
                action: ConsoleAction::CreateDuplicate,
            };
            let moment = Moment::Call(1 + self.dice.below(30));
            run.acts.push((moment, Act::Operator(operator)));
        }
        let mut beside = RunSpec::quiet(1 - run.workspace, self.version);
        beside.pause = self.dice.number(8);
        steps.push(Step::Run(run, Some(beside)));
        steps
    }

    /// Plans are old when they are applied.
    pub fn console(&mut self) -> Vec<Step> {
        let mut steps = self.running_jobs(1 + self.dice.clone().below(2));
        for (address, job) in self.files[0].jobs.clone() {
            if self.dice.percent(70) {
                let job = self.changed(job);
                steps.push(self.edits(0, Edit::Change(address, job)));
            }
        }
        let mut run = self.applies();
        run.pause = 1 + self.dice.number(7_200);
        run.refreshes = self.dice.percent(50);
        let operator = Operator {
            stream: self.dice.below(2),
            action: *self.dice.pick(&[
                ConsoleAction::Start,
                ConsoleAction::Stop,
                ConsoleAction::Start,
                ConsoleAction::Stop,
                ConsoleAction::Delete,
            ]),
        };
        if self.dice.percent(50) {
            steps.push(Step::Operator(operator));
        } else {
            run.acts.push((Moment::Pause, Act::Operator(operator)));
        }
        steps.push(Step::Run(run, None));
        steps
    }

    /// Jobs that were applied and run: some as configured, some because somebody started them.
    fn running_jobs(&mut self, count: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut by_hand = Vec::new();
        for stream in 0..count {
            let mut job = Job::of_stream(stream);
            job.runs = self.dice.percent(50).then_some(true);
            job.create_before_destroy = self.dice.percent(20);
            if job.runs.is_none() {
                by_hand.push(stream);
            }
            let address = self.new_address();
            steps.push(self.edits(0, Edit::Add(address, job)));
        }
        steps.push(Step::Run(RunSpec::quiet(0, self.version), None));
        for stream in by_hand {
            let action = ConsoleAction::Start;
            steps.push(Step::Operator(Operator { stream, action }));
        }
        steps
    }

    /// An apply in which something may happen.
    fn applies(&mut self) -> RunSpec {
        RunSpec {
            command: Command::Apply,
            target: None,
            ..self.run(0)
        }
    }
}
