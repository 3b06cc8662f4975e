//! One provider process: a fresh definition, and the calls that core makes of it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use alicloud_auth::environment::Environment;
use alicloud_live::Dependencies;
use alicloud_live_mock::{DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET};
use futures_util::FutureExt as _;
use terraform_provider_alicloud_live::definition_in;
use tfplugin::{
    Change, Diagnostics, DynResource, EncodedValue, Planned, ProviderDefinition,
    ResourceInstanceObject,
};
use tokio_util::sync::CancellationToken;

use crate::api::{Caller, Cloud, Wire, lock};
use crate::dice::{Dice, SharedDice};
use crate::state::Stored;
use crate::value::Value;

pub(crate) const TYPE: &str = "alicloud_live_edge_transcode_job";

/// A call of a provider: an RPC, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rpc {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    /// Counts the nodes of core's graph.
    pub(crate) node: usize,
}

/// A response with its diagnostics.
pub(crate) struct Response<T> {
    pub(crate) value: T,
    pub(crate) diagnostics: Diagnostics,
}

impl<T> Response<T> {
    pub(crate) fn has_errors(&self) -> bool {
        !self.diagnostics.errors.is_empty()
    }
}

/// Why a call has no response.
#[derive(Debug)]
pub(crate) enum NoResponse {
    /// The process is dead.
    Dead,
    Panic(String),
}

pub(crate) struct Process {
    definition: Arc<ProviderDefinition>,
    killed: CancellationToken,
    applies: Arc<Mutex<usize>>,
    calls: Mutex<Vec<Rpc>>,
    nodes: Mutex<usize>,
}

impl Process {
    pub(crate) fn start(cloud: &Arc<Cloud>, caller: Caller, place: usize, dice: &mut Dice) -> Self {
        let applies = Arc::default();
        let dependencies = Dependencies {
            exchange: Some(Arc::new(Wire {
                cloud: Arc::clone(cloud),
                caller,
                place,
                applies: Arc::clone(&applies),
            })),
            clock: Arc::new(cloud.clock.clone()),
            random: Arc::new(SharedDice::new(dice.split())),
        };
        let endpoint = ["http://mock-0.invalid", "http://mock-1.invalid"][place];
        let environment = Environment::from_iter([
            ("LIVE_ENDPOINT", endpoint),
            ("ALICLOUD_ACCESS_KEY", DEFAULT_ACCESS_KEY_ID),
            ("ALICLOUD_SECRET_KEY", DEFAULT_ACCESS_KEY_SECRET),
        ]);
        Self {
            definition: Arc::new(definition_in(environment, dependencies)),
            killed: CancellationToken::new(),
            applies,
            calls: Mutex::default(),
            nodes: Mutex::default(),
        }
    }

    /// Every call so far, in the order of sending.
    pub(crate) fn calls(&self) -> Vec<Rpc> {
        lock(&self.calls).clone()
    }

    /// A node of the graph begins. Only with a parallelism of one the calls after it are its own.
    pub(crate) fn begin_node(&self) {
        *lock(&self.nodes) += 1;
    }

    /// `StopProvider`.
    pub(crate) fn stop(&self) {
        self.definition.stop.stop();
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        self.killed.cancel();
    }

    /// Makes a call, in a task of its own as the plugin's server does: who hangs up does not end it.
    async fn call<T: Send + 'static, F>(
        &self,
        name: &'static str,
        address: &str,
        work: impl FnOnce(Arc<ProviderDefinition>, Diagnostics) -> F + Send + 'static,
    ) -> Result<T, NoResponse>
    where
        F: Future<Output = T> + Send + 'static,
    {
        lock(&self.calls).push(Rpc {
            name,
            address: address.to_owned(),
            node: *lock(&self.nodes),
        });
        let killed = self.killed.clone();
        let definition = Arc::clone(&self.definition);
        let applies = (name == "Apply").then(|| Applying::begin(&self.applies));
        let work = AssertUnwindSafe(work(definition, Diagnostics::default())).catch_unwind();
        let running = tokio::spawn(async move {
            let done = killed.run_until_cancelled_owned(work).await;
            drop(applies);
            done
        });
        match running.await {
            Ok(Some(Ok(response))) => Ok(response),
            Ok(Some(Err(panic))) => {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                Err(NoResponse::Panic(text.unwrap_or_default()))
            }
            Ok(None) | Err(_) => Err(NoResponse::Dead),
        }
    }

    async fn call_resource<T: Send + 'static>(
        &self,
        name: &'static str,
        address: &str,
        work: impl for<'a> FnOnce(
            &'a dyn DynResource,
            &'a mut Diagnostics,
        ) -> futures_util::future::BoxFuture<'a, T>
        + Send
        + 'static,
    ) -> Result<Response<T>, NoResponse> {
        self.call(name, address, |definition, mut diagnostics| async move {
            let resource = definition.resources[TYPE].as_ref();
            let value = work(resource, &mut diagnostics).await;
            Response { value, diagnostics }
        })
        .await
    }

    /// `ValidateProviderConfig` and `ConfigureProvider`.
    pub(crate) async fn configure(&self) -> Result<Response<()>, NoResponse> {
        self.call("Configure", "", |definition, mut diagnostics| async move {
            let empty = serde_json::json!({}).to_string().into_bytes();
            let config = EncodedValue::Json(empty);
            let provider = &definition.provider;
            provider.validate(&mut diagnostics, &config).await;
            provider
                .configure(&mut diagnostics, "1.16.0".to_owned(), &config)
                .await;
            Response {
                value: (),
                diagnostics,
            }
        })
        .await
    }

    pub(crate) async fn validate(
        &self,
        address: &str,
        config: &Value,
    ) -> Result<Response<()>, NoResponse> {
        let config = config.encode();
        self.call_resource("Validate", address, |resource, diagnostics| {
            async move { resource.validate(diagnostics, &config) }.boxed()
        })
        .await
    }

    pub(crate) async fn upgrade(
        &self,
        address: &str,
        state: &Value,
    ) -> Result<Response<Option<EncodedValue>>, NoResponse> {
        let state = state.to_json();
        self.call_resource("Upgrade", address, |resource, diagnostics| {
            async move { resource.upgrade(diagnostics, &state).await }.boxed()
        })
        .await
    }

    pub(crate) async fn read(
        &self,
        address: &str,
        object: &Stored,
    ) -> Result<Response<Option<ResourceInstanceObject>>, NoResponse> {
        let held = held(object);
        self.call_resource("Read", address, |resource, diagnostics| {
            async move { resource.read(diagnostics, &held).await }.boxed()
        })
        .await
    }

    pub(crate) async fn import(
        &self,
        address: &str,
        id: String,
    ) -> Result<Response<Option<ResourceInstanceObject>>, NoResponse> {
        self.call_resource("Import", address, |resource, diagnostics| {
            async move { resource.import(diagnostics, id).await }.boxed()
        })
        .await
    }

    pub(crate) async fn plan(
        &self,
        address: &str,
        change: Change,
    ) -> Result<Response<Option<Planned>>, NoResponse> {
        self.call_resource("Plan", address, |resource, diagnostics| {
            async move { resource.plan(diagnostics, &change).await }.boxed()
        })
        .await
    }

    pub(crate) async fn apply(
        &self,
        address: &str,
        change: Change,
    ) -> Result<Response<ResourceInstanceObject>, NoResponse> {
        self.call_resource("Apply", address, |resource, diagnostics| {
            async move { resource.apply(diagnostics, &change).await }.boxed()
        })
        .await
    }
}

fn held(object: &Stored) -> ResourceInstanceObject {
    ResourceInstanceObject {
        state: object.value.encode(),
        private: object.private.clone(),
        identity: object.identity.as_ref().map(Value::encode),
    }
}

/// Counts an apply for as long as it runs.
struct Applying(Arc<Mutex<usize>>);

impl Applying {
    fn begin(applies: &Arc<Mutex<usize>>) -> Self {
        *lock(applies) += 1;
        Self(Arc::clone(applies))
    }
}

impl Drop for Applying {
    fn drop(&mut self) {
        *lock(&self.0) -= 1;
    }
}
