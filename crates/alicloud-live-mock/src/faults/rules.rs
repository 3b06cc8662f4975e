//! The rules in force, and which of them hit a call.

use serde::Serialize;

use super::{Fault, FaultKind, FaultStage};
use crate::budget::{Budget, Charge};
use crate::parameters::Parameters;
use crate::random::Random;

/// The rules in force, and how often each was due and hit.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    random: Random,
    next_id: u64,
    budget: Budget,
}

/// The approximate memory of a rule without its strings.
const RULE_BYTES: usize = 1024;
/// How many rules may be in force.
const MAX_RULES: usize = 1000;

#[derive(Debug, Serialize)]
struct Rule {
    /// Identifies the rule in `DELETE /_mock/faults/{id}`.
    id: u64,
    fault: Fault,
    /// Calls that it matched at its stage.
    seen: u64,
    /// Calls that it hit.
    hits: u64,
    #[serde(skip)]
    random: Option<Random>,
    #[serde(skip)]
    _charge: Charge,
}

impl Faults {
    pub(crate) fn new(random: Random, budget: Budget) -> Self {
        Self {
            rules: Vec::new(),
            random,
            next_id: 0,
            budget,
        }
    }

    /// Replaces all rules. The random numbers continue.
    pub(crate) fn set(&mut self, faults: Vec<Fault>) {
        self.rules.clear();
        self.push(faults);
    }

    /// Replaces all rules, unless there would be too many.
    pub(crate) fn replace(&mut self, faults: Vec<Fault>) -> Result<(), String> {
        check_number(faults.len())?;
        self.set(faults);
        Ok(())
    }

    /// Appends rules. Fails if there would be too many.
    pub(crate) fn add(&mut self, faults: Vec<Fault>) -> Result<(), String> {
        check_number(self.rules.len() + faults.len())?;
        self.push(faults);
        Ok(())
    }

    fn push(&mut self, faults: Vec<Fault>) {
        for fault in faults {
            let texts = serde_json::to_string(&fault).map_or(0, |text| text.len());
            self.rules.push(Rule {
                id: self.next_id,
                seen: 0,
                hits: 0,
                _charge: self.budget.charge(RULE_BYTES + texts),
                random: fault.seed.map(|seed| Random::new(Some(seed))),
                fault,
            });
            self.next_id += 1;
        }
    }

    /// Removes a rule. Returns false if it does not exist.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    /// Returns the rules with their counts, as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self.rules)
    }

    /// Returns the faults that are due for a call at `stage`, in the order of the rules, up to the first that ends it.
    pub(crate) fn due(&mut self, call: &Parameters, stage: FaultStage) -> Vec<FaultKind> {
        let mut due = Vec::new();
        for rule in &mut self.rules {
            let fault = &rule.fault;
            if fault.stage() != stage || !fault.matches(call) {
                continue;
            }
            rule.seen += 1;
            let is_due =
                rule.seen > fault.skip && fault.times.is_none_or(|times| rule.hits < times);
            let random = rule.random.as_mut().unwrap_or(&mut self.random);
            if is_due && random.random_bool(fault.probability) {
                rule.hits += 1;
                due.push(fault.kind.clone());
                if fault.kind.ends_call() {
                    break;
                }
            }
        }
        due
    }
}

fn check_number(rules: usize) -> Result<(), String> {
    if rules > MAX_RULES {
        return Err(format!("at most {MAX_RULES} rules can be in force"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::*;
    use super::*;

    fn faults(rules: Vec<Fault>) -> Faults {
        let mut faults = Faults::new(Random::new(Some(1)), Budget::new(usize::MAX));
        faults.set(rules);
        faults
    }

    fn call(query: &str) -> Parameters {
        Parameters::decode(query, b"")
    }

    fn due(faults: &mut Faults, query: &str) -> Vec<FaultKind> {
        faults.due(&call(query), FaultStage::Before)
    }

    fn hits(faults: &mut Faults, calls: usize) -> Vec<bool> {
        (0..calls)
            .map(|_| !due(faults, "Action=A").is_empty())
            .collect()
    }

    #[test]
    fn skip_and_times_pick_the_calls() {
        let mut nth = faults(vec![Fault::new("A", FaultKind::Drop).skip(2).times(1)]);
        assert_eq!(hits(&mut nth, 5), [false, false, true, false, false]);
        let mut first = faults(vec![Fault::new("A", FaultKind::Drop).times(2)]);
        assert_eq!(hits(&mut first, 4), [true, true, false, false]);
    }

    #[test]
    fn a_rule_hits_only_its_action_and_stage_and_a_star_every_call() {
        let after = Fault::new("A", FaultKind::Drop).when(FaultStage::After);
        let mut faults = faults(vec![after, Fault::new("*", FaultKind::Hang)]);
        let mut due = |query, stage| faults.due(&call(query), stage);
        for query in ["Action=A", "Action=B", ""] {
            assert_eq!(due(query, FaultStage::Before), [FaultKind::Hang]);
        }
        assert_eq!(due("Action=A", FaultStage::After), [FaultKind::Drop]);
        assert_eq!(due("Action=B", FaultStage::After), []);
        assert_eq!(due("", FaultStage::After), []);
    }

    #[test]
    fn faults_add_up_to_the_first_that_ends_call() {
        let slow = FaultKind::Slow { ms: 1 };
        let rules =
            [slow.clone(), FaultKind::Drop, FaultKind::Hang].map(|kind| Fault::new("A", kind));
        let due = due(&mut faults(rules.to_vec()), "Action=A");
        assert_eq!(due, [slow, FaultKind::Drop]);
    }

    #[test]
    fn a_rule_for_a_job_or_cluster_hits_no_other() {
        let of_job = Fault {
            job_id: Some("j".to_owned()),
            ..Fault::new("A", FaultKind::Drop)
        };
        let of_cluster = Fault {
            cluster_id: Some("c".to_owned()),
            ..Fault::new("*", FaultKind::Hang)
        };
        let mut faults = faults(vec![of_job, of_cluster]);
        for (query, expected) in [
            ("Action=A&JobId=j&ClusterId=d", vec![FaultKind::Drop]),
            ("Action=A&JobId=k&ClusterId=d", vec![]),
            ("Action=A", vec![]),
            ("Action=A&JobId=k&ClusterId=c", vec![FaultKind::Hang]),
        ] {
            assert_eq!(due(&mut faults, query), expected, "{query}");
        }
    }

    #[test]
    fn a_rule_with_a_seed_is_independent_of_other_rules() {
        let share = Fault {
            seed: Some(7),
            ..Fault::new("A", FaultKind::Drop).probability(0.3)
        };
        let other = Fault::new("B", FaultKind::Hang).probability(0.5);
        let alone = hits(&mut faults(vec![share.clone()]), 200);
        let mut both = faults(vec![other, share]);
        let together: Vec<bool> = (0..200)
            .map(|_| {
                due(&mut both, "Action=B");
                !due(&mut both, "Action=A").is_empty()
            })
            .collect();
        assert_eq!(alone, together);
        let hits = alone.iter().filter(|hit| **hit).count();
        assert!((40..80).contains(&hits), "{hits}");
    }

    #[test]
    fn rules_are_added_and_removed_one_by_one() {
        let mut faults = faults(vec![Fault::new("A", FaultKind::Drop)]);
        faults.add(vec![Fault::new("B", FaultKind::Drop)]).unwrap();
        assert!(faults.remove(0) && !faults.remove(0));
        assert_eq!(due(&mut faults, "Action=A"), []);
        assert_eq!(due(&mut faults, "Action=B"), [FaultKind::Drop]);
        let many = vec![Fault::new("C", FaultKind::Drop); MAX_RULES];
        assert!(faults.add(many.clone()).is_err());
        assert!(faults.add(many[1..].to_vec()).is_ok());
    }

    #[test]
    fn rules_are_read_from_json() {
        let rules: Vec<Fault> = serde_json::from_value(json!([
            {"action": "A", "kind": "drop", "when": "after", "times": 1},
            {"kind": {"slow": {"ms": 5}}},
            {"kind": {"response": {}}},
            {"kind": {"truncate": {"bytes": 3}}, "probability": 0.5},
        ]))
        .unwrap();
        let truncate = FaultKind::Truncate {
            bytes: 3,
            complete: false,
        };
        let expected = vec![
            Fault::new("A", FaultKind::Drop)
                .when(FaultStage::After)
                .times(1),
            Fault::new("*", FaultKind::Slow { ms: 5 }),
            Fault::new("*", FaultKind::empty()),
            Fault::new("*", truncate).probability(0.5),
        ];
        assert_eq!(rules, expected);
    }
}
