use async_trait::async_trait;
use tf_provider::DataSource;
use tf_provider::schema::Schema;

use super::served_resource::{decode, encode, no_meta};
use super::{Diagnostics, Encoded};

/// A data source as the plugin serves it. Implemented for every typed [`DataSource`]; never by hand.
#[async_trait]
pub trait ServedDataSource: Send + Sync {
    /// The data source's schema. Asked once, when the host first asks for schemas.
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<Schema>;

    /// Checks a configuration, which may hold unknown values.
    async fn validate(&self, diagnostics: &mut Diagnostics, config: &Encoded);

    /// Reads the data that a configuration asks for. `None` always comes with an error in the diagnostics.
    async fn read(&self, diagnostics: &mut Diagnostics, config: &Encoded) -> Option<Encoded>;
}

#[async_trait]
impl<D: DataSource> ServedDataSource for D {
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<Schema> {
        DataSource::schema(self, diagnostics)
    }

    async fn validate(&self, diagnostics: &mut Diagnostics, config: &Encoded) {
        if let Some(config) = decode(diagnostics, config) {
            DataSource::validate(self, diagnostics, config).await;
        }
    }

    async fn read(&self, diagnostics: &mut Diagnostics, config: &Encoded) -> Option<Encoded> {
        let config = decode(diagnostics, config)?;
        let meta = no_meta(diagnostics)?;
        let read = DataSource::read(self, diagnostics, config, meta).await?;
        encode(diagnostics, &read)
    }
}
