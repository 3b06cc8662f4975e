//! What is wrong with the API: its habits throughout a world, and its troubles for a time.

use std::fmt;

use alicloud_live::HttpResponse;
use alicloud_live_mock::Behavior;
use axum::http::header;
use serde_json::Value;
use time::OffsetDateTime;

use crate::api::{headers, is_read};
use crate::dice::Dice;

/// Habits.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent habit"
)]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Climate {
    pub list_lag_ms: u64,
    pub get_lag_calls: u32,
    pub status_lag_gets: u32,
    /// Jobs that may run at a time.
    pub quota: Option<usize>,
    /// URLs come back with the host in lower case and without the default port.
    pub respells: bool,
    /// Responses carry no `Date`.
    pub has_no_date: bool,
    pub ignores_nonces: bool,
    /// Every page of a list is the first one, and the total is absurd.
    pub lists_without_end: bool,
    /// A running job shows a status that nobody documents.
    pub shows_odd_status: bool,
    pub clock_ahead: i64,
}

impl Climate {
    pub fn config(&self) -> Behavior {
        Behavior {
            list_lag_ms: self.list_lag_ms,
            get_lag_calls: self.get_lag_calls,
            status_lag_gets: self.status_lag_gets,
            max_running_jobs: self.quota,
            check_nonces: !self.ignores_nonces,
            clock_offset_seconds: self.clock_ahead,
            ..Behavior::default()
        }
    }

    /// A response as these habits bend it.
    pub fn bend(&self, action: &str, mut response: HttpResponse) -> HttpResponse {
        if self.has_no_date {
            response.headers.remove(header::DATE);
        }
        let bends_body = self.respells || self.lists_without_end || self.shows_odd_status;
        if bends_body && let Ok(mut body) = serde_json::from_slice(&response.body) {
            self.bend_value(&mut body);
            if self.lists_without_end && action.starts_with("List") && response.status == 200 {
                body["TotalCount"] = 1_000_000_000_000_000_u64.into();
            }
            response.body = body.to_string().into_bytes();
        }
        response
    }

    fn bend_value(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    match field {
                        Value::String(text) if self.respells && name.starts_with("Stream") => {
                            *text = respelled(text);
                        }
                        Value::String(text) if self.shows_odd_status && name == "Status" => {
                            if text == "1" {
                                "2".clone_into(text);
                            }
                        }
                        field => self.bend_value(field),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.bend_value(item)),
            _ => {}
        }
    }

    /// An error in place of the API's own response.
    pub fn error(
        &self,
        (status, code): (u16, &str),
        retry_after_ms: Option<u64>,
        now: OffsetDateTime,
    ) -> HttpResponse {
        let mut headers = headers(now + time::Duration::seconds(self.clock_ahead));
        if self.has_no_date {
            headers.clear();
        }
        if let Some(time) = retry_after_ms {
            headers.insert("x-acs-retry-after", time.to_string().parse().unwrap());
        }
        let body = serde_json::json!({
            "RequestId": "5E7A0B1C-0000-4000-8000-000000000000",
            "Code": code,
            "Message": "The weather is bad.",
            "HostId": "mock.invalid",
        });
        HttpResponse {
            status,
            headers,
            body: body.to_string().into_bytes(),
        }
    }
}

/// What RFC 3986 calls the same URL.
pub fn respelled(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("rtmp", url));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.to_ascii_lowercase().replace(":1935", "");
    format!("{scheme}://{host}/{path}")
}

/// What can be wrong for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Unavailable,
    ErrorAfterWork,
    NoConnection,
    LostBefore,
    LostAfter,
    Hang,
    Throttle,
    Slow,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Unavailable,
        Self::ErrorAfterWork,
        Self::NoConnection,
        Self::LostBefore,
        Self::LostAfter,
        Self::Hang,
        Self::Throttle,
        Self::Slow,
    ];
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trouble {
    pub kind: Kind,
    /// Of a hundred calls.
    pub share: usize,
    pub only: Only,
}

/// Which calls a trouble concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    All,
    Writes,
    Creates,
}

impl Trouble {
    pub fn strikes(&self, action: &str, dice: &mut Dice) -> bool {
        let concerns = match self.only {
            Only::All => true,
            Only::Writes => !is_read(action),
            Only::Creates => action == "Create",
        };
        concerns && dice.percent(self.share)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = match self.only {
            Only::All => "calls",
            Only::Writes => "writes",
            Only::Creates => "creates",
        };
        write!(
            formatter,
            "{:?} for {}% of the {calls}",
            self.kind, self.share
        )
    }
}
