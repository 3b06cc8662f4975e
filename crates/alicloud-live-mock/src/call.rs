//! One call of the API from its parameters to its answer, with the faults that it meets on the way.

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

/// A call as it came in. It has no `Debug`, because it holds the secret of its key.
pub(super) struct Request {
    pub(super) method: String,
    /// The host that the caller asked, for the error envelope.
    pub(super) host: String,
    pub(super) parameters: Parameters,
    /// The access key that it says it is signed with, if that is known and not a temporary one.
    pub(super) key: Option<KnownKey>,
    /// The signature, where it stands in headers. The common parameters are among the others all the same.
    pub(super) acs3: Option<Acs3>,
    /// Why it cannot be one of ours, where the HTTP around it shows that already.
    pub(super) problem: Option<ApiError>,
}

/// How a call ended.
pub(super) enum CallOutcome {
    /// With an answer to the request of this id.
    Answered {
        answer: MockResponse,
        request_id: String,
    },
    /// The connection must be closed without a byte.
    Dropped,
}

/// A fault or a reset has ended the call early.
enum CallAborted {
    /// With this answer in place of its own.
    Answered(MockResponse),
    /// Without any.
    Dropped,
}

/// Serves one call to its end.
pub(super) async fn serve(shared: Arc<Shared>, request: Request) -> CallOutcome {
    let running = ActiveCall::arrive(shared, request);
    let (Ok(answer) | Err(CallAborted::Answered(answer))) = running.exchange().await else {
        running.note(|call| call.code = None);
        running.count(None);
        return CallOutcome::Dropped;
    };
    running.note(|call| {
        call.status = Some(answer.status);
        call.response_body = Some(masked_body(&answer.body));
    });
    running.count(Some(&answer));
    CallOutcome::Answered {
        answer,
        request_id: running.request_id,
    }
}

/// A call on its way.
struct ActiveCall {
    shared: Arc<Shared>,
    request: Request,
    request_id: String,
    number: u64,
    epoch: u64,
}

impl ActiveCall {
    fn arrive(shared: Arc<Shared>, request: Request) -> Self {
        let (request_id, number, epoch) = {
            let mut world = shared.world();
            let request_id = world.ids.id();
            let number = world.record.open(RecordedCall {
                number: 0,
                arrived_ms: 0,
                action: request.parameters.optional("Action"),
                method: request.method.clone(),
                parameters: request.parameters.record(),
                signature: SignatureCheck::NotChecked,
                status: None,
                code: None,
                request_id: request_id.clone(),
                committed: false,
                faults: Vec::new(),
                response_body: None,
            });
            (request_id, number, world.epoch)
        };
        Self {
            shared,
            request,
            request_id,
            number,
            epoch,
        }
    }

    async fn exchange(&self) -> Result<MockResponse, CallAborted> {
        self.inject_faults(FaultStage::Arrival).await?;
        let result = match self.validate()? {
            Ok(operation) => {
                self.inject_faults(FaultStage::Before).await?;
                self.perform(operation)?
            }
            Err(error) => Err(error),
        };
        let answer = self.answer(result)?;
        let alterations = self.inject_faults(FaultStage::After).await?;
        Ok(alterations.iter().fold(answer, alter))
    }

    /// Meets the faults that are due at this point; gives back those that alter the answer.
    async fn inject_faults(&self, point: FaultStage) -> Result<Vec<FaultKind>, CallAborted> {
        self.tell_observer(point)?;
        let due = {
            let mut world = self.world()?;
            let parameters = &self.request.parameters;
            let target = Target {
                action: parameters.get("Action"),
                job_id: parameters.get("JobId"),
                cluster_id: parameters.get("ClusterId"),
            };
            let due = world.faults.due(target, point);
            world
                .record
                .note(self.number, |call| call.faults.extend(due.iter().cloned()));
            due
        };
        let mut alterations = Vec::new();
        for kind in due {
            match self.inject(kind, point).await? {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(alteration) => alterations.push(alteration),
            }
        }
        Ok(alterations)
    }

    /// Breaks with a fault that must wait for the answer.
    async fn inject(
        &self,
        kind: FaultKind,
        point: FaultStage,
    ) -> Result<ControlFlow<FaultKind>, CallAborted> {
        match kind {
            FaultKind::Slow { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
            FaultKind::Pause => {
                let released = {
                    let mut world = self.world()?;
                    let Some(call) = world.record.get(self.number).cloned() else {
                        return Err(CallAborted::Dropped);
                    };
                    self.shared
                        .hold(&mut world, CallEvent { when: point, call })
                };
                released.await.map_err(|_| CallAborted::Dropped)?;
            }
            FaultKind::Hang => {
                let released = {
                    let mut world = self.world()?;
                    let bytes = world.record.get(self.number).map_or(0, RecordedCall::bytes);
                    world.hang(bytes)
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
                let mut answer = self.refuse(&ApiError::new(status, &code, message));
                answer.retry_after_ms = retry_after_ms;
                return Err(CallAborted::Answered(answer));
            }
            FaultKind::Response {
                status,
                content_type,
                body,
            } => {
                self.note(|call| call.code = None);
                return Err(CallAborted::Answered(MockResponse::new(
                    status,
                    content_type,
                    body,
                )));
            }
            altering => return Ok(ControlFlow::Break(altering)),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn tell_observer(&self, point: FaultStage) -> Result<(), CallAborted> {
        if let Some(observer) = self.shared.observer() {
            let call = self.world()?.record.get(self.number).cloned();
            if let Some(call) = call {
                observer(&CallEvent { when: point, call });
            }
        }
        Ok(())
    }

    /// All checks that come before the operation.
    fn validate(&self) -> Result<Result<Operation, ApiError>, CallAborted> {
        let mut world = self.world()?;
        Ok(self.check(&mut world))
    }

    /// The key that the call has to be signed with, if its ID is known.
    fn key<'a>(&'a self, temporary: Option<&'a TemporaryKey>) -> Option<Key<'a>> {
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

    fn check(&self, world: &mut MockState) -> Result<Operation, ApiError> {
        if let Some(problem) = &self.request.problem {
            return Err(problem.clone());
        }
        let (parameters, settings, now) =
            (&self.request.parameters, &self.shared.settings, world.now());
        if sts::is_unsigned(parameters) {
            return AssumeRoleRequest::parse(parameters, settings).map(Operation::AssumeRole);
        }
        let action = verify::check_form(parameters)?;
        let temporary = parameters
            .get("AccessKeyId")
            .and_then(|id| world.keys.find(id))
            .cloned();
        let signed = verify::check_signature(
            &self.request.method,
            parameters,
            self.request.acs3.as_ref(),
            self.key(temporary.as_ref()).as_ref(),
            now,
        );
        let verdict = match &signed {
            Ok(()) => SignatureCheck::Valid,
            Err(_) => SignatureCheck::Invalid,
        };
        world
            .record
            .note(self.number, |call| call.signature = verdict);
        signed?;
        if world.behavior.check_nonces {
            verify::check_nonce(parameters, &mut world.nonces, now)?;
        }
        // RAM lets everybody ask who they are.
        let denied = self.request.key.as_ref().filter(|_| temporary.is_none());
        if denied.is_some_and(|key| key.denied_actions.iter().any(|name| name == action)) {
            let code = &world.behavior.permission_error_code;
            return Err(ApiError::no_permission(code, action));
        }
        if !world.quota.take(action, &world.behavior, Instant::now()) {
            return Err(ApiError::throttled());
        }
        match action {
            actions::ASSUME_ROLE => {
                AssumeRoleRequest::parse(parameters, settings).map(Operation::AssumeRole)
            }
            actions::GET_CALLER_IDENTITY => Ok(Operation::CallerIdentity(CallerIdentity::of(
                temporary.as_ref(),
                parameters.get("AccessKeyId").unwrap_or_default(),
                settings,
            ))),
            _ => Operation::parse(action, parameters),
        }
    }

    /// Carries the operation out, and notes what it changed.
    fn perform(&self, operation: Operation) -> Result<Result<Outcome, ApiError>, CallAborted> {
        let mut world = self.world()?;
        let writes = operation.writes();
        let mut result = world.perform(operation);
        let committed = writes && result.is_ok();
        world.counts.writes += u64::from(committed);
        world
            .record
            .note(self.number, |call| call.committed = committed);
        if writes
            && result.is_ok()
            && let Err(error) = self.shared.keep(&world)
        {
            result = Err(ApiError::new(500, "InternalError", error.to_string()));
        }
        Ok(result)
    }

    fn answer(&self, result: Result<Outcome, ApiError>) -> Result<MockResponse, CallAborted> {
        match result {
            Ok(outcome) => {
                let world = self.world()?;
                Ok(MockResponse::json(
                    200,
                    &outcome.body(&self.request_id, &world.behavior),
                ))
            }
            Err(error) => Ok(self.refuse(&error)),
        }
    }

    fn refuse(&self, error: &ApiError) -> MockResponse {
        self.note(|call| call.code = Some(error.code.clone()));
        MockResponse {
            code: Some(error.code.clone()),
            ..MockResponse::json(
                error.status,
                &error.body(&self.request_id, &self.request.host),
            )
        }
    }

    fn count(&self, answer: Option<&MockResponse>) {
        if let Ok(mut world) = self.world() {
            let action = self.request.parameters.get("Action");
            let (status, code) = (
                answer.map(|answer| answer.status),
                answer.and_then(|answer| answer.code.as_deref()),
            );
            world.counts.end(action, status, code);
        }
    }

    fn note(&self, note: impl FnOnce(&mut RecordedCall)) {
        if let Ok(mut world) = self.world() {
            world.record.note(self.number, note);
        }
    }

    /// The world that the call came into. After a reset there is none, and the call is dropped.
    fn world(&self) -> Result<MutexGuard<'_, MockState>, CallAborted> {
        let world = self.shared.world();
        if world.epoch == self.epoch {
            Ok(world)
        } else {
            Err(CallAborted::Dropped)
        }
    }
}
