//! Guards what the compiler does not: the arrows between the rooms, and that nothing unfinished or private to one
//! machine is in the tree. `ARCHITECTURE.md` says why the arrows point as they do.
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

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Which rooms each room may name. `main` and `bin` compose, nobody else does.
const ARROWS: &[(&str, &[&str])] = &[
    ("bin", &["mock", "signals"]),
    ("client", &["credentials", "environment", "signing"]),
    ("credentials", &["environment", "signing"]),
    ("environment", &[]),
    ("main", &["environment", "plugin", "provider"]),
    ("mock", &[]),
    ("plugin", &["signals", "terraform"]),
    (
        "provider",
        &["client", "credentials", "environment", "terraform"],
    ),
    ("signals", &[]),
    ("signing", &[]),
    ("terraform", &[]),
];

/// Crates that only these rooms may name, because the crate's types would carry the room's concern elsewhere.
const CONFINED: &[(&str, &[&str])] = &[
    ("axum", &["mock"]),
    ("clap", &["bin"]),
    ("p521", &["plugin"]),
    ("prost", &["plugin"]),
    ("rcgen", &["plugin"]),
    // The mock sends in one mode only: recording what a real endpoint says.
    ("reqwest", &["client", "credentials", "mock"]),
    ("tf_provider", &["terraform"]),
    ("tokio_rustls", &["plugin"]),
    ("tonic", &["plugin"]),
    ("tonic_prost", &["plugin"]),
];

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
                let name = path
                    .strip_prefix(top)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                if [".git", ".tools", "dist", "target"].contains(&name.as_str()) {
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
        self.0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .filter(move |(path, _)| path.starts_with(folder))
    }

    /// The product's own Rust files: no tests, no generated code.
    fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.under("src/").filter(|(path, _)| {
            path.ends_with(".rs") && !path.ends_with("tests.rs") && !is_generated(path)
        })
    }
}

fn is_generated(path: &str) -> bool {
    path.contains("/generated/") || path.ends_with(".proto")
}

fn complaints(tree: &Tree) -> Vec<String> {
    let rules = [
        arrows,
        confined_crates,
        generated_code_stays_home,
        rooms_are_introduced,
        nothing_forbidden,
        required_files,
        examples_are_used,
        walks_pass_what_exists,
        make_targets_exist,
    ];
    rules.iter().flat_map(|rule| rule(tree)).collect()
}

fn arrows(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.sources().filter(|(path, _)| *path != "src/lib.rs") {
        let room = room(path);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            complaints.push(format!(
                "{path}: the room {room} has no row in tests/tidy.rs"
            ));
            continue;
        };
        for named in rooms_named(path, &Code::read(path, text)) {
            let is_room = ARROWS.iter().any(|(name, _)| *name == named);
            if is_room && named != room && !allowed.contains(&named.as_str()) {
                complaints.push(format!("{path}: {room} must not know {named}"));
            }
        }
    }
    complaints
}

fn confined_crates(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.sources() {
        let code = Code::read(path, text);
        for (name, rooms) in CONFINED {
            if code.names_crate(name) && !rooms.contains(&room(path)) {
                complaints.push(format!(
                    "{path}: only {} may name {name}",
                    rooms.join(" and ")
                ));
            }
        }
    }
    complaints
}

fn generated_code_stays_home(tree: &Tree) -> Vec<String> {
    tree.sources()
        .filter(|(path, _)| room(path) != "plugin")
        .filter(|(path, text)| Code::read(path, text).names_path(&["plugin", "generated"]))
        .map(|(path, _)| format!("{path}: only plugin may name the generated protocol code"))
        .collect()
}

fn rooms_are_introduced(tree: &Tree) -> Vec<String> {
    tree.under("src/")
        .filter(|(path, _)| path.ends_with("/mod.rs") && !is_generated(path))
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

fn required_files(tree: &Tree) -> Vec<String> {
    REQUIRED
        .iter()
        .filter(|path| tree.0.get(**path).is_none_or(|text| text.trim().is_empty()))
        .map(|path| format!("{path} is missing"))
        .collect()
}

/// An example that nothing applies is an example that will stop working.
fn examples_are_used(tree: &Tree) -> Vec<String> {
    let users: Vec<&str> = tree
        .under("tests/")
        .chain(tree.under("scripts/"))
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
    let words: BTreeSet<&str> = ["src/", "proto/"]
        .iter()
        .flat_map(|folder| tree.under(folder))
        .flat_map(|(_, text)| text.split(|letter: char| !is_of_a_name(letter)))
        .collect();
    let exists = |name: &str| {
        if name.ends_with(".rs") {
            let end = format!("/{name}");
            return tree.under("src/").any(|(path, _)| path.ends_with(&end));
        }
        let last = name.rsplit("::").next().unwrap_or_default();
        words.contains(last)
            || tree
                .under("src/")
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

/// The room that a source file belongs to: the first folder, or the file itself at the top.
fn room(path: &str) -> &str {
    let inside = path.trim_start_matches("src/");
    inside.split('/').next().unwrap().trim_end_matches(".rs")
}

/// How many `super` lead from the file's module to the top of the crate.
fn depth(path: &str) -> usize {
    let steps = path.trim_start_matches("src/").split('/').count();
    if path.ends_with("/mod.rs") {
        steps - 1
    } else {
        steps
    }
}

/// The modules at the top of the crate that the code names, by `crate::`, `super::` or the crate's own name.
fn rooms_named(path: &str, code: &Code) -> Vec<String> {
    let mut named = Vec::new();
    for tokens in code.sequences() {
        for start in 0..tokens.len() {
            if start >= 1 && tokens[start - 1].is("::") {
                continue;
            }
            let supers = tokens[start..]
                .chunks(2)
                .take_while(|step| step.len() == 2 && step[0].is("super") && step[1].is("::"))
                .count();
            let from_top = ["crate", "alicloud_live"]
                .iter()
                .any(|top| tokens[start].is(top))
                && tokens.get(start + 1).is_some_and(|next| next.is("::"));
            let next = if from_top {
                start + 2
            } else if supers == depth(path) {
                start + 2 * supers
            } else {
                continue;
            };
            match tokens.get(next) {
                Some(Token::Word(room)) => named.push(room.clone()),
                Some(Token::Braces(choices)) => named.extend(first_words(choices)),
                _ => {}
            }
        }
    }
    named
}

/// `a` and `b` of `{a::c, b}`.
fn first_words(choices: &[Token]) -> impl Iterator<Item = String> {
    choices
        .split(|token| token.is(","))
        .filter_map(|choice| match choice.first() {
            Some(Token::Word(word)) => Some(word.clone()),
            _ => None,
        })
}

/// What the compiler would see of a file, without comments, texts and test modules.
struct Code(Vec<Token>);

enum Token {
    /// An identifier or a keyword.
    Word(String),
    /// `::` or any single sign.
    Sign(String),
    Braces(Vec<Token>),
    /// Tokens between other brackets, or between none.
    Others(Vec<Token>),
}

impl Token {
    fn is(&self, text: &str) -> bool {
        matches!(self, Self::Word(word) | Self::Sign(word) if word == text)
    }
}

impl Code {
    fn read(path: &str, text: &str) -> Self {
        let stream: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{path} is no Rust: {error}"));
        Self(tokens(stream))
    }

    /// The tokens of the file and of every group in it, each as a sequence of its own.
    fn sequences(&self) -> Vec<&[Token]> {
        let mut sequences = vec![self.0.as_slice()];
        let mut next = 0;
        while let Some(sequence) = sequences.get(next).copied() {
            for token in sequence {
                if let Token::Braces(inner) | Token::Others(inner) = token {
                    sequences.push(inner);
                }
            }
            next += 1;
        }
        sequences
    }

    /// Whether a path begins with this crate's name, or a `use` brings the crate in by itself.
    fn names_crate(&self, name: &str) -> bool {
        self.sequences().iter().any(|tokens| {
            (0..tokens.len()).any(|at| {
                let starts_path = tokens.get(at + 1).is_some_and(|next| next.is("::"));
                let used = at >= 1 && tokens[at - 1].is("use");
                let inside_path = at >= 1 && tokens[at - 1].is("::");
                tokens[at].is(name) && (starts_path || used) && !inside_path
            })
        })
    }

    fn names_path(&self, path: &[&str]) -> bool {
        self.sequences().iter().any(|tokens| {
            let words: Vec<&Token> = tokens.iter().filter(|token| !token.is("::")).collect();
            words
                .windows(path.len())
                .any(|window| window.iter().zip(path).all(|(token, name)| token.is(name)))
        })
    }
}

fn tokens(stream: TokenStream) -> Vec<Token> {
    let mut trees = stream.into_iter().peekable();
    let mut tokens = Vec::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                let Some(TokenTree::Group(attribute)) = trees.peek() else {
                    continue;
                };
                if is_test_attribute(attribute) {
                    // The item that the attribute stands before: up to its body or its semicolon.
                    trees.find(|tree| match tree {
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        TokenTree::Punct(sign) => sign.as_char() == ';',
                        _ => false,
                    });
                }
            }
            TokenTree::Punct(sign) if sign.as_char() == ':' => {
                let doubled =
                    matches!(trees.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                if doubled {
                    trees.next();
                }
                tokens.push(Token::Sign(if doubled { "::" } else { ":" }.to_owned()));
            }
            TokenTree::Punct(sign) => tokens.push(Token::Sign(sign.as_char().to_string())),
            TokenTree::Ident(word) => tokens.push(Token::Word(word.to_string())),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                tokens.push(Token::Braces(self::tokens(group.stream())));
            }
            TokenTree::Group(group) => tokens.push(Token::Others(self::tokens(group.stream()))),
            TokenTree::Literal(_) => {}
        }
    }
    tokens
}

fn is_test_attribute(attribute: &Group) -> bool {
    attribute.stream().to_string().replace(' ', "") == "cfg(test)"
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
    fn an_arrow_that_points_back_is_seen_however_it_is_written() {
        for text in [
            "use crate::provider::Provider;",
            "use crate::{provider, terraform::Encoded};",
            "fn f() -> crate::provider::Thing { crate::terraform::x() }",
            "fn f() { format!(\"{}\", crate::provider::NAME) }",
            "fn f() { if x { y(crate::provider::NAME) } }",
            "use super::super::provider::Provider;",
            "use super::super::{provider::Provider};",
            "use alicloud_live::provider::Provider;",
        ] {
            complains(
                arrows,
                "src/plugin/serve.rs",
                text,
                "plugin must not know provider",
            );
        }
        complains(
            arrows,
            "src/plugin/mod.rs",
            "use super::provider::X;",
            "plugin must not know provider",
        );
        complains(
            arrows,
            "src/plugin/a/b.rs",
            "use super::super::super::mock::X;",
            "plugin must not know mock",
        );
        complains(
            arrows,
            "src/environment.rs",
            "use super::mock::X;",
            "environment must not know mock",
        );
        complains(
            arrows,
            "src/signing/mod.rs",
            "use crate::credentials::X;",
            "signing must not know credentials",
        );
        complains(
            arrows,
            "src/mock/verify.rs",
            "use crate::signing::X;",
            "mock must not know signing",
        );
        complains(
            arrows,
            "src/bin/x.rs",
            "use alicloud_live::client::X;",
            "bin must not know client",
        );
        complains(
            arrows,
            "src/cellar/mod.rs",
            "",
            "the room cellar has no row",
        );
    }

    #[test]
    fn an_arrow_that_points_down_is_fine_and_tests_may_name_everything() {
        accepts(
            arrows,
            "src/plugin/serve.rs",
            "use crate::terraform::{Encoded, resource::provider};",
        );
        accepts(
            arrows,
            "src/plugin/serve.rs",
            "use super::provider::X; use crate::plugin::log;",
        );
        accepts(
            arrows,
            "src/plugin/serve.rs",
            "// crate::provider\nconst X: &str = \"crate::provider::X\";",
        );
        accepts(
            arrows,
            "src/plugin/serve.rs",
            "#[cfg(test)] mod tests { use crate::provider::X; }",
        );
        accepts(
            arrows,
            "src/plugin/serve_tests.rs",
            "use crate::provider::X;",
        );
        complains(
            arrows,
            "src/plugin/serve.rs",
            "#[cfg(test)] mod tests; use crate::provider::X;",
            "plugin must not know provider",
        );
    }

    #[test]
    fn a_crate_outside_its_room_is_seen() {
        for text in [
            "use tonic::Status;",
            "fn f(x: tonic::Status) {}",
            "use tonic;",
        ] {
            complains(
                confined_crates,
                "src/provider/mod.rs",
                text,
                "only plugin may name tonic",
            );
            accepts(confined_crates, "src/plugin/mod.rs", text);
        }
        accepts(
            confined_crates,
            "src/provider/mod.rs",
            "/// Not [`tonic::Status`].\nfn tonic() {}",
        );
    }

    #[test]
    fn generated_code_outside_the_plugin_is_seen() {
        let text = "use alicloud_live::plugin::generated::Schema;";
        complains(
            generated_code_stays_home,
            "src/main.rs",
            text,
            "only plugin",
        );
        accepts(
            generated_code_stays_home,
            "src/plugin/serve.rs",
            "use crate::plugin::generated::Schema;",
        );
    }

    #[test]
    fn a_room_without_a_word_about_itself_is_seen() {
        for text in [
            "",
            "//! client",
            "// What this room is for stands here.\nmod a;",
        ] {
            complains(
                rooms_are_introduced,
                "src/client/mod.rs",
                text,
                "no head comment",
            );
        }
        accepts(
            rooms_are_introduced,
            "src/client/mod.rs",
            "//! The API, one typed function per operation.",
        );
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
            let mut broken = all.clone();
            broken[position].1 = "\n";
            assert_eq!(
                required_files(&tree(&broken)),
                [format!("{path} is missing")]
            );
            broken.remove(position);
            assert_eq!(
                required_files(&tree(&broken)),
                [format!("{path} is missing")]
            );
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
    fn a_make_target_that_is_not_there_is_seen() {
        let makefile = ("Makefile", "\ntest: ## Run every test.\n");
        let readme = (
            "README.md",
            "Run `make test`, then\nmake demo # now\nor make peace",
        );
        let workflow = (
            ".github/workflows/ci.yml",
            "      - run: make dist TARGET=a",
        );
        assert_eq!(
            make_targets_exist(&tree(&[makefile, readme, workflow])),
            [
                ".github/workflows/ci.yml: there is no target dist in the Makefile",
                "README.md: there is no target demo in the Makefile",
            ]
        );
    }
}
