//! How a page of the Registry's documentation looks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use tfplugin::IdentitySchema;
use tfplugin::schema::{
    Attribute, AttributeConstraint, AttributeType, Block, FunctionSchema, NestedBlock, Schema,
};

/// The provider's page.
pub(crate) fn provider(schema: &Schema) -> String {
    let description = &schema.block.description.content;
    let example = example("provider/provider.tf", "terraform");
    format!(
        "---\n\
         page_title: \"Provider: alicloud-live\"\n\
         description: |-\n  {description}\n\
         ---\n\n\
         # alicloud-live Provider\n\n\
         {description}\n\n\
         -> The provider was built and tested against the API's published description and the official SDKs. It has not \
         yet been run against the real service. What was verified how, and how to report a first real run with `make \
         verify-live`, is in README.md of the provider's repository, under Compatibility.\n\n\
         ## Example Usage\n\n\
         {example}\n\
         ~> Do not write credentials into configuration: it ends up in version control. Use environment variables.\n\n\
         When you also use the official `alicloud` provider, give this one another local name in `required_providers` \
         and set it in its resources (`provider = alicloud-live`). See [Using it beside the official \
         provider](guides/beside-the-official-provider.md). New here? Begin with [The life cycle of a \
         job](guides/life-cycle.md).\n\n\
         {}",
        arguments(&schema.block)
    )
}

/// A resource type's page.
pub(crate) fn resource(type_name: &str, schema: &Schema, identity: &IdentitySchema) -> String {
    let description = &schema.block.description.content;
    let folder = format!("resources/{type_name}");
    let mut identity_lines = String::new();
    for (name, description) in &identity.attributes {
        writeln!(
            identity_lines,
            "- `{name}` (String) {description} Required."
        )
        .unwrap();
    }
    format!(
        "---\n\
         page_title: \"{type_name} Resource - alicloud-live\"\n\
         subcategory: \"ApsaraVideo Live\"\n\
         description: |-\n  {description}\n\
         ---\n\n\
         # {type_name} (Resource)\n\n\
         {description}\n\n\
         -> The API changes a job only while it is stopped. Changing a running job stops it, changes it and starts it \
         again, which interrupts its output stream. The plan warns of that. Deleting a running job stops it first. See \
         [Changing jobs without interrupting streams](../guides/changing-jobs.md).\n\n\
         ## Example Usage\n\n\
         {}\n\
         {}\n\
         ## Import\n\n\
         Import a job by `<cluster_id>:<job_id>`. The cluster is required, because the API finds a job only in its \
         cluster.\n\n\
         {}\n\
         With Terraform 1.5 and later, or OpenTofu, by an `import` block:\n\n\
         {}\n\
         `terraform plan -generate-config-out=FILE` writes the resource for it, with `provider = alicloud-live`, whatever the \
         local name of the provider is. See [Local names](../guides/moving-existing-jobs.md#local-names).\n\n\
         With Terraform 1.12 and later, or OpenTofu 1.12 and later, by its identity:\n\n\
         {}\n\
         ### Identity Schema\n\n\
         {identity_lines}\n\
         ## Moving from Another Provider\n\n\
         With Terraform 1.8 and later, a `moved` block moves a job from another provider with the same resource type. \
         The job itself is not changed.\n\n\
         ```terraform\n\
         moved {{\n  from = {type_name}.old\n  to   = {type_name}.camera\n}}\n\
         ```\n",
        example(&format!("{folder}/resource.tf"), "terraform"),
        arguments(&schema.block),
        example(&format!("{folder}/import.sh"), "shell"),
        example(&format!("{folder}/import-by-string-id.tf"), "terraform"),
        example(&format!("{folder}/import-by-identity.tf"), "terraform"),
    )
}

/// A list resource's page.
pub(crate) fn list_resource(type_name: &str, schema: &Schema) -> String {
    let description = &schema.block.description.content;
    format!(
        "---\n\
         page_title: \"{type_name} List Resource - alicloud-live\"\n\
         subcategory: \"ApsaraVideo Live\"\n\
         description: |-\n  {description}\n\
         ---\n\n\
         # {type_name} (List Resource)\n\n\
         {description}\n\n\
         Requires Terraform 1.14 or later. Terraform lists at most 100 jobs unless `limit` is set. \
         `include_resource = true` returns all attributes of each.\n\n\
         ## Example Usage\n\n\
         {}\n\
         With `-generate-config-out=FILE`, Terraform writes a resource and an `import` block for each job. After \
         `terraform apply` the jobs are in the state, and the plan is empty. `status` is written for running jobs only: \
         if it is not set, Terraform leaves the run state alone.\n\n\
         -> Into that file Terraform writes `provider = alicloud-live`, whatever the local name of the provider is. See \
         [Local names](../guides/moving-existing-jobs.md#local-names).\n\n\
         ~> Stream URLs are written as the API returns them, with the `auth_key` that they may contain. Move such keys into \
         sensitive variables before the file goes into version control.\n\n\
         {}",
        example(
            &format!("list-resources/{type_name}/list-resource.tfquery.hcl"),
            "terraform"
        ),
        arguments(&schema.block),
    )
}

/// An action's page.
pub(crate) fn action(type_name: &str, schema: &Schema) -> String {
    let description = &schema.block.description.content;
    format!(
        "---\n\
         page_title: \"{type_name} Action - alicloud-live\"\n\
         subcategory: \"ApsaraVideo Live\"\n\
         description: |-\n  {description}\n\
         ---\n\n\
         # {type_name} (Action)\n\n\
         {description}\n\n\
         Requires Terraform 1.14 or later.\n\n\
         -> An action does not change the configuration. If a job's resource sets `status`, the next apply enforces it \
         again.\n\n\
         ## Example Usage\n\n\
         {}\n\
         {}",
        example(&format!("actions/{type_name}/action.tf"), "terraform"),
        arguments(&schema.block),
    )
}

/// A data source's page.
pub(crate) fn data_source(type_name: &str, schema: &Schema) -> String {
    let description = &schema.block.description.content;
    format!(
        "---\n\
         page_title: \"{type_name} Data Source - alicloud-live\"\n\
         subcategory: \"ApsaraVideo Live\"\n\
         description: |-\n  {description}\n\
         ---\n\n\
         # {type_name} (Data Source)\n\n\
         {description}\n\n\
         ## Example Usage\n\n\
         {}\n\
         {}",
        example(
            &format!("data-sources/{type_name}/data-source.tf"),
            "terraform"
        ),
        arguments(&schema.block),
    )
}

/// A function's page.
pub(crate) fn function(name: &str, schema: &FunctionSchema) -> String {
    let mut names: Vec<_> = schema
        .parameters
        .iter()
        .map(|parameter| parameter.name.clone())
        .collect();
    names.extend(
        schema
            .variadic
            .iter()
            .map(|more| format!("{}...", more.name)),
    );
    let mut lines = String::new();
    for parameter in schema.parameters.iter().chain(&schema.variadic) {
        let kind = called(&parameter.param_type.to_string());
        writeln!(
            lines,
            "- `{}` ({kind}) {}",
            parameter.name, parameter.description.content
        )
        .unwrap();
    }
    format!(
        "---\n\
         page_title: \"{name} Function - alicloud-live\"\n\
         subcategory: \"\"\n\
         description: |-\n  {}.\n\
         ---\n\n\
         # {name} (Function)\n\n\
         {}\n\n\
         Requires Terraform 1.8 or OpenTofu 1.7, or later.\n\n\
         ## Example Usage\n\n\
         {}\n\
         ## Signature\n\n\
         `{name}({})` returns: {}\n\n\
         ## Arguments\n\n\
         {lines}",
        schema.summary,
        schema.description.content,
        example(&format!("functions/{name}/function.tf"), "terraform"),
        names.join(", "),
        called(&schema.return_type.to_string()),
    )
}

fn example(path: &str, language: &str) -> String {
    let path = super::top().join("examples").join(path);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    format!("```{language}\n{text}```\n")
}

fn arguments(block: &Block) -> String {
    let mut page = "## Schema\n".to_owned();
    let groups = [
        ("Required", AttributeConstraint::Required),
        ("Optional", AttributeConstraint::Optional),
        ("Read-Only", AttributeConstraint::Computed),
    ];
    for (title, constraint) in groups {
        let mut lines: Vec<_> = block
            .attributes
            .iter()
            .filter(|(_, attribute)| group(attribute) == constraint)
            .map(|(name, attribute)| line(name, attribute))
            .collect();
        if title == "Optional" {
            lines.extend(block.blocks.iter().map(|(name, nested)| {
                let description = &inner(nested).description.content;
                format!("- `{name}` (Block, at most one) {description} See [below](#{name}).")
            }));
        }
        lines.sort();
        if !lines.is_empty() {
            write!(page, "\n### {title}\n\n{}\n", lines.join("\n")).unwrap();
        }
    }
    let blocks = block
        .blocks
        .iter()
        .map(|(name, nested)| (name, &inner(nested).attributes));
    let objects =
        block
            .attributes
            .iter()
            .filter_map(|(name, attribute)| match &attribute.attr_type {
                AttributeType::AttributeList(attributes)
                | AttributeType::AttributeMap(attributes) => Some((name, attributes)),
                _ => None,
            });
    let nested: BTreeMap<_, _> = blocks.chain(objects).collect();
    for (name, attributes) in nested {
        let mut lines: Vec<_> = attributes
            .iter()
            .map(|(name, attribute)| line(name, attribute))
            .collect();
        lines.sort();
        write!(page, "\n### `{name}`\n\n{}\n", lines.join("\n")).unwrap();
    }
    page
}

/// What may be set stands among the optional arguments, also when the provider fills it in otherwise.
fn group(attribute: &Attribute) -> AttributeConstraint {
    match attribute.constraint {
        AttributeConstraint::OptionalComputed => AttributeConstraint::Optional,
        ref constraint => constraint.clone(),
    }
}

fn line(name: &str, attribute: &Attribute) -> String {
    let sensitive = if attribute.sensitive {
        ", Sensitive"
    } else {
        ""
    };
    let description = &attribute.description.content;
    let objects = match attribute.attr_type {
        AttributeType::AttributeList(_) => Some("List of Objects"),
        AttributeType::AttributeMap(_) => Some("Map of Objects"),
        _ => None,
    };
    if let Some(kind) = objects {
        return format!("- `{name}` ({kind}{sensitive}) {description} See [below](#{name}).");
    }
    let kind = called(&attribute.attr_type.to_string());
    format!("- `{name}` ({kind}{sensitive}) {description}")
}

/// What people call a type.
fn called(json: &str) -> &'static str {
    match json {
        "\"string\"" => "String",
        "\"number\"" => "Number",
        "\"bool\"" => "Boolean",
        r#"["list","string"]"# => "List of String",
        object if object.starts_with("[\"object\"") => "Object",
        other => panic!("how is the type {other} called on a page?"),
    }
}

fn inner(nested: &NestedBlock) -> &Block {
    match nested {
        NestedBlock::Single(block)
        | NestedBlock::List(block)
        | NestedBlock::Set(block)
        | NestedBlock::Map(block)
        | NestedBlock::Group(block)
        | NestedBlock::Optional(block) => block,
    }
}
