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
    /// An error for which [`CallError::is_stream_not_shown`] is true says that the API has no state of this stream. Source:
    /// <https://www.alibabacloud.com/help/en/live/developer-reference/api-live-2016-11-01-describelivestreamstate>
    pub async fn describe_live_stream_state(
        &self,
        name: &StreamName,
        ctx: &CallContext,
    ) -> Result<StreamState, CallError> {
        let parameters = [
            ("DomainName", &*name.domain),
            ("AppName", &name.app),
            ("StreamName", &name.stream),
        ];
        let call = ApiCall::new("DescribeLiveStreamState", OperationKind::Read, parameters);
        let response = self.call::<StreamState>(&call, ctx).await?;
        Ok(response.value)
    }
}

impl CallError {
    /// Whether the API rejected the domain of a stream, because the account does not own it. Documented for other operations on
    /// domains of the same product.
    pub fn is_domain_not_found(&self) -> bool {
        ["InvalidDomain.NotFound", "InvalidDomainName.NotFound"]
            .iter()
            .any(|code| self.is_rejected_with(code))
    }

    /// Whether `DescribeLiveStreamState` does not show the stream: its domain is not one of the account's or, by the code that
    /// its page documents for any invalid parameter, a name is wrong.
    pub fn is_stream_not_shown(&self) -> bool {
        self.is_domain_not_found() || self.is_rejected_with("InvalidParam")
    }
}
