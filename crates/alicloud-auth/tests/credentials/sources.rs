//! Each directory of `tests/cases/credentials` is a case: arguments, environment and files, and the expected source or
//! error.

use std::fs;

use crate::case::{DIRECTORY, check};

#[tokio::test]
async fn every_case_ends_as_expected() {
    let directories = fs::read_dir(DIRECTORY).unwrap();
    let mut names: Vec<_> = directories
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 80, "{}", names.len());
    // Each in a task of its own: a failed case does not end the others, and their pauses between attempts overlap.
    let running: Vec<_> = names
        .into_iter()
        .map(|name| {
            let case = name.clone();
            (name, tokio::spawn(async move { check(&case).await }))
        })
        .collect();
    let mut failed = Vec::new();
    for (name, case) in running {
        if case.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
