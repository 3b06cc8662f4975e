use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::name as stream_name;
use crate::shared::check::Rule;
use crate::shared::provider_data::ProviderData;
use crate::shared::{reading, reported};
use alicloud_live::{CallError, StreamName};
use tfplugin::attribute::{computed, optional, optional_computed, schema, sensitive};
use tfplugin::schema::Schema;
use tfplugin::value::{Value, ValueEmpty};
use tfplugin::{AttributePath, DataSource, Diagnostic, Diagnostics, diagnostic};

const URL: Rule = Rule("Invalid stream URL", |url| {
    stream_name::from_url(url).err().map(Into::into)
});
const NAME: Rule = Rule("Invalid stream name", |text| {
    stream_name::part_problem(text).map(Into::into)
});

/// The data source `alicloud_live_stream_state`: whether a stream is on air.
///
/// It never waits: Terraform reads a data source while it plans, too, and a `check` block must not block a plan.
pub(super) struct StreamStateDataSource(pub(super) Arc<ProviderData>);

/// A stream, by its URL or its parts, and its state. In a configuration the results are null.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct StreamStateData {
    url: Value<String>,
    domain_name: Value<String>,
    app_name: Value<String>,
    stream_name: Value<String>,
    #[serde(skip_deserializing)]
    id: Value<String>,
    #[serde(skip_deserializing)]
    state: Value<String>,
    #[serde(skip_deserializing)]
    r#type: Value<String>,
}

impl StreamStateData {
    fn parts(&self) -> [(&'static str, &Value<String>); 3] {
        [
            ("domain_name", &self.domain_name),
            ("app_name", &self.app_name),
            ("stream_name", &self.stream_name),
        ]
    }

    /// The stream, once all arguments are known.
    fn name(&self) -> Result<StreamName, String> {
        match self.url.as_deref_option() {
            Some(url) => stream_name::from_url(url),
            None => Ok(StreamName {
                domain: reading::text(&self.domain_name).to_owned(),
                app: reading::text(&self.app_name).to_owned(),
                stream: reading::text(&self.stream_name).to_owned(),
            }),
        }
    }
}

#[async_trait]
impl DataSource for StreamStateDataSource {
    type State<'a> = StreamStateData;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        let part = |name, what: &str| {
            let description = format!("{what} Required without `url`, conflicts with it.");
            optional_computed(name, &description)
        };
        let attributes = [
            computed("id", "`<domain_name>/<app_name>/<stream_name>`."),
            sensitive(optional(
                "url",
                "URL of the stream, such as the `stream_output` of a job, with an application and a stream in its path. Of an `http` or `https` URL, the suffix \
                 `.flv` or `.m3u8` is ignored. An `auth_key` shows nowhere else; the names do: where the name of a stream is its \
                 secret key, as on some other CDNs, `stream_name` and `id` are as secret as the URL.",
            )),
            part("domain_name", "Ingest or streaming domain of the stream."),
            part("app_name", "Application of the stream."),
            part("stream_name", "Name of the stream."),
            computed(
                "state",
                "`online`, `offline`, or `unknown` if the API does not show the stream: its domain is not one of the \
                 account's, as for an output on another CDN, or a name is wrong. Where the API does not say which, a \
                 warning contains what it says. Other values are passed on as the API returns them.",
            ),
            computed(
                "type",
                "How the stream comes to ApsaraVideo Live: `push` or `pull`. Null if the API does not return it.",
            ),
        ];
        Some(schema(
            "Whether a stream is on air. Terraform reads it while it plans and does not wait: to wait for a stream, \
                 use `wait_until_online` of the actions that start and restart a job.",
            attributes,
        ))
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: StreamStateData,
    ) -> Option<()> {
        URL.check(AttributePath::new("url"), &config.url, diagnostics);
        for (attribute, value) in config.parts() {
            NAME.check(AttributePath::new(attribute), value, diagnostics);
            // With for_each, what is unknown here may be null.
            if let (Value::Value(_), Value::Value(_)) = (&config.url, value) {
                diagnostics.add_error(diagnostic::at(
                    AttributePath::new(attribute),
                    "Invalid attribute combination",
                    "Set url, or domain_name, app_name and stream_name, not both.",
                ));
            } else if config.url.is_null() && value.is_null() {
                diagnostics.add_error(diagnostic::at(
                    AttributePath::new(attribute),
                    "Missing attribute configuration",
                    "Set url, or all of domain_name, app_name and stream_name.",
                ));
            }
        }
        Some(())
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: StreamStateData,
        _meta: ValueEmpty,
    ) -> Option<StreamStateData> {
        let (client, ctx) = reading::begin(&self.0, diagnostics)?;
        let name = config.name().map_err(|problem| {
            diagnostic::at(AttributePath::new("url"), "Invalid stream URL", problem)
        });
        let name = reported(name, diagnostics)?;
        let state = client.describe_live_stream_state(&name, &ctx).await;
        let (state, r#type) = match state {
            Err(error) if error.is_stream_not_shown() => {
                // What the codes of an unknown domain say, the state says too.
                if !error.is_domain_not_found() {
                    diagnostics.add_warning(not_shown(&name, &error));
                }
                (stream_name::UNKNOWN.to_owned(), None)
            }
            state => {
                let stream = reading::returned(state, "Unable to read stream state", diagnostics)?;
                (stream.state, stream.r#type)
            }
        };
        Some(StreamStateData {
            id: stream_name::id(&name).into(),
            url: config.url,
            domain_name: name.domain.into(),
            app_name: name.app.into(),
            stream_name: name.stream.into(),
            state: state.into(),
            r#type: r#type.into(),
        })
    }
}

fn not_shown(name: &StreamName, error: &CallError) -> Diagnostic {
    diagnostic::general(
        "Unknown stream state",
        format!(
            "The API does not show this stream: {error}\n\n{} is not a domain of the account, or a name is wrong.",
            name.domain
        ),
    )
}
