//! Functions: called. Their signatures are with the schemas.

use super::call::{unsupported, with_reason};
use crate::generated::tfplugin6::call_function;
use crate::serve::convert::{from_wire, to_wire};
use crate::{Diagnostic, Diagnostics, EncodedValue, ProviderDefinition};

/// Calls a function. It responds with a result or with an error, never with both; warnings have no place in the
/// protocol.
pub(super) async fn call(
    definition: &ProviderDefinition,
    request: call_function::Request,
) -> Result<call_function::Response, Diagnostic> {
    let function = definition
        .functions
        .get(&request.name)
        .ok_or_else(|| unsupported("function", &request.name))?;
    let arguments: Vec<EncodedValue> = request
        .arguments
        .into_iter()
        .map(|argument| from_wire::value(Some(argument)))
        .collect();
    let mut diagnostics = Diagnostics::default();
    let result = function.call(&mut diagnostics, &arguments).await;
    let result = with_reason(result, &mut diagnostics);
    if diagnostics.errors.is_empty() {
        Ok(call_function::Response {
            result: result.map(to_wire::value),
            error: None,
        })
    } else {
        Ok(call_function::Response {
            result: None,
            error: Some(to_wire::function_error(diagnostics.errors)),
        })
    }
}
