use async_trait::async_trait;
use tf_provider::Function;
use tf_provider::schema::FunctionSchema;

use super::served_resource::encode;
use super::{AttributePath, Diagnostics, EncodedValue, diagnostic};

/// A function as the plugin serves it. Implemented for every typed [`Function`]; never by hand.
#[async_trait]
pub trait DynFunction: Send + Sync {
    /// The function's signature. Asked once, when the host first asks for schemas.
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<FunctionSchema>;

    /// Calls the function. `None` always comes with an error; one whose path is an index concerns that argument.
    async fn call(
        &self,
        diagnostics: &mut Diagnostics,
        arguments: &[EncodedValue],
    ) -> Option<EncodedValue>;
}

#[async_trait]
impl<F: Function> DynFunction for F {
    fn schema(&self, diagnostics: &mut Diagnostics) -> Option<FunctionSchema> {
        Function::schema(self, diagnostics)
    }

    async fn call(
        &self,
        diagnostics: &mut Diagnostics,
        arguments: &[EncodedValue],
    ) -> Option<EncodedValue> {
        let Some(arguments) = as_one_list(arguments) else {
            diagnostics.add_error(diagnostic::general(
                "Arguments cannot be read",
                "Terraform sent the arguments in an encoding that the protocol does not provide for.",
            ));
            return None;
        };
        let input: F::Input<'_> = match arguments.decode() {
            Ok(input) => input,
            Err(error) => {
                // The path's first step is the position in the list: the index of the argument.
                let argument = AttributePath {
                    steps: error.attribute.steps.iter().take(1).cloned().collect(),
                };
                diagnostics.add_error(diagnostic::at(argument, error.summary, error.detail));
                return None;
            }
        };
        let output = Function::call(self, diagnostics, input).await?;
        encode(diagnostics, &output)
    }
}

/// A typed input is a tuple: the arguments, each encoded on its own, become one `MessagePack` array.
fn as_one_list(arguments: &[EncodedValue]) -> Option<EncodedValue> {
    let count = u32::try_from(arguments.len()).ok()?;
    let mut list = vec![0xdd];
    list.extend(count.to_be_bytes());
    for argument in arguments {
        match argument {
            EncodedValue::MessagePack(bytes) => list.extend(bytes),
            EncodedValue::Json(_) => return None,
        }
    }
    Some(EncodedValue::MessagePack(list))
}
