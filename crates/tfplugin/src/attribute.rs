//! Schema attributes in few words. Descriptions are Markdown; the documentation pages are made from them.

use std::collections::HashMap;

use super::schema::{
    Attribute, AttributeConstraint, AttributeType, Block, Description, Parameter, Schema, Type,
};

/// An attribute and its name, in one place with its description.
pub type NamedAttribute = (&'static str, Attribute);

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
pub fn required(name: &'static str, description: &str) -> NamedAttribute {
    string(name, AttributeConstraint::Required, description)
}

/// A text that the user may set.
pub fn optional(name: &'static str, description: &str) -> NamedAttribute {
    string(name, AttributeConstraint::Optional, description)
}

/// A text that the user may set and the provider fills in otherwise.
pub fn optional_computed(name: &'static str, description: &str) -> NamedAttribute {
    string(name, AttributeConstraint::OptionalComputed, description)
}

/// A text that the provider fills in.
pub fn computed(name: &'static str, description: &str) -> NamedAttribute {
    string(name, AttributeConstraint::Computed, description)
}

/// A number that the user may set.
pub fn number(name: &'static str, description: &str) -> NamedAttribute {
    typed(AttributeType::Number, optional(name, description))
}

/// A `true` or `false` that the user may set.
pub fn flag(name: &'static str, description: &str) -> NamedAttribute {
    typed(AttributeType::Bool, optional(name, description))
}

/// A number that the provider fills in.
pub fn computed_number(name: &'static str, description: &str) -> NamedAttribute {
    typed(AttributeType::Number, computed(name, description))
}

/// A list of such values in place of one.
pub fn list_of(attribute: NamedAttribute) -> NamedAttribute {
    let item = Box::new(attribute.1.attr_type.clone());
    typed(AttributeType::List(item), attribute)
}

/// A list of objects that the provider fills in.
pub fn computed_objects(
    name: &'static str,
    description: &str,
    attributes: impl IntoIterator<Item = NamedAttribute>,
) -> NamedAttribute {
    let objects = AttributeType::AttributeList(by_name(attributes));
    typed(objects, computed(name, description))
}

/// Objects by a key that the provider chooses, which it fills in.
pub fn computed_objects_by_key(
    name: &'static str,
    description: &str,
    attributes: impl IntoIterator<Item = NamedAttribute>,
) -> NamedAttribute {
    let objects = AttributeType::AttributeMap(by_name(attributes));
    typed(objects, computed(name, description))
}

/// The attribute's value is shown nowhere.
pub fn sensitive((name, mut attribute): NamedAttribute) -> NamedAttribute {
    attribute.sensitive = true;
    (name, attribute)
}

fn typed(r#type: AttributeType, (name, mut attribute): NamedAttribute) -> NamedAttribute {
    attribute.attr_type = r#type;
    (name, attribute)
}

fn string(
    name: &'static str,
    constraint: AttributeConstraint,
    description: &str,
) -> NamedAttribute {
    let attribute = Attribute {
        attr_type: AttributeType::String,
        description: Description::markdown(description),
        constraint,
        sensitive: false,
        deprecated: false,
    };
    (name, attribute)
}

/// A schema without blocks inside, in its first version.
pub fn schema(description: &str, attributes: impl IntoIterator<Item = NamedAttribute>) -> Schema {
    Schema {
        version: 0,
        block: block(description, attributes),
    }
}

/// A block without blocks inside.
pub fn block(description: &str, attributes: impl IntoIterator<Item = NamedAttribute>) -> Block {
    Block {
        version: 0,
        attributes: by_name(attributes),
        blocks: HashMap::new(),
        description: Description::markdown(description),
        deprecated: false,
    }
}

fn by_name(attributes: impl IntoIterator<Item = NamedAttribute>) -> HashMap<String, Attribute> {
    attributes
        .into_iter()
        .map(|(name, attribute)| (name.to_owned(), attribute))
        .collect()
}
