//! Environments as they occur in practice. Each directory of `tests/cases/environment` is one: variables and files, and
//! the expected credentials or error. `sdks.json` contains what the official SDKs find there (`make sdkanswers` records it);
//! the case says which of them agree with us, and if not both do, why.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use alicloud_auth::credentials::{CredentialsConfig, select_source};
use alicloud_auth::environment::{Environment, Proxies};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::case::{home_of, system};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    expect: Expectation,
    /// Who finds the same.
    r#as: String,
    /// Why the others find something else.
    because: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expectation {
    Found(Found),
    /// No source is selected; the error contains these strings.
    Invalid {
        invalid: Vec<String>,
    },
    /// The selected source returns no credentials; the error contains these strings.
    Fails {
        fails: Vec<String>,
    },
}

#[derive(Deserialize, Serialize, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
struct Found {
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
}

/// What the SDKs find: credentials, or an error with any text.
#[derive(Deserialize)]
struct OfSdks {
    go: Value,
    python: Value,
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/environment")
}

async fn found(case: &Case, directory: &Path) -> Result<Found, String> {
    let home = home_of(directory, "");
    let system = system(case.environment.clone(), home.path());
    let selected = select_source(&CredentialsConfig::default(), &system).await;
    let selected = selected.map_err(|error| format!("invalid: {error}"))?;
    let loaded = selected.source.load().await;
    let loaded = loaded.map_err(|error| format!("fails: {error}"))?;
    let credentials = loaded.credentials;
    let token = credentials.security_token.as_ref();
    Ok(Found {
        access_key_id: credentials.access_key_id.clone(),
        access_key_secret: credentials.access_key_secret.expose_secret().to_owned(),
        security_token: token.map_or_else(String::new, |token| token.expose_secret().to_owned()),
    })
}

/// Returns what is wrong with a case.
async fn fault(directory: &Path) -> Option<String> {
    let text = fs::read_to_string(directory.join("case.json")).unwrap();
    let case: Case = serde_json::from_str(&text).unwrap();
    let text = fs::read_to_string(directory.join("sdks.json")).unwrap();
    let sdks: OfSdks = serde_json::from_str(&text).unwrap();
    let found = found(&case, directory).await;
    let contains_all =
        |error: &str, parts: &[String]| parts.iter().all(|part| error.contains(part));
    let is_as_expected = match (&case.expect, &found) {
        (Expectation::Found(expected), Ok(found)) => expected == found,
        (Expectation::Invalid { invalid }, Err(error)) => {
            error.starts_with("invalid: ") && contains_all(error, invalid)
        }
        (Expectation::Fails { fails }, Err(error)) => {
            error.starts_with("fails: ") && contains_all(error, fails)
        }
        _ => false,
    };
    if !is_as_expected {
        return Some(format!("found {found:?}"));
    }
    if found.as_ref().is_err_and(|error| error.contains("hunter")) {
        return Some("the error contains a secret".to_owned());
    }
    let agrees = |sdk: &Value| match &case.expect {
        Expectation::Found(expected) => *sdk == json!(expected),
        Expectation::Invalid { .. } | Expectation::Fails { .. } => *sdk == json!({"error": true}),
    };
    let expected = match case.r#as.as_str() {
        "Go and Python SDK" => (true, true),
        "Go SDK" => (true, false),
        "Python SDK" => (false, true),
        "official provider" | "ours" => (false, false),
        other => return Some(format!("{other:?} is nobody")),
    };
    if (agrees(&sdks.go), agrees(&sdks.python)) != expected {
        let OfSdks { go, python } = sdks;
        return Some(format!("{:?}, but go {go}, python {python}", case.r#as));
    }
    let is_explained = case.because.is_some() == (expected != (true, true));
    (!is_explained).then(|| "only differences need an explanation, and each does".to_owned())
}

#[tokio::test]
async fn credentials_are_found_where_and_as_the_sdks_find_them() {
    let mut directories: Vec<_> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    directories.sort();
    assert!(directories.len() > 50, "{}", directories.len());
    let mut faults = Vec::new();
    for directory in directories {
        if let Some(fault) = fault(&directory).await {
            faults.push(format!("{}: {fault}", directory.display()));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    environment: BTreeMap<String, String>,
    /// By URL.
    chosen: BTreeMap<String, Value>,
}

#[test]
fn proxies_are_selected_as_in_go() {
    let path = cases().parent().unwrap().join("proxies.json");
    let rows: Vec<Row> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut compared = 0;
    let mut faults = Vec::new();
    for row in rows {
        let environment = Environment::from_iter(row.environment.clone());
        let proxies = Proxies::from_environment(&environment).unwrap();
        for (url, expected) in row.chosen {
            let proxy = proxies.for_url(&url.parse().unwrap());
            let proxy = proxy.map(|proxy| proxy.as_str().trim_end_matches('/'));
            compared += 1;
            if proxy != expected.as_str() {
                let variables = &row.environment;
                faults.push(format!("{variables:?} {url}: {proxy:?}, Go: {expected}"));
            }
        }
    }
    assert!(compared > 40, "{compared}");
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
