//! One API call from its parameters to its response. [`super::faults`] injects faults on the way.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::actions;
use super::active_call::{ActiveCall, ApiRequest, CallAborted};
use super::call_log::SignatureCheck;
use super::errors::ApiError;
use super::faults::{FaultStage, alter};
use super::keys::TemporaryKey;
use super::mock_response::MockResponse;
use super::operation::Operation;
use super::redaction::masked_body;
use super::representation::apply_deviations;
use super::shared::{MockState, Shared};
use super::sts::{self, AssumeRoleRequest};
use super::verify::{self, Key};

/// Serves one call from arrival to response. Returns the response with the ID of the request; none if the connection must be
/// closed without a byte.
pub(super) async fn serve(
    shared: Arc<Shared>,
    request: ApiRequest,
) -> Option<(MockResponse, String)> {
    let call = ActiveCall::arrive(shared, request);
    let (Ok(response) | Err(CallAborted::Responded(response))) = call.run().await else {
        call.update_log(|recorded| recorded.code = None);
        call.count(None);
        return None;
    };
    call.update_log(|recorded| {
        recorded.status = Some(response.status);
        recorded.response_body = Some(masked_body(&response.body));
    });
    call.count(Some(&response));
    Some((response, call.request_id))
}

impl ActiveCall {
    async fn run(&self) -> Result<MockResponse, CallAborted> {
        self.inject_faults(FaultStage::Arrival).await?;
        let checked = self.check(&mut *self.state()?);
        let result = match checked {
            Ok(operation) => {
                self.inject_faults(FaultStage::Before).await?;
                self.perform(operation)?
            }
            Err(error) => Err(error),
        };
        let response = match result {
            Ok(mut body) => {
                body["RequestId"] = json!(self.request_id);
                let body = apply_deviations(body, &self.state()?.behavior);
                MockResponse::json(200, &body)
            }
            Err(error) => self.error_response(&error),
        };
        let alterations = self.inject_faults(FaultStage::After).await?;
        Ok(alterations.iter().fold(response, alter))
    }

    /// Makes all checks that come before the operation.
    fn check(&self, state: &mut MockState) -> Result<Operation, ApiError> {
        if let Some(problem) = &self.request.problem {
            return Err(problem.clone());
        }
        let (parameters, settings, now) =
            (&self.request.parameters, &self.shared.settings, state.now());
        if sts::is_unsigned(parameters) {
            return AssumeRoleRequest::parse(parameters, settings).map(Operation::AssumeRole);
        }
        let action = verify::check_form(parameters)?;
        let temporary = parameters
            .get("AccessKeyId")
            .and_then(|id| state.keys.find(id))
            .cloned();
        let signed = verify::check_signature(
            &self.request.method,
            parameters,
            self.request.acs3.as_ref(),
            self.signing_key(temporary.as_ref()).as_ref(),
            now,
        );
        let signature = match &signed {
            Ok(()) => SignatureCheck::Valid,
            Err(_) => SignatureCheck::Invalid,
        };
        state
            .call_log
            .update(self.number, |recorded| recorded.signature = signature);
        signed?;
        if state.behavior.check_nonces {
            verify::check_nonce(parameters, &mut state.nonces, now)?;
        }
        let key = self.request.key.as_ref().filter(|_| temporary.is_none());
        if key.is_some_and(|key| key.denied_actions.iter().any(|name| name == action)) {
            let code = &state.behavior.permission_error_code;
            return Err(ApiError::no_permission(code, action));
        }
        if !state.quota.take(action, &state.behavior, Instant::now()) {
            return Err(ApiError::throttled());
        }
        match action {
            actions::ASSUME_ROLE => {
                AssumeRoleRequest::parse(parameters, settings).map(Operation::AssumeRole)
            }
            actions::GET_CALLER_IDENTITY => {
                let session = temporary.as_ref().map(|key| &*key.session);
                let id = parameters.get("AccessKeyId").unwrap_or_default();
                let identity = sts::caller_identity(session, id, settings);
                Ok(Operation::CallerIdentity(identity))
            }
            _ => Operation::parse(action, parameters),
        }
    }

    /// Returns the key that must have signed the call, if its ID is known.
    fn signing_key<'a>(&'a self, temporary: Option<&'a TemporaryKey>) -> Option<Key<'a>> {
        match (temporary, &self.request.key) {
            (Some(key), _) => Some(Key {
                secret: &key.secret,
                security_token: Some(&key.token),
                expires: Some(key.expires),
            }),
            (None, Some(key)) => Some(Key {
                secret: &key.secret,
                security_token: key.security_token.as_deref(),
                expires: None,
            }),
            (None, None) => None,
        }
    }

    /// Performs the operation, and saves what it changed.
    fn perform(&self, operation: Operation) -> Result<Result<Value, ApiError>, CallAborted> {
        let mut state = self.state()?;
        let writes = operation.writes();
        let mut result = state.perform(operation);
        let committed = writes && result.is_ok();
        state.counts.writes += u64::from(committed);
        state
            .call_log
            .update(self.number, |recorded| recorded.committed = committed);
        if committed && let Err(error) = self.shared.save(&state) {
            result = Err(ApiError::new(500, "InternalError", error.to_string()));
        }
        Ok(result)
    }
}
