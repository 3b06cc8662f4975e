//! What the provider offers: nothing yet.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tf_provider::schema::{Block, Schema};
use tf_provider::value::ValueEmpty;

use crate::terraform::{Diagnostics, Offering, Provider, StopSignal};

/// The offering.
pub fn offering(stop: StopSignal) -> Offering {
    Offering {
        provider: Box::new(Empty),
        resources: BTreeMap::new(),
        data_sources: BTreeMap::new(),
        functions: BTreeMap::new(),
        stop,
    }
}

struct Empty;

#[async_trait]
impl Provider for Empty {
    type Config<'a> = ValueEmpty;
    type MetaState<'a> = ValueEmpty;

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(Schema {
            version: 0,
            block: Block::default(),
        })
    }
}
