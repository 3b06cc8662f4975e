use async_trait::async_trait;

use super::url::ParsedStreamUrl;
use crate::shared::reported;
use tfplugin::attribute::text_parameter;
use tfplugin::schema::{Description, FunctionSchema, Type};
use tfplugin::{AttributePath, Diagnostics, Function, diagnostic};

/// `parse_stream_url(url)`
pub(crate) struct ParseStreamUrl;

#[async_trait]
impl Function for ParseStreamUrl {
    type Input<'a> = (&'a str,);
    type Output<'a> = ParsedStreamUrl<'a>;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<FunctionSchema> {
        let parts = [
            ("scheme", Type::String),
            ("host", Type::String),
            ("port", Type::Number),
            ("app", Type::String),
            ("stream", Type::String),
            ("query", Type::String),
        ]
        .map(|(part, r#type)| (part.to_owned(), r#type));
        Some(FunctionSchema {
            parameters: vec![text_parameter(
                "url",
                "URL of the form `scheme://host[:port]/app/stream[?query]`, without user name and fragment.",
            )],
            variadic: None,
            return_type: Type::Object(parts.into()),
            summary: "Parses a stream URL".to_owned(),
            description: Description::markdown(
                "Returns the object `{ scheme, host, port, app, stream, query }` of a stream URL. `app` is the first part \
                 of the path and `stream` all of the rest. `port` is a number, and null if the URL has none; `query` is the part after the `?`, and null if there is none. All parts are returned unchanged, neither decoded nor converted to lower case.",
            ),
            deprecated: None,
        })
    }

    async fn call<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        (url,): (&'a str,),
    ) -> Option<ParsedStreamUrl<'a>> {
        let path = AttributePath::function_argument(0);
        let parts = ParsedStreamUrl::parse(url)
            .map_err(|problem| diagnostic::at(path, "Not a stream URL", problem));
        reported(parts, diagnostics)
    }
}
