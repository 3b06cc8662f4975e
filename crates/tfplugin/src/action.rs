use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tf_provider::schema::Schema;
use tokio::sync::mpsc;

use super::required::check_required;
use super::served_resource::decode;
use super::{Diagnostics, EncodedValue};

/// An action: changes an object outside of its configuration (Terraform 1.14 and later).
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// The decoded block `config`.
    type Config: DeserializeOwned + Send;

    /// The schema of [`Self::Config`].
    fn schema(&self) -> Schema;

    /// Checks a configuration, which may contain unknown values. It is also all that a plan does, so it makes no call. Runs
    /// again before each invocation.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &Self::Config);

    /// Runs the action. It has failed if there are errors in the diagnostics.
    async fn invoke(
        &self,
        diagnostics: &mut Diagnostics,
        config: Self::Config,
        progress: &ProgressReporter,
    );
}

/// Reports to the user, while an action runs, how far it is.
pub struct ProgressReporter(mpsc::UnboundedSender<String>);

impl ProgressReporter {
    /// Returns a reporter, and the receiver of its messages.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (sender, messages) = mpsc::unbounded_channel();
        (Self(sender), messages)
    }

    /// Reports a message. Never waits, and never fails: a host that has gone is no reason to leave the work half done.
    pub fn report(&self, message: impl Into<String>) {
        let _ = self.0.send(message.into());
    }
}

/// An action as the plugin serves it. Implemented for every typed [`Action`]; never by hand.
#[async_trait]
pub trait DynAction: Send + Sync {
    /// The schema of the block `config`.
    fn schema(&self) -> Schema;

    /// Checks a configuration, which may contain unknown values.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue);

    /// Runs the action.
    async fn invoke(
        &self,
        diagnostics: &mut Diagnostics,
        config: &EncodedValue,
        progress: ProgressReporter,
    );
}

#[async_trait]
impl<A: Action> DynAction for A {
    fn schema(&self) -> Schema {
        Action::schema(self)
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue) {
        check_required(&Action::schema(self), config, diagnostics);
        if let Some(config) = decode(diagnostics, config) {
            Action::validate(self, diagnostics, &config);
        }
    }

    async fn invoke(
        &self,
        diagnostics: &mut Diagnostics,
        config: &EncodedValue,
        progress: ProgressReporter,
    ) {
        // A value that was not known before the apply has passed no check yet.
        DynAction::validate(self, diagnostics, config);
        if diagnostics.errors.is_empty()
            && let Some(config) = decode(diagnostics, config)
        {
            Action::invoke(self, diagnostics, config, &progress).await;
        }
    }
}
