//! Injects the faults that are due into a call.

use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;

use super::{FaultKind, FaultStage};
use crate::active_call::{ActiveCall, CallAborted};
use crate::errors::ApiError;
use crate::mock_response::MockResponse;

impl ActiveCall {
    /// Calls the observer and injects the faults that are due at this stage. Returns those that alter the response, which
    /// is not there yet.
    pub(crate) async fn inject_faults(
        &self,
        when: FaultStage,
    ) -> Result<Vec<FaultKind>, CallAborted> {
        self.notify_observer(when)?;
        let (alterations, others): (Vec<_>, Vec<_>) = self
            .due_faults(when)?
            .into_iter()
            .partition(FaultKind::alters_response);
        for kind in others {
            self.inject(kind, when).await?;
        }
        Ok(alterations)
    }

    fn notify_observer(&self, when: FaultStage) -> Result<(), CallAborted> {
        if let Some(observer) = self.shared.observer()
            && let Some(event) = self.event(when)?
        {
            observer(&event);
        }
        Ok(())
    }

    /// Returns the faults that are due, and records them.
    fn due_faults(&self, when: FaultStage) -> Result<Vec<FaultKind>, CallAborted> {
        let mut state = self.state()?;
        let due = state.faults.due(&self.request.parameters, when);
        state.call_log.update(self.number, |recorded| {
            recorded.faults.extend(due.iter().cloned());
        });
        Ok(due)
    }

    /// Injects a fault that does not alter the response.
    async fn inject(&self, kind: FaultKind, when: FaultStage) -> Result<(), CallAborted> {
        match kind {
            FaultKind::Slow { ms } => self.wait(sleep(Duration::from_millis(ms))).await?,
            FaultKind::Hang => self.wait(pending()).await?,
            FaultKind::Pause => {
                let event = self.event(when)?.ok_or(CallAborted::Dropped)?;
                let released = self.shared.pause(&mut *self.state()?, event);
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
                let response = MockResponse::new(status, content_type, body);
                return Err(CallAborted::Responded(response));
            }
            FaultKind::Truncate { .. }
            | FaultKind::Trickle { .. }
            | FaultKind::Endless
            | FaultKind::WrongTypes => {}
        }
        Ok(())
    }

    /// Waits for `end`, unless a reset or the limit on waiting calls drops the call.
    async fn wait(&self, end: impl Future<Output = ()>) -> Result<(), CallAborted> {
        let dropped = self.state()?.wait(self.number);
        tokio::select! {
            biased;
            _ = dropped => Err(CallAborted::Dropped),
            () = end => {
                self.state()?.waiting.remove(&self.number);
                Ok(())
            }
        }
    }
}
