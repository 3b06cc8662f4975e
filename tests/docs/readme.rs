//! What is said twice is said alike: README.zh-CN.md keeps in step with README.md, the figures of README.md with those that
//! were measured, and links lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex_lite::Regex;

use super::{files_under, top};

const ENGLISH: &str = "README.md";
const CHINESE: &str = "README.zh-CN.md";

fn text(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap()
}

fn both() -> [String; 2] {
    [ENGLISH, CHINESE].map(text)
}

#[test]
fn both_readmes_have_the_same_headings() {
    let [english, chinese] = both().map(|readme| {
        let headings = headings(&readme);
        let level = |heading: &&str| heading.chars().take_while(|&sign| sign == '#').count();
        headings.iter().map(level).collect::<Vec<_>>()
    });
    assert!(english.len() > 5);
    assert_eq!(english, chinese);
}

#[test]
fn both_readmes_have_the_same_commands_and_configuration() {
    let [english, chinese] = both().map(|readme| {
        let blocks: Vec<_> = ["sh", "hcl"]
            .iter()
            .flat_map(|language| blocks(&readme, language))
            .collect();
        blocks
    });
    assert!(english.len() > 5);
    assert_eq!(english, chinese);
}

#[test]
fn both_readmes_have_the_same_figures() {
    let [english, chinese] = both().map(|readme| {
        let rows: Vec<_> = figures(&readme).map(numbers).collect();
        rows
    });
    assert!(english.len() > 4);
    assert_eq!(english, chinese);
}

#[test]
fn the_figures_of_the_readme_were_measured() {
    let measured = text("BENCHMARKS.md") + &text("RELIABILITY.md");
    for row in figures(&text(ENGLISH)) {
        for number in numbers(row) {
            // Counts of jobs and calls too stand there.
            let found = Regex::new(&format!(
                r"(^|[^\d.,]){}([^\d]|$)",
                number.replace('.', r"\.")
            ));
            assert!(found.unwrap().is_match(&measured), "{number}: {row}");
        }
    }
}

#[test]
fn links_lead_somewhere() {
    let mut pages = vec![
        top().join(ENGLISH),
        top().join(CHINESE),
        top().join("RELIABILITY.md"),
        top().join("CONTRIBUTING.md"),
        top().join("SECURITY.md"),
    ];
    pages.extend(
        files_under(&top().join("docs/guides"))
            .into_iter()
            .map(|(path, _)| path),
    );
    pages.push(top().join("docs/index.md"));
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut seen = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            seen += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(path)
            };
            assert!(path.exists(), "{}: {target}", page.display());
            assert!(
                anchor.is_empty() || anchors(&path).contains(anchor),
                "{}: {target}",
                page.display()
            );
        }
    }
    assert!(seen > 50);
}

/// The guide on CI shows the files of its example.
#[test]
fn a_script_in_a_guide_is_an_example() {
    let guide = text("docs/guides/ci.md");
    for file in ["needs-approval.txt", "plan.sh"] {
        let example = text(&format!("examples/guides/ci/{file}"));
        assert!(guide.contains(&format!("\n{example}```\n")), "{file}");
    }
}

/// The lines that are headings, and not comments in a block of code.
fn headings(page: &str) -> Vec<&str> {
    let mut is_code = false;
    page.lines()
        .filter(|line| {
            is_code ^= line.trim_start().starts_with("```");
            !is_code && line.starts_with('#')
        })
        .collect()
}

/// The anchors that a page's headings have, as GitHub and the Registry make them.
fn anchors(page: &Path) -> BTreeSet<String> {
    let page = fs::read_to_string(page).unwrap();
    headings(&page)
        .iter()
        .map(|heading| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|sign| sign.is_alphanumeric() || [' ', '-', '_'].contains(sign))
                .map(|sign| if sign == ' ' { '-' } else { sign })
                .collect()
        })
        .collect()
}

/// The blocks of code in one language, without comments: those are translated.
fn blocks(page: &str, language: &str) -> Vec<String> {
    page.split(&format!("```{language}\n"))
        .skip(1)
        .map(|rest| {
            let (block, _) = rest.split_once("```").unwrap();
            let lines = block
                .lines()
                .map(|line| line.split(" # ").next().unwrap().trim_end());
            lines.collect::<Vec<_>>().join("\n")
        })
        .collect()
}

/// The rows of the table of figures, which is the first after its heading.
fn figures(page: &str) -> impl Iterator<Item = &str> {
    let heading = if page.contains("\n### Figures\n") {
        "\n### Figures\n"
    } else {
        "\n### 数据\n"
    };
    let (_, section) = page.split_once(heading).unwrap();
    let (_, table) = section.split_once("|---|---|\n").unwrap();
    table.lines().take_while(|line| line.starts_with('|'))
}

/// The numbers in a row, in whatever order the language has them.
fn numbers(row: &str) -> Vec<String> {
    let number = Regex::new(r"\d[\d,.]*\d|\d").unwrap();
    let mut found: Vec<_> = number
        .find_iter(row)
        .map(|found| found.as_str().to_owned())
        .collect();
    found.sort();
    found
}
