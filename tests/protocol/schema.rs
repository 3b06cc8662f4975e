//! What the schema says of each type, a line an attribute, in `tests/cases/schema.txt`: a change of the schema shows in
//! review. After a change that is meant, run with `UPDATE_GENERATED=1`. (Descriptions are on the pages under `docs`.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use alicloud_auth::environment::Environment;
use terraform_provider_alicloud_live::definition;
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;
use tfplugin::generated::tfplugin6::schema::nested_block::NestingMode;
use tfplugin::generated::tfplugin6::schema::{Attribute, Block, object};
use tfplugin::generated::tfplugin6::{Function, Schema, get_provider_schema};
use tfplugin::schema::{self, AttributeConstraint};
use tfplugin::{AttributePath, Diagnostics, EncodedValue};

use crate::plugin_host::Plugin;
use crate::requests::response;

#[tokio::test]
async fn the_schema_of_each_type_is_what_was_reviewed() {
    let plugin = Plugin::start();
    let mut provider = ProviderClient::new(plugin.connect().await);
    let served = response(provider.get_provider_schema(get_provider_schema::Request {})).await;

    let mut lines = Vec::new();
    let actions = served.action_schemas.into_iter();
    let actions = actions
        .map(|(name, action)| (name, action.schema.unwrap()))
        .collect();
    let provider = BTreeMap::from([("alicloud".to_owned(), served.provider.unwrap())]);
    let kinds: [(&str, BTreeMap<String, Schema>); 5] = [
        ("provider", provider),
        ("resource", served.resource_schemas),
        ("data", served.data_source_schemas),
        ("list", served.list_resource_schemas),
        ("action", actions),
    ];
    for (kind, schemas) in kinds {
        for (name, schema) in schemas {
            lines.push(format!("{kind} {name}, version {}", schema.version));
            of_block(&schema.block.unwrap(), "  ", &mut lines);
        }
    }
    let functions = served.functions.iter();
    lines.extend(functions.map(|(name, it)| of_function(name, it)));
    let lines = lines.join("\n") + "\n";

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/schema.txt");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&file, &lines).unwrap();
    }
    let reviewed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        reviewed == lines,
        "the schema is not that of tests/cases/schema.txt: run with UPDATE_GENERATED=1 and commit the result"
    );
}

/// Core lets an explicit null pass.
#[tokio::test]
async fn no_required_argument_may_be_null() {
    let definition = definition(Environment::default());
    let mut checked = 0;
    let mut check = |name: &str, schema: &schema::Schema, found: Diagnostics| {
        let attributes = schema.block.attributes.iter();
        let is_required = |one: &schema::Attribute| one.constraint == AttributeConstraint::Required;
        let required: BTreeSet<_> = attributes
            .filter(|(_, attribute)| is_required(attribute))
            .map(|(name, _)| AttributePath::new(name.clone()).to_string())
            .collect();
        let missing = found.errors.into_iter();
        let missing: BTreeSet<_> = missing
            .filter(|error| error.summary == "Missing required argument")
            .map(|error| error.attribute.to_string())
            .collect();
        assert_eq!(missing, required, "{name}");
        checked += required.len();
    };
    for (name, resource) in &definition.resources {
        let (schema, mut found) = (resource.schema(), Diagnostics::default());
        resource.validate(&mut found, &nulls(&schema));
        check(name, &schema, found);
    }
    for (name, source) in &definition.data_sources {
        let mut found = Diagnostics::default();
        let schema = source.schema(&mut found).unwrap();
        source.validate(&mut found, &nulls(&schema)).await;
        check(name, &schema, found);
    }
    for (name, list) in &definition.list_resources {
        let (schema, mut found) = (list.schema(), Diagnostics::default());
        list.validate(&mut found, &nulls(&schema));
        check(name, &schema, found);
    }
    for (name, action) in &definition.actions {
        let (schema, mut found) = (action.schema(), Diagnostics::default());
        action.validate(&mut found, &nulls(&schema));
        check(name, &schema, found);
    }
    assert!(checked > 10);
}

/// A configuration in which everything is null.
fn nulls(schema: &schema::Schema) -> EncodedValue {
    let attributes = schema.block.attributes.keys();
    let nulls: BTreeMap<_, Option<()>> = attributes.map(|name| (name, None)).collect();
    EncodedValue::encode(&nulls).unwrap()
}

fn of_block(block: &Block, indent: &str, lines: &mut Vec<String>) {
    let deeper = format!("{indent}  ");
    for attribute in &block.attributes {
        of_attribute(attribute, indent, lines);
    }
    for nested in &block.block_types {
        let mode = NestingMode::try_from(nested.nesting).unwrap();
        lines.push(format!(
            "{indent}{}: block, {mode:?}, {} to {} items",
            nested.type_name, nested.min_items, nested.max_items
        ));
        of_block(nested.block.as_ref().unwrap(), &deeper, lines);
    }
}

fn of_attribute(attribute: &Attribute, indent: &str, lines: &mut Vec<String>) {
    let r#type = match &attribute.nested_type {
        None => String::from_utf8(attribute.r#type.clone()).unwrap(),
        Some(nested) => {
            let mode = object::NestingMode::try_from(nested.nesting).unwrap();
            format!("attributes, {mode:?}")
        }
    };
    let flags = [
        (attribute.required, ", required"),
        (attribute.optional, ", optional"),
        (attribute.computed, ", computed"),
        (attribute.sensitive, ", sensitive"),
        (attribute.write_only, ", write-only"),
        (attribute.deprecated, ", deprecated"),
    ];
    let flags: String = flags
        .iter()
        .filter_map(|(is_set, name)| is_set.then_some(*name))
        .collect();
    lines.push(format!("{indent}{}: {}{flags}", attribute.name, r#type));
    for inner in attribute.nested_type.iter().flat_map(|it| &it.attributes) {
        of_attribute(inner, &format!("{indent}  "), lines);
    }
}

fn of_function(name: &str, function: &Function) -> String {
    let r#type = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let parameters: Vec<String> = function
        .parameters
        .iter()
        .map(|parameter| format!("{}: {}", parameter.name, r#type(&parameter.r#type)))
        .collect();
    let returned = function.r#return.as_ref().unwrap();
    format!(
        "function {name}({}) -> {}",
        parameters.join(", "),
        r#type(&returned.r#type)
    )
}
