//! The apply walk.

use std::collections::BTreeMap;

use tfplugin::ResourceInstanceObject;

use crate::checks::compatible;
use crate::core::{Action, Plan, Planned, Run};
use crate::process::{Process, Response};
use crate::state::{Slot, Stored};
use crate::value::Value;
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
                let done = match &step {
                    Step::Make(slot) => self.make(process, &slot.address, planned).await,
                    Step::Destroy(slot) => self.destroy(process, slot, planned).await,
                    Step::Forget(slot) => self.forget(process, slot).await,
                };
                self.save();
                done.is_some()
            }
        };
        walk(&nodes, self.spec.parallelism, &self.dice, visit).await;
        self.close(&process);
    }

    /// A `removed` block: the object leaves the state, and nothing else happens.
    async fn forget(&self, process: &Process, slot: &Slot) -> Option<()> {
        let object = self.workspace.borrow().state.objects.get(slot).cloned()?;
        self.upgrade(process, &slot.address, &object).await?;
        self.workspace.borrow_mut().state.set(slot, None);
        Some(())
    }

    /// Creates or updates.
    async fn make(&self, process: &Process, address: &str, planned: Planned) -> Option<()> {
        let slot = Slot::current(address);
        let deposed = (planned.action == Action::ReplaceCreateFirst)
            .then(|| self.workspace.borrow_mut().state.depose(address))
            .flatten();
        let made = self.make_current(process, &slot, &planned).await;
        if made.is_none()
            && let Some(deposed) = deposed
        {
            self.workspace.borrow_mut().state.restore(&deposed);
        }
        made
    }

    async fn make_current(&self, process: &Process, slot: &Slot, planned: &Planned) -> Option<()> {
        let address = slot.address.as_str();
        let job = self.configuration.jobs.get(address)?;
        let config = job.value(self.shape);
        let prior = match (&planned.action, &planned.prior) {
            (Action::Update, Some(prior)) => {
                let value = self.upgrade(process, address, prior).await?;
                Some(Stored {
                    value,
                    ..prior.clone()
                })
            }
            _ => None,
        };
        let response = process.validate(address, &config).await;
        self.take(address, response)?;
        if !self.hook() {
            return self.held_back(address);
        }
        let prior_value = prior
            .as_ref()
            .map_or(Value::Null, |prior| prior.value.clone());
        // Of a replacement it is a create, to which only the plan's private data come along, and these not always. The
        // plugin's service prefers them.
        let private = if self.spec.version.keeps_planned_private() && !planned.private.is_empty() {
            planned.private.clone()
        } else {
            prior
                .as_ref()
                .map_or_else(Vec::new, |prior| prior.private.clone())
        };
        let (value, private, _) = self
            .plan_value(process, address, &prior_value, &config, private, false)
            .await?;
        if let Err(problem) = compatible(&planned.value, &value) {
            self.breach(address, format!("inconsistent final plan: {problem}"));
            return None;
        }
        if value == prior_value {
            return Some(());
        }
        if !self.hook() {
            return self.held_back(address);
        }
        let change = self.change(&prior_value, &value, &config, private);
        let response = process.apply(address, change).await;
        let response = self.take_all(address, response);
        self.store_made(slot, &value, prior, response, job.create_before_destroy)
    }

    fn held_back(&self, address: &str) -> Option<()> {
        self.fail(address, "execution halted");
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
        let address = slot.address.as_str();
        let mut workspace = self.workspace.borrow_mut();
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
        let value = self.decoded(address, &response.value.state)?;
        let has_errors = response.has_errors();
        if value.is_null() {
            if !has_errors {
                self.breach(address, "inconsistent result: the object is absent");
            }
            workspace.state.set(slot, prior);
            return None;
        }
        self.check_known(address, "the result of apply", &value);
        let identity = self.identity(address, response.value.identity.as_ref());
        if identity.is_none() && !value.str("job_id").is_empty() {
            self.breach(address, "an object without identity");
        }
        let is_consistent = has_errors || {
            let consistent = compatible(planned, &value);
            if let Err(problem) = &consistent {
                self.breach(
                    address,
                    format!("inconsistent result after apply: {problem}"),
                );
            }
            consistent.is_ok()
        };
        let keeps_identity = !has_errors || !self.spec.version.drops_identity_on_error();
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

    async fn destroy(&self, process: &Process, slot: &Slot, planned: Planned) -> Option<()> {
        let address = slot.address.as_str();
        let (slot, replans) = match planned.action {
            Action::ReplaceCreateFirst => (self.moved_aside(address)?, true),
            Action::DeleteDeposed => (slot.clone(), true),
            _ => (slot.clone(), false),
        };
        let object = self.workspace.borrow().state.objects.get(&slot).cloned()?;
        let value = self.upgrade(process, address, &object).await?;
        let object = Stored { value, ..object };
        let private = if replans {
            self.plan_null(process, address, &object).await?
        } else {
            planned.private
        };
        if !self.hook() {
            return self.held_back(address);
        }
        let change = self.change(&object.value, &Value::Null, &Value::Null, private);
        let response = process.apply(address, change).await;
        let response = self.take_all(address, response);
        self.store_destroyed(&slot, &object, response)
    }

    fn moved_aside(&self, address: &str) -> Option<Slot> {
        let workspace = self.workspace.borrow();
        let mut slots = workspace.state.objects.keys();
        slots
            .rfind(|slot| slot.address == address && slot.deposed.is_some())
            .cloned()
    }

    fn store_destroyed(
        &self,
        slot: &Slot,
        object: &Stored,
        response: Option<Response<ResourceInstanceObject>>,
    ) -> Option<()> {
        let address = slot.address.as_str();
        let response = response?;
        let value = self.decoded(address, &response.value.state)?;
        let mut workspace = self.workspace.borrow_mut();
        match (value.is_null(), response.has_errors()) {
            (true, false) => {
                workspace.state.set(slot, None);
                Some(())
            }
            (true, true) => None,
            (false, has_errors) => {
                if !has_errors {
                    self.breach(address, "a destroyed object is still there");
                }
                let names_it =
                    self.report.borrow().errors().any(|error| {
                        error.address == address && error.text.contains(object.job_id())
                    });
                if has_errors && !names_it {
                    self.breach(address, "the error of a destroy does not name the job");
                }
                let identity = self.identity(address, response.value.identity.as_ref());
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
            let after = before.into_iter().collect();
            nodes.push(Node { item, after });
        }
    }
    nodes
}
