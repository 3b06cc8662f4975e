//! How a page of the Registry's documentation looks.
//!
//! A page has a head, which its schema describes, and a body. The body is the file `page_<kind>.md` in the folder of `src` that the
//! page is about, or else the usual one of its kind. In it stand:
//!
//! | tag | becomes |
//! |---|---|
//! | `{{ name }}` | the name of the type |
//! | `{{ example FILE }}` | a file of the type's folder under `examples`, as code |
//! | `{{ schema }}` | the arguments and attributes |
//! | `{{ identity }}` | the attributes of the identity |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use tfplugin::IdentitySchema;
use tfplugin::schema::{
    Attribute, AttributeConstraint, AttributeType, Block, FunctionSchema, NestedBlock, Schema,
};

/// What a page is about.
pub(crate) struct Page<'a> {
    kind: &'static Kind,
    /// The name of the type, or the function.
    name: &'a str,
    /// The text of the front matter.
    summary: String,
    description: String,
    schema: String,
    identity: String,
}

/// A kind of page.
pub(crate) struct Kind {
    title: &'static str,
    subcategory: Option<&'static str>,
    /// Its folder under `examples`, and under `docs`.
    folder: &'static str,
    template: &'static str,
    /// The body of those that have no file of their own.
    usual_body: &'static str,
}

const LIVE: Option<&str> = Some("ApsaraVideo Live");

pub(crate) static PROVIDER: Kind = Kind {
    title: "Provider",
    subcategory: None,
    folder: "provider",
    template: "page_provider.md",
    usual_body: "",
};
pub(crate) static RESOURCE: Kind = Kind {
    title: "Resource",
    subcategory: LIVE,
    folder: "resources",
    template: "page_resource.md",
    usual_body: "## Example Usage\n\n{{ example resource.tf }}\n{{ schema }}",
};
pub(crate) static LIST_RESOURCE: Kind = Kind {
    title: "List Resource",
    subcategory: LIVE,
    folder: "list-resources",
    template: "page_list.md",
    usual_body: "## Example Usage\n\n{{ example list-resource.tfquery.hcl }}\n{{ schema }}",
};
pub(crate) static ACTION: Kind = Kind {
    title: "Action",
    subcategory: LIVE,
    folder: "actions",
    template: "page_action.md",
    usual_body: "## Example Usage\n\n{{ example action.tf }}\n{{ schema }}",
};
pub(crate) static DATA_SOURCE: Kind = Kind {
    title: "Data Source",
    subcategory: LIVE,
    folder: "data-sources",
    template: "page_data_source.md",
    usual_body: "## Example Usage\n\n{{ example data-source.tf }}\n{{ schema }}",
};
pub(crate) static FUNCTION: Kind = Kind {
    title: "Function",
    subcategory: Some(""),
    folder: "functions",
    template: "page_function.md",
    usual_body: "Requires Terraform 1.8 or OpenTofu 1.7, or later.\n\n\
                 ## Example Usage\n\n{{ example function.tf }}\n{{ schema }}",
};

impl<'a> Page<'a> {
    pub(crate) fn new(kind: &'static Kind, name: &'a str, schema: &Schema) -> Self {
        let description = &schema.block.description.content;
        Self {
            kind,
            name,
            summary: description.clone(),
            description: description.clone(),
            schema: arguments(&schema.block),
            identity: String::new(),
        }
    }

    pub(crate) fn of_function(name: &'a str, schema: &FunctionSchema) -> Self {
        Self {
            kind: &FUNCTION,
            name,
            summary: format!("{}.", schema.summary),
            description: schema.description.content.clone(),
            schema: signature(name, schema),
            identity: String::new(),
        }
    }

    pub(crate) fn with_identity(self, identity: &IdentitySchema) -> Self {
        let lines = identity.attributes.iter();
        let lines = lines
            .map(|(name, description)| format!("- `{name}` (String) {description} Required.\n"));
        Self {
            identity: lines.collect(),
            ..self
        }
    }

    fn is_of_provider(&self) -> bool {
        self.kind.folder == PROVIDER.folder
    }

    /// Where the page stands.
    pub(crate) fn path(&self) -> PathBuf {
        if self.is_of_provider() {
            return "docs/index.md".into();
        }
        let name = self.name.trim_start_matches("alicloud_");
        format!("docs/{}/{name}.md", self.kind.folder).into()
    }

    /// The text of the page.
    pub(crate) fn render(&self) -> String {
        let (name, summary) = (self.name, &self.summary);
        let (title, heading) = if self.is_of_provider() {
            (format!("Provider: {name}"), format!("{name} Provider"))
        } else {
            let kind = self.kind.title;
            (
                format!("{name} {kind} - alicloud-live"),
                format!("{name} ({kind})"),
            )
        };
        let subcategory = self
            .kind
            .subcategory
            .map_or_else(String::new, |subcategory| {
                format!("subcategory: \"{subcategory}\"\n")
            });
        format!(
            "---\npage_title: \"{title}\"\n{subcategory}description: |-\n  {summary}\n---\n\n\
             # {heading}\n\n{}\n\n{}",
            self.description,
            self.body()
        )
    }

    fn body(&self) -> String {
        let template = self.template();
        let mut parts = template.split("{{ ");
        let mut body = parts.next().unwrap().to_owned();
        for part in parts {
            let (tag, text) = part.split_once(" }}").expect("a tag ends with ` }}`");
            body += &match tag.split_once(' ') {
                Some(("example", file)) => self.example(file),
                None if tag == "name" => self.name.to_owned(),
                None if tag == "schema" => self.schema.clone(),
                None if tag == "identity" => self.identity.clone(),
                _ => panic!("unknown tag {tag:?}"),
            };
            body += text;
        }
        body
    }

    /// The file in the folder of `src` whose name the page's name begins with.
    fn template(&self) -> String {
        let name = self.name.trim_start_matches("alicloud_live_");
        let folders = fs::read_dir(super::top().join("src")).unwrap();
        folders
            .map(|entry| entry.unwrap())
            .filter(|folder| {
                let folder = folder.file_name().into_string().unwrap();
                name.starts_with(&folder) || self.is_of_provider()
            })
            .find_map(|folder| fs::read_to_string(folder.path().join(self.kind.template)).ok())
            .unwrap_or_else(|| self.kind.usual_body.to_owned())
    }

    fn example(&self, file: &str) -> String {
        let folder = super::top().join("examples").join(self.kind.folder);
        let folder = if self.is_of_provider() {
            folder
        } else {
            folder.join(self.name)
        };
        let path = folder.join(file);
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let language = if path.extension().is_some_and(|extension| extension == "sh") {
            "shell"
        } else {
            "terraform"
        };
        format!("```{language}\n{text}```\n")
    }
}

fn signature(name: &str, schema: &FunctionSchema) -> String {
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
        "## Signature\n\n`{name}({})` returns: {}\n\n## Arguments\n\n{lines}",
        names.join(", "),
        called(&schema.return_type.to_string()),
    )
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
