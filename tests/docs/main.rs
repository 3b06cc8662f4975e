//! The pages under `docs/` are made from the schema and the files under `examples/`. This test makes them and
//! fails where they differ; with `UPDATE_GENERATED=1` it writes them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod diagnostics;
mod page;
mod readme;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use alicloud_auth::environment::Environment;
use page::Page;
use terraform_provider_alicloud_live::definition;
use tfplugin::Diagnostics;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page by its path.
fn pages() -> BTreeMap<PathBuf, String> {
    let definition = definition(Environment::default());
    let mut diagnostics = Diagnostics::default();
    let provider = definition.provider.schema(&mut diagnostics).unwrap();
    let mut pages = vec![Page::new(&page::PROVIDER, "alicloud-live", &provider)];
    for (name, resource) in &definition.resources {
        let page = Page::new(&page::RESOURCE, name, &resource.schema());
        pages.push(page.with_identity(&resource.identity_schema()));
    }
    for (name, list_resource) in &definition.list_resources {
        pages.push(Page::new(
            &page::LIST_RESOURCE,
            name,
            &list_resource.schema(),
        ));
    }
    for (name, action) in &definition.actions {
        pages.push(Page::new(&page::ACTION, name, &action.schema()));
    }
    for (name, data_source) in &definition.data_sources {
        let schema = data_source.schema(&mut diagnostics).unwrap();
        pages.push(Page::new(&page::DATA_SOURCE, name, &schema));
    }
    for (name, function) in &definition.functions {
        let schema = function.schema(&mut diagnostics).unwrap();
        pages.push(Page::of_function(name, &schema));
    }
    let pages = pages.iter();
    pages.map(|page| (page.path(), page.render())).collect()
}

#[test]
fn the_pages_say_what_schema_and_examples_say() {
    for (path, page) in pages() {
        let path = top().join(path);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, page).unwrap();
        } else {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == page,
                "{} is not up to date: run `make generate`",
                path.display()
            );
        }
    }
}

#[test]
fn there_is_no_page_for_what_is_unsupported() {
    let pages = pages();
    for folder in [
        "docs",
        "docs/actions",
        "docs/data-sources",
        "docs/functions",
        "docs/list-resources",
        "docs/resources",
    ] {
        for entry in fs::read_dir(top().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(top()).unwrap();
            assert!(
                path.is_dir() || pages.contains_key(relative),
                "{} describes nothing",
                relative.display()
            );
        }
    }
}

/// Guides are written by hand. What they show as configuration is applied by the acceptance tests.
#[test]
fn every_configuration_in_a_guide_is_an_example() {
    let examples = files_under(&top().join("examples"));
    let guides = files_under(&top().join("docs/guides"));
    assert!(!guides.is_empty());
    for (path, guide) in guides {
        assert!(guide.starts_with("---\npage_title: "), "{}", path.display());
        for block in guide.split("```terraform\n").skip(1) {
            let (configuration, _) = block.split_once("```").unwrap();
            assert!(
                examples.iter().any(|(_, example)| example == configuration),
                "{}: no file under examples holds this:\n{configuration}",
                path.display()
            );
        }
    }
}

/// All but images.
fn files_under(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            files.push((path, text));
        }
    }
    files
}

/// A pre-release is installed only where a configuration names it exactly.
#[test]
fn pages_and_examples_name_the_version_of_this_build() {
    let version = env!("CARGO_PKG_VERSION");
    let named = format!("version = \"{version}\"");
    let source = "= \"edge-transcode/alicloud-live\"";
    let readmes = ["README.md", "README.zh-CN.md"].map(|file| {
        let path = top().join(file);
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    });
    let folders = ["docs", "examples"].map(|folder| files_under(&top().join(folder)));
    let mut count = 0;
    for (path, text) in folders.into_iter().flatten().chain(readmes) {
        let lines: Vec<_> = text.lines().collect();
        for place in (0..lines.len()).filter(|place| lines[*place].contains(source)) {
            let is_named = lines[place].contains(&named) || lines[place + 1].trim() == named;
            assert!(is_named, "{}: {}", path.display(), lines[place]);
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
    let changelog = fs::read_to_string(top().join("CHANGELOG.md")).unwrap();
    assert!(
        changelog.starts_with(&format!("## {version} (")),
        "CHANGELOG.md begins with another version"
    );
}

#[test]
fn every_argument_is_described() {
    for (path, page) in pages() {
        for line in page.lines().filter(|line| line.starts_with("- `")) {
            assert!(
                line.len() > 25 && !line.contains("empty"),
                "{}: {line}",
                path.display()
            );
        }
    }
}
