//! One provider process: a fresh definition, and the calls that core makes of it.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use alicloud_auth::environment::Environment;
use alicloud_live::Dependencies;
use alicloud_live_mock::{DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use terraform_provider_alicloud_live::definition_in;
use tfplugin::{Diagnostics, EncodedValue, ProviderDefinition};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{Caller, Cloud, Wire, lock};
use crate::dice::{Dice, SharedDice};

pub const TYPE: &str = "alicloud_live_edge_transcode_job";

/// A call of a provider: an RPC, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rpc {
    pub name: &'static str,
    pub address: String,
    /// Counts the nodes of core's graph.
    pub node: usize,
}

/// A response with its diagnostics.
pub struct Response<T> {
    pub value: T,
    pub diagnostics: Diagnostics,
}

impl<T> Response<T> {
    pub fn has_errors(&self) -> bool {
        !self.diagnostics.errors.is_empty()
    }
}

/// Why a call has no response.
#[derive(Debug)]
pub enum NoResponse {
    /// The process is dead.
    Dead,
    Panic(String),
}

pub struct Process {
    definition: Arc<ProviderDefinition>,
    killed: CancellationToken,
    applies: TaskTracker,
    calls: Mutex<Vec<Rpc>>,
    nodes: AtomicUsize,
}

impl Process {
    pub fn start(cloud: &Arc<Cloud>, caller: Caller, place: usize, dice: &mut Dice) -> Self {
        let applies = TaskTracker::new();
        let dependencies = Dependencies {
            exchange: Some(Arc::new(Wire {
                cloud: Arc::clone(cloud),
                caller,
                place,
                applies: applies.clone(),
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
            nodes: AtomicUsize::default(),
        }
    }

    /// Every call so far, in the order of sending.
    pub fn calls(&self) -> Vec<Rpc> {
        lock(&self.calls).clone()
    }

    /// A node of the graph begins. Only with a parallelism of one the calls after it are its own.
    pub fn begin_node(&self) {
        self.nodes.fetch_add(1, Ordering::Relaxed);
    }

    /// `StopProvider`.
    pub fn stop(&self) {
        self.definition.stop.stop();
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.killed.cancel();
    }

    /// Calls in a task of its own, as the plugin's server does: a caller that hangs up does not end it.
    pub async fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        address: &str,
        work: impl for<'a> FnOnce(&'a ProviderDefinition, &'a mut Diagnostics) -> BoxFuture<'a, T>
        + Send
        + 'static,
    ) -> Result<Response<T>, NoResponse> {
        lock(&self.calls).push(Rpc {
            name,
            address: address.to_owned(),
            node: self.nodes.load(Ordering::Relaxed),
        });
        let definition = Arc::clone(&self.definition);
        let apply = (name == "Apply").then(|| self.applies.token());
        let work = async move {
            let mut diagnostics = Diagnostics::default();
            let value = work(&definition, &mut diagnostics).await;
            Response { value, diagnostics }
        };
        let killed = self.killed.clone();
        let running = tokio::spawn(async move {
            let work = AssertUnwindSafe(work).catch_unwind();
            let done = killed.run_until_cancelled_owned(work).await;
            drop(apply);
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

    /// `ValidateProviderConfig` and `ConfigureProvider`.
    pub async fn configure(&self) -> Result<Response<()>, NoResponse> {
        self.call("Configure", "", |definition, diagnostics| {
            async move {
                let config = EncodedValue::Json(b"{}".to_vec());
                let provider = &definition.provider;
                provider.validate(diagnostics, &config).await;
                let version = "1.16.0".to_owned();
                provider.configure(diagnostics, version, &config).await;
            }
            .boxed()
        })
        .await
    }
}
