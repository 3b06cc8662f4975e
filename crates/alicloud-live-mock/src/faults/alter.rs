use serde_json::{Map, Value, json};

use super::FaultKind;
use crate::mock_response::{Delivery, MockResponse};

/// The answer after a fault of a kind that alters it.
pub(crate) fn alter(mut answer: MockResponse, kind: &FaultKind) -> MockResponse {
    match kind {
        FaultKind::Truncate {
            bytes,
            complete: true,
        } => answer.body.truncate(*bytes),
        FaultKind::Truncate {
            bytes,
            complete: false,
        } => answer.delivery = Delivery::Cut { bytes: *bytes },
        FaultKind::Trickle { ms } => answer.delivery = Delivery::Trickle { ms: *ms },
        FaultKind::Endless => answer.delivery = Delivery::Endless,
        FaultKind::WrongTypes => {
            if let Ok(body) = serde_json::from_slice(&answer.body) {
                answer.body = twisted(body).to_string().into_bytes();
            }
        }
        _ => {}
    }
    answer
}

/// The outer object stays, so that the body is still an answer of its operation.
fn twisted(body: Value) -> Value {
    match body {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, twisted_field(value)))
            .collect(),
        other => other,
    }
}

fn twisted_field(value: Value) -> Value {
    match value {
        Value::String(text) => json!(text.len()),
        Value::Number(number) => json!(number.to_string()),
        Value::Array(items) => {
            let numbered = items.into_iter().enumerate();
            let fields: Map<_, _> = numbered
                .map(|(index, item)| (index.to_string(), twisted(item)))
                .collect();
            Value::Object(fields)
        }
        other => twisted(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_types_are_wrong_at_every_depth() {
        let body = json!({"RequestId": "R-1", "TotalCount": 1, "JobList": {"Job": [{"JobId": "abc", "X": null}]}});
        let expected = json!({"RequestId": 3, "TotalCount": "1", "JobList": {"Job": {"0": {"JobId": 3, "X": null}}}});
        assert_eq!(twisted(body), expected);
    }
}
