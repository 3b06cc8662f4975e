//! Where the API and STS are.

use alicloud_auth::environment::Environment;
use alicloud_live::{Endpoint, EndpointError, Protocol};
use tfplugin::{AttributePath, Diagnostic, Diagnostics, diagnostic};

use super::client::invalid_input;
use super::{ProviderConfig, only, parse_protocol, set};

const LIVE_VARIABLES: &[&str] = &["ALIBABA_CLOUD_ENDPOINT_LIVE", "LIVE_ENDPOINT"];
const STS_VARIABLES: &[&str] = &[
    "ALIBABA_CLOUD_ENDPOINT_STS",
    "STS_ENDPOINT",
    "ALIBABA_CLOUD_STS_ENDPOINT",
];

impl ProviderConfig {
    /// Where the API is; `region` decides where nothing else does.
    pub(super) fn live_endpoint(
        &self,
        diagnostics: &mut Diagnostics,
        region: Option<&str>,
        environment: &Environment,
    ) -> Result<Endpoint, Diagnostic> {
        let protocol = set(&self.protocol)
            .and_then(|protocol| parse_protocol(&protocol))
            .unwrap_or_default();
        let argument = only(&self.endpoints).and_then(|block| block.live.as_deref_option());
        let endpoint = match written("live", argument, LIVE_VARIABLES, environment)? {
            Some(written) => written.read(protocol)?,
            None => Endpoint::for_region(region.unwrap_or_default(), protocol),
        };
        warn_unencrypted(&endpoint, diagnostics);
        Ok(endpoint)
    }

    /// The endpoint of STS, if one is configured. `protocol` does not count for it: keys travel by HTTPS unless a URL says otherwise.
    pub(super) fn sts_endpoint(
        &self,
        diagnostics: &mut Diagnostics,
        environment: &Environment,
    ) -> Result<Option<Endpoint>, Diagnostic> {
        let argument = only(&self.endpoints).and_then(|block| block.sts.as_deref_option());
        let endpoint = written("sts", argument, STS_VARIABLES, environment)?
            .map(|written| written.read(Protocol::Https))
            .transpose()?;
        if let Some(endpoint) = &endpoint {
            warn_unencrypted(endpoint, diagnostics);
        }
        Ok(endpoint)
    }
}

/// An endpoint as somebody wrote it, and where.
struct WrittenEndpoint {
    text: String,
    origin: String,
    path: AttributePath,
}

fn written(
    name: &'static str,
    argument: Option<&str>,
    variables: &[&'static str],
    environment: &Environment,
) -> Result<Option<WrittenEndpoint>, Diagnostic> {
    let argument = argument.map(str::trim);
    if let Some(text) = argument.filter(|text| !text.is_empty()) {
        return Ok(Some(WrittenEndpoint {
            text: text.to_owned(),
            origin: format!("endpoints.{name}"),
            path: within("endpoints", name),
        }));
    }
    let variable = environment
        .first(variables)
        .map_err(|input| invalid_input(&input))?;
    Ok(variable.map(|variable| WrittenEndpoint {
        text: variable.value,
        origin: variable.name.to_owned(),
        path: AttributePath::root(),
    }))
}

impl WrittenEndpoint {
    fn read(self, protocol: Protocol) -> Result<Endpoint, Diagnostic> {
        Endpoint::parse(&self.text, protocol)
            .map_err(|reason| invalid_endpoint(&self.origin, reason, self.path))
    }
}

fn warn_unencrypted(endpoint: &Endpoint, diagnostics: &mut Diagnostics) {
    if endpoint.is_unencrypted_beyond_this_machine() {
        diagnostics.add_warning(diagnostic::general(
            "API calls are not encrypted",
            format!(
                "Calls to {endpoint} travel in clear text: others on the way can read stream URLs and tokens. Use HTTPS \
                 for anything but a mock on this machine."
            ),
        ));
    }
}

pub(super) fn invalid_endpoint(
    origin: &str,
    reason: EndpointError,
    path: AttributePath,
) -> Diagnostic {
    diagnostic::at(
        path,
        "Invalid endpoint",
        format!(
            "The endpoint in {origin} cannot be used: {reason}. Set a host (live.aliyuncs.com), a host and port \
             (127.0.0.1:8080) or a URL of both (http://127.0.0.1:8080)."
        ),
    )
}

/// The path of an argument in a block that may stand once.
pub(super) fn within(block: &'static str, argument: &'static str) -> AttributePath {
    AttributePath::new(block).index(0).attribute(argument)
}
