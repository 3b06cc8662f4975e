//! Schema attributes in few words. Descriptions are Markdown; the documentation pages are made from them.

use std::collections::HashMap;

use super::schema::{
    Attribute, AttributeConstraint, AttributeType, Block, Description, Parameter, Type,
};

/// A parameter of a function: a text that is known and not null.
pub fn text_parameter(name: &str, description: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        param_type: Type::String,
        allow_null: false,
        allow_unknown: false,
        description: Description::markdown(description),
    }
}

/// A text that the user must set.
pub fn required(description: &str) -> Attribute {
    string(AttributeConstraint::Required, description)
}

/// A text that the user may set.
pub fn optional(description: &str) -> Attribute {
    string(AttributeConstraint::Optional, description)
}

/// A text that the user may set and the provider fills in otherwise.
pub fn optional_computed(description: &str) -> Attribute {
    string(AttributeConstraint::OptionalComputed, description)
}

/// A text that the provider fills in.
pub fn computed(description: &str) -> Attribute {
    string(AttributeConstraint::Computed, description)
}

/// A number that the user may set.
pub fn number(description: &str) -> Attribute {
    of_type(AttributeType::Number, optional(description))
}

/// A `true` or `false` that the user may set.
pub fn flag(description: &str) -> Attribute {
    of_type(AttributeType::Bool, optional(description))
}

/// A number that the provider fills in.
pub fn computed_number(description: &str) -> Attribute {
    of_type(AttributeType::Number, computed(description))
}

/// A list of such values in place of one.
pub fn list_of(attribute: Attribute) -> Attribute {
    Attribute {
        attr_type: AttributeType::List(Box::new(attribute.attr_type)),
        ..attribute
    }
}

/// A list of objects that the provider fills in.
pub fn computed_objects(
    description: &str,
    attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
) -> Attribute {
    let objects = AttributeType::AttributeList(by_name(attributes));
    of_type(objects, computed(description))
}

/// Objects by a key that the provider chooses, which it fills in.
pub fn computed_objects_by_key(
    description: &str,
    attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
) -> Attribute {
    let objects = AttributeType::AttributeMap(by_name(attributes));
    of_type(objects, computed(description))
}

/// The attribute's value is shown nowhere.
pub fn sensitive(attribute: Attribute) -> Attribute {
    Attribute {
        sensitive: true,
        ..attribute
    }
}

fn of_type(attr_type: AttributeType, attribute: Attribute) -> Attribute {
    Attribute {
        attr_type,
        ..attribute
    }
}

fn string(constraint: AttributeConstraint, description: &str) -> Attribute {
    Attribute {
        attr_type: AttributeType::String,
        description: Description::markdown(description),
        constraint,
        sensitive: false,
        deprecated: false,
    }
}

/// A block without blocks inside.
pub fn block(
    description: &str,
    attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
) -> Block {
    Block {
        version: 0,
        attributes: by_name(attributes),
        blocks: HashMap::new(),
        description: Description::markdown(description),
        deprecated: false,
    }
}

fn by_name(
    attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
) -> HashMap<String, Attribute> {
    attributes
        .into_iter()
        .map(|(name, attribute)| (name.to_owned(), attribute))
        .collect()
}
