//! The apply walk.

use std::collections::BTreeMap;

use tfplugin::ResourceInstanceObject;

use crate::checks::compatible;
use crate::core::{Action, Plan, Planned, Run};
use crate::process::Response;
use crate::state::{Slot, Stored};
use crate::value::Value;
use crate::visit::{PlanCall, Visit, change};
use crate::walk::{Node, walk};

/// A node of the graph.
#[derive(Clone)]
enum Step {
    /// Creates or updates the object of an address.
    Make(Slot),
    /// Destroys one; of a `create_before_destroy` replacement, the one that was moved aside.
    Destroy(Slot),
    Forget(Slot),
}

impl Step {
    fn slot(&self) -> &Slot {
        let (Self::Make(slot) | Self::Destroy(slot) | Self::Forget(slot)) = self;
        slot
    }
}

impl Run<'_> {
    /// Applies the changes of a plan.
    pub async fn apply(&self, plan: Plan) {
        self.workspace.borrow_mut().state = plan.prior.clone();
        let Some(process) = self.start(true).await else {
            return;
        };
        let nodes = graph(&plan.changes);
        let visit = |step: &Step| {
            let step = step.clone();
            let (process, planned) = (&process, plan.changes[step.slot()].clone());
            async move {
                self.think().await;
                process.begin_node();
                let visit = self.visit(process, &step.slot().address);
                let done = match &step {
                    Step::Make(_) => visit.make(planned).await,
                    Step::Destroy(slot) => visit.destroy(slot, planned).await,
                    Step::Forget(slot) => visit.forget(slot).await,
                };
                self.save();
                done.is_some()
            }
        };
        walk(&nodes, self.spec.parallelism, &self.dice, visit).await;
        self.close(&process);
    }
}

impl Visit<'_> {
    fn object(&self, slot: &Slot) -> Option<Stored> {
        let objects = &self.run.workspace.borrow().state.objects;
        objects.get(slot).cloned()
    }

    /// A `removed` block: the object leaves the state, and nothing else happens.
    async fn forget(&self, slot: &Slot) -> Option<()> {
        let object = self.object(slot)?;
        self.upgrade(&object).await?;
        self.run.workspace.borrow_mut().state.set(slot, None);
        Some(())
    }

    /// Creates or updates.
    async fn make(&self, planned: Planned) -> Option<()> {
        let slot = Slot::current(self.address);
        let deposed = (planned.action == Action::ReplaceCreateFirst)
            .then(|| self.run.workspace.borrow_mut().state.depose(self.address))
            .flatten();
        let made = self.make_current(&slot, &planned).await?;
        // Core restores it if the apply fails, and not after the steps before it.
        if made.is_none()
            && let Some(deposed) = deposed
        {
            self.run.workspace.borrow_mut().state.restore(&deposed);
        }
        made
    }

    /// `None`: it failed before the apply.
    async fn make_current(&self, slot: &Slot, planned: &Planned) -> Option<Option<()>> {
        let job = self.run.configuration.jobs.get(self.address)?;
        let config = job.value(self.run.shape);
        let prior = match (&planned.action, &planned.prior) {
            (Action::Update, Some(prior)) => {
                let value = self.upgrade(prior).await?;
                Some(Stored {
                    value,
                    ..prior.clone()
                })
            }
            _ => None,
        };
        self.validate(&config).await?;
        if self.run.hook().is_none() {
            self.held_back()?;
        }
        let prior_value = prior
            .as_ref()
            .map_or(Value::Null, |prior| prior.value.clone());
        // Of a replacement it is a create, to which only the plan's private data come along, and these not always. The
        // plugin's service prefers them.
        let private =
            if self.run.spec.version.keeps_planned_private() && !planned.private.is_empty() {
                planned.private.clone()
            } else {
                prior
                    .as_ref()
                    .map_or_else(Vec::new, |prior| prior.private.clone())
            };
        let (value, private, _) = self
            .plan_value(&prior_value, &config, private, PlanCall::Repeated)
            .await?;
        if let Err(problem) = compatible(&planned.value, &value) {
            self.breach(format!("inconsistent final plan: {problem}"));
            return None;
        }
        if value == prior_value {
            return Some(Some(()));
        }
        if self.run.hook().is_none() {
            self.held_back()?;
        }
        let change = change(&prior_value, &value, &config, private);
        let response = self.apply(change).await;
        Some(self.store_made(slot, &value, prior, response, job.create_before_destroy))
    }

    fn held_back(&self) -> Option<()> {
        self.fail("execution halted");
        None
    }

    /// Stores what an apply of a create or an update returned, and checks it.
    fn store_made(
        &self,
        slot: &Slot,
        planned: &Value,
        prior: Option<Stored>,
        response: Option<Response<ResourceInstanceObject>>,
        create_before_destroy: bool,
    ) -> Option<()> {
        let mut workspace = self.run.workspace.borrow_mut();
        let Some(response) = response else {
            // The process died: its private data and the identity are lost.
            let lost = prior.map(|prior| Stored {
                private: Vec::new(),
                identity: None,
                ..prior
            });
            workspace.state.set(slot, lost);
            return None;
        };
        let value = self.decoded(&response.value.state)?;
        let has_errors = response.has_errors();
        if value.is_null() {
            if !has_errors {
                self.breach("inconsistent result: the object is absent");
            }
            workspace.state.set(slot, prior);
            return None;
        }
        self.check_known("the result of apply", &value);
        let identity = self.identity(response.value.identity.as_ref());
        if identity.is_none() && !value.str("job_id").is_empty() {
            self.breach("an object without identity");
        }
        let is_consistent = has_errors || {
            let consistent = compatible(planned, &value);
            if let Err(problem) = &consistent {
                self.breach(format!("inconsistent result after apply: {problem}"));
            }
            consistent.is_ok()
        };
        let keeps_identity = !has_errors || !self.run.spec.version.drops_identity_on_error();
        let is_well = is_consistent && !has_errors;
        let object = Stored {
            value,
            private: response.value.private,
            identity: identity.filter(|_| keeps_identity),
            is_tainted: prior.is_none() && !is_well,
            create_before_destroy,
        };
        workspace.state.set(slot, Some(object));
        is_well.then_some(())
    }

    async fn destroy(&self, slot: &Slot, planned: Planned) -> Option<()> {
        let (slot, replans) = match planned.action {
            Action::ReplaceCreateFirst => (self.moved_aside()?, true),
            Action::DeleteDeposed => (slot.clone(), true),
            _ => (slot.clone(), false),
        };
        let object = self.object(&slot)?;
        let value = self.upgrade(&object).await?;
        let object = Stored { value, ..object };
        let private = if replans {
            self.plan_null(&object).await?
        } else {
            planned.private
        };
        if self.run.hook().is_none() {
            return self.held_back();
        }
        let change = change(&object.value, &Value::Null, &Value::Null, private);
        let response = self.apply(change).await;
        self.store_destroyed(&slot, &object, response)
    }

    fn moved_aside(&self) -> Option<Slot> {
        let workspace = self.run.workspace.borrow();
        let mut slots = workspace.state.objects.keys();
        slots
            .rfind(|slot| slot.address == self.address && slot.deposed.is_some())
            .cloned()
    }

    fn store_destroyed(
        &self,
        slot: &Slot,
        object: &Stored,
        response: Option<Response<ResourceInstanceObject>>,
    ) -> Option<()> {
        let response = response?;
        let value = self.decoded(&response.value.state)?;
        let mut workspace = self.run.workspace.borrow_mut();
        match (value.is_null(), response.has_errors()) {
            (true, false) => {
                workspace.state.set(slot, None);
                Some(())
            }
            (true, true) => None,
            (false, has_errors) => {
                if !has_errors {
                    self.breach("a destroyed object is still there");
                }
                let names_it = self.run.report.borrow().errors().any(|error| {
                    error.address == self.address && error.text.contains(object.job_id())
                });
                if has_errors && !names_it {
                    self.breach("the error of a destroy does not name the job");
                }
                let identity = self.identity(response.value.identity.as_ref());
                let kept = Stored {
                    value,
                    private: response.value.private,
                    identity,
                    ..object.clone()
                };
                workspace.state.set(slot, Some(kept));
                None
            }
        }
    }
}

/// Same address: destroyed before created, or with `create_before_destroy` after. All else is unordered.
fn graph(changes: &BTreeMap<Slot, Planned>) -> Vec<Node<Step>> {
    let mut nodes: Vec<Node<Step>> = Vec::new();
    for (slot, planned) in changes {
        let [make, destroy] = [Step::Make, Step::Destroy].map(|step| step(slot.clone()));
        let steps = match planned.action {
            Action::NoOp => vec![],
            Action::Forget => vec![Step::Forget(slot.clone())],
            Action::Create | Action::Update => vec![make],
            Action::Delete | Action::DeleteDeposed => vec![destroy],
            Action::Replace => vec![destroy, make],
            Action::ReplaceCreateFirst => vec![make, destroy],
        };
        for (position, item) in steps.into_iter().enumerate() {
            let before = (position > 0).then(|| nodes.len() - 1);
            nodes.push((item, before.into_iter().collect()));
        }
    }
    nodes
}
