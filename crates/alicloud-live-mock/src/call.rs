//! One API call from its parameters to its response, with the faults that are injected on the way.

use std::ops::ControlFlow;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::access_keys::KnownKey;
use super::actions;
use super::call_log::{RecordedCall, SignatureCheck};
use super::errors::ApiError;
use super::faults::{FaultKind, FaultStage, Target, alter};
use super::keys::TemporaryKey;
use super::mock_response::MockResponse;
use super::operation::Operation;
use super::parameters::Parameters;
use super::redaction::masked_body;
use super::responses::Outcome;
use super::shared::{CallEvent, MockState, Shared};
use super::sts::{self, AssumeRoleRequest, CallerIdentity};
use super::verify::{self, Acs3, Key};

/// A call as it arrived. It has no `Debug`, because it contains the secret of its access key.
pub(super) struct Request {
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

/// The result of a call.
pub(super) enum CallOutcome {
    /// A response to the request with this ID.
    Responded {
        response: MockResponse,
        request_id: String,
    },
    /// The connection must be closed without a byte.
    Dropped,
}

/// A fault or a reset aborted the call.
enum CallAborted {
    /// This response replaces the call's own.
    Responded(MockResponse),
    /// There is no response.
    Dropped,
}

/// Serves one call from arrival to response.
pub(super) async fn serve(shared: Arc<Shared>, request: Request) -> CallOutcome {
    let call = ActiveCall::arrive(shared, request);
    let (Ok(response) | Err(CallAborted::Responded(response))) = call.run().await else {
        call.update_log(|recorded| recorded.code = None);
        call.count(None);
        return CallOutcome::Dropped;
    };
    call.update_log(|recorded| {
        recorded.status = Some(response.status);
        recorded.response_body = Some(masked_body(&response.body));
    });
    call.count(Some(&response));
    CallOutcome::Responded {
        response,
        request_id: call.request_id,
    }
}

/// A call that is being served.
struct ActiveCall {
    shared: Arc<Shared>,
    request: Request,
    request_id: String,
    /// Its number in the call log.
    number: u64,
    /// The epoch of the state in which it arrived.
    epoch: u64,
}

impl ActiveCall {
    fn arrive(shared: Arc<Shared>, request: Request) -> Self {
        let (request_id, number, epoch) = {
            let mut state = shared.state();
            let request_id = state.ids.id();
            let number = state.call_log.add(RecordedCall {
                number: 0,
                arrived_ms: 0,
                action: request.parameters.optional("Action"),
                method: request.method.clone(),
                parameters: request.parameters.masked(),
                signature: SignatureCheck::NotChecked,
                status: None,
                code: None,
                request_id: request_id.clone(),
                committed: false,
                faults: Vec::new(),
                response_body: None,
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

    async fn run(&self) -> Result<MockResponse, CallAborted> {
        self.inject_faults(FaultStage::Arrival).await?;
        let result = match self.validate()? {
            Ok(operation) => {
                self.inject_faults(FaultStage::Before).await?;
                self.perform(operation)?
            }
            Err(error) => Err(error),
        };
        let response = match result {
            Ok(outcome) => {
                let body = outcome.body(&self.request_id, &self.state()?.behavior);
                MockResponse::json(200, &body)
            }
            Err(error) => self.error_response(&error),
        };
        let alterations = self.inject_faults(FaultStage::After).await?;
        Ok(alterations.iter().fold(response, alter))
    }

    /// Injects the faults that are due at this stage. Returns those that alter the response.
    async fn inject_faults(&self, when: FaultStage) -> Result<Vec<FaultKind>, CallAborted> {
        self.notify_observer(when)?;
        let due = {
            let mut state = self.state()?;
            let parameters = &self.request.parameters;
            let target = Target {
                action: parameters.get("Action"),
                job_id: parameters.get("JobId"),
                cluster_id: parameters.get("ClusterId"),
            };
            let due = state.faults.due(target, when);
            state.call_log.update(self.number, |recorded| {
                recorded.faults.extend(due.iter().cloned());
            });
            due
        };
        let mut alterations = Vec::new();
        for kind in due {
            match self.inject(kind, when).await? {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(alteration) => alterations.push(alteration),
            }
        }
        Ok(alterations)
    }

    /// Injects one fault. Breaks with a fault that alters the response and so has to wait for it.
    async fn inject(
        &self,
        kind: FaultKind,
        when: FaultStage,
    ) -> Result<ControlFlow<FaultKind>, CallAborted> {
        match kind {
            FaultKind::Slow { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
            FaultKind::Pause => {
                let released = {
                    let mut state = self.state()?;
                    let Some(call) = state.call_log.get(self.number).cloned() else {
                        return Err(CallAborted::Dropped);
                    };
                    self.shared.pause(&mut state, CallEvent { when, call })
                };
                released.await.map_err(|_| CallAborted::Dropped)?;
            }
            FaultKind::Hang => {
                let released = {
                    let mut state = self.state()?;
                    let recorded = state.call_log.get(self.number);
                    let bytes = recorded.map_or(0, RecordedCall::bytes);
                    state.hang(bytes)
                };
                released.await.map_err(|_| CallAborted::Dropped)?;
            }
            FaultKind::Drop => return Err(CallAborted::Dropped),
            FaultKind::Error {
                status,
                code,
                message,
                retry_after_ms,
            } => {
                let error = ApiError::new(status, &code, message);
                return Err(CallAborted::Responded(MockResponse {
                    retry_after_ms,
                    ..self.error_response(&error)
                }));
            }
            FaultKind::Response {
                status,
                content_type,
                body,
            } => {
                self.update_log(|recorded| recorded.code = None);
                return Err(CallAborted::Responded(MockResponse::new(
                    status,
                    content_type,
                    body,
                )));
            }
            FaultKind::Truncate { .. }
            | FaultKind::Trickle { .. }
            | FaultKind::Endless
            | FaultKind::WrongTypes => return Ok(ControlFlow::Break(kind)),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn notify_observer(&self, when: FaultStage) -> Result<(), CallAborted> {
        if let Some(observer) = self.shared.observer() {
            let call = self.state()?.call_log.get(self.number).cloned();
            if let Some(call) = call {
                observer(&CallEvent { when, call });
            }
        }
        Ok(())
    }

    /// Makes all checks that come before the operation.
    fn validate(&self) -> Result<Result<Operation, ApiError>, CallAborted> {
        let mut state = self.state()?;
        Ok(self.check(&mut state))
    }

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
                Ok(Operation::CallerIdentity(CallerIdentity::for_caller(
                    temporary.as_ref(),
                    parameters.get("AccessKeyId").unwrap_or_default(),
                    settings,
                )))
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
    fn perform(&self, operation: Operation) -> Result<Result<Outcome, ApiError>, CallAborted> {
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

    fn error_response(&self, error: &ApiError) -> MockResponse {
        self.update_log(|recorded| recorded.code = Some(error.code.clone()));
        MockResponse {
            code: Some(error.code.clone()),
            ..MockResponse::json(
                error.status,
                &error.body(&self.request_id, &self.request.host),
            )
        }
    }

    fn count(&self, response: Option<&MockResponse>) {
        if let Ok(mut state) = self.state() {
            state.counts.add(
                self.request.parameters.get("Action"),
                response.map(|response| response.status),
                response.and_then(|response| response.code.as_deref()),
            );
        }
    }

    fn update_log(&self, update: impl FnOnce(&mut RecordedCall)) {
        if let Ok(mut state) = self.state() {
            state.call_log.update(self.number, update);
        }
    }

    /// Returns the state in which the call arrived. A call that arrived before a reset is dropped.
    fn state(&self) -> Result<MutexGuard<'_, MockState>, CallAborted> {
        let state = self.shared.state();
        if state.epoch == self.epoch {
            Ok(state)
        } else {
            Err(CallAborted::Dropped)
        }
    }
}
