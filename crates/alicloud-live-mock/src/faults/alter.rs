//! The faults that alter a response.

use serde_json::{Map, Value, json};

use super::FaultKind;
use crate::mock_response::{Delivery, MockResponse};

/// Applies a fault to a response. A kind that does not alter responses has no effect.
pub(crate) fn alter(mut response: MockResponse, kind: &FaultKind) -> MockResponse {
    match kind {
        FaultKind::Truncate {
            bytes,
            complete: true,
        } => response.body.truncate(*bytes),
        FaultKind::Truncate {
            bytes,
            complete: false,
        } => response.delivery = Delivery::Cut { bytes: *bytes },
        FaultKind::Trickle { ms } => response.delivery = Delivery::Trickle { ms: *ms },
        FaultKind::Endless => response.delivery = Delivery::Endless,
        FaultKind::WrongTypes => {
            if let Ok(body) = serde_json::from_slice(&response.body) {
                response.body = with_wrong_types(body).to_string().into_bytes();
            }
        }
        _ => {}
    }
    response
}

/// Changes the type of each value in an object. The object itself stays, so that its members can still be found.
fn with_wrong_types(body: Value) -> Value {
    match body {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, with_wrong_type(value)))
            .collect(),
        other => other,
    }
}

fn with_wrong_type(value: Value) -> Value {
    match value {
        Value::String(text) => json!(text.len()),
        Value::Number(number) => json!(number.to_string()),
        Value::Array(items) => {
            let numbered = items.into_iter().enumerate();
            let fields: Map<_, _> = numbered
                .map(|(index, item)| (index.to_string(), with_wrong_types(item)))
                .collect();
            Value::Object(fields)
        }
        other => with_wrong_types(other),
    }
}
