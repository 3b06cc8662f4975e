use std::ops::ControlFlow;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tf_provider::schema::Schema;
use tokio::sync::mpsc;

use super::served_resource::{decode, encode};
use super::{Diagnostics, EncodedValue};

/// A list resource: finds the objects of a managed resource type that exist, for `terraform query` (1.14 and later). It
/// bears the name of that type.
#[async_trait]
pub trait ListResource: Send + Sync + 'static {
    /// What the block `config` says.
    type Config: DeserializeOwned + Send;

    /// The schema of [`Self::Config`].
    fn schema(&self) -> Schema;

    /// Checks a configuration, which may hold unknown values.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &Self::Config);

    /// Finds objects, and adds them as they come, until all are found or no more are wanted.
    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: Self::Config,
        findings: &mut ListResults,
    );
}

/// One object that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The object's identity.
    pub identity: EncodedValue,
    /// What people know it by.
    pub display_name: String,
    /// The whole object, where it was asked for.
    pub object: Option<EncodedValue>,
}

/// Takes what a list resource finds, one object at a time: each waits until the one before was taken up.
pub struct ListResults {
    listener: mpsc::Sender<Found>,
    wanted: u64,
    whole_objects: bool,
}

impl ListResults {
    /// Takes no more than `limit` objects, and hands them on to the receiver; without the object as a whole unless
    /// `whole_objects`.
    pub fn new(limit: u64, whole_objects: bool) -> (Self, mpsc::Receiver<Found>) {
        let (listener, found) = mpsc::channel(1);
        let findings = Self {
            listener,
            wanted: limit,
            whole_objects,
        };
        (findings, found)
    }

    /// Adds an object. [`ControlFlow::Break`] says that no more are wanted, or that this one cannot be encoded, which the
    /// diagnostics then tell.
    pub async fn add(
        &mut self,
        diagnostics: &mut Diagnostics,
        identity: &(impl Serialize + Sync),
        display_name: String,
        object: &(impl Serialize + Sync),
    ) -> ControlFlow<()> {
        let Some(identity) = encode(diagnostics, identity) else {
            return ControlFlow::Break(());
        };
        let object = if self.whole_objects {
            let Some(object) = encode(diagnostics, object) else {
                return ControlFlow::Break(());
            };
            Some(object)
        } else {
            None
        };
        let found = Found {
            identity,
            display_name,
            object,
        };
        let taken = self.listener.send(found).await.is_ok();
        self.wanted = self.wanted.saturating_sub(1);
        if taken && self.wanted > 0 {
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

    /// Checks a configuration, which may hold unknown values.
    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue);

    /// Finds objects, until all are found, no more are wanted, or nobody listens any more.
    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: &EncodedValue,
        findings: ListResults,
    );
}

#[async_trait]
impl<L: ListResource> DynListResource for L {
    fn schema(&self) -> Schema {
        ListResource::schema(self)
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue) {
        if let Some(config) = decode(diagnostics, config) {
            ListResource::validate(self, diagnostics, &config);
        }
    }

    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: &EncodedValue,
        mut findings: ListResults,
    ) {
        if findings.wanted == 0 {
            return;
        }
        let Some(config) = decode(diagnostics, config) else {
            return;
        };
        let listener = findings.listener.clone();
        tokio::select! {
            () = ListResource::list(self, diagnostics, config, &mut findings) => {}
            () = listener.closed() => {}
        }
    }
}
