use std::fmt;

use alicloud_auth::environment::{has_valid_host, is_loopback};
use url::Url;

/// The protocol of an endpoint without a scheme.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// TLS, as the API reference requires.
    #[default]
    Https,
    /// Unencrypted: for a mock on the same machine.
    Http,
}

impl Protocol {
    fn scheme(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// Scheme, host and port of the API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    url: Url,
}

/// Why a string is not an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EndpointError {
    /// Not a host, host:port or URL.
    #[error("it is neither host:port nor a URL")]
    NotAnAddress,
    /// The scheme is not supported.
    #[error("its scheme is neither https nor http")]
    Scheme,
    /// The URL has more parts than scheme, host and port.
    #[error("it has a path, query, fragment or user name, but must be scheme, host and port alone")]
    MoreThanAHost,
}

impl Endpoint {
    /// Returns the public endpoint of a region. Singapore and Germany have their own; the central one serves all other
    /// regions (API reference, "Endpoints").
    pub fn for_region(region: &str, protocol: Protocol) -> Self {
        let host = match region {
            "ap-southeast-1" => "live.ap-southeast-1.aliyuncs.com",
            "eu-central-1" => "live.eu-central-1.aliyuncs.com",
            _ => "live.aliyuncs.com",
        };
        Self::parse(host, protocol)
            .unwrap_or_else(|_| unreachable!("constant host names are valid"))
    }

    /// Parses `host`, `host:port` (with `protocol`) or a URL (with its own scheme).
    pub fn parse(text: &str, protocol: Protocol) -> Result<Self, EndpointError> {
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("{}://{text}", protocol.scheme())
        };
        if with_scheme.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(EndpointError::NotAnAddress);
        }
        let url = Url::parse(&with_scheme).map_err(|_| EndpointError::NotAnAddress)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(EndpointError::Scheme);
        }
        if !has_valid_host(&url) {
            return Err(EndpointError::NotAnAddress);
        }
        let only_host = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if only_host {
            Ok(Self { url })
        } else {
            Err(EndpointError::MoreThanAHost)
        }
    }

    /// Returns the root URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the value of the header `Host`, without the default port of the scheme.
    pub(super) fn host_header(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether calls are sent unencrypted to another machine.
    pub fn is_unencrypted_beyond_this_machine(&self) -> bool {
        !self.is_https() && !is_loopback(&self.url)
    }

    /// Whether calls use TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, protocol: Protocol) -> Result<String, EndpointError> {
        Endpoint::parse(text, protocol).map(|endpoint| endpoint.to_string())
    }

    #[test]
    fn a_host_has_the_given_protocol_and_a_url_its_own_scheme() {
        for (text, protocol, endpoint) in [
            ("127.0.0.1:1", Protocol::Http, "http://127.0.0.1:1"),
            ("live.example", Protocol::Https, "https://live.example"),
            ("http://[::1]:1/", Protocol::Https, "http://[::1]:1"),
        ] {
            assert_eq!(parsed(text, protocol).unwrap(), endpoint);
        }
    }

    #[test]
    fn an_invalid_endpoint_is_rejected_with_the_reason() {
        for (text, reason) in [
            ("", EndpointError::NotAnAddress),
            ("a b", EndpointError::NotAnAddress),
            ("http://", EndpointError::NotAnAddress),
            ("host:port", EndpointError::NotAnAddress),
            ("ho\nst", EndpointError::NotAnAddress),
            ("host\u{1}", EndpointError::NotAnAddress),
            ("\"live.example\"", EndpointError::NotAnAddress),
            ("https://${HOST}", EndpointError::NotAnAddress),
            ("{{host}}:443", EndpointError::NotAnAddress),
            ("ftp://host", EndpointError::Scheme),
            ("host/path", EndpointError::MoreThanAHost),
            ("https://user@host", EndpointError::MoreThanAHost),
            ("https://host?a=b", EndpointError::MoreThanAHost),
            ("https://host#f", EndpointError::MoreThanAHost),
        ] {
            assert_eq!(parsed(text, Protocol::Https), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn only_two_regions_have_endpoints_of_their_own() {
        for (region, endpoint) in [
            ("ap-southeast-1", "https://live.ap-southeast-1.aliyuncs.com"),
            ("eu-central-1", "https://live.eu-central-1.aliyuncs.com"),
            ("cn-beijing", "https://live.aliyuncs.com"),
        ] {
            let public = Endpoint::for_region(region, Protocol::Https);
            assert_eq!(public.to_string(), endpoint);
        }
    }

    #[test]
    fn unencrypted_calls_are_harmless_only_on_this_machine() {
        let warns = |text| {
            Endpoint::parse(text, Protocol::Http)
                .unwrap()
                .is_unencrypted_beyond_this_machine()
        };
        assert!(warns("live.aliyuncs.com") && warns("10.0.0.1") && warns("[::2]"));
        assert!(!warns("localhost:1") && !warns("127.0.0.1:1") && !warns("[::1]:1"));
        assert!(!warns("https://live.aliyuncs.com"));
        let central = |protocol| Endpoint::for_region("cn-beijing", protocol);
        assert!(central(Protocol::Https).is_https() && !central(Protocol::Http).is_https());
    }
}
