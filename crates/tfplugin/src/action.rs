use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tf_provider::schema::Schema;
use tokio::sync::mpsc;

use super::served_resource::decode;
use super::{Diagnostics, EncodedValue};

/// An action: does something to an object without changing what is configured (Terraform 1.14 and later).
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// What the block `config` says.
    type Config: DeserializeOwned + Send;

    /// The schema of [`Self::Config`].
    fn schema(&self) -> Schema;

    /// Checks a configuration, which may hold unknown values. Also the whole of planning: it makes no call. Comes before
    /// each invocation again.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &Self::Config);

    /// Does it. The action has failed if there are errors in the diagnostics.
    async fn invoke(
        &self,
        diagnostics: &mut Diagnostics,
        config: Self::Config,
        progress: &ProgressReporter,
    );
}

/// Tells the user, while an action runs, how far it is.
pub struct ProgressReporter(mpsc::UnboundedSender<String>);

impl ProgressReporter {
    /// Messages, and where they arrive.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (teller, messages) = mpsc::unbounded_channel();
        (Self(teller), messages)
    }

    /// Tells. Never waits; that nobody listens any more is no reason to leave the work half done.
    pub fn tell(&self, message: impl Into<String>) {
        let _ = self.0.send(message.into());
    }
}

/// An action as the plugin serves it. Implemented for every typed [`Action`]; never by hand.
#[async_trait]
pub trait DynAction: Send + Sync {
    /// The schema of the block `config`.
    fn schema(&self) -> Schema;

    /// Checks a configuration, which may hold unknown values.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue);

    /// Does what the action is for.
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
        let Some(config) = decode(diagnostics, config) else {
            return;
        };
        // A value that was not known before the apply has passed no check yet.
        Action::validate(self, diagnostics, &config);
        if diagnostics.errors.is_empty() {
            Action::invoke(self, diagnostics, config, &progress).await;
        }
    }
}
