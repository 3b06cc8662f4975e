//! Parses parameters into an operation, with the rules of the API reference for each parameter.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::errors::ApiError;
use super::job_patch::JobPatch;
use super::model::{JobStatus, TemplateType};
use super::parameters::Parameters;
use super::sts::AssumeRoleRequest;

/// A validated operation of the product `live` or of STS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    CreateJob(NewJob),
    GetJob(JobKey),
    ListJobs(JobFilter),
    UpdateJob(JobKey, JobPatch),
    DeleteJob(JobKey),
    StartJob(JobKey),
    StopJob(JobKey),
    GetTemplate {
        cluster_id: String,
        template_id: String,
    },
    ListTemplates(TemplateFilter),
    StreamState(StreamName),
    AssumeRole(AssumeRoleRequest),
    /// `GetCallerIdentity`, with its response.
    CallerIdentity(Value),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewJob {
    pub(super) cluster_id: String,
    pub(super) name: String,
    pub(super) template_id: String,
    pub(super) stream_input: String,
    pub(super) stream_output: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobKey {
    pub(super) cluster_id: String,
    pub(super) job_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobFilter {
    pub(super) cluster_id: String,
    pub(super) r#type: Option<TemplateType>,
    pub(super) status: Option<JobStatus>,
    pub(super) keyword: Option<String>,
    pub(super) page: PageRequest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TemplateFilter {
    pub(super) cluster_id: String,
    pub(super) r#type: Option<TemplateType>,
    pub(super) codec: Option<String>,
    pub(super) keyword: Option<String>,
    pub(super) page: PageRequest,
}

/// Identifies a stream: its host in lower case, and the two parts of its path. Port and query do not matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StreamName {
    pub(super) domain: String,
    pub(super) app: String,
    pub(super) stream: String,
}

impl StreamName {
    /// Parses a URL such as `rtmp://domain/app/stream`. Returns `None` for other forms.
    pub(super) fn from_url(url: &str) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        // The parser has encoded what is not ASCII; the parameters of a call are decoded.
        let path = percent_decode_str(url.path()).decode_utf8().ok()?;
        let (app, stream) = path.strip_prefix('/')?.split_once('/')?;
        Some(Self {
            domain: url.host_str()?.to_ascii_lowercase(),
            app: app.to_owned(),
            stream: stream.to_owned(),
        })
    }
}

/// Which page of a list to return, in which order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageRequest {
    pub(super) number: usize,
    pub(super) size: usize,
    pub(super) oldest_first: bool,
}

impl Operation {
    /// Parses the operation `action`. Ignores unknown parameters, as the gateway does.
    pub(super) fn parse(action: &str, parameters: &Parameters) -> Result<Self, ApiError> {
        match action {
            "CreateEdgeTranscodeJob" => new_job(parameters).map(Self::CreateJob),
            "GetEdgeTranscodeJob" => job_key(parameters).map(Self::GetJob),
            "ListEdgeTranscodeJob" => job_filter(parameters).map(Self::ListJobs),
            "UpdateEdgeTranscodeJob" => Ok(Self::UpdateJob(
                job_key(parameters)?,
                job_changes(parameters)?,
            )),
            "DeleteEdgeTranscodeJob" => job_key(parameters).map(Self::DeleteJob),
            "StartEdgeTranscodeJob" => job_key(parameters).map(Self::StartJob),
            "StopEdgeTranscodeJob" => job_key(parameters).map(Self::StopJob),
            "GetEdgeTranscodeTemplate" => Ok(Self::GetTemplate {
                cluster_id: parameters.required("ClusterId")?,
                template_id: parameters.required("TemplateId")?,
            }),
            "ListEdgeTranscodeTemplate" => template_filter(parameters).map(Self::ListTemplates),
            "DescribeLiveStreamState" => stream_name(parameters).map(Self::StreamState),
            _ => Err(unknown(action)),
        }
    }
}

/// Returns the gateway's error for an operation or version that does not exist.
pub(super) fn unknown(action: &str) -> ApiError {
    let message =
        format!("Specified api is not found, please check your url and method: {action}.");
    ApiError::new(404, "InvalidApi.NotFound", message)
}

fn new_job(parameters: &Parameters) -> Result<NewJob, ApiError> {
    let job = NewJob {
        cluster_id: parameters.required("ClusterId")?,
        name: parameters.required("Name")?,
        template_id: parameters.required("TemplateId")?,
        stream_input: parameters.required("StreamInput")?,
        stream_output: parameters.required("StreamOutput")?,
    };
    check_name_and_streams(parameters)?;
    Ok(job)
}

fn job_key(parameters: &Parameters) -> Result<JobKey, ApiError> {
    Ok(JobKey {
        cluster_id: parameters.required("ClusterId")?,
        job_id: parameters.required("JobId")?,
    })
}

fn job_changes(parameters: &Parameters) -> Result<JobPatch, ApiError> {
    check_name_and_streams(parameters)?;
    Ok(JobPatch {
        name: parameters.optional("Name"),
        template_id: parameters.optional("TemplateId"),
        stream_input: parameters.optional("StreamInput"),
        stream_output: parameters.optional("StreamOutput"),
        ..JobPatch::default()
    })
}

fn check_name_and_streams(parameters: &Parameters) -> Result<(), ApiError> {
    if let Some(name) = parameters.get("Name") {
        check_name(name)?;
    }
    for name in ["StreamInput", "StreamOutput"] {
        if let Some(url) = parameters.get(name) {
            check_stream(name, url)?;
        }
    }
    Ok(())
}

fn job_filter(parameters: &Parameters) -> Result<JobFilter, ApiError> {
    Ok(JobFilter {
        cluster_id: parameters.required("ClusterId")?,
        r#type: template_type(parameters)?,
        status: one_of(parameters, "Status", "the integer 0 or 1", JobStatus::parse)?,
        keyword: parameters.optional("Keyword"),
        page: page(parameters)?,
    })
}

fn template_filter(parameters: &Parameters) -> Result<TemplateFilter, ApiError> {
    let codec = |text: &str| ["H.264", "H.265"].contains(&text).then(|| text.to_owned());
    Ok(TemplateFilter {
        cluster_id: parameters.required("ClusterId")?,
        r#type: template_type(parameters)?,
        codec: one_of(parameters, "VideoCodec", "H.264 or H.265", codec)?,
        keyword: parameters.optional("Keyword"),
        page: page(parameters)?,
    })
}

fn template_type(parameters: &Parameters) -> Result<Option<TemplateType>, ApiError> {
    let rule = "one of common, nbhd-2, ultra-hd";
    one_of(parameters, "Type", rule, TemplateType::parse)
}

fn stream_name(parameters: &Parameters) -> Result<StreamName, ApiError> {
    Ok(StreamName {
        domain: parameters.required("DomainName")?.to_ascii_lowercase(),
        app: parameters.required("AppName")?,
        stream: parameters.required("StreamName")?,
    })
}

fn page(parameters: &Parameters) -> Result<PageRequest, ApiError> {
    let from = |smallest: i32, largest: i32| {
        move |text: &str| {
            let number: i32 = text.parse().ok()?;
            (smallest..=largest)
                .contains(&number)
                .then_some(usize::try_from(number).ok()?)
        }
    };
    let oldest_first = |text: &str| match text {
        "asc" => Some(true),
        "desc" => Some(false),
        _ => None,
    };
    let size_rule = "an integer from 1 to 100";
    Ok(PageRequest {
        number: one_of(parameters, "PageNo", "an integer from 1", from(1, i32::MAX))?.unwrap_or(1),
        size: one_of(parameters, "PageSize", size_rule, from(1, 100))?.unwrap_or(10),
        oldest_first: one_of(parameters, "SortBy", "asc or desc", oldest_first)?.unwrap_or(false),
    })
}

fn one_of<T>(
    parameters: &Parameters,
    name: &str,
    rule: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    parameters
        .get(name)
        .map(|text| parse(text).ok_or_else(|| ApiError::invalid_parameter(name, rule)))
        .transpose()
}

/// Checks a name: Chinese characters, letters, digits, `-` and `_`; at most 255 characters.
fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || is_chinese(c);
    if name.chars().count() <= 255 && name.chars().all(allowed) {
        Ok(())
    } else {
        let rule = "at most 255 Chinese characters, letters, digits, hyphens and underscores";
        Err(ApiError::invalid_parameter("Name", rule))
    }
}

/// Reports whether this is a unified ideograph of Unicode or its extensions. The API reference does not define the term.
fn is_chinese(c: char) -> bool {
    matches!(u32::from(c), 0x3007 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

fn check_stream(name: &str, text: &str) -> Result<(), ApiError> {
    if is_stream_url(text) {
        return Ok(());
    }
    let rule = "expected a stream URL such as rtmp://domain/app/stream";
    Err(ApiError::invalid_parameter(name, rule))
}

/// Reports whether a job may have this stream URL: it must be absolute with a host. The reference says "URL" and shows
/// `rtmp://domain/app/stream`.
pub(super) fn is_stream_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| url.has_host())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;
    use crate::actions;

    const PARAMETERS: &str = "ClusterId JobId Name TemplateId StreamInput StreamOutput Type Status VideoCodec PageNo \
                              PageSize SortBy Keyword";

    fn parse(action: &str, parameters: &[(&str, &str)]) -> Result<Operation, ApiError> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        Operation::parse(action, &Parameters::decode(&query, b""))
    }

    /// Parses a valid Create with another value of one parameter.
    fn create_with(name: &str, value: &str) -> Result<Operation, ApiError> {
        let create = [
            ("ClusterId", "c"),
            ("Name", "n"),
            ("TemplateId", "t"),
            ("StreamInput", "rtmp://a/b/c"),
            ("StreamOutput", "rtmp://d/e/f"),
        ];
        let changed = create.map(|(n, v)| (n, if n == name { value } else { v }));
        parse("CreateEdgeTranscodeJob", &changed)
    }

    /// Parses a valid list with one more parameter.
    fn list_with(action: &str, name: &str, value: &str) -> Result<Operation, ApiError> {
        parse(action, &[("ClusterId", "c"), (name, value)])
    }

    fn code(result: Result<Operation, ApiError>) -> String {
        let error = result.unwrap_err();
        format!("{} {}", error.status, error.code)
    }

    const INVALID: &str = "400 InvalidParameter";

    #[test]
    fn each_required_parameter_is_required() {
        let required = [
            (
                "CreateEdgeTranscodeJob",
                "ClusterId Name TemplateId StreamInput StreamOutput",
            ),
            ("GetEdgeTranscodeJob", "ClusterId JobId"),
            ("ListEdgeTranscodeJob", "ClusterId"),
            ("UpdateEdgeTranscodeJob", "ClusterId JobId"),
            ("DeleteEdgeTranscodeJob", "ClusterId JobId"),
            ("StartEdgeTranscodeJob", "ClusterId JobId"),
            ("StopEdgeTranscodeJob", "ClusterId JobId"),
            ("GetEdgeTranscodeTemplate", "ClusterId TemplateId"),
            ("ListEdgeTranscodeTemplate", "ClusterId"),
            ("DescribeLiveStreamState", "DomainName AppName StreamName"),
        ];
        assert_eq!(required.map(|(action, _)| action), actions::LIVE);
        for (action, names) in required {
            let whole: Vec<_> = names
                .split(' ')
                .map(|name| (name, "rtmp://a/b/c"))
                .collect();
            for (index, (missing, _)) in whole.iter().enumerate() {
                let (mut absent, mut empty) = (whole.clone(), whole.clone());
                absent.remove(index);
                empty[index].1 = "";
                for left in [absent, empty] {
                    let error = parse(action, &left).unwrap_err();
                    assert!(error.message.contains(missing), "{error:?}");
                    assert_eq!(code(Err(error)), "400 MissingParameter", "{action}");
                }
            }
        }
    }

    #[test]
    fn names_follow_the_documented_rule() {
        let longest = "\u{4e2d}".repeat(255);
        for name in ["task1", "a-b_C9", "\u{8f6c}\u{7801}", "x", &longest] {
            assert!(create_with("Name", name).is_ok(), "{name}");
        }
        let too_long = "a".repeat(256);
        for name in ["a b", "a.b", "\u{e9}", "a/b", &too_long] {
            assert_eq!(code(create_with("Name", name)), INVALID, "{name}");
        }
    }

    #[test]
    fn stream_urls_are_absolute_with_a_host() {
        for name in ["StreamInput", "StreamOutput"] {
            for url in ["/app/stream", "rtmp:app", "nonsense", "rtmp:///app/stream"] {
                assert_eq!(code(create_with(name, url)), INVALID, "{url}");
            }
            let accepted = create_with(name, "srt://a:1/b?auth_key=1-0-0-ff");
            assert!(accepted.is_ok(), "{accepted:?}");
        }
    }

    #[test]
    fn lists_have_documented_defaults_and_bounds() {
        let Ok(Operation::ListJobs(filter)) = parse("ListEdgeTranscodeJob", &[("ClusterId", "c")])
        else {
            panic!("ClusterId is the only required parameter");
        };
        let page = filter.page;
        assert_eq!((page.number, page.size, page.oldest_first), (1, 10, false));
        for (name, value) in [
            ("PageNo", "0"),
            ("PageNo", "x"),
            ("PageNo", "2147483648"),
            ("PageSize", "0"),
            ("PageSize", "101"),
            ("SortBy", "up"),
            ("Status", "2"),
            ("Status", "Running"),
            ("Type", "hd"),
        ] {
            let wrong = list_with("ListEdgeTranscodeJob", name, value);
            assert_eq!(code(wrong), INVALID, "{name}={value}");
        }
        let wrong = list_with("ListEdgeTranscodeTemplate", "VideoCodec", "AV1");
        assert_eq!(code(wrong), INVALID);
    }

    proptest! {
        #[test]
        fn no_value_of_any_parameter_panics(
            action in 0..actions::LIVE.len(),
            values in vec(any::<String>(), PARAMETERS.split(' ').count()),
        ) {
            let given: Vec<_> = PARAMETERS.split(' ').zip(values.iter().map(String::as_str)).collect();
            if let Err(error) = parse(actions::LIVE[action], &given) {
                prop_assert!(["InvalidParameter", "MissingParameter"].contains(&error.code.as_str()));
            }
        }
    }

    #[test]
    fn an_unknown_operation_does_not_exist() {
        let unknown = parse("CreateLiveRoom", &[]);
        assert_eq!(code(unknown), "404 InvalidApi.NotFound");
    }
}
