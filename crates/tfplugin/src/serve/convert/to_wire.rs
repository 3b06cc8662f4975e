use std::collections::HashMap;

use serde::Serialize;

use crate::generated::tfplugin6 as wire;
use crate::schema::{
    Attribute, AttributeConstraint, AttributeType, Block, Description, FunctionSchema, NestedBlock,
    Parameter, Schema, StringKind,
};
use crate::{
    AttributePath, AttributePathStep, Diagnostic, Diagnostics, EncodedValue, IdentitySchema,
};
use wire::diagnostic::Severity;
use wire::schema::nested_block::NestingMode as BlockNesting;
use wire::schema::object::NestingMode as ObjectNesting;

/// A value in the encoding that it has.
pub(crate) fn value(value: EncodedValue) -> wire::DynamicValue {
    let (msgpack, json) = match value {
        EncodedValue::MessagePack(bytes) => (bytes, Vec::new()),
        EncodedValue::Json(bytes) => (Vec::new(), bytes),
    };
    wire::DynamicValue { msgpack, json }
}

/// An object's identity.
pub(crate) fn identity(identity: EncodedValue) -> wire::ResourceIdentityData {
    wire::ResourceIdentityData {
        identity_data: Some(value(identity)),
    }
}

/// The schema of identities.
pub(crate) fn identity_schema(schema: &IdentitySchema) -> wire::ResourceIdentitySchema {
    use wire::resource_identity_schema::IdentityAttribute;
    let attributes = schema.attributes.iter();
    wire::ResourceIdentitySchema {
        version: schema.version,
        identity_attributes: attributes
            .map(|(name, description)| IdentityAttribute {
                name: (*name).to_owned(),
                r#type: type_constraint(&AttributeType::String),
                required_for_import: true,
                optional_for_import: false,
                description: (*description).to_owned(),
            })
            .collect(),
    }
}

/// The diagnostics of one call, errors first.
pub(crate) fn diagnostics(diagnostics: Diagnostics) -> Vec<wire::Diagnostic> {
    let errors = diagnostics.errors.into_iter();
    let warnings = diagnostics.warnings.into_iter();
    errors
        .map(|error| diagnostic(error, Severity::Error))
        .chain(warnings.map(|warning| diagnostic(warning, Severity::Warning)))
        .collect()
}

fn diagnostic(diagnostic: Diagnostic, severity: Severity) -> wire::Diagnostic {
    wire::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary.into_owned(),
        detail: without_backtrace(&diagnostic.detail).to_owned(),
        attribute: (!diagnostic.attribute.steps.is_empty()).then(|| path(diagnostic.attribute)),
    }
}

/// `tf_provider` appends a backtrace to the diagnostics that it makes itself when `RUST_BACKTRACE` is set. What a
/// user reads ends where the first frame begins.
fn without_backtrace(detail: &str) -> &str {
    const FIRST_FRAME: &str = "   0: ";
    if detail.starts_with(FIRST_FRAME) {
        return "";
    }
    detail
        .split_once(&format!("\n{FIRST_FRAME}"))
        .map_or(detail, |(text, _)| text)
}

/// All errors of a function call as the one that the protocol has, at the argument that the first of them names.
pub(crate) fn function_error(errors: Vec<Diagnostic>) -> wire::FunctionError {
    let argument = errors
        .first()
        .and_then(|error| match error.attribute.steps.first()? {
            AttributePathStep::Index(argument) => Some(*argument),
            AttributePathStep::Attribute(_) | AttributePathStep::Key(_) => None,
        });
    let texts: Vec<String> = errors
        .into_iter()
        .map(|error| match without_backtrace(&error.detail) {
            "" => error.summary.into_owned(),
            detail => format!("{}. {detail}", error.summary),
        })
        // Core ends the sentence.
        .map(|text| text.trim_end_matches('.').to_owned())
        .collect();
    wire::FunctionError {
        text: texts.join("\n"),
        function_argument: argument,
    }
}

/// The way to an attribute.
pub(crate) fn path(path: AttributePath) -> wire::AttributePath {
    use wire::attribute_path::Step;
    use wire::attribute_path::step::Selector;
    let steps = path.steps.into_iter().map(|step| {
        let selector = match step {
            AttributePathStep::Attribute(name) => Selector::AttributeName(name.into_owned()),
            AttributePathStep::Key(key) => Selector::ElementKeyString(key.into_owned()),
            AttributePathStep::Index(index) => Selector::ElementKeyInt(index),
        };
        Step {
            selector: Some(selector),
        }
    });
    wire::AttributePath {
        steps: steps.collect(),
    }
}

/// A schema, with everything in it sorted by name.
pub(crate) fn schema(schema: &Schema) -> wire::Schema {
    wire::Schema {
        version: schema.version,
        block: Some(block(&schema.block)),
    }
}

fn block(block: &Block) -> wire::schema::Block {
    let (description, description_kind) = text(&block.description);
    wire::schema::Block {
        version: block.version,
        attributes: attributes(&block.attributes),
        block_types: sorted(&block.blocks)
            .map(|(name, block)| nested_block(name, block))
            .collect(),
        description,
        description_kind,
        deprecated: block.deprecated,
        deprecation_message: String::new(),
    }
}

/// A block in a block. A limit of 0 is none; a single block with limits of 0 may be left out and is then null (core
/// takes a single block's limits only when they are equal).
fn nested_block(name: &str, nested: &NestedBlock) -> wire::schema::NestedBlock {
    let (nesting, inner, max_items) = match nested {
        NestedBlock::Single(inner) => (BlockNesting::Single, inner, 0),
        NestedBlock::List(inner) => (BlockNesting::List, inner, 0),
        NestedBlock::Set(inner) => (BlockNesting::Set, inner, 0),
        NestedBlock::Map(inner) => (BlockNesting::Map, inner, 0),
        NestedBlock::Group(inner) => (BlockNesting::Group, inner, 0),
        NestedBlock::Optional(inner) => (BlockNesting::List, inner, 1),
    };
    wire::schema::NestedBlock {
        type_name: name.to_owned(),
        block: Some(block(inner)),
        nesting: nesting.into(),
        min_items: 0,
        max_items,
    }
}

fn attributes(attributes: &HashMap<String, Attribute>) -> Vec<wire::schema::Attribute> {
    sorted(attributes)
        .map(|(name, each)| attribute(name, each))
        .collect()
}

fn attribute(name: &str, attribute: &Attribute) -> wire::schema::Attribute {
    use AttributeConstraint::{Computed, Optional, OptionalComputed, Required};
    let (description, description_kind) = text(&attribute.description);
    // Core takes a type or a nested type, not both.
    let (plain_type, nested_type) = match nested_type(&attribute.attr_type) {
        Some(nested) => (Vec::new(), Some(nested)),
        None => (type_constraint(&attribute.attr_type), None),
    };
    wire::schema::Attribute {
        name: name.to_owned(),
        r#type: plain_type,
        nested_type,
        description,
        description_kind,
        required: attribute.constraint == Required,
        optional: matches!(attribute.constraint, Optional | OptionalComputed),
        computed: matches!(attribute.constraint, Computed | OptionalComputed),
        sensitive: attribute.sensitive,
        deprecated: attribute.deprecated,
        deprecation_message: String::new(),
        write_only: false,
    }
}

fn nested_type(attribute_type: &AttributeType) -> Option<wire::schema::Object> {
    let (nesting, inner) = match attribute_type {
        AttributeType::AttributeSingle(inner) => (ObjectNesting::Single, inner),
        AttributeType::AttributeList(inner) => (ObjectNesting::List, inner),
        AttributeType::AttributeSet(inner) => (ObjectNesting::Set, inner),
        AttributeType::AttributeMap(inner) => (ObjectNesting::Map, inner),
        _ => return None,
    };
    Some(wire::schema::Object {
        attributes: attributes(inner),
        nesting: nesting.into(),
        ..wire::schema::Object::default()
    })
}

/// A type in JSON, such as `["list","string"]`. By way of a JSON value, which sorts the attributes of objects.
///
/// Types are strings, arrays and objects with strings for keys: they always have a JSON form.
fn type_constraint(of: &impl Serialize) -> Vec<u8> {
    serde_json::to_value(of)
        .map(|json| json.to_string().into_bytes())
        .unwrap_or_default()
}

/// A function's signature.
pub(crate) fn function(function: &FunctionSchema) -> wire::Function {
    let (description, description_kind) = text(&function.description);
    wire::Function {
        parameters: function.parameters.iter().map(parameter).collect(),
        variadic_parameter: function.variadic.as_ref().map(parameter),
        r#return: Some(wire::function::Return {
            r#type: type_constraint(&function.return_type),
        }),
        summary: function.summary.clone(),
        description,
        description_kind,
        deprecation_message: function.deprecated.clone().unwrap_or_default(),
    }
}

fn parameter(parameter: &Parameter) -> wire::function::Parameter {
    let (description, description_kind) = text(&parameter.description);
    wire::function::Parameter {
        name: parameter.name.clone(),
        r#type: type_constraint(&parameter.param_type),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description,
        description_kind,
    }
}

fn text(description: &Description) -> (String, i32) {
    let kind = match description.kind {
        StringKind::Plain => wire::StringKind::Plain,
        StringKind::Markdown => wire::StringKind::Markdown,
    };
    (description.content.clone(), kind.into())
}

fn sorted<T>(by_name: &HashMap<String, T>) -> impl Iterator<Item = (&str, &T)> {
    let mut entries: Vec<_> = by_name
        .iter()
        .map(|(name, each)| (name.as_str(), each))
        .collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    entries.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic as make;

    #[test]
    fn a_backtrace_never_reaches_the_user() {
        let trace = std::backtrace::Backtrace::force_capture();
        for (detail, shown) in [
            (format!("{trace}"), ""),
            (format!("Ask the cloud.\n{trace}"), "Ask the cloud."),
            ("Ask\nthe cloud.".to_owned(), "Ask\nthe cloud."),
        ] {
            let sent = diagnostic(make::general("Failed", detail), Severity::Error);
            assert_eq!(sent.detail, shown);
        }
    }

    #[test]
    fn errors_come_before_warnings_and_keep_their_paths() {
        let mut both = Diagnostics::default();
        both.add_warning(make::general("careful", ""));
        let path = AttributePath::new("jobs").index(2).key("a");
        both.add_error(make::at(path.attribute("name"), "wrong", "why"));
        let sent = diagnostics(both);
        assert_eq!(sent[0].severity(), Severity::Error);
        let path = sent[0].attribute.as_ref().unwrap();
        assert_eq!(path.steps.len(), 4);
        assert_eq!(sent[1].severity(), Severity::Warning);
        assert_eq!(sent[1].attribute, None);
    }

    #[test]
    fn blocks_have_the_limits_that_core_accepts() {
        let inner = Block::default;
        for (nested, limits) in [
            (NestedBlock::Single(inner()), (BlockNesting::Single, 0, 0)),
            (NestedBlock::Optional(inner()), (BlockNesting::List, 0, 1)),
            (NestedBlock::List(inner()), (BlockNesting::List, 0, 0)),
            (NestedBlock::Set(inner()), (BlockNesting::Set, 0, 0)),
        ] {
            let block = nested_block("block", &nested);
            assert_eq!((block.nesting(), block.min_items, block.max_items), limits);
        }
    }

    #[test]
    fn an_attribute_has_a_type_or_a_nested_type() {
        let of = |attr_type| {
            let with_type = Attribute {
                attr_type,
                ..Attribute::default()
            };
            attribute("it", &with_type)
        };
        let object = ["c", "a", "b"].map(|name| (name.to_owned(), AttributeType::String));
        let object = AttributeType::Object(object.into());
        let plain = of(AttributeType::List(Box::new(object)));
        let json = br#"["list",["object",{"a":"string","b":"string","c":"string"}]]"#;
        assert_eq!(plain.r#type, json);
        assert_eq!(plain.nested_type, None);

        let names = ["c", "a", "b"].map(|name| (name.to_owned(), Attribute::default()));
        let nested = of(AttributeType::AttributeSet(names.into()));
        assert!(nested.r#type.is_empty());
        let nested = nested.nested_type.unwrap();
        assert_eq!(nested.nesting(), ObjectNesting::Set);
        let names: Vec<_> = nested.attributes.iter().map(|each| &each.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
