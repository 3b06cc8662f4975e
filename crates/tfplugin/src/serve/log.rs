//! Logs as the host understands them: go-hclog's JSON, one object a line, on stderr.
//!
//! - `@level`, `@message`, `@module` and `@timestamp` are the host's; every other key becomes a field there. A time
//!   stamp with other than six fractional digits makes the host treat the line as plain text.
//! - Only events of this crate and of those that [`ProviderInfo`] names are written. Libraries below log frames and headers, and
//!   a header may contain a signature.
//! - The host filters again and prints nothing unless asked. Its variables reach us all the same, and obeying them
//!   saves writing and parsing what it would throw away; without any of them we write `info` and above.

use std::fmt;
use std::io::{self, Write};

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::ProviderInfo;

/// The host reads lines of less than 64 KiB.
const MAX_LINE_BYTES: usize = 60 << 10;

/// How much of the message remains in a line that would be longer, in
/// characters, of which JSON writes none in more than six bytes.
const MAX_MESSAGE_CHARS: usize = 8 << 10;

/// The level that the environment asks for: the provider's own variable, all providers', everything's.
fn level(about: &ProviderInfo) -> LevelFilter {
    let own = about.name.to_uppercase().replace('-', "_");
    let own = format!("TF_LOG_PROVIDER_{own}");
    let names = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"];
    level_from(names.iter().filter_map(|name| std::env::var(name).ok()))
}

fn level_from(mut settings: impl Iterator<Item = String>) -> LevelFilter {
    let Some(setting) = settings.find(|setting| !setting.is_empty()) else {
        return LevelFilter::INFO;
    };
    // Core takes JSON, and what it does not know, such as a number, for TRACE.
    let is_word = setting.bytes().all(|byte| byte.is_ascii_alphabetic());
    let level = setting.parse().ok().filter(|_| is_word);
    level.unwrap_or(LevelFilter::TRACE)
}

/// Sends this process's events, from the level that the environment asks for, to stderr. Later calls change nothing.
pub(super) fn start(about: &ProviderInfo) {
    let level = level(about);
    // Targets begin with the name of their crate.
    let targets = about.log_crates.iter().chain(&[env!("CARGO_CRATE_NAME")]);
    let targets: Targets = targets.map(|name| (*name, level)).collect();
    let _ = tracing_subscriber::registry()
        .with(Hclog(io::stderr))
        .with(targets)
        .try_init();
}

/// Writes each event as a line of JSON to what its function opens.
struct Hclog<W>(W);

impl<S, W, O> Layer<S> for Hclog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn() -> O + 'static,
    O: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.take_missing_from(outer);
            }
        }
        event.record(&mut fields);

        let metadata = event.metadata();
        let module = metadata.target().replace("::", ".");
        let text = line(
            *metadata.level(),
            &module,
            fields,
            OffsetDateTime::now_utc(),
        );
        // One write a line, so that it does not mix with what others write to stderr; a closed pipe is nobody listening.
        let _ = (self.0)().write_all(text.as_bytes());
    }
}

fn line(level: Level, module: &str, Fields(mut fields): Fields, now: OffsetDateTime) -> String {
    let message = fields.remove(MESSAGE).unwrap_or_else(|| "".into());
    fields.insert("@level".into(), level.as_str().to_lowercase().into());
    fields.insert("@module".into(), module.into());
    fields.insert("@timestamp".into(), timestamp(now).into());
    fields.insert("@message".into(), message.clone());
    let mut text = Value::Object(fields.clone()).to_string();
    if text.len() > MAX_LINE_BYTES {
        fields.retain(|key, _| key.starts_with('@'));
        fields.insert("truncated".into(), true.into());
        let message = message.as_str().unwrap_or_default();
        let kept: String = message.chars().take(MAX_MESSAGE_CHARS).collect();
        fields.insert("@message".into(), kept.into());
        text = Value::Object(fields).to_string();
    }
    text.push('\n');
    text
}

fn timestamp(now: OffsetDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second(),
        now.microsecond()
    )
}

/// The field in which tracing has the text of an event.
const MESSAGE: &str = "message";

/// What an event or a span carries.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        // A name that begins with @ would pass for one of the host's.
        let name = field.name().trim_start_matches('@');
        self.0.insert(name.to_owned(), value);
    }

    fn take_missing_from(&mut self, outer: &Self) {
        for (name, value) in &outer.0 {
            let field = self.0.entry(name.clone());
            field.or_insert_with(|| value.clone());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `events` gives at `level`.
    fn logged(level: LevelFilter, events: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let to = written.clone();
        let subscriber = tracing_subscriber::registry()
            .with(Hclog(move || to.clone()))
            .with(Targets::new().with_target(env!("CARGO_CRATE_NAME"), level));
        tracing::subscriber::with_default(subscriber, events);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(text.lines().all(|line| line.len() < 64 << 10));
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_has_the_hosts_keys_and_the_fields_of_its_spans() {
        let lines = logged(LevelFilter::TRACE, || {
            let _span =
                tracing::error_span!("call", tf_rpc = "ReadResource", attempt = 1).entered();
            tracing::warn!(attempt = 2, ok = false, "slow \"answer\"\n");
        });
        let line = &lines[0];
        assert_eq!(line["@level"], "warn");
        assert_eq!(line["@message"], "slow \"answer\"\n");
        assert_eq!(line["@module"], "tfplugin.serve.log.tests");
        assert_eq!(line["tf_rpc"], "ReadResource");
        assert_eq!(line["attempt"], 2);
        assert_eq!(line["ok"], false);
    }

    #[test]
    fn a_time_stamp_has_six_fractional_digits() {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_000_007_999).unwrap();
        assert_eq!(timestamp(moment), "2023-11-14T22:13:20.000007Z");
    }

    #[test]
    fn a_line_stays_below_the_hosts_limit() {
        let lines = logged(LevelFilter::TRACE, || {
            tracing::info!(
                detail = "\u{1}".repeat(100_000),
                "{}",
                "\u{1}é".repeat(100_000)
            );
        });
        assert_eq!(lines[0]["truncated"], true);
        assert_eq!(lines[0].get("detail"), None);
    }

    #[test]
    fn other_peoples_events_and_lower_levels_are_left_out() {
        let lines = logged(LevelFilter::INFO, || {
            tracing::error!(target: "h2::codec", "a header");
            tracing::debug!("a detail");
            tracing::info!("this");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["@message"], "this");
    }

    #[test]
    fn the_first_setting_that_says_something_counts() {
        let level = |settings: &[&str]| level_from(settings.iter().map(ToString::to_string));
        assert_eq!(level(&[]), LevelFilter::INFO);
        assert_eq!(level(&["", "debug"]), LevelFilter::DEBUG);
        assert_eq!(level(&["off", "debug"]), LevelFilter::OFF);
        assert_eq!(level(&["JSON"]), LevelFilter::TRACE);
        assert_eq!(level(&["2"]), LevelFilter::TRACE);
    }
}
