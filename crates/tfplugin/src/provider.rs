use std::collections::BTreeMap;

use async_trait::async_trait;
use tf_provider::Provider;
use tf_provider::schema::Schema;
use tokio_util::task::TaskTracker;

use super::served_resource::decode;
use super::{
    Diagnostics, DynAction, DynDataSource, DynFunction, DynListResource, DynResource, EncodedValue,
    StopSignal,
};

/// All that one provider binary serves. Names are full type names, such as `alicloud_live_edge_transcode_job`;
/// functions have no prefix.
pub struct ProviderDefinition {
    /// The provider block.
    pub provider: Box<dyn DynProvider>,
    /// Managed resource types by name.
    pub resources: BTreeMap<String, Box<dyn DynResource>>,
    /// List resources by name: each has that of a managed resource type.
    pub list_resources: BTreeMap<String, Box<dyn DynListResource>>,
    /// Actions by name.
    pub actions: BTreeMap<String, Box<dyn DynAction>>,
    /// Data sources by name.
    pub data_sources: BTreeMap<String, Box<dyn DynDataSource>>,
    /// Functions by name.
    pub functions: BTreeMap<String, Box<dyn DynFunction>>,
    /// What `StopProvider` raises; the same signal that the provider's parts listen to.
    pub stop: StopSignal,
    /// Work that the end of the process must not cut off. The server tracks changes, actions and lists in it, and the
    /// provider what it does beside calls. [`serve`](crate::serve::serve) returns when it is empty, and the process waits
    /// for that as long as it waits for changes.
    pub work: TaskTracker,
}

impl ProviderDefinition {
    /// A provider without types, that stops when `stop` is raised.
    pub fn new(provider: impl DynProvider + 'static, stop: StopSignal) -> Self {
        Self {
            provider: Box::new(provider),
            resources: BTreeMap::new(),
            list_resources: BTreeMap::new(),
            actions: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            functions: BTreeMap::new(),
            stop,
            work: TaskTracker::new(),
        }
    }

    /// Adds a managed resource type.
    pub fn add_resource(&mut self, name: &str, resource: impl DynResource + 'static) {
        self.resources.insert(name.to_owned(), Box::new(resource));
    }

    /// Adds a list resource, under the name of its managed resource type.
    pub fn add_list_resource(&mut self, name: &str, list: impl DynListResource + 'static) {
        self.list_resources.insert(name.to_owned(), Box::new(list));
    }

    /// Adds an action.
    pub fn add_action(&mut self, name: &str, action: impl DynAction + 'static) {
        self.actions.insert(name.to_owned(), Box::new(action));
    }

    /// Adds a data source.
    pub fn add_data_source(&mut self, name: &str, source: impl DynDataSource + 'static) {
        self.data_sources.insert(name.to_owned(), Box::new(source));
    }

    /// Adds a function.
    pub fn add_function(&mut self, name: &str, function: impl DynFunction + 'static) {
        self.functions.insert(name.to_owned(), Box::new(function));
    }
}

/// The provider block as the plugin serves it. Implemented for every typed [`Provider`]; never by hand.
#[async_trait]
pub trait DynProvider: Send + Sync {
    /// The schema of the provider block. Asked once, when the host first asks for schemas.
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<Schema>;

    /// Checks a provider block, which may contain unknown values.
    async fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue);

    /// Takes a provider block into use. While planning it may contain unknown values.
    async fn configure(
        &self,
        diagnostics: &mut Diagnostics,
        terraform_version: String,
        config: &EncodedValue,
    );
}

#[async_trait]
impl<P: Provider> DynProvider for P {
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<Schema> {
        Provider::schema(self, diagnostics)
    }

    async fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue) {
        if let Some(config) = decode(diagnostics, config) {
            Provider::validate(self, diagnostics, config).await;
        }
    }

    async fn configure(
        &self,
        diagnostics: &mut Diagnostics,
        terraform_version: String,
        config: &EncodedValue,
    ) {
        if let Some(config) = decode(diagnostics, config) {
            Provider::configure(self, diagnostics, terraform_version, config).await;
        }
    }
}
