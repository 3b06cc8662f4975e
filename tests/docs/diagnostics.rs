//! The guide on troubleshooting names every diagnostic of the provider and every code that it has advice for, and none
//! that does not exist.

use std::collections::BTreeSet;
use std::fs;

use proc_macro2::{TokenStream, TokenTree};

use super::{files_under, top};

const GUIDE: &str = "docs/guides/troubleshooting.md";

/// Folders in which diagnostics are made.
const FOLDERS: &[&str] = &["src", "crates/tfplugin/src"];
/// Files in which codes of the API are told apart.
const CODES: &[&str] = &[
    "crates/alicloud-live/src/error_codes.rs",
    "src/shared/call_error.rs",
];

#[test]
fn every_diagnostic_is_in_the_guide_on_troubleshooting() {
    let summaries: BTreeSet<String> = texts().filter(|literal| is_summary(literal)).collect();
    assert!(summaries.contains("Job may have been created"));
    assert_eq!(missing(&summaries), [] as [&str; 0]);
}

#[test]
fn every_code_with_advice_is_in_the_guide_on_troubleshooting() {
    let codes: BTreeSet<String> = CODES
        .iter()
        .flat_map(|path| {
            literals(&without_parameters(
                &fs::read_to_string(top().join(path)).unwrap(),
            ))
        })
        .filter(|literal| is_code(literal))
        .collect();
    assert!(codes.contains("UserQuotaExceed"));
    assert_eq!(missing(&codes), [] as [&str; 0]);
}

#[test]
fn the_guide_on_troubleshooting_names_no_diagnostic_that_does_not_exist() {
    let guide = fs::read_to_string(top().join(GUIDE)).unwrap();
    let known: BTreeSet<String> = texts().collect();
    let (_, by_message) = guide.split_once("## By the message").unwrap();
    let invented: Vec<&str> = by_message
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line[2..].split(" | ").next().unwrap().split('`'))
        .filter(|name| name.starts_with(|first: char| first.is_uppercase()))
        .filter(|name| !known.contains(*name))
        .collect();
    assert_eq!(invented, [] as [&str; 0]);
}

/// Every text in the code that makes diagnostics.
fn texts() -> impl Iterator<Item = String> {
    FOLDERS
        .iter()
        .flat_map(|folder| files_under(&top().join(folder)))
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|(path, _)| {
            !path
                .components()
                .any(|part| part.as_os_str() == "generated")
        })
        .flat_map(|(_, text)| literals(&text))
}

fn missing(names: &BTreeSet<String>) -> Vec<&str> {
    let guide = fs::read_to_string(top().join(GUIDE)).unwrap();
    names
        .iter()
        .map(String::as_str)
        .filter(|name| !guide.contains(&format!("`{name}`")))
        .collect()
}

/// A summary is a few words without a full stop. Functions have such a summary too, and begin it with a verb; reasons
/// begin with "It", and where a value comes from with "Argument".
fn is_summary(text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    text.contains(' ')
        && text.chars().count() <= 70
        && first.starts_with(|first: char| first.is_uppercase())
        && !text.contains(['.', ':', '`', '\\', '{'])
        && !["It", "Its", "Argument", "Builds", "Signs", "Parses"].contains(&first)
}

/// Without the parameters that codes such as `InvalidParameter` name: those are parts of codes.
fn without_parameters(code: &str) -> String {
    let Some((before, list)) = code.split_once("const CHECKED_BEFORE_WORK") else {
        return code.to_owned();
    };
    let (_, after) = list.split_once("];").unwrap();
    format!("{before}{after}")
}

/// Such as `JobNotFound` or `Throttling.User`; a prefix such as `Invalid` is none.
fn is_code(text: &str) -> bool {
    let capitals = text.chars().filter(char::is_ascii_uppercase).count();
    capitals > 1
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphabetic() || letter == '.')
}

/// All string literals of a source file but those in tests.
fn literals(text: &str) -> Vec<String> {
    let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((text, ""));
    let mut found = Vec::new();
    collect(code.parse().unwrap(), &mut found);
    found
}

fn collect(stream: TokenStream, found: &mut Vec<String>) {
    let mut in_attribute = false;
    for token in stream {
        match token {
            // Documentation and lint reasons are literals of attributes.
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                in_attribute = true;
                continue;
            }
            TokenTree::Punct(punct) if punct.as_char() == '!' && in_attribute => continue,
            TokenTree::Group(group) if !in_attribute => collect(group.stream(), found),
            TokenTree::Literal(literal) => {
                let literal = literal.to_string();
                if let Some(text) = literal
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                {
                    found.push(text.to_owned());
                }
            }
            _ => {}
        }
        in_attribute = false;
    }
}
