use serde::Deserialize;

use super::call::{ApiCall, OperationKind};
use super::model::none_if_empty;
use super::{CallContext, CallError, LiveClient};

/// The name of a live stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamName {
    /// Ingest or streaming domain.
    pub domain: String,
    /// Application.
    pub app: String,
    /// Name within the application.
    pub stream: String,
}

/// Whether a stream is on air, as `DescribeLiveStreamState` returns it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamState {
    /// `online` or `offline`. An older page of the API reference also has `forbidden`: ingest is disabled.
    #[serde(rename = "StreamState")]
    pub state: String,
    /// The ingest type: `push` or `pull`.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub r#type: Option<String>,
}

impl LiveClient {
    /// `DescribeLiveStreamState`: reads whether a stream is on air.
    ///
    /// Returns `None` if the API rejects the domain, because the account does not own it. Source:
    /// <https://www.alibabacloud.com/help/en/live/developer-reference/api-live-2016-11-01-describelivestreamstate>
    pub async fn describe_live_stream_state(
        &self,
        name: &StreamName,
        ctx: &CallContext,
    ) -> Result<Option<StreamState>, CallError> {
        let parameters = [
            ("DomainName", &*name.domain),
            ("AppName", &name.app),
            ("StreamName", &name.stream),
        ];
        let call = ApiCall::new("DescribeLiveStreamState", OperationKind::Read, parameters);
        match self.call::<StreamState>(&call, ctx).await {
            Ok(response) => Ok(Some(response.value)),
            Err(error) if is_unknown_domain(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether the account does not own the domain. The page of the operation documents the first code, for an invalid
/// parameter; the others are documented for other operations on domains of the same product.
fn is_unknown_domain(error: &CallError) -> bool {
    [
        "InvalidParam",
        "InvalidDomain.NotFound",
        "InvalidDomainName.NotFound",
    ]
    .iter()
    .any(|code| error.is_rejected_with(code))
}
