//! A node of core's graph on its way through a provider process: the calls of both walks, and what core checks of the
//! responses.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tfplugin::{
    AttributePath, Change, Diagnostic, Diagnostics, DynResource, EncodedValue, Planned,
    ResourceInstanceObject,
};

use crate::core::{Run, Shown};
use crate::process::{NoResponse, Process, Response, TYPE};
use crate::state::Stored;
use crate::value::Value;

#[derive(Clone, Copy)]
pub struct Visit<'v> {
    pub run: &'v Run<'v>,
    pub process: &'v Process,
    /// Empty for the provider block.
    pub address: &'v str,
}

impl Run<'_> {
    pub fn visit<'v>(&'v self, process: &'v Process, address: &'v str) -> Visit<'v> {
        Visit {
            run: self,
            process,
            address,
        }
    }
}

impl Visit<'_> {
    async fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl for<'a> FnOnce(&'a dyn DynResource, &'a mut Diagnostics) -> BoxFuture<'a, T>
        + Send
        + 'static,
    ) -> Result<Response<T>, NoResponse> {
        let call = self
            .process
            .call(name, self.address, |definition, diagnostics| {
                work(definition.resources[TYPE].as_ref(), diagnostics)
            });
        call.await
    }

    pub async fn validate(&self, config: &Value) -> Option<()> {
        let config = config.encode();
        let response = self.call("Validate", |job, diagnostics| {
            async move { job.validate(diagnostics, &config) }.boxed()
        });
        self.take(response.await)
    }

    pub async fn upgrade(&self, stored: &Stored) -> Option<Value> {
        let state = stored.value.to_json();
        let response = self.call("Upgrade", |job, diagnostics| {
            async move { job.upgrade(diagnostics, &state).await }.boxed()
        });
        let value = self.decoded(&self.take(response.await)??)?;
        if value != stored.value {
            self.breach(format!("upgrade changed {:?}", stored.value));
        }
        Some(value)
    }

    pub async fn read(&self, object: &Stored) -> Option<ResourceInstanceObject> {
        let object = ResourceInstanceObject {
            state: object.value.encode(),
            private: object.private.clone(),
            identity: object.identity.as_ref().map(Value::encode),
        };
        let response = self.call("Read", |job, diagnostics| {
            async move { job.read(diagnostics, &object).await }.boxed()
        });
        self.take(response.await)?
    }

    pub async fn import(&self, id: String) -> Option<ResourceInstanceObject> {
        let response = self.call("Import", |job, diagnostics| job.import(diagnostics, id));
        self.take(response.await)?
    }

    async fn plan(&self, change: Change) -> Result<Response<Option<Planned>>, NoResponse> {
        self.call("Plan", |job, diagnostics| {
            async move { job.plan(diagnostics, &change).await }.boxed()
        })
        .await
    }

    /// The response, errors or not.
    pub async fn apply(&self, change: Change) -> Option<Response<ResourceInstanceObject>> {
        let response = self.call("Apply", |job, diagnostics| {
            async move { job.apply(diagnostics, &change).await }.boxed()
        });
        self.take_all(response.await)
    }

    /// P(prior→∅).
    pub async fn plan_null(&self, object: &Stored) -> Option<Vec<u8>> {
        let (nothing, private) = (&Value::Null, object.private.clone());
        let change = change(&object.value, nothing, nothing, private);
        let response = self.plan(change).await;
        let planned = self.take(response)??;
        if !planned.object.state.is_null() {
            self.breach("non-null destroy value");
        }
        Some(planned.object.private)
    }

    /// P: the planned value, its private data, and the attributes that require a replacement. Of the second one of a
    /// replacement core drops the warnings, unless there are errors.
    pub async fn plan_value(
        &self,
        prior: &Value,
        config: &Value,
        private: Vec<u8>,
        which: PlanCall,
    ) -> Option<(Value, Vec<u8>, Vec<String>)> {
        let proposed = self.run.shape.proposed(prior, config);
        let change = Change {
            is_repeated: which == PlanCall::Repeated && self.run.spec.version.announces_apply(),
            ..change(prior, &proposed, config, private)
        };
        let mut response = self.plan(change).await;
        if let Ok(response) = &mut response
            && which == PlanCall::OfReplacement
            && !response.has_errors()
        {
            response.diagnostics.warnings.clear();
        }
        let planned = self.take(response)??;
        let value = self.decoded(&planned.object.state)?;
        if let Err(problem) = self.run.shape.plan_valid(prior, config, &value) {
            self.breach(format!("invalid plan: {problem}"));
            return None;
        }
        let paths = planned.requires_replace.iter().map(first_step).collect();
        Some((value, planned.object.private, paths))
    }

    pub fn decoded(&self, encoded: &EncodedValue) -> Option<Value> {
        match Value::decode(encoded) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.breach(format!("a response cannot be read: {problem}"));
                None
            }
        }
    }

    pub fn check_known(&self, what: &str, value: &Value) -> Option<()> {
        if let Err(problem) = self.run.shape.conforms(value) {
            self.breach(format!("{what} does not conform: {problem}"));
            return None;
        }
        if !value.is_wholly_known() {
            self.breach(format!("{what} has unknown values"));
            return None;
        }
        Some(())
    }

    pub fn identity(&self, identity: Option<&EncodedValue>) -> Option<Value> {
        let identity = self.decoded(identity?)?;
        if !identity.is_wholly_known() {
            self.breach("identity has unknown values");
        }
        Some(identity)
    }

    /// The response, unless there are errors, which are shown.
    pub fn take<T>(&self, response: Result<Response<T>, NoResponse>) -> Option<T> {
        let response = self.take_all(response)?;
        (!response.has_errors()).then_some(response.value)
    }

    /// The response, errors or not.
    pub fn take_all<T>(&self, response: Result<Response<T>, NoResponse>) -> Option<Response<T>> {
        match response {
            Ok(response) => {
                for error in &response.diagnostics.errors {
                    self.show(text(error), true);
                }
                for warning in &response.diagnostics.warnings {
                    self.show(text(warning), false);
                }
                Some(response)
            }
            Err(NoResponse::Dead) => {
                self.run.report.borrow_mut().was_killed = true;
                self.fail("Plugin did not respond");
                None
            }
            Err(NoResponse::Panic(text)) => {
                self.breach(format!("the provider panicked: {text}"));
                None
            }
        }
    }

    /// An error of core's own.
    pub fn fail(&self, text: &str) {
        self.show(text.to_owned(), true);
    }

    fn show(&self, text: String, is_error: bool) {
        self.run.report.borrow_mut().shown.push(Shown {
            is_error,
            is_of_plan: self.run.is_of_plan.get(),
            address: self.address.to_owned(),
            text,
        });
    }

    /// The provider broke a rule, which core tells the user as a bug of the provider.
    pub fn breach(&self, what: impl Into<String>) {
        let what = what.into();
        self.fail(&what);
        let breach = format!("{}: {what}", self.address);
        self.run.report.borrow_mut().breaches.push(breach);
    }
}

fn text(diagnostic: &Diagnostic) -> String {
    format!("{}: {}", diagnostic.summary, diagnostic.detail)
}

fn first_step(path: &AttributePath) -> String {
    let path = path.to_string();
    path.trim_start_matches('.').to_owned()
}

/// What core asks of the provider in a plan call or an apply call.
pub fn change(prior: &Value, target: &Value, config: &Value, private: Vec<u8>) -> Change {
    Change {
        prior: prior.encode(),
        target: target.encode(),
        config: config.encode(),
        private,
        is_repeated: false,
    }
}

/// Which plan call of an object it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PlanCall {
    First,
    /// The one that plans a replacement as a create. Its warnings are dropped.
    OfReplacement,
    /// The one before the apply.
    Repeated,
}
