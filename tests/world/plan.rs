//! The plan walk.

use std::cell::RefCell;

use crate::configuration::Job;
use crate::core::{Action, Plan, Planned, Run};
use crate::state::{Slot, State, Stored};
use crate::story::Command;
use crate::value::Value;
use crate::visit::{PlanCall, Visit};
use crate::walk::walk;

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
        let nodes: Vec<_> = slots.into_iter().map(|slot| (slot, vec![])).collect();
        let visit = |slot: &Slot| {
            let (slot, process, plan) = (slot.clone(), &process, &plan);
            async move {
                let visit = self.visit(process, &slot.address);
                visit.plan_slot(command, &slot, plan).await.is_some()
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
}

impl Visit<'_> {
    async fn plan_slot(&self, command: Command, slot: &Slot, plan: &RefCell<Plan>) -> Option<()> {
        self.run.think().await;
        self.process.begin_node();
        let stored = plan.borrow().prior.objects.get(slot).cloned();
        let job = match (slot.deposed, command) {
            (None, command) if command != Command::Destroy => {
                self.run.configuration.jobs.get(self.address)
            }
            _ => None,
        };
        let object = match stored {
            Some(stored) => self.read_or_keep(command, stored).await?,
            None => match job {
                Some(job) => self.imported(job).await?,
                None => None,
            },
        };
        plan.borrow_mut().prior.set(slot, object.clone());
        if command == Command::RefreshOnly {
            return match (job, object) {
                (None, Some(orphan)) if self.run.spec.version.plans_orphans_in_refresh() => {
                    self.plan_destroy(command, slot, orphan).await.map(drop)
                }
                _ => Some(()),
            };
        }
        let planned = match (job, object) {
            (None, None) => return Some(()),
            (None, Some(object)) => self.plan_destroy(command, slot, object).await?,
            (Some(job), object) => self.plan_job(job, object).await?,
        };
        plan.borrow_mut().changes.insert(slot.clone(), planned);
        Some(())
    }

    /// The object as the provider reads it now; none if it is gone.
    async fn read_or_keep(&self, command: Command, stored: Stored) -> Option<Option<Stored>> {
        let value = self.upgrade(&stored).await?;
        let object = Stored { value, ..stored };
        let refreshes = self.run.spec.refreshes && command != Command::Destroy;
        if !refreshes || self.is_forgotten(command) {
            return Some(Some(object));
        }
        self.refresh(object).await
    }

    /// Whether a `removed` block lets the object go; a destroy destroys it, and a `-refresh-only` does not know the block.
    fn is_forgotten(&self, command: Command) -> bool {
        let removed = &self.run.configuration.removed;
        matches!(command, Command::Apply | Command::Plan)
            && self.run.spec.version.has_removed_blocks()
            && removed.iter().any(|forgot| forgot == self.address)
    }

    async fn refresh(&self, object: Stored) -> Option<Option<Stored>> {
        self.run.hook()?;
        let read = self.read(&object).await?;
        let value = self.decoded(&read.state)?;
        if value.is_null() {
            return Some(None);
        }
        self.check_known("read", &value)?;
        Some(Some(Stored {
            value,
            private: read.private,
            identity: self.identity(read.identity.as_ref()),
            ..object
        }))
    }

    /// The object of an `import` block.
    async fn imported(&self, job: &Job) -> Option<Option<Stored>> {
        let mut imports = self.run.configuration.imports.iter();
        if !imports.any(|(to, stream)| to == self.address && *stream == job.stream) {
            return Some(None);
        }
        // The user looks the job up in the console.
        let found = self.run.cloud.jobs().into_iter().find(|found| {
            found.name == job.job_name() && self.run.cloud.is_made_by_hand(&found.job_id)
        });
        let Some(found) = found else {
            return Some(None);
        };
        let id = format!("{}:{}", found.cluster_id, found.job_id);
        self.run.hook()?;
        let imported = self.import(id).await?;
        let object = Stored {
            value: self.decoded(&imported.state)?,
            identity: self.identity(imported.identity.as_ref()),
            private: imported.private,
            is_tainted: false,
            create_before_destroy: job.create_before_destroy,
        };
        let read = self.refresh(object).await?;
        if read.is_none() {
            self.fail("Cannot import non-existent remote object");
            return None;
        }
        Some(read)
    }

    async fn plan_destroy(&self, command: Command, slot: &Slot, object: Stored) -> Option<Planned> {
        let action = match slot.deposed {
            Some(_) => Action::DeleteDeposed,
            None if self.is_forgotten(command) => Action::Forget,
            None => Action::Delete,
        };
        let private = if action == Action::Forget {
            Vec::new()
        } else {
            self.run.hook()?;
            self.plan_null(&object).await?
        };
        Some(Planned {
            action,
            prior: Some(object),
            value: Value::Null,
            private,
        })
    }

    async fn plan_job(&self, job: &Job, object: Option<Stored>) -> Option<Planned> {
        let config = job.value(self.run.shape);
        self.validate(&config).await?;
        self.run.hook()?;
        let live = object.as_ref().filter(|object| !object.is_tainted);
        let nothing = Value::Null;
        let prior = live.map_or(&nothing, |live| &live.value);
        let private = live.map_or_else(Vec::new, |live| live.private.clone());
        let (value, planned_private, requires_replace) = self
            .plan_value(prior, &config, private, PlanCall::First)
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
            (Some(_), Some(_)) if must_replace || self.run.spec.replaces(self.address) => {
                let again = self.plan_value(
                    &Value::Null,
                    &config,
                    planned_private,
                    PlanCall::OfReplacement,
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
}
