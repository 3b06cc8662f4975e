//! Templates, read once per process: the API cannot change a template, and many jobs share one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;
use tracing::debug;

use super::call::OperationKind;
use super::{CallContext, CallError, LiveClient, Template};

/// What one quick look at a template showed.
#[derive(Clone, Debug)]
pub enum TemplateLook {
    /// The template exists, or whether it exists is not known.
    MayExist,
    /// HTTP 404 with code `TemplateNotFound`: nothing else proves that it does not exist.
    NotFound(CallError),
}

/// What is known of a template.
#[derive(Default)]
enum Known {
    #[default]
    Nothing,
    /// It was looked at, and not seen.
    Unseen,
    Found(Template),
    NotFound(CallError),
}

/// One template: whoever holds the lock reads it for all who wait.
type Entry = Arc<AsyncMutex<Known>>;

/// Templates by cluster and ID.
#[derive(Default)]
pub(super) struct TemplateCache {
    templates: Mutex<HashMap<(String, String), Entry>>,
}

impl TemplateCache {
    fn entry(&self, cluster_id: &str, template_id: &str) -> Entry {
        let mut templates = self
            .templates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let key = (cluster_id.to_owned(), template_id.to_owned());
        Arc::clone(templates.entry(key).or_default())
    }
}

impl LiveClient {
    /// Reads a template, at most once per process if it exists.
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
            // Another caller has failed: do not make the rest of them wait for each other.
            Known::Unseen => {
                drop(known);
                return self
                    .get_edge_transcode_template(cluster_id, template_id, ctx)
                    .await;
            }
        }
        let read = self
            .get_edge_transcode_template(cluster_id, template_id, ctx)
            .await;
        *known = remembered(&read);
        read
    }

    /// Checks, while a job is planned, whether its template exists: one attempt per template and process, within the time
    /// that all checks of a plan share. Never fails: what it cannot see in time may exist.
    pub async fn look_at_template(
        &self,
        cluster_id: &str,
        template_id: &str,
        ctx: &CallContext,
    ) -> TemplateLook {
        let entry = self.templates.entry(cluster_id, template_id);
        let mut known = tokio::select! {
            biased;
            known = entry.lock() => known,
            _ended = ctx.done() => return TemplateLook::MayExist,
        };
        if matches!(*known, Known::Nothing) {
            let look = self
                .looks
                .run(ctx, async |ctx| {
                    self.get_template(cluster_id, template_id, OperationKind::Prefetch, &ctx)
                        .await
                })
                .await;
            if let Err(error) = &look {
                debug!(%error, "cannot tell whether the template exists");
            }
            *known = remembered(&look);
        }
        match &*known {
            Known::NotFound(error) => TemplateLook::NotFound(error.clone()),
            Known::Nothing | Known::Unseen | Known::Found(_) => TemplateLook::MayExist,
        }
    }
}

fn remembered(read: &Result<Template, CallError>) -> Known {
    match read {
        Ok(template) => Known::Found(template.clone()),
        Err(error) if error.is_template_not_found() => Known::NotFound(error.clone()),
        Err(_) => Known::Unseen,
    }
}
