//! What the worlds have met: who acted and what was wrong, in runs that changed what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::core::{Action, Report};
use crate::story::{Act, Command, RunSpec};
use crate::troubles::Climate;

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

/// Cells that stay empty, and why.
const IMPOSSIBLE: [(&str, Action, &str); 1] = [(
    "terraform 1.6",
    Action::Forget,
    "`removed` blocks came with 1.7",
)];

/// Cells that need so much chance that a short run may not meet them: what is left of a `create_before_destroy`
/// replacement that failed, and `removed` blocks, in the same run as something rare.
const RARE: [Action; 2] = [Action::DeleteDeposed, Action::Forget];

/// Rows: what was out of the ordinary. Columns: what the plan of the run was to do.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    cells: BTreeMap<(String, Action), usize>,
}

impl Coverage {
    pub fn note(&mut self, spec: &RunSpec, climate: &Climate, report: &Report) {
        let changes = report.plan.changes.values();
        let actions: BTreeSet<_> = changes.map(|change| change.action).collect();
        for row in rows(spec, climate) {
            for (action, _) in ACTIONS {
                let count = usize::from(actions.contains(&action));
                *self.cells.entry((row.clone(), action)).or_default() += count;
            }
        }
    }

    pub fn add(&mut self, other: &Self) {
        for (cell, count) in &other.cells {
            *self.cells.entry(cell.clone()).or_default() += count;
        }
    }

    /// Cells in which nothing was met, though it could have been.
    pub fn empty_cells(&self, is_long: bool) -> Vec<String> {
        let empty = self.cells.iter().filter(|((row, action), count)| {
            let is_impossible = |(of_row, of_action, _): &(&str, Action, &str)| {
                row == of_row && action == of_action
            };
            **count == 0
                && !IMPOSSIBLE.iter().any(is_impossible)
                && (is_long || !RARE.contains(action))
        });
        empty
            .map(|((row, action), _)| format!("{row} × {action:?}"))
            .collect()
    }

    pub fn table(&self) -> String {
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
        for (row, action, reason) in IMPOSSIBLE {
            write!(table, "\n{row} × {action:?} stays empty: {reason}").unwrap();
        }
        table
    }
}

/// What was out of the ordinary in a run. Acts of a run that only plans are not counted: they meet no change.
fn rows(spec: &RunSpec, climate: &Climate) -> Vec<String> {
    let mut rows = vec![format!("terraform 1.{}", spec.version.minor)];
    let acts = spec
        .acts
        .iter()
        .filter(|_| spec.command != Command::RefreshOnly);
    for (_, act) in acts {
        rows.push(match act {
            Act::Operator(operator) => format!("operator: {:?}", operator.action),
            Act::Trouble(trouble, _) => format!("API for a time: {:?}", trouble.kind),
            Act::Suspend(_) => "suspend".to_owned(),
            other => other.to_string(),
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
        (spec.place > 0, "endpoint of another cloud"),
        (spec.workspace > 0, "another team"),
    ] {
        if is_set {
            rows.push(row.to_owned());
        }
    }
    rows
}
