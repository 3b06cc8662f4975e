use async_trait::async_trait;
use tf_provider::DataSource;
use tf_provider::schema::Schema;

use super::required::check_required;
use super::served_resource::{decode, encode, no_meta};
use super::{Diagnostics, EncodedValue};

/// A data source as the plugin serves it. Implemented for every typed [`DataSource`]; never by hand.
#[async_trait]
pub trait DynDataSource: Send + Sync {
    /// The data source's schema. Asked once, when the host first asks for schemas.
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<Schema>;

    /// Checks a configuration, which may contain unknown values.
    async fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue);

    /// Reads the data that a configuration asks for. `None` always comes with an error in the diagnostics.
    async fn read(
        &self,
        diagnostics: &mut Diagnostics,
        config: &EncodedValue,
    ) -> Option<EncodedValue>;
}

#[async_trait]
impl<D: DataSource> DynDataSource for D {
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<Schema> {
        DataSource::schema(self, diagnostics)
    }

    async fn validate(&self, diagnostics: &mut Diagnostics, config: &EncodedValue) {
        if let Some(schema) = DataSource::schema(self, diagnostics) {
            check_required(&schema, config, diagnostics);
        }
        if let Some(config) = decode(diagnostics, config) {
            DataSource::validate(self, diagnostics, config).await;
        }
    }

    async fn read(
        &self,
        diagnostics: &mut Diagnostics,
        config: &EncodedValue,
    ) -> Option<EncodedValue> {
        check_required(&DataSource::schema(self, diagnostics)?, config, diagnostics);
        if !diagnostics.errors.is_empty() {
            return None;
        }
        let config = decode(diagnostics, config)?;
        let meta = no_meta(diagnostics)?;
        let read = DataSource::read(self, diagnostics, config, meta).await?;
        encode(diagnostics, &read)
    }
}
