use std::ops::ControlFlow;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tf_provider::schema::Schema;
use tokio::sync::mpsc;

use super::diagnostic::reported;
use super::required::check_required;
use super::served_resource::decode;
use super::{Diagnostics, EncodedValue};

/// A list resource: finds the objects of a managed resource type that exist, for `terraform query` (1.14 and later). It
/// has the name of that type.
#[async_trait]
pub trait ListResource: Send + Sync + 'static {
    /// The decoded block `config`.
    type Config: DeserializeOwned + Send;

    /// The schema of [`Self::Config`].
    fn schema(&self) -> Schema;

    /// Checks a configuration, which may contain unknown values.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &Self::Config);

    /// Finds objects, and adds them as they come, until all are found or no more are wanted.
    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: Self::Config,
        results: &mut ListResults,
    );
}

/// One object that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListResult {
    /// The object's identity.
    pub identity: EncodedValue,
    /// The name to show.
    pub display_name: String,
    /// The whole object, if it was requested.
    pub object: Option<EncodedValue>,
}

/// Receives what a list resource finds, one object at a time: each waits until the one before was received.
pub struct ListResults {
    sender: mpsc::Sender<ListResult>,
    wanted: u64,
    whole_objects: bool,
}

impl ListResults {
    /// Accepts at most `limit` objects and passes them to the receiver, as whole objects only if `whole_objects`.
    pub fn new(limit: u64, whole_objects: bool) -> (Self, mpsc::Receiver<ListResult>) {
        let (sender, receiver) = mpsc::channel(1);
        let results = Self {
            sender,
            wanted: limit,
            whole_objects,
        };
        (results, receiver)
    }

    /// Adds an object. [`ControlFlow::Break`] means that no more are wanted, or that this one cannot be encoded, which is then
    /// in the diagnostics.
    pub async fn add(
        &mut self,
        diagnostics: &mut Diagnostics,
        identity: &(impl Serialize + Sync),
        display_name: String,
        object: &(impl Serialize + Sync),
    ) -> ControlFlow<()> {
        let found = EncodedValue::encode(identity).and_then(|identity| {
            let object = self.whole_objects.then(|| EncodedValue::encode(object));
            Ok(ListResult {
                identity,
                display_name,
                object: object.transpose()?,
            })
        });
        let Some(found) = reported(found, diagnostics) else {
            return ControlFlow::Break(());
        };
        let is_received = self.sender.send(found).await.is_ok();
        self.wanted = self.wanted.saturating_sub(1);
        if is_received && self.wanted > 0 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

/// A list resource as the plugin serves it. Implemented for every typed [`ListResource`]; never by hand.
#[async_trait]
pub trait DynListResource: Send + Sync {
    /// The schema of the block `config`.
    fn schema(&self) -> Schema;

    /// Checks a configuration, which may contain unknown values.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue);

    /// Finds objects, until all are found, no more are wanted, or the receiver is gone.
    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: &EncodedValue,
        results: ListResults,
    );
}

#[async_trait]
impl<L: ListResource> DynListResource for L {
    fn schema(&self) -> Schema {
        ListResource::schema(self)
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue) {
        check_required(&ListResource::schema(self), config, diagnostics);
        if let Some(config) = decode(diagnostics, config) {
            ListResource::validate(self, diagnostics, &config);
        }
    }

    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: &EncodedValue,
        mut results: ListResults,
    ) {
        if results.wanted == 0 {
            return;
        }
        check_required(&ListResource::schema(self), config, diagnostics);
        if !diagnostics.errors.is_empty() {
            return;
        }
        let Some(config) = decode(diagnostics, config) else {
            return;
        };
        let sender = results.sender.clone();
        tokio::select! {
            () = ListResource::list(self, diagnostics, config, &mut results) => {}
            () = sender.closed() => {}
        }
    }
}
