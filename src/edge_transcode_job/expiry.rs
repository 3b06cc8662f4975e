use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::model::{JobModel, RUNNING};
use crate::stream::auth_key;
use tfplugin::value::Value;
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

/// A key that ends this soon is warned of.
const EXPIRY_WARNING_WINDOW: Duration = Duration::DAY;

/// Warns of an `auth_key` whose time has passed or ends within a day, where that matters: in a URL that is new to the
/// job, and in every URL of a job that runs or may, because the stream is lost at its next connection. An old key of a
/// stopped job is left alone.
pub(super) fn warn(
    prior: Option<&JobModel>,
    planned: &JobModel,
    now: OffsetDateTime,
    diagnostics: &mut Diagnostics,
) {
    let may_run = planned.status.is_unknown() || planned.status.contains(&RUNNING);
    for (attribute, url) in planned.urls() {
        let is_new = prior.is_none_or(|prior| !prior.urls().contains(&(attribute, url)));
        if (may_run || is_new)
            && let Value::Value(url) = url
            && let Some(time) = auth_key::expires_at(url)
            && time <= now + EXPIRY_WARNING_WINDOW
        {
            diagnostics.add_warning(warning(&planned.label(), attribute, time, now));
        }
    }
}

/// A warning about the object as a whole: pointed at its argument, it would have Terraform quote the line of
/// configuration beside it, and the key with it where somebody wrote it there. The summary is the same for all jobs, so
/// that Terraform can show many warnings as one.
fn warning(label: &str, attribute: &str, time: OffsetDateTime, now: OffsetDateTime) -> Diagnostic {
    let (summary, verb) = if time <= now {
        ("The auth_key in a stream URL has expired", "was")
    } else {
        ("An auth_key expires within a day", "is")
    };
    let time = time.format(&Rfc3339).unwrap_or_default();
    diagnostic::general(
        summary,
        format!(
            "The time in the auth_key of {attribute} of the job {label} {verb} {time}. After that time and the validity \
             period that is set on the domain, the URL is rejected: a running job loses its stream when it connects the \
             next time. Sign the URL again. If the job is running, that change interrupts its stream."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge_transcode_job::model::STOPPED;
    use tfplugin::AttributePath;

    const NOW: i64 = 1_893_456_000;

    fn job(status: &str, seconds: i64) -> JobModel {
        JobModel {
            name: "n".to_owned().into(),
            stream_input: "rtmp://d/app/in?auth_key=c0ffee".to_owned().into(),
            stream_output: format!("rtmp://d/app/out?auth_key={seconds}-0-0-c0ffee").into(),
            status: status.to_owned().into(),
            ..JobModel::default()
        }
    }

    fn warned(prior: Option<&JobModel>, planned: &JobModel) -> Option<String> {
        let mut diagnostics = Diagnostics::default();
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        warn(prior, planned, now, &mut diagnostics);
        assert!(diagnostics.warnings.len() <= 1);
        let warning = diagnostics.warnings.pop()?;
        assert_eq!(warning.attribute, AttributePath::root());
        assert!(!warning.detail.contains("c0ffee"));
        Some(format!("{}: {}", warning.summary, warning.detail))
    }

    #[test]
    fn a_key_is_warned_of_from_a_day_before_its_end() {
        let day = 24 * 60 * 60;
        let key = "The time in the auth_key of stream_output of the job \"n\"";
        for (seconds, expected) in [
            (
                NOW - 1,
                format!("has expired: {key} was 2029-12-31T23:59:59Z"),
            ),
            (NOW, "has expired".to_owned()),
            (
                NOW + 1,
                format!("expires within a day: {key} is 2030-01-01T00:00:01Z"),
            ),
            (NOW + day, "expires within a day".to_owned()),
        ] {
            let warned = warned(None, &job(STOPPED, seconds)).unwrap();
            assert!(warned.contains(&expected), "{warned}");
        }
        assert_eq!(warned(None, &job(STOPPED, NOW + day + 1)), None);
    }

    #[test]
    fn an_old_key_matters_while_the_job_may_run() {
        for (status, matters) in [(RUNNING, true), (STOPPED, false)] {
            let job = job(status, NOW - 1);
            assert_eq!(warned(Some(&job), &job).is_some(), matters, "{status}");
        }
        let unknown = JobModel {
            status: Value::Unknown,
            ..job(STOPPED, NOW - 1)
        };
        assert!(warned(Some(&unknown), &unknown).is_some());
    }

    #[test]
    fn an_old_key_that_is_new_to_the_job_is_warned_of() {
        assert!(warned(Some(&job(STOPPED, NOW - 2)), &job(STOPPED, NOW - 1)).is_some());
        let unknown = JobModel {
            stream_output: Value::Unknown,
            ..job(STOPPED, NOW)
        };
        assert_eq!(warned(None, &unknown), None);
    }
}
