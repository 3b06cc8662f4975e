//! A call that is being served, with its entry in the call log and the state in which it arrived.

use std::sync::{Arc, MutexGuard};

use super::access_keys::KnownKey;
use super::call_log::RecordedCall;
use super::errors::ApiError;
use super::faults::FaultStage;
use super::mock_response::MockResponse;
use super::parameters::Parameters;
use super::shared::{CallEvent, MockState, Shared};
use super::verify::Acs3;

/// A call as it arrived. It has no `Debug`, because it contains the secret of its access key.
pub(super) struct ApiRequest {
    pub(super) method: String,
    /// The host that the caller addressed, for the error envelope.
    pub(super) host: String,
    pub(super) parameters: Parameters,
    /// The access key that the call names, if it is known and not a temporary one.
    pub(super) key: Option<KnownKey>,
    /// The signature, if it is in headers. The common parameters are in `parameters` in either case.
    pub(super) acs3: Option<Acs3>,
    /// Why the HTTP request cannot be an API call, if that is known before its parameters are read.
    pub(super) problem: Option<ApiError>,
}

/// A fault or a reset aborted the call.
pub(super) enum CallAborted {
    /// This response replaces the call's own.
    Responded(MockResponse),
    /// There is no response.
    Dropped,
}

/// A call that is being served.
pub(super) struct ActiveCall {
    pub(super) shared: Arc<Shared>,
    pub(super) request: ApiRequest,
    pub(super) request_id: String,
    /// Its number in the call log.
    pub(super) number: u64,
    /// The epoch of the state in which it arrived.
    epoch: u64,
}

impl ActiveCall {
    pub(super) fn arrive(shared: Arc<Shared>, request: ApiRequest) -> Self {
        let (request_id, number, epoch) = {
            let mut state = shared.state();
            let request_id = state.ids.id();
            let number = state.call_log.add(RecordedCall {
                action: request.parameters.optional("Action"),
                method: request.method.clone(),
                parameters: request.parameters.masked(),
                request_id: request_id.clone(),
                ..RecordedCall::default()
            });
            (request_id, number, state.epoch)
        };
        Self {
            shared,
            request,
            request_id,
            number,
            epoch,
        }
    }

    /// Returns the call as it is recorded at this stage; none if the call log has dropped it.
    pub(super) fn event(&self, when: FaultStage) -> Result<Option<CallEvent>, CallAborted> {
        let call = self.state()?.call_log.get(self.number).cloned();
        Ok(call.map(|call| CallEvent { when, call }))
    }

    pub(super) fn error_response(&self, error: &ApiError) -> MockResponse {
        self.update_log(|recorded| recorded.code = Some(error.code.clone()));
        MockResponse {
            code: Some(error.code.clone()),
            ..MockResponse::json(
                error.status,
                &error.body(&self.request_id, &self.request.host),
            )
        }
    }

    pub(super) fn count(&self, response: Option<&MockResponse>) {
        if let Ok(mut state) = self.state() {
            state.counts.add(
                self.request.parameters.get("Action"),
                response.map(|response| response.status),
                response.and_then(|response| response.code.as_deref()),
            );
        }
    }

    pub(super) fn update_log(&self, update: impl FnOnce(&mut RecordedCall)) {
        if let Ok(mut state) = self.state() {
            state.call_log.update(self.number, update);
        }
    }

    /// Returns the state in which the call arrived. A call that arrived before a reset is dropped.
    pub(super) fn state(&self) -> Result<MutexGuard<'_, MockState>, CallAborted> {
        let state = self.shared.state();
        if state.epoch == self.epoch {
            Ok(state)
        } else {
            Err(CallAborted::Dropped)
        }
    }
}
