//! A cache of templates: the API cannot change a template, and many jobs share one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard};
use tracing::debug;

use super::call::OperationKind;
use super::templates::GET;
use super::{CallContext, CallError, Failure, Interruption, LiveClient, Template, lock};

/// The result of the first read of a template: the owner of the lock reads it for all waiting callers.
type Entry = Arc<AsyncMutex<Known>>;
type Known = Option<Result<Template, CallError>>;

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

/// Waits for the caller that reads a template, within the own context. What is known is returned even if no time is left.
async fn lock_entry<'a>(
    entry: &'a Entry,
    ctx: &CallContext,
) -> Result<MutexGuard<'a, Known>, Interruption> {
    tokio::select! {
        biased;
        known = entry.lock() => Ok(known),
        interruption = ctx.done() => Err(interruption),
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
        let known = lock_entry(&entry, ctx).await.map_err(|interruption| {
            let not_sent = Failure::NotSent(interruption.into());
            self.error(GET, 0, not_sent)
        })?;
        let known = match &*known {
            Some(Ok(template)) => return Ok(template.clone()),
            Some(Err(error)) if error.is_template_not_found() => return Err(error.clone()),
            // Another caller's read has failed: callers must not wait for each other's retries.
            Some(Err(_)) => {
                drop(known);
                None
            }
            None => Some(known),
        };
        let kind = OperationKind::Read;
        let read = self.get_template(cluster_id, template_id, kind, ctx).await;
        match known {
            Some(mut known) => *known = Some(read.clone()),
            None if read.is_ok() => *entry.lock().await = Some(read.clone()),
            None => {}
        }
        read
    }

    /// Checks for a plan whether a template exists: one request per template and process, within a timeout that all checks
    /// share. Returns the error if the API returned HTTP 404 with code `TemplateNotFound`; nothing else proves that it does
    /// not exist.
    pub async fn check_template(
        &self,
        cluster_id: &str,
        template_id: &str,
        ctx: &CallContext,
    ) -> Option<CallError> {
        let entry = self.templates.entry(cluster_id, template_id);
        let mut known = lock_entry(&entry, ctx).await.ok()?;
        if known.is_none() {
            let kind = OperationKind::Prefetch;
            let check = async |ctx| self.get_template(cluster_id, template_id, kind, &ctx).await;
            let read = self.check(ctx, check).await;
            if let Err(error) = &read {
                debug!(%error, "cannot check whether the template exists");
                // The next plan may have credentials, or a connection.
                if error.is_not_sent() {
                    return None;
                }
            }
            *known = Some(read);
        }
        let error = known.as_ref()?.as_ref().err()?;
        error.is_template_not_found().then(|| error.clone())
    }
}
