//! Reads and runs one case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use alicloud_auth::credentials::{CredentialsConfig, SystemContext, Warning, select_source};
use alicloud_auth::environment::Environment;
use alicloud_live_mock as mock;
use alicloud_live_mock::Mock;
use serde::Deserialize;
use tempfile::TempDir;

pub(crate) const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/credentials");

/// The secrets in the cases: no message may contain them.
const SECRETS: [&str; 4] = [
    "hunter",
    mock::DEFAULT_ACCESS_KEY_SECRET,
    mock::DEFAULT_OIDC_TOKEN,
    mock::DEFAULT_CLOUD_SSO_TOKEN,
];

/// The file `case.json`. `{mock}` in it, and in the files of `home`, is the mock's URL.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    arguments: CredentialsConfig,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    mock: mock::Behavior,
    expect: Expectation,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expectation {
    /// The source's name contains `source`, and its access key ID begins with `access_key_id`.
    Found {
        source: String,
        access_key_id: String,
        /// `None`: it is not known.
        account_id: Option<String>,
        /// The region of the profile.
        region: Option<String>,
        /// Where the caller identity is looked up.
        sts_endpoint: Option<String>,
        /// What is missing, as the only warning of a missing profile says. `None`: there is no such warning.
        missing: Option<String>,
    },
    /// No source is selected; the error contains these strings and concerns this argument.
    Invalid {
        invalid: Vec<String>,
        argument: Option<String>,
    },
    /// The selected source returns no credentials; the error contains these strings.
    Fails { fails: Vec<String> },
}

/// The context of this machine with this environment and this home directory.
pub(crate) fn system(variables: BTreeMap<String, String>, home: &Path) -> SystemContext {
    let mut system =
        SystemContext::new(Environment::from_iter(variables), "tests".to_owned()).unwrap();
    system.home = Some(home.to_owned());
    system
}

/// Returns a home directory with the files that a case has for it.
pub(crate) fn home_of(case: &Path, mock_url: &str) -> TempDir {
    let home = TempDir::new().unwrap();
    if case.join("home").is_dir() {
        copy(&case.join("home"), home.path(), mock_url);
    }
    home
}

fn copy(from: &Path, to: &Path, mock_url: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to, mock_url);
        } else {
            let text = fs::read_to_string(from).unwrap();
            fs::write(to, text.replace("{mock}", mock_url)).unwrap();
        }
    }
}

pub(crate) async fn check(name: &str) {
    let mock = Mock::start(mock::MockSettings::default()).unwrap();
    let directory = Path::new(DIRECTORY).join(name);
    let text = fs::read_to_string(directory.join("case.json")).unwrap();
    let case: Case = serde_json::from_str(&text.replace("{mock}", &mock.url())).unwrap();
    mock.configure(|behavior| *behavior = case.mock);
    let home = home_of(&directory, &mock.url());
    let sts = ["ALIBABA_CLOUD_ENDPOINT_STS", "STS_ENDPOINT"]
        .iter()
        .find_map(|name| case.environment.get(*name).cloned());
    let config = CredentialsConfig {
        sts_endpoint: sts.as_deref().map(|url| url.parse().unwrap()),
        ..case.arguments
    };
    let system = system(case.environment, home.path());
    let selected = select_source(&config, &system).await;
    match case.expect {
        Expectation::Invalid { invalid, argument } => {
            let error = selected.err().unwrap();
            check_message(&error.to_string(), &invalid);
            assert_eq!(error.argument(), argument.as_deref());
        }
        Expectation::Found {
            source,
            access_key_id,
            account_id,
            region,
            sts_endpoint,
            missing,
        } => {
            let selected = selected.unwrap();
            check_missing(&selected.warnings, missing.as_slice());
            if let Some(region) = region {
                assert_eq!(selected.region.as_ref().unwrap().as_str(), region);
            }
            let (cache, identity) = selected.into_cache(Arc::default());
            check_message(&identity.source_name(), &[source]);
            if let Some(sts) = sts_endpoint.or(sts) {
                assert_eq!(identity.sts_endpoint(), sts);
            }
            let credentials = cache.get().await.unwrap();
            let id = &credentials.access_key_id;
            assert!(id.starts_with(&access_key_id), "{id}");
            assert_eq!(credentials.account_id, account_id);
            assert!(!format!("{credentials:?}").contains("hunter"));
        }
        Expectation::Fails { fails } => {
            let error = selected.unwrap().source.load().await.unwrap_err();
            check_message(&error.to_string(), &fails);
        }
    }
}

fn check_missing(warnings: &[Warning], missing: &[String]) {
    let warned = warnings.iter().filter_map(|warning| match warning {
        Warning::MissingProfile(text) => Some(text),
        Warning::ExposedFile(_) => None,
    });
    let warned: Vec<_> = warned.collect();
    assert_eq!(warned.len(), missing.len(), "{warned:?}");
    for text in warned {
        check_message(text, missing);
    }
}

#[track_caller]
fn check_message(text: &str, parts: &[String]) {
    for part in parts {
        assert!(
            text.contains(part.as_str()),
            "{part:?} is missing in: {text}"
        );
    }
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret:?} is in: {text}");
    }
}
