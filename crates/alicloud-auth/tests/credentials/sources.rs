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
    let mut failed = Vec::new();
    for name in names {
        // A task of its own, so that a failed case does not end the others.
        let case = name.clone();
        if tokio::spawn(async move { check(&case).await })
            .await
            .is_err()
        {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
