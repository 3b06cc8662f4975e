//! Each folder of `tests/cases/environment` is an environment: a provider block, variables and a home directory, and what
//! they come to: identity, region, endpoints and proxies, or the text of the error. What the files themselves mean is in
//! the cases of `alicloud-auth`, beside what Alibaba Cloud's SDKs find in them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use alicloud_auth::environment::{Environment, Proxies};
use serde::Deserialize;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;
use url::Url;

use super::ProviderConfig;
use tfplugin::Diagnostics;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    provider: ProviderConfig,
    #[serde(default)]
    environment: BTreeMap<String, Text>,
    expect: Expectation,
    /// Whose decision this is.
    r#as: Authority,
    /// Why it is not that of others.
    because: Option<String>,
}

/// The value of a variable; bytes where it is not UTF-8.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Bytes(Vec<u8>),
}

#[derive(Deserialize, PartialEq, Eq)]
enum Authority {
    /// `providerConfigure` and the schema in its `alicloud/provider.go`.
    #[serde(rename = "official provider")]
    OfficialProvider,
    /// `golang.org/x/net/http/httpproxy`, which Terraform and the official provider use.
    #[serde(rename = "Go")]
    Go,
    #[serde(rename = "ours")]
    Ours,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expectation {
    Found(Box<Found>),
    /// An error holds these.
    Refused {
        refused: Vec<String>,
    },
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Found {
    /// The beginning of the source's name.
    source: String,
    region: Option<String>,
    endpoint: String,
    sts_endpoint: String,
    /// The proxy for the API, and that for STS.
    proxy: Option<String>,
    sts_proxy: Option<String>,
}

impl Found {
    /// All but the source.
    fn places(&self) -> impl PartialEq + '_ {
        let (region, endpoint, sts) = (&self.region, &self.endpoint, &self.sts_endpoint);
        (region, endpoint, sts, &self.proxy, &self.sts_proxy)
    }
}

/// What they come to, or the errors.
async fn found(case: &Case, environment: &Environment) -> Result<Found, String> {
    let mut diagnostics = Diagnostics::default();
    case.provider.validate(&mut diagnostics);
    let provider: ProviderConfig =
        serde_json::from_value(serde_json::to_value(&case.provider).unwrap()).unwrap();
    let system = alicloud_live::Dependencies::default();
    let work = TaskTracker::new();
    let resolved = if diagnostics.errors.is_empty() {
        let resolved = provider.resolve(&mut diagnostics, "1.15.5", environment, &system, &work);
        resolved.await
    } else {
        None
    };
    let Some((config, identity)) = resolved else {
        assert!(!diagnostics.errors.is_empty());
        let texts = diagnostics.errors.iter();
        let texts =
            texts.map(|error| format!("{} {} {}", error.attribute, error.summary, error.detail));
        return Err(texts.collect::<Vec<_>>().join("\n"));
    };
    let shown = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    let sts: Url = identity.sts_endpoint().parse().unwrap();
    let proxies = Proxies::from_environment(environment).unwrap();
    Ok(Found {
        source: identity.source_name(),
        region: config.region,
        endpoint: shown(config.endpoint.url()),
        sts_endpoint: shown(&sts),
        proxy: config.proxy.as_ref().map(shown),
        sts_proxy: proxies.for_url(&sts).map(shown),
    })
}

/// What is wrong with a case.
async fn fault(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("case.json")).unwrap();
    let case: Case = serde_json::from_str(&text).unwrap();
    let home = TempDir::new().unwrap();
    for name in [".aliyun/config.json", ".alibabacloud/credentials"] {
        let file = home.path().join(name);
        if let Ok(text) = fs::read(folder.join("home").join(name)) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }
    let given = case.environment.iter().map(|(name, text)| {
        let value = match text {
            Text::Plain(text) => OsString::from(text),
            Text::Bytes(bytes) => OsString::from_vec(bytes.clone()),
        };
        (name.clone(), value)
    });
    let home = ("HOME".to_owned(), home.path().as_os_str().to_owned());
    let environment: Environment = given.chain([home]).collect();
    let found = found(&case, &environment).await;
    if found.as_ref().is_err_and(|error| error.contains("hunter")) {
        return Some(format!("a secret is in {found:?}"));
    }
    if case.because.is_some() != (case.r#as == Authority::Ours) {
        return Some("what is ours alone is explained, and nothing else is".to_owned());
    }
    let is_as_expected = match (&case.expect, &found) {
        (Expectation::Found(expected), Ok(found)) => {
            found.source.starts_with(&expected.source) && found.places() == expected.places()
        }
        (Expectation::Refused { refused }, Err(error)) => {
            refused.iter().all(|part| error.contains(part))
        }
        _ => false,
    };
    (!is_as_expected).then(|| format!("{found:#?}"))
}

#[tokio::test]
async fn each_environment_comes_to_what_its_case_says() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/environment");
    let mut folders: Vec<_> = fs::read_dir(cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() > 50, "{}", folders.len());
    let mut faults = Vec::new();
    for folder in folders {
        if let Some(fault) = fault(&folder).await {
            faults.push(format!("{}: {fault}", folder.display()));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Every source that can be absent, right or wrong has a case of each.
#[test]
fn no_row_of_the_table_is_missing() {
    const SOURCES: [&str; 12] = [
        "region_argument",
        "region_variable",
        "region_older_variable",
        "region_profile",
        "endpoint_argument",
        "endpoint_variable",
        "endpoint_older_variable",
        "sts_argument",
        "sts_variable",
        "sts_region_variable",
        "proxy_https",
        "proxy_http",
    ];
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/environment");
    let missing: Vec<_> = SOURCES
        .iter()
        .flat_map(|source| ["absent", "right", "wrong"].map(|is| format!("{source}_{is}")))
        .filter(|name| !cases.join(name).is_dir())
        .collect();
    assert_eq!(missing, [""; 0]);
}
