//! Required arguments that are null. Core rejects only those that are absent, and leaves the rest to the provider.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use tf_provider::schema::{AttributeConstraint, Schema};

use super::{AttributePath, Diagnostics, EncodedValue, diagnostic};

/// Adds an error for each required argument that is null, other than those of blocks. One that is not known yet passes.
pub(super) fn check_required(
    schema: &Schema,
    config: &EncodedValue,
    diagnostics: &mut Diagnostics,
) {
    // What cannot be decoded is reported where the configuration itself is.
    let Ok(values) = config.decode::<BTreeMap<String, Option<IgnoredAny>>>() else {
        return;
    };
    let is_null = |name: &&String| matches!(values.get(*name), None | Some(None));
    let attributes = schema.block.attributes.iter();
    let required =
        attributes.filter(|(_, attribute)| attribute.constraint == AttributeConstraint::Required);
    let mut missing: Vec<_> = required.map(|(name, _)| name).filter(is_null).collect();
    missing.sort();
    for name in missing {
        diagnostics.add_error(diagnostic::at(
            AttributePath::new(name.clone()),
            "Missing required argument",
            format!("The argument {name} is required, and its value is null."),
        ));
    }
}

#[cfg(test)]
mod tests {
    use tf_provider::value::Value;

    use super::*;
    use crate::attribute::{computed, optional, required, schema};

    #[test]
    fn what_is_required_must_not_be_null() {
        let schema = schema(
            "",
            [
                required("a", ""),
                required("b", ""),
                required("c", ""),
                optional("d", ""),
                computed("e", ""),
            ],
        );
        let values = [
            ("a", Value::Value("x")),
            ("b", Value::Null),
            ("c", Value::Unknown),
            ("d", Value::Null),
            ("e", Value::Null),
        ];
        let config = EncodedValue::encode(&BTreeMap::from(values)).unwrap();
        let mut diagnostics = Diagnostics::default();
        check_required(&schema, &config, &mut diagnostics);
        let [error] = &diagnostics.errors[..] else {
            panic!("{:?}", diagnostics.errors);
        };
        assert_eq!(error.attribute, AttributePath::new("b"));
        assert!(error.detail.contains("argument b"), "{}", error.detail);
    }
}
