//! The plan walk.

use std::cell::RefCell;

use tfplugin::{AttributePath, Change, EncodedValue};

use crate::configuration::Job;
use crate::core::{Action, Plan, Planned, Run};
use crate::process::Process;
use crate::state::{Slot, State, Stored};
use crate::story::Command;
use crate::value::Value;
use crate::walk::{Node, walk};

impl Run<'_> {
    /// Refreshes and plans; `None` after an error.
    pub async fn plan(&self, command: Command) -> Option<Plan> {
        let process = self.start(false).await?;
        let mut state = self.workspace.borrow().state.clone();
        for (from, to) in &self.configuration.moved {
            state.rename(from, to);
        }
        let slots = self.slots(&state);
        let plan = RefCell::new(Plan {
            prior: state,
            ..Plan::default()
        });
        let nodes: Vec<_> = slots
            .into_iter()
            .map(|item| Node {
                item,
                after: Vec::new(),
            })
            .collect();
        let visit = |slot: &Slot| {
            let (slot, process, plan) = (slot.clone(), &process, &plan);
            async move {
                self.plan_slot(process, command, &slot, plan)
                    .await
                    .is_some()
            }
        };
        let is_well = walk(&nodes, self.spec.parallelism, &self.dice, visit).await;
        self.close(&process);
        is_well.then(|| plan.into_inner())
    }

    /// Every object and every block that the run is about.
    fn slots(&self, state: &State) -> Vec<Slot> {
        let configured = self.configuration.jobs.keys();
        let mut slots: Vec<Slot> = configured
            .map(|address| Slot::current(address))
            .chain(state.objects.keys().cloned())
            .filter(|slot| self.spec.is_targeted(&slot.address))
            .collect();
        slots.sort();
        slots.dedup();
        slots
    }

    async fn plan_slot(
        &self,
        process: &Process,
        command: Command,
        slot: &Slot,
        plan: &RefCell<Plan>,
    ) -> Option<()> {
        let address = slot.address.as_str();
        self.think().await;
        process.begin_node();
        let stored = plan.borrow().prior.objects.get(slot).cloned();
        let job = match (slot.deposed, command) {
            (None, command) if command != Command::Destroy => self.configuration.jobs.get(address),
            _ => None,
        };
        let object = match stored {
            Some(stored) => self.refreshed(process, command, slot, stored).await?,
            None => match job {
                Some(job) => self.imported(process, address, job).await?,
                None => None,
            },
        };
        plan.borrow_mut().prior.set(slot, object.clone());
        if command == Command::RefreshOnly {
            return match (job, object) {
                (None, Some(orphan)) if self.spec.version.plans_orphans_in_refresh() => self
                    .plan_destroy(process, command, slot, orphan)
                    .await
                    .map(drop),
                _ => Some(()),
            };
        }
        let planned = match (job, object) {
            (None, None) => return Some(()),
            (None, Some(object)) => self.plan_destroy(process, command, slot, object).await?,
            (Some(job), object) => self.plan_job(process, address, job, object).await?,
        };
        plan.borrow_mut().changes.insert(slot.clone(), planned);
        Some(())
    }

    /// The object as the provider reads it now; none if it is gone.
    async fn refreshed(
        &self,
        process: &Process,
        command: Command,
        slot: &Slot,
        stored: Stored,
    ) -> Option<Option<Stored>> {
        let address = slot.address.as_str();
        let value = self.upgrade(process, address, &stored).await?;
        let object = Stored { value, ..stored };
        let refreshes = self.spec.refreshes && command != Command::Destroy;
        if !refreshes || self.is_forgotten(command, address) {
            return Some(Some(object));
        }
        self.read(process, address, object).await
    }

    /// Whether a `removed` block lets the object go; a destroy destroys it, and a `-refresh-only` does not know the block.
    fn is_forgotten(&self, command: Command, address: &str) -> bool {
        let removed = &self.configuration.removed;
        matches!(command, Command::Apply | Command::Plan)
            && self.spec.version.has_removed_blocks()
            && removed.iter().any(|forgot| forgot == address)
    }

    pub async fn upgrade(
        &self,
        process: &Process,
        address: &str,
        stored: &Stored,
    ) -> Option<Value> {
        let response = process.upgrade(address, &stored.value).await;
        let upgraded = self.take(address, response)?;
        let value = self.decoded(address, upgraded.as_ref()?)?;
        if value != stored.value {
            self.breach(address, format!("upgrade changed {:?}", stored.value));
        }
        Some(value)
    }

    async fn read(
        &self,
        process: &Process,
        address: &str,
        object: Stored,
    ) -> Option<Option<Stored>> {
        if !self.hook() {
            return None;
        }
        let response = process.read(address, &object).await;
        let read = self.take(address, response)??;
        let value = self.decoded(address, &read.state)?;
        if value.is_null() {
            return Some(None);
        }
        self.check_known(address, "read", &value)?;
        Some(Some(Stored {
            value,
            private: read.private,
            identity: self.identity(address, read.identity.as_ref()),
            ..object
        }))
    }

    /// The object of an `import` block.
    async fn imported(
        &self,
        process: &Process,
        address: &str,
        job: &Job,
    ) -> Option<Option<Stored>> {
        let mut imports = self.configuration.imports.iter();
        if !imports.any(|(to, stream)| to == address && *stream == job.stream) {
            return Some(None);
        }
        // The user looks the job up in the console.
        let found = self.cloud.jobs().into_iter().find(|found| {
            found.name == job.job_name() && self.cloud.is_made_by_hand(&found.job_id)
        });
        let Some(found) = found else {
            return Some(None);
        };
        let id = format!("{}:{}", found.cluster_id, found.job_id);
        if !self.hook() {
            return None;
        }
        let response = process.import(address, id).await;
        let imported = self.take(address, response)??;
        let object = Stored {
            value: self.decoded(address, &imported.state)?,
            identity: self.identity(address, imported.identity.as_ref()),
            private: imported.private,
            is_tainted: false,
            create_before_destroy: job.create_before_destroy,
        };
        let read = self.read(process, address, object).await?;
        if read.is_none() {
            self.fail(address, "Cannot import non-existent remote object");
            return None;
        }
        Some(read)
    }

    async fn plan_destroy(
        &self,
        process: &Process,
        command: Command,
        slot: &Slot,
        object: Stored,
    ) -> Option<Planned> {
        let action = match slot.deposed {
            Some(_) => Action::DeleteDeposed,
            None if self.is_forgotten(command, &slot.address) => Action::Forget,
            None => Action::Delete,
        };
        let private = if action == Action::Forget {
            Vec::new()
        } else {
            if !self.hook() {
                return None;
            }
            self.plan_null(process, &slot.address, &object).await?
        };
        Some(Planned {
            action,
            prior: Some(object),
            value: Value::Null,
            private,
        })
    }

    /// P(prior→∅).
    pub async fn plan_null(
        &self,
        process: &Process,
        address: &str,
        object: &Stored,
    ) -> Option<Vec<u8>> {
        let (nothing, private) = (&Value::Null, object.private.clone());
        let change = self.change(&object.value, nothing, nothing, private);
        let response = process.plan(address, change).await;
        let planned = self.take(address, response)??;
        if !planned.held.state.is_null() {
            self.breach(address, "non-null destroy value");
        }
        Some(planned.held.private)
    }

    async fn plan_job(
        &self,
        process: &Process,
        address: &str,
        job: &Job,
        object: Option<Stored>,
    ) -> Option<Planned> {
        let config = job.value(self.shape);
        let response = process.validate(address, &config).await;
        self.take(address, response)?;
        if !self.hook() {
            return None;
        }
        let live = object.as_ref().filter(|object| !object.is_tainted);
        let nothing = Value::Null;
        let prior = live.map_or(&nothing, |live| &live.value);
        let private = live.map_or_else(Vec::new, |live| live.private.clone());
        let (value, planned_private, requires_replace) = self
            .plan_value(process, address, prior, &config, private, false)
            .await?;
        let replace = if job.create_before_destroy {
            Action::ReplaceCreateFirst
        } else {
            Action::Replace
        };
        let must_replace = requires_replace
            .iter()
            .any(|name| value.get(name) != prior.get(name));
        let planned = |action, value, private| Planned {
            action,
            prior: object.clone(),
            value,
            private,
        };
        Some(match (&object, live) {
            (None, _) => planned(Action::Create, value, planned_private),
            (Some(_), None) => planned(replace, value, planned_private),
            (Some(_), Some(_)) if must_replace || self.spec.replaces(address) => {
                let again = self.plan_value(
                    process,
                    address,
                    &Value::Null,
                    &config,
                    planned_private,
                    true,
                );
                let (value, private, _) = again.await?;
                planned(replace, value, private)
            }
            (Some(_), Some(live)) if live.value == value => {
                planned(Action::NoOp, value, live.private.clone())
            }
            _ => planned(Action::Update, value, planned_private),
        })
    }

    /// P: the planned value, its private data, and the attributes that require a replacement. Of the second one of a
    /// replacement core drops the warnings, unless there are errors.
    pub async fn plan_value(
        &self,
        process: &Process,
        address: &str,
        prior: &Value,
        config: &Value,
        private: Vec<u8>,
        drops_warnings: bool,
    ) -> Option<(Value, Vec<u8>, Vec<String>)> {
        let proposed = self.shape.proposed(prior, config);
        let change = self.change(prior, &proposed, config, private);
        let mut response = process.plan(address, change).await;
        if let Ok(response) = &mut response
            && drops_warnings
            && !response.has_errors()
        {
            response.diagnostics.warnings.clear();
        }
        let planned = self.take(address, response)??;
        let value = self.decoded(address, &planned.held.state)?;
        if let Err(problem) = self.shape.plan_valid(prior, config, &value) {
            self.breach(address, format!("invalid plan: {problem}"));
            return None;
        }
        let paths = planned.requires_replace.iter().map(first_step).collect();
        Some((value, planned.held.private, paths))
    }

    /// What core asks of the provider in a plan call or an apply call.
    pub fn change(
        &self,
        prior: &Value,
        target: &Value,
        config: &Value,
        private: Vec<u8>,
    ) -> Change {
        Change {
            prior: prior.encode(),
            target: target.encode(),
            config: config.encode(),
            private,
            keeps_planned_private: self.spec.version.keeps_planned_private(),
        }
    }

    pub fn decoded(&self, address: &str, encoded: &EncodedValue) -> Option<Value> {
        match Value::decode(encoded) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.breach(address, format!("a response cannot be read: {problem}"));
                None
            }
        }
    }

    pub fn check_known(&self, address: &str, what: &str, value: &Value) -> Option<()> {
        let conforms = self.shape.conforms(value);
        if let Err(problem) = conforms {
            self.breach(address, format!("{what} does not conform: {problem}"));
            return None;
        }
        if !value.is_wholly_known() {
            self.breach(address, format!("{what} has unknown values"));
            return None;
        }
        Some(())
    }

    pub fn identity(&self, address: &str, identity: Option<&EncodedValue>) -> Option<Value> {
        let identity = self.decoded(address, identity?)?;
        if !identity.is_wholly_known() {
            self.breach(address, "identity has unknown values");
        }
        Some(identity)
    }
}

fn first_step(path: &AttributePath) -> String {
    let path = path.to_string();
    path.trim_start_matches('.').to_owned()
}
