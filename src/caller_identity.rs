//! Whose credentials the provider uses: the data source `alicloud_live_caller_identity`.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::shared::provider_data::ProviderData;
use crate::shared::{reading, reported};
use alicloud_auth::credentials::{CallerIdentity as Caller, Identity, SourceError};
use alicloud_live::{CallContext, Interruption, Location};
use tfplugin::attribute::{computed, schema};
use tfplugin::schema::Schema;
use tfplugin::value::{Value, ValueEmpty};
use tfplugin::{DataSource, Diagnostics, ProviderDefinition, diagnostic};

/// Adds the data source to what the provider serves.
pub(crate) fn offer(definition: &mut ProviderDefinition, data: &Arc<ProviderData>) {
    definition.add_data_source(
        "alicloud_live_caller_identity",
        CallerIdentityDataSource(Arc::clone(data)),
    );
}

/// The data source `alicloud_live_caller_identity`: whose credentials the provider uses, and where it calls.
struct CallerIdentityDataSource(Arc<ProviderData>);

/// All of it is computed.
#[derive(Serialize, Deserialize, Default)]
#[serde(from = "IgnoredAny")]
pub(crate) struct CallerIdentityData {
    id: Value<String>,
    account_id: Value<String>,
    arn: Value<String>,
    identity_type: Value<String>,
    principal_id: Value<String>,
    credentials_source: Value<String>,
    region: Value<String>,
    endpoint: Value<String>,
    sts_endpoint: Value<String>,
}

impl From<IgnoredAny> for CallerIdentityData {
    fn from(_: IgnoredAny) -> Self {
        Self::default()
    }
}

impl CallerIdentityData {
    fn new(caller: Caller, identity: &Identity, place: Location) -> Self {
        Self {
            id: caller.account_id.clone().into(),
            account_id: caller.account_id.into(),
            arn: caller.arn.into(),
            identity_type: caller.identity_type.into(),
            principal_id: caller.principal_id.into(),
            credentials_source: identity.source_name().into(),
            region: place.region.map_or(Value::Null, Value::Value),
            endpoint: place.endpoint.into(),
            sts_endpoint: identity.sts_endpoint().to_owned().into(),
        }
    }
}

#[async_trait]
impl DataSource for CallerIdentityDataSource {
    type State<'a> = CallerIdentityData;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        Some(schema(
            "The account and the identity whose credentials the provider uses, where these were found, and the \
                 endpoints that it calls. Calls `GetCallerIdentity` of the Security Token Service, which needs no \
                 permission.",
            [
                computed("id", "ID of the account."),
                computed("account_id", "ID of the account."),
                computed(
                    "arn",
                    "The identity, such as `acs:ram::<account>:user/<name>` or \
                         `acs:ram::<account>:assumed-role/<role>/<session>`.",
                ),
                computed(
                    "identity_type",
                    "`Account`, `RAMUser` or `AssumedRoleUser`.",
                ),
                computed(
                    "principal_id",
                    "ID of the identity; of an assumed role `<role ID>:<session>`.",
                ),
                computed(
                    "credentials_source",
                    "The source that the credentials came from, such as `profile \"prod\" of \
                         ~/.aliyun/config.json`. For display only: the wording may change between \
                         releases.",
                ),
                computed(
                    "region",
                    "The region that is sent with calls. Null where none was chosen.",
                ),
                computed("endpoint", "Endpoint of ApsaraVideo Live."),
                computed("sts_endpoint", "Endpoint of the Security Token Service."),
            ],
        ))
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        _config: CallerIdentityData,
        _meta: ValueEmpty,
    ) -> Option<CallerIdentityData> {
        let (client, ctx) = reading::begin(&self.0, diagnostics)?;
        let identity = reported(self.0.session(), diagnostics)?.identity;
        let caller = ask(&identity, &ctx).await.map_err(|error| {
            let detail = format!("{error}\n\nCredentials: {}.", identity.source_name());
            diagnostic::general("Unable to read caller identity", detail)
        });
        let caller = reported(caller, diagnostics)?;
        let location = client.location(&ctx).await;
        Some(CallerIdentityData::new(caller, &identity, location))
    }
}

async fn ask(identity: &Identity, ctx: &CallContext) -> Result<Caller, SourceError> {
    let asked = ctx.run(identity.caller()).await;
    asked.unwrap_or_else(|interruption| {
        Err(SourceError::permanent(match interruption {
            Interruption::Cancelled => "Interrupted before STS responded.",
            Interruption::DeadlineExceeded => "The timeout was reached before STS responded.",
        }))
    })
}
