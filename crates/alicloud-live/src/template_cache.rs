//! A cache of templates: the API cannot change a template, and many jobs share one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Mutex as AsyncMutex;
use tracing::debug;

use super::call::OperationKind;
use super::{CallContext, CallError, LiveClient, Template, lock};

/// The result of a template check.
#[derive(Clone, Debug)]
pub enum TemplateCheck {
    /// The template exists, or its existence is unknown.
    MayExist,
    /// The API returned HTTP 404 with code `TemplateNotFound`; nothing else proves that it does not exist.
    NotFound(CallError),
}

/// What is known of a template.
#[derive(Default)]
enum Known {
    #[default]
    Nothing,
    /// A read failed.
    Failed,
    Found(Template),
    NotFound(CallError),
}

/// One template: the owner of the lock reads it for all waiting callers.
type Entry = Arc<AsyncMutex<Known>>;

/// Templates by cluster and ID.
#[derive(Default)]
pub(super) struct TemplateCache {
    templates: Mutex<HashMap<(String, String), Entry>>,
}

impl TemplateCache {
    fn entry(&self, cluster_id: &str, template_id: &str) -> Entry {
        let key = (cluster_id.to_owned(), template_id.to_owned());
        Arc::clone(lock(&self.templates).entry(key).or_default())
    }
}

impl LiveClient {
    /// Reads a template, once per process if that succeeds.
    pub async fn read_template(
        &self,
        cluster_id: &str,
        template_id: &str,
        ctx: &CallContext,
    ) -> Result<Template, CallError> {
        let entry = self.templates.entry(cluster_id, template_id);
        let mut known = entry.lock().await;
        match &*known {
            Known::Found(template) => return Ok(template.clone()),
            Known::NotFound(error) => return Err(error.clone()),
            Known::Nothing => {}
            Known::Failed => {
                // Another caller's read has failed: callers must not wait for each other's retries.
                drop(known);
                let kind = OperationKind::Read;
                return self.get_template(cluster_id, template_id, kind, ctx).await;
            }
        }
        let kind = OperationKind::Read;
        let read = self.get_template(cluster_id, template_id, kind, ctx).await;
        *known = to_known(&read);
        read
    }

    /// Checks for a plan whether a template exists: one attempt per template and process, within a timeout that all checks
    /// share. Never fails.
    pub async fn check_template(
        &self,
        cluster_id: &str,
        template_id: &str,
        ctx: &CallContext,
    ) -> TemplateCheck {
        let entry = self.templates.entry(cluster_id, template_id);
        let mut known = tokio::select! {
            biased;
            known = entry.lock() => known,
            _interruption = ctx.done() => return TemplateCheck::MayExist,
        };
        if matches!(*known, Known::Nothing) {
            let kind = OperationKind::Prefetch;
            let check = async |ctx| self.get_template(cluster_id, template_id, kind, &ctx).await;
            let read = self.check_budget.run(ctx, check).await;
            if let Err(error) = &read {
                debug!(%error, "cannot check whether the template exists");
            }
            *known = to_known(&read);
        }
        match &*known {
            Known::NotFound(error) => TemplateCheck::NotFound(error.clone()),
            Known::Nothing | Known::Failed | Known::Found(_) => TemplateCheck::MayExist,
        }
    }
}

fn to_known(read: &Result<Template, CallError>) -> Known {
    match read {
        Ok(template) => Known::Found(template.clone()),
        Err(error) if error.is_template_not_found() => Known::NotFound(error.clone()),
        Err(_) => Known::Failed,
    }
}
