//! Functions: called. Their signatures are with the schemas.

use super::call::find;
use crate::generated::tfplugin6::call_function;
use crate::serve::convert::{from_wire, to_wire};
use crate::{Diagnostics, EncodedValue, ProviderDefinition};

pub(super) async fn call(
    definition: &ProviderDefinition,
    request: call_function::Request,
    diagnostics: &mut Diagnostics,
) -> Option<call_function::Response> {
    let function = find(
        &definition.functions,
        "function",
        &request.name,
        diagnostics,
    )?;
    let arguments = request.arguments.into_iter();
    let arguments: Vec<EncodedValue> = arguments
        .map(|argument| from_wire::value(Some(argument)))
        .collect();
    let result = function.call(diagnostics, &arguments).await?;
    Some(call_function::Response {
        result: Some(to_wire::value(result)),
        ..call_function::Response::default()
    })
}
