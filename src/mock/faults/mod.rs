//! Trouble on demand: which fault a call meets, where, and how often. What a fault then does is the call's own
//! business ([`super::call`]).

mod alter;

use serde::{Deserialize, Serialize};

pub(super) use alter::alter;

use super::operation::ACTIONS;
use super::random::Random;
use super::sts;

/// A rule: calls of `action` meet `kind` at the point `when`.
///
/// In JSON: `{"action": "CreateEdgeTranscodeJob", "kind": "drop", "when": "after", "times": 1}`. Kinds with fields
/// are objects: `{"kind": {"slow": {"ms": 50}}}`. All but `kind` may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The name of an operation, or `*` for every call, even one without a known action. Default `*`.
    #[serde(default = "any_action")]
    pub action: String,
    /// What happens.
    pub kind: FaultKind,
    /// Where it happens. Without it: `after` for the kinds that alter the answer, `before` for all others.
    #[serde(default)]
    pub when: Option<Point>,
    /// The chance that a call which is due meets it, from 0 to 1; thrown with the mock's seed. Default 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// So many calls of the action go free first. Default 0. With `times` 1 this picks the n-th call.
    #[serde(default)]
    pub skip: u64,
    /// So many calls meet it, then no more. Without it, all.
    #[serde(default)]
    pub times: Option<u64>,
    /// Only calls that name this job. Without it, all.
    #[serde(default)]
    pub job_id: Option<String>,
    /// Only calls that name this cluster. Without it, all.
    #[serde(default)]
    pub cluster_id: Option<String>,
    /// Has the rule throw dice of its own with this seed, so that no other rule or call changes whom it hits.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The connection is closed without a byte of an answer.
    Drop,
    /// No answer comes, and the connection stays open until the caller, a reset or the mock's end closes it.
    Hang,
    /// The call waits for a release, and goes on as if nothing had been.
    Pause,
    /// The call waits, and goes on.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// An error of the API, in its envelope.
    Error {
        /// The HTTP status.
        status: u16,
        /// Such as `InternalError`, `ServiceUnavailable`, `Throttling.User`.
        code: String,
        /// Free text.
        #[serde(default)]
        message: String,
        /// Milliseconds for the header `x-acs-retry-after`.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// Any answer, such as a proxy's HTML page. `{"answer": {}}` is an empty 200.
    Answer {
        /// The HTTP status. Default 200.
        #[serde(default = "ok")]
        status: u16,
        /// Default that of the API's own answers.
        #[serde(default = "json_type")]
        content_type: String,
        /// Default empty.
        #[serde(default)]
        body: String,
    },
    /// Alters the answer: only the first bytes of its body come.
    Truncate {
        /// How many.
        bytes: usize,
        /// False (the default): the whole length is announced and the connection breaks off.
        /// True: just these bytes are announced, so the answer looks complete.
        #[serde(default)]
        complete: bool,
    },
    /// Alters the answer: its body comes a byte at a time.
    Trickle {
        /// Milliseconds before each byte.
        ms: u64,
    },
    /// Alters the answer: a body of JSON begins and never ends.
    Endless,
    /// Alters the answer: each string becomes a number, each number a string, each array an object.
    WrongTypes,
}

/// The points of a call at which a fault or an observer can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// The request was read; nothing of it was checked, and its nonce is not used up.
    Arrival,
    /// The call passed all checks of signature and parameters; its nonce is used up; nothing was done yet.
    Before,
    /// The operation was carried out or refused; the answer is not sent yet.
    After,
}

impl Fault {
    /// Every call of `action` meets `kind`.
    pub fn new(action: &str, kind: FaultKind) -> Self {
        Self {
            action: action.to_owned(),
            kind,
            when: None,
            probability: 1.0,
            skip: 0,
            times: None,
            job_id: None,
            cluster_id: None,
            seed: None,
        }
    }

    /// The same at another point.
    #[must_use]
    pub fn when(self, point: Point) -> Self {
        Self {
            when: Some(point),
            ..self
        }
    }

    /// The same for the next `times` calls only.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// The same after `skip` calls went free.
    #[must_use]
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// The same by chance.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self {
            probability,
            ..self
        }
    }

    fn point(&self) -> Point {
        if self.kind.alters_the_answer() {
            Point::After
        } else {
            self.when.unwrap_or(Point::Before)
        }
    }

    fn is_aimed_at(&self, target: Target<'_>) -> bool {
        let fits = |wanted: &Option<String>, named: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == named
        };
        (self.action == "*" || Some(self.action.as_str()) == target.action)
            && fits(&self.job_id, target.job_id)
            && fits(&self.cluster_id, target.cluster_id)
    }

    /// Why the rule makes no sense, if it does not.
    pub(super) fn problem(&self) -> Option<&'static str> {
        if self.action != "*" && !is_action(&self.action) {
            return Some("expected as action the name of an operation, or *");
        }
        let status = match &self.kind {
            FaultKind::Error { status, .. } | FaultKind::Answer { status, .. } => *status,
            _ => 200,
        };
        if !(200..=599).contains(&status) {
            return Some("a status is a number from 200 to 599");
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Some("a probability is a number from 0 to 1");
        }
        if self.kind.alters_the_answer() && self.when.is_some_and(|point| point != Point::After) {
            return Some("this kind alters the answer, so it can only act after");
        }
        None
    }
}

fn is_action(name: &str) -> bool {
    ACTIONS.contains(&name) || sts::ACTIONS.contains(&name)
}

impl FaultKind {
    /// 500 `InternalError`.
    pub fn internal_error() -> Self {
        Self::error(500, "InternalError")
    }

    /// 503 `ServiceUnavailable`.
    pub fn service_unavailable() -> Self {
        Self::error(503, "ServiceUnavailable")
    }

    /// 400 `Throttling.User`.
    pub fn throttling_user() -> Self {
        Self::error(400, "Throttling.User")
    }

    /// 429 `Throttling.Api` with a hint when to come back, in milliseconds.
    pub fn throttling_api(retry_after_ms: Option<u64>) -> Self {
        let (code, message) = ("Throttling.Api".to_owned(), String::new());
        Self::Error {
            status: 429,
            code,
            message,
            retry_after_ms,
        }
    }

    /// Any error of the API.
    pub fn error(status: u16, code: &str) -> Self {
        Self::Error {
            status,
            code: code.to_owned(),
            message: String::new(),
            retry_after_ms: None,
        }
    }

    /// 200 with nothing in it.
    pub fn empty() -> Self {
        Self::Answer {
            status: 200,
            content_type: json_type(),
            body: String::new(),
        }
    }

    /// What a proxy or captive portal might say, with status 200.
    pub fn html() -> Self {
        let body = "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>".to_owned();
        Self::Answer {
            status: 200,
            content_type: "text/html".to_owned(),
            body,
        }
    }

    /// How long the texts in it are.
    pub(super) fn text_len(&self) -> usize {
        match self {
            Self::Error { code, message, .. } => code.len() + message.len(),
            Self::Answer {
                content_type, body, ..
            } => content_type.len() + body.len(),
            _ => 0,
        }
    }

    fn alters_the_answer(&self) -> bool {
        matches!(
            self,
            Self::Truncate { .. } | Self::Trickle { .. } | Self::Endless | Self::WrongTypes
        )
    }

    /// Whether a call that meets it goes no further.
    fn ends_the_call(&self) -> bool {
        matches!(
            self,
            Self::Drop | Self::Hang | Self::Error { .. } | Self::Answer { .. }
        )
    }
}

fn any_action() -> String {
    "*".to_owned()
}

fn certain() -> f64 {
    1.0
}

fn ok() -> u16 {
    200
}

/// The content type of the API's own answers.
pub(super) fn json_type() -> String {
    "application/json;charset=utf-8".to_owned()
}

/// What a call names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Target<'a> {
    pub(super) action: Option<&'a str>,
    pub(super) job_id: Option<&'a str>,
    pub(super) cluster_id: Option<&'a str>,
}

/// The rules in force, and how often each was due and met.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    dice: Random,
    next_id: u64,
}

/// So many rules may be in force.
const MAX_RULES: usize = 1000;

#[derive(Clone, Debug, Serialize)]
struct Rule {
    /// Names the rule where it is to be removed.
    id: u64,
    fault: Fault,
    /// Calls of its target at its point.
    seen: u64,
    /// Those that met it.
    met: u64,
    #[serde(skip)]
    dice: Option<Random>,
}

impl Faults {
    pub(super) fn new(dice: Random) -> Self {
        Self {
            rules: Vec::new(),
            dice,
            next_id: 0,
        }
    }

    /// Puts these rules in the place of all others. The dice go on where they are.
    pub(super) fn set(&mut self, faults: Vec<Fault>) {
        self.rules.clear();
        self.push(faults);
    }

    /// Adds these rules after those in force. Fails if there would be too many.
    pub(super) fn add(&mut self, faults: Vec<Fault>) -> Result<(), String> {
        if self.rules.len() + faults.len() > MAX_RULES {
            return Err(format!("at most {MAX_RULES} rules can be in force"));
        }
        self.push(faults);
        Ok(())
    }

    fn push(&mut self, faults: Vec<Fault>) {
        for fault in faults {
            self.rules.push(Rule {
                id: self.next_id,
                seen: 0,
                met: 0,
                dice: fault.seed.map(|seed| Random::new(Some(seed))),
                fault,
            });
            self.next_id += 1;
        }
    }

    /// Removes a rule. False if there is none.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    /// The rules with their counts, as JSON.
    pub(super) fn show(&self) -> serde_json::Value {
        serde_json::json!(self.rules)
    }

    /// What a call meets at `point`, in the order of the rules; the first that ends it is the last.
    pub(super) fn due(&mut self, target: Target<'_>, point: Point) -> Vec<FaultKind> {
        let mut due = Vec::new();
        for rule in &mut self.rules {
            let fault = &rule.fault;
            if fault.point() != point || !fault.is_aimed_at(target) {
                continue;
            }
            rule.seen += 1;
            let in_turn =
                rule.seen > fault.skip && fault.times.is_none_or(|times| rule.met < times);
            let dice = rule.dice.as_mut().unwrap_or(&mut self.dice);
            if in_turn && dice.chance(fault.probability) {
                rule.met += 1;
                due.push(fault.kind.clone());
                if fault.kind.ends_the_call() {
                    break;
                }
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(rules: Vec<Fault>) -> Faults {
        let mut faults = Faults::new(Random::new(Some(1)));
        faults.set(rules);
        faults
    }

    fn of(action: &str) -> Target<'_> {
        Target {
            action: Some(action),
            ..Target::default()
        }
    }

    fn met(faults: &mut Faults, calls: usize) -> Vec<bool> {
        (0..calls)
            .map(|_| !faults.due(of("A"), Point::Before).is_empty())
            .collect()
    }

    #[test]
    fn skip_and_times_pick_the_calls() {
        let mut nth = faults(vec![Fault::new("A", FaultKind::Drop).skip(2).times(1)]);
        assert_eq!(met(&mut nth, 5), [false, false, true, false, false]);
        let mut first = faults(vec![Fault::new("A", FaultKind::Drop).times(2)]);
        assert_eq!(met(&mut first, 4), [true, true, false, false]);
    }

    #[test]
    fn a_rule_minds_its_own_action_and_point() {
        let mut faults = faults(vec![Fault::new("A", FaultKind::Drop).when(Point::After)]);
        assert_eq!(faults.due(of("A"), Point::Before), []);
        assert_eq!(faults.due(of("B"), Point::After), []);
        assert_eq!(faults.due(Target::default(), Point::After), []);
        assert_eq!(faults.due(of("A"), Point::After), [FaultKind::Drop]);
    }

    #[test]
    fn a_star_stands_for_every_call() {
        let mut faults = faults(vec![Fault::new("*", FaultKind::Hang)]);
        assert_eq!(faults.due(of("A"), Point::Before), [FaultKind::Hang]);
        assert_eq!(
            faults.due(Target::default(), Point::Before),
            [FaultKind::Hang]
        );
    }

    #[test]
    fn faults_add_up_to_the_first_that_ends_the_call() {
        let slow = FaultKind::Slow { ms: 1 };
        let rules =
            [slow.clone(), FaultKind::Drop, FaultKind::Hang].map(|kind| Fault::new("A", kind));
        assert_eq!(
            faults(rules.to_vec()).due(of("A"), Point::Before),
            [slow, FaultKind::Drop]
        );
    }

    #[test]
    fn chance_repeats_with_the_seed() {
        let thrown = || {
            met(
                &mut faults(vec![Fault::new("A", FaultKind::Drop).probability(0.5)]),
                100,
            )
        };
        assert_eq!(thrown(), thrown());
        assert!(thrown().contains(&true) && thrown().contains(&false));
    }

    #[test]
    fn a_rule_of_one_job_or_cluster_spares_all_others() {
        let call = |job_id, cluster_id| Target {
            job_id,
            cluster_id,
            ..of("A")
        };
        let of_job = Fault {
            job_id: Some("j".to_owned()),
            ..Fault::new("A", FaultKind::Drop)
        };
        let of_cluster = Fault {
            cluster_id: Some("c".to_owned()),
            ..Fault::new("*", FaultKind::Hang)
        };
        let mut faults = faults(vec![of_job, of_cluster]);
        let mut due = |job_id, cluster_id| faults.due(call(job_id, cluster_id), Point::Before);
        assert_eq!(due(Some("j"), Some("d")), [FaultKind::Drop]);
        assert_eq!(due(Some("k"), Some("d")), []);
        assert_eq!(due(None, None), []);
        assert_eq!(due(Some("k"), Some("c")), [FaultKind::Hang]);
    }

    #[test]
    fn a_rule_with_a_seed_hits_the_same_calls_whatever_others_do() {
        let share = Fault {
            seed: Some(7),
            ..Fault::new("A", FaultKind::Drop).probability(0.3)
        };
        let other = Fault::new("B", FaultKind::Hang).probability(0.5);
        let alone = met(&mut faults(vec![share.clone()]), 200);
        let mut both = faults(vec![other, share]);
        let beside: Vec<bool> = (0..200)
            .map(|_| {
                both.due(of("B"), Point::Before);
                !both.due(of("A"), Point::Before).is_empty()
            })
            .collect();
        assert_eq!(alone, beside);
        let hits = alone.iter().filter(|hit| **hit).count();
        assert!((40..80).contains(&hits), "{hits}");
    }

    #[test]
    fn rules_are_added_and_removed_one_by_one() {
        let mut faults = faults(vec![Fault::new("A", FaultKind::Drop)]);
        faults.add(vec![Fault::new("B", FaultKind::Drop)]).unwrap();
        assert!(faults.remove(0) && !faults.remove(0));
        assert_eq!(faults.due(of("A"), Point::Before), []);
        assert_eq!(faults.due(of("B"), Point::Before), [FaultKind::Drop]);
        let many = vec![Fault::new("C", FaultKind::Drop); MAX_RULES];
        assert!(faults.add(many.clone()).is_err());
        assert!(faults.add(many[1..].to_vec()).is_ok());
    }

    #[test]
    fn rules_are_read_from_json() {
        let rules: Vec<Fault> = serde_json::from_value(json!([
            {"action": "A", "kind": "drop", "when": "after", "times": 1},
            {"kind": {"slow": {"ms": 5}}},
            {"kind": {"answer": {}}},
            {"kind": {"truncate": {"bytes": 3}}, "probability": 0.5},
        ]))
        .unwrap();
        let truncate = FaultKind::Truncate {
            bytes: 3,
            complete: false,
        };
        let expected = vec![
            Fault::new("A", FaultKind::Drop).when(Point::After).times(1),
            Fault::new("*", FaultKind::Slow { ms: 5 }),
            Fault::new("*", FaultKind::empty()),
            Fault::new("*", truncate).probability(0.5),
        ];
        assert_eq!(rules, expected);
    }

    #[test]
    fn a_misspelt_rule_is_refused() {
        for rule in [
            json!({"kind": "dorp"}),
            json!({"kind": "drop", "time": 1}),
            json!({"kind": {"slow": {"ms": 1, "s": 1}}}),
            json!({"action": "A"}),
        ] {
            assert!(
                serde_json::from_value::<Fault>(rule.clone()).is_err(),
                "{rule}"
            );
        }
    }

    #[test]
    fn a_senseless_rule_is_explained() {
        let early = Fault::new("*", FaultKind::Endless).when(Point::Before);
        let likely = Fault::new("*", FaultKind::Drop).probability(1.5);
        let status = Fault::new("*", FaultKind::error(99, "X"));
        for rule in [early, likely, status] {
            assert!(rule.problem().is_some(), "{rule:?}");
        }
        assert_eq!(Fault::new("*", FaultKind::Endless).problem(), None);
    }
}
