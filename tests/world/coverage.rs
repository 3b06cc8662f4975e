//! What the worlds have met: who acted and what was wrong, in runs that changed what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::core::{Action, Report};
use crate::story::{Act, RunSpec};
use crate::troubles::Climate;

/// Rows: what was out of the ordinary. Columns: what the plan of the run was to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    cells: BTreeMap<(String, Action), usize>,
}

const ACTIONS: [(Action, &str); 8] = [
    (Action::NoOp, "no-op"),
    (Action::Create, "create"),
    (Action::Update, "update"),
    (Action::Replace, "replace"),
    (Action::ReplaceCreateFirst, "CBD"),
    (Action::Delete, "delete"),
    (Action::DeleteDeposed, "deposed"),
    (Action::Forget, "forget"),
];

impl Coverage {
    pub(crate) fn note(&mut self, spec: &RunSpec, climate: &Climate, report: &Report) {
        let changes = report.plan.changes.values();
        let actions: BTreeSet<_> = changes.map(|change| change.action).collect();
        for row in rows(spec, climate) {
            for action in &actions {
                *self.cells.entry((row.clone(), *action)).or_default() += 1;
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (cell, count) in &other.cells {
            *self.cells.entry(cell.clone()).or_default() += count;
        }
    }

    /// Cells that nothing was met in.
    pub(crate) fn empty_cells(&self) -> Vec<String> {
        let rows: BTreeSet<_> = self.cells.keys().map(|(row, _)| row).collect();
        let mut empty = Vec::new();
        for row in rows {
            for (action, name) in ACTIONS {
                if !self.cells.contains_key(&(row.clone(), action)) {
                    empty.push(format!("{row} × {name}"));
                }
            }
        }
        empty
    }

    pub(crate) fn table(&self) -> String {
        let rows: BTreeSet<_> = self.cells.keys().map(|(row, _)| row).collect();
        let mut table = format!("{:<34}", "");
        for (_, name) in ACTIONS {
            write!(table, "{name:>9}").unwrap();
        }
        for row in rows {
            write!(table, "\n{row:<34}").unwrap();
            for (action, _) in ACTIONS {
                let count = self.cells.get(&(row.clone(), action)).unwrap_or(&0);
                write!(table, "{count:>9}").unwrap();
            }
        }
        table
    }
}

fn rows(spec: &RunSpec, climate: &Climate) -> Vec<String> {
    let mut rows = vec![format!("terraform 1.{}", spec.version.minor)];
    for (_, act) in &spec.acts {
        rows.push(match act {
            Act::Operator(operator) => format!("operator: {:?}", operator.deed),
            Act::Trouble(trouble, _) => format!("API for a time: {:?}", trouble.kind),
            Act::Interrupt => "Ctrl-C".to_owned(),
            Act::InterruptTwice => "Ctrl-C twice".to_owned(),
            Act::KillCore { with_provider } => {
                format!("kill -9 of core, provider too: {with_provider}")
            }
            Act::KillProvider => "kill -9 of the provider".to_owned(),
            Act::Suspend(_) => "suspend".to_owned(),
        });
    }
    for (is_set, row) in [
        (climate.list_lag_ms > 0, "API: lists lag"),
        (climate.get_lag_calls > 0, "API: new jobs lag"),
        (climate.status_lag_gets > 0, "API: status lags"),
        (climate.quota.is_some(), "API: quota of running jobs"),
        (climate.respells, "API: respells"),
        (climate.has_no_date, "API: no Date"),
        (climate.ignores_nonces, "API: ignores nonces"),
        (climate.lists_without_end, "API: lists without end"),
        (climate.shows_odd_status, "API: odd status"),
        (climate.clock_ahead != 0, "API: clock is off"),
        (spec.pause > 0, "saved plan ages"),
        (!spec.refreshes, "-refresh=false"),
        (!spec.replaced.is_empty(), "-replace"),
        (spec.target.is_some(), "-target"),
        (spec.place > 0, "endpoint of another cloud"),
        (spec.workspace > 0, "another team"),
    ] {
        if is_set {
            rows.push(row.to_owned());
        }
    }
    rows
}
