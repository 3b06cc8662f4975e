//! Guards what the compiler does not: which packages may depend on which, and that nothing unfinished, overlong or private
//! to one machine is in the tree.
//!
//! Each rule is a function from the tree to complaints. The second half of this file shows each rule a tree that
//! breaks it.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the names of our own files"
)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Which of our own packages each package may depend on. The compiler contains the rest of the tree to its manifests.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    ("crates/alicloud-auth", &[]),
    ("crates/alicloud-live", &["alicloud-auth"]),
    ("crates/alicloud-live-mock", &[]),
    ("crates/tfplugin", &[]),
];

/// Lines that a source file may have before its tests.
const MAX_LINES: usize = 400;

const REQUIRED: &[&str] = &[
    ".ci/run",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE",
    "Makefile",
    "README.md",
    "deny.toml",
];

/// What must not stand in any file. Split, so that this file does not hold them.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "a mark of unfinished work"),
    (concat!("FIX", "ME"), "a mark of unfinished work"),
    (concat!("XX", "X"), "a mark of unfinished work"),
    (concat!("to", "do!("), "unfinished work"),
    (concat!("unimple", "mented!("), "unfinished work"),
    (concat!("#[ig", "nore"), "a test that does not run"),
    (concat!("```ig", "nore"), "an example that does not compile"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/tmp", "/wt"), "a path of one machine"),
];

/// The glossary: words that are not used here, and what to write instead.
const DROPPED: &[(&str, &str)] = &[
    ("aftermath", "report"),
    ("anew", "again, or nothing"),
    ("any more", "nothing: history belongs in commits"),
    ("command line tool", "Alibaba Cloud CLI"),
    ("deed", "action"),
    ("fact sheet", "the API reference"),
    ("licence", "license"),
    ("made again", "retried, repeated"),
    ("patience", "timeout"),
    ("refusal", "rejection"),
    ("time stamp", "timestamp"),
    ("time was over", "timeout, deadline exceeded"),
    ("time-out", "timeout"),
    ("twin", "duplicate"),
    ("vendor", "Alibaba Cloud"),
    ("white space", "whitespace"),
    ("whoever", "the actor: a user, a process, an account"),
    ("wish", "target"),
];

#[test]
fn the_tree_is_tidy() {
    let tree = Tree::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(
        tree.0.contains_key("src/lib.rs"),
        "the tree was not found: {:?}",
        tree.0.keys()
    );
    let complaints = complaints(&tree);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The text files of a checkout, by path from its top.
struct Tree(BTreeMap<String, String>);

impl Tree {
    fn read(top: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![top.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(top).unwrap().to_str().unwrap();
                let name = name.replace('\\', "/");
                if [".git", ".tools", "dist", "fuzz/target", "target"].contains(&name.as_str()) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(text) = fs::read_to_string(&path) {
                    files.insert(name, text);
                }
            }
        }
        Self(files)
    }

    fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.0.iter().map(|(path, text)| (&**path, &**text));
        files.filter(move |(path, _)| path.starts_with(folder))
    }

    /// The product's own Rust files: no tests, no generated code.
    fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.under("").filter(|(path, _)| {
            (path.starts_with("src/") || path.contains("/src/"))
                && path.ends_with(".rs")
                && !path.ends_with("tests.rs")
                && !is_generated(path)
        })
    }
}

fn is_generated(path: &str) -> bool {
    path.contains("/generated/") || path.ends_with(".proto")
}

fn complaints(tree: &Tree) -> Vec<String> {
    let rules = [
        dependencies_point_down,
        files_are_short,
        modules_are_introduced,
        nothing_forbidden,
        words_are_those_of_the_glossary,
        required_files,
        examples_are_used,
        walks_pass_what_exists,
        promises_name_tests,
        make_targets_exist,
    ];
    rules.iter().flat_map(|rule| rule(tree)).collect()
}

fn dependencies_point_down(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, manifest) in tree.under("crates/") {
        let Some(package) = path.strip_suffix("/Cargo.toml") else {
            continue;
        };
        let Some((_, allowed)) = DEPENDENCIES.iter().find(|(name, _)| *name == package) else {
            complaints.push(format!("{package} has no row in tests/tidy.rs"));
            continue;
        };
        let (_, list) = manifest
            .split_once("\n[dependencies]\n")
            .unwrap_or_default();
        let list = list.split("\n[").next().unwrap_or_default();
        let names = list.lines().map(|line| line.split(['.', ' ']).next());
        for name in names.flatten().filter(|name| !allowed.contains(name)) {
            if DEPENDENCIES
                .iter()
                .any(|(package, _)| *package == format!("crates/{name}"))
            {
                complaints.push(format!("{package} must not depend on {name}"));
            }
        }
    }
    complaints
}

fn files_are_short(tree: &Tree) -> Vec<String> {
    tree.sources()
        .map(|(path, text)| {
            let code = text
                .split("#[cfg(test)]\nmod tests")
                .next()
                .unwrap_or_default();
            (path, code.lines().count())
        })
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines, of {MAX_LINES} that a file may have"))
        .collect()
}

fn modules_are_introduced(tree: &Tree) -> Vec<String> {
    tree.sources()
        .filter(|(path, _)| path.ends_with("/mod.rs") || path.ends_with("/lib.rs"))
        .filter(|(_, text)| head_comment(text).split_whitespace().count() < 5)
        .map(|(path, _)| format!("{path}: no head comment says what this is for"))
        .collect()
}

fn head_comment(text: &str) -> String {
    text.lines()
        .map_while(|line| line.strip_prefix("//!"))
        .collect()
}

fn nothing_forbidden(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.under("").filter(|(path, _)| !is_generated(path)) {
        for (number, line) in text.lines().enumerate() {
            for (mark, what) in FORBIDDEN.iter().filter(|(mark, _)| line.contains(mark)) {
                complaints.push(format!("{path}:{}: {mark} is {what}", number + 1));
            }
        }
    }
    complaints
}

fn words_are_those_of_the_glossary(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    let is_prose = |path: &str| {
        (path.ends_with(".rs") || path.ends_with(".md"))
            && !is_generated(path)
            && !["CHANGELOG.md", "CONTRIBUTING.md", "tests/tidy.rs"].contains(&path)
    };
    for (path, text) in tree.under("").filter(|(path, _)| is_prose(path)) {
        for (number, line) in text.lines().enumerate() {
            let line = line.to_lowercase();
            for (word, better) in DROPPED.iter().filter(|(word, _)| has_word(&line, word)) {
                complaints.push(format!("{path}:{}: not {word:?}: {better}", number + 1));
            }
        }
    }
    complaints
}

fn has_word(line: &str, word: &str) -> bool {
    let is_apart = |letter: Option<char>| letter.is_none_or(|letter| !is_of_a_name(letter));
    line.match_indices(word).any(|(start, _)| {
        is_apart(line[..start].chars().next_back())
            && is_apart(line[start + word.len()..].chars().next())
    })
}

fn required_files(tree: &Tree) -> Vec<String> {
    REQUIRED
        .iter()
        .filter(|path| tree.0.get(**path).is_none_or(|text| text.trim().is_empty()))
        .map(|path| format!("{path} is missing"))
        .collect()
}

/// An example that nothing applies is an example that will stop working.
fn examples_are_used(tree: &Tree) -> Vec<String> {
    let folders = ["tests/", "crates/", "scripts/"].into_iter();
    let users: Vec<&str> = folders
        .flat_map(|folder| tree.under(folder))
        .filter(|(path, _)| *path != "tests/tidy.rs")
        .map(|(_, text)| text)
        .collect();
    tree.under("examples/")
        .filter(|(path, _)| {
            // A test that takes a folder takes the folders in it, too.
            !Path::new(path).ancestors().skip(1).any(|folder| {
                let named = format!("{}\"", folder.display());
                folder.parent() > Some(Path::new(""))
                    && users.iter().any(|text| text.contains(&named))
            })
        })
        .map(|(path, _)| format!("{path}: no test and no script names its folder"))
        .collect()
}

/// The walks of `ARCHITECTURE.md` name files, functions, types and operations. A name that is gone misleads.
fn walks_pass_what_exists(tree: &Tree) -> Vec<String> {
    const PAGE: &str = "ARCHITECTURE.md";
    let Some(page) = tree.0.get(PAGE) else {
        return Vec::new();
    };
    let words: BTreeSet<&str> = tree
        .sources()
        .flat_map(|(_, text)| text.split(|letter: char| !is_of_a_name(letter)))
        .collect();
    let exists = |name: &str| {
        if name.ends_with(".rs") {
            let end = format!("/{name}");
            return tree.sources().any(|(path, _)| path.ends_with(&end));
        }
        let last = name.rsplit("::").next().unwrap_or_default();
        words.contains(last)
            || tree
                .sources()
                .any(|(path, _)| path.contains(&format!("/{last}/")))
    };
    page.split("\n## ")
        .filter(|section| section.starts_with("A walk: "))
        .flat_map(|section| section.split('`').skip(1).step_by(2))
        .filter(|name| {
            name.chars()
                .all(|letter| is_of_a_name(letter) || [':', '/', '.'].contains(&letter))
        })
        // Codes of the API have a dot, too.
        .filter(|name| !name.contains('.') || name.ends_with(".rs"))
        .filter(|name| !exists(name))
        .map(|name| format!("{PAGE}: a walk passes {name}, which does not exist"))
        .collect()
}

/// `RELIABILITY.md` names the tests that hold a promise, each of them a sentence. A name that is gone proves nothing.
fn promises_name_tests(tree: &Tree) -> Vec<String> {
    const PAGE: &str = "RELIABILITY.md";
    let page = tree.0.get(PAGE).map_or("", String::as_str);
    let exists = |name: &str| {
        let test = format!("fn {name}(");
        tree.0.values().any(|text| text.contains(&test))
    };
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.matches('_').count() > 2 && name.chars().all(is_of_a_name))
        .filter(|name| !exists(name))
        .map(|name| format!("{PAGE}: there is no test {name}"))
        .collect()
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// People and workflows call `make`: each target that a page or a workflow names is in the Makefile.
fn make_targets_exist(tree: &Tree) -> Vec<String> {
    let makefile = tree.0.get("Makefile").map_or("", String::as_str);
    tree.0
        .iter()
        .filter(|(path, _)| {
            path.ends_with(".md") || path.starts_with(".github/") || path.starts_with(".ci/")
        })
        .flat_map(|(path, text)| {
            text.lines()
                .flat_map(make_targets)
                .map(move |target| (path, target))
        })
        .filter(|(_, target)| !makefile.contains(&format!("\n{target}:")))
        .map(|(path, target)| format!("{path}: there is no target {target} in the Makefile"))
        .collect()
}

/// The targets that a line calls: at its start, after `run:`, or as code in prose.
fn make_targets(line: &str) -> Vec<&str> {
    let line = line.trim_start_matches([' ', '-']);
    let line = line.strip_prefix("run: ").unwrap_or(line);
    let at_start = line.strip_prefix("make ").into_iter();
    at_start
        .chain(line.split("`make ").skip(1))
        .filter_map(|rest| {
            rest.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-')
                .next()
        })
        .filter(|target| !target.is_empty())
        .collect()
}

mod each_rule_sees_what_breaks_it {
    use super::*;

    const NONE: [String; 0] = [];

    fn tree(files: &[(&str, &str)]) -> Tree {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Tree(files.iter().map(owned).collect())
    }

    #[track_caller]
    fn complains(rule: fn(&Tree) -> Vec<String>, path: &str, text: &str, complaint: &str) {
        let complaints = rule(&tree(&[(path, text)]));
        assert!(
            matches!(complaints.as_slice(), [only] if only.contains(complaint)),
            "{complaint:?} was expected for {text:?}, not {complaints:?}"
        );
    }

    #[track_caller]
    fn accepts(rule: fn(&Tree) -> Vec<String>, path: &str, text: &str) {
        assert_eq!(rule(&tree(&[(path, text)])), NONE, "for {text:?}");
    }

    #[test]
    fn a_dropped_word_is_seen() {
        let rule = words_are_those_of_the_glossary;
        complains(rule, "src/lib.rs", "// A Licence.", "license");
        complains(rule, "docs/index.md", "read it anew", "again");
        accepts(rule, "src/lib.rs", "// What licences_are.");
        accepts(rule, "CONTRIBUTING.md", "not \"any more\"");
    }

    #[test]
    fn a_dependency_that_points_back_is_seen() {
        let manifest = |dependency: &str| {
            format!(
                "[package]\nname = \"x\"\n\n[dependencies]\nserde.workspace = true\n{dependency}.workspace = true\n\n[dev-dependencies]\nalicloud-live-mock.workspace = true\n"
            )
        };
        let rule = dependencies_point_down;
        let path = "crates/alicloud-auth/Cargo.toml";
        for backwards in ["alicloud-live", "alicloud-live-mock", "tfplugin"] {
            let complaint = format!("crates/alicloud-auth must not depend on {backwards}");
            complains(rule, path, &manifest(backwards), &complaint);
        }
        accepts(rule, path, &manifest("tokio"));
        let path = "crates/alicloud-live/Cargo.toml";
        accepts(rule, path, &manifest("alicloud-auth"));
        let path = "crates/cellar/Cargo.toml";
        complains(rule, path, "", "crates/cellar has no row");
    }

    #[test]
    fn a_long_file_is_seen() {
        let code = "fn f() {}\n".repeat(MAX_LINES);
        let tests = "#[cfg(test)]\nmod tests {}\n".repeat(9);
        accepts(files_are_short, "src/f.rs", &format!("{code}{tests}"));
        let longer = format!("{code}//\n{tests}");
        complains(files_are_short, "crates/a/src/f.rs", &longer, "401 lines");
        accepts(files_are_short, "crates/a/src/generated/f.rs", &longer);
        accepts(files_are_short, "tests/f.rs", &longer);
    }

    #[test]
    fn a_module_without_a_word_about_itself_is_seen() {
        let no_head = "// What this module is for stands here.\nmod a;";
        for text in ["", "//! client", no_head] {
            for path in ["src/client/mod.rs", "crates/client/src/lib.rs"] {
                complains(modules_are_introduced, path, text, "no head comment");
            }
        }
        let head = "//! The API, one typed function per operation.";
        accepts(modules_are_introduced, "src/client/mod.rs", head);
    }

    #[test]
    fn each_forbidden_mark_is_seen_with_its_line() {
        for (mark, what) in FORBIDDEN {
            let text = format!("first line\nand {mark} here");
            let complaints = nothing_forbidden(&tree(&[("README.md", &text)]));
            let expected = format!("README.md:2: {mark} is {what}");
            assert!(
                complaints.contains(&expected),
                "{expected:?} is not in {complaints:?}"
            );
        }
    }

    #[test]
    fn a_missing_or_empty_file_is_seen() {
        let all: Vec<(&str, &str)> = REQUIRED.iter().map(|path| (*path, "text")).collect();
        assert_eq!(required_files(&tree(&all)), NONE);
        for (position, (path, _)) in all.iter().enumerate() {
            let complaint = [format!("{path} is missing")];
            let mut broken = all.clone();
            broken[position].1 = "\n";
            assert_eq!(required_files(&tree(&broken)), complaint);
            broken.remove(position);
            assert_eq!(required_files(&tree(&broken)), complaint);
        }
    }

    #[test]
    fn an_example_that_nothing_applies_is_seen() {
        let example = ("examples/quickstart/main.tf", "");
        let complaint = "examples/quickstart/main.tf: no test and no script names its folder";
        assert_eq!(examples_are_used(&tree(&[example])), [complaint]);
        let user = ("scripts/demo", "copy(\"examples/quickstart\")");
        assert_eq!(examples_are_used(&tree(&[example, user])), NONE);
    }

    #[test]
    fn a_walk_over_what_is_gone_is_seen() {
        let page = "# It\n\n## A walk: here\n\n`client/gone.rs`, `LiveClient::went`, `LiveClient::goes`, `client/is.rs`";
        let source = ("src/client/is.rs", "impl LiveClient { fn goes() {} }");
        assert_eq!(
            walks_pass_what_exists(&tree(&[("ARCHITECTURE.md", page), source])),
            [
                "ARCHITECTURE.md: a walk passes client/gone.rs, which does not exist",
                "ARCHITECTURE.md: a walk passes LiveClient::went, which does not exist",
            ]
        );
    }

    #[test]
    fn a_promise_whose_test_is_gone_is_seen() {
        let page = (
            "RELIABILITY.md",
            "`a_job_is_found_again`, `STRESS_SEED`, `a/moves`",
        );
        let complaint = "RELIABILITY.md: there is no test a_job_is_found_again";
        assert_eq!(promises_name_tests(&tree(&[page])), [complaint]);
        let test = ("tests/a.rs", "async fn a_job_is_found_again() {}");
        assert_eq!(promises_name_tests(&tree(&[page, test])), NONE);
    }

    #[test]
    fn a_make_target_that_is_not_there_is_seen() {
        let makefile = ("Makefile", "\ntest: ## Run every test.\n");
        let text = "Run `make test`, then\nmake demo # now\nor make peace";
        let readme = ("README.md", text);
        let text = "      - run: make dist TARGET=a";
        let workflow = (".github/workflows/ci.yml", text);
        assert_eq!(
            make_targets_exist(&tree(&[makefile, readme, workflow])),
            [
                ".github/workflows/ci.yml: there is no target dist in the Makefile",
                "README.md: there is no target demo in the Makefile",
            ]
        );
    }
}
