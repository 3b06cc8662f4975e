//! The proxy of a call, selected as Go programs do (Terraform itself, the official provider), so that one environment
//! works for all of them: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in uppercase or lowercase.
//!
//! The rules are those of `golang.org/x/net/http/httpproxy`. No crate implements them: hyper-util's matcher and others
//! support neither ports nor `*.` in `NO_PROXY`, and use the proxy for loopback.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Position, Url};

use super::{Environment, InvalidInput, has_valid_host, is_loopback};

const HTTP: &[&str] = &["HTTP_PROXY", "http_proxy"];
const HTTPS: &[&str] = &["HTTPS_PROXY", "https_proxy"];
const NO_PROXY: &[&str] = &["NO_PROXY", "no_proxy"];
/// Set by web servers for CGI programs. There, the `Proxy` header of any request sets `HTTP_PROXY`.
const CGI: &str = "REQUEST_METHOD";

/// The proxies that the environment configures. Its `Debug` output contains no password.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    exceptions: Vec<Exception>,
}

/// An entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    Network(IpNet),
    Address(IpAddr, Option<u16>),
    Domain {
        /// In lowercase, with a leading dot.
        suffix: String,
        /// Whether the entry covers the domain itself too, and not only its subdomains.
        includes_domain: bool,
        port: Option<u16>,
    },
}

impl Proxies {
    /// Reads the variables. An error if one configures an invalid proxy.
    pub fn from_environment(environment: &Environment) -> Result<Self, InvalidInput> {
        let is_cgi = environment.path(&[CGI]).is_some();
        let exceptions = environment.text(NO_PROXY)?.unwrap_or_default();
        Ok(Self {
            http: if is_cgi {
                None
            } else {
                proxy(environment, HTTP)?
            },
            https: proxy(environment, HTTPS)?,
            exceptions: exceptions.split(',').filter_map(Exception::parse).collect(),
        })
    }

    /// Returns the proxy for calls to this URL. It may contain user and password, so it must not be shown.
    pub fn for_url(&self, url: &Url) -> Option<&Url> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref(),
            _ => self.http.as_ref(),
        }?;
        let host = url.host()?;
        let port = url.port_or_known_default();
        let is_excepted = is_loopback(url) || self.exceptions.iter().any(|e| e.covers(&host, port));
        (!is_excepted).then_some(proxy)
    }
}

fn proxy(environment: &Environment, names: &[&'static str]) -> Result<Option<Url>, InvalidInput> {
    let Some(variable) = environment.first(names)? else {
        return Ok(None);
    };
    let text = variable.value;
    let with_scheme = if text.contains("://") {
        text
    } else {
        format!("http://{text}")
    };
    // reqwest parses more strictly than `Url`. Where it cannot use a proxy, it connects directly, without an error.
    let is_usable = |url: &Url| {
        // `\`, `/`, `?` or `#` in a user name or password have ended the host.
        let has_user_behind_host = url[Position::BeforePath..].contains('@');
        has_valid_host(url) && !has_user_behind_host
    };
    let Some(mut url) = Url::parse(&with_scheme).ok().filter(is_usable) else {
        let problem = "is not the URL of a proxy, such as http://proxy.example:3128. Percent-encode special characters of \
                       user name and password";
        return Err(InvalidInput::new(variable.name, problem));
    };
    match url.scheme() {
        "http" | "https" | "socks5h" => {}
        // Go lets the proxy resolve host names for both.
        "socks5" => {
            // Succeeds, because neither scheme is a "special" one.
            let _ = url.set_scheme("socks5h");
        }
        _ => {
            let problem =
                "names a proxy with an unsupported scheme; supported: http, https, socks5";
            return Err(InvalidInput::new(variable.name, problem));
        }
    }
    Ok(Some(url))
}

impl Exception {
    /// Parses an entry; `None` for entries that Go ignores.
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_ascii_lowercase();
        if entry == "*" {
            return Some(Self::Everything);
        }
        if let Ok(network) = entry.parse() {
            return Some(Self::Network(network));
        }
        let (host, port) = split_port(&entry)?;
        if let Ok(address) = host.parse() {
            return Some(Self::Address(address, port));
        }
        let host = host
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(host);
        let includes_domain = !host.starts_with('.');
        let suffix = if includes_domain {
            format!(".{host}")
        } else {
            host.to_owned()
        };
        (suffix.len() > 1).then_some(Self::Domain {
            suffix,
            includes_domain,
            port,
        })
    }

    fn covers(&self, host: &Host<&str>, port: Option<u16>) -> bool {
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        };
        let has_port = |expected: &Option<u16>| expected.is_none() || *expected == port;
        match self {
            Self::Everything => true,
            Self::Network(network) => address.is_some_and(|address| network.contains(&address)),
            Self::Address(excepted, expected) => address == Some(*excepted) && has_port(expected),
            Self::Domain {
                suffix,
                includes_domain,
                port: expected,
            } => {
                let name = host.to_string();
                let is_in =
                    name.ends_with(suffix.as_str()) || (*includes_domain && name == suffix[1..]);
                is_in && has_port(expected)
            }
        }
    }
}

/// Splits `host`, `host:port`, `[v6]` or `[v6]:port`. A bare IPv6 address has no port. `None` if the port is not a number.
fn split_port(entry: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match entry
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match entry.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (entry, None),
        },
    };
    let port = port.map(str::parse).transpose().ok()?;
    Some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_proxy_is_an_error_that_names_only_its_variable() {
        for value in [
            "http://",
            "http://hunter2@",
            "gopher://p:1",
            "a b",
            "http://h:99999",
            "http://${PROXY_HOST}:3128",
            "http://{{proxy}}:3128",
            "\"http://p:3128\"",
            "\"p:3128\"",
            "socks5://bücher.example:1080",
            "http://DOMAIN\\user:hunter2@p:3128",
            "http://user:12#hunter2@p",
            "http://user:12?hunter2@p",
            "http://user:12/hunter2@p",
        ] {
            let environment = Environment::from_iter([("https_proxy", value)]);
            let error = Proxies::from_environment(&environment).err().unwrap();
            assert_eq!(error.origin, "https_proxy", "{value}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn the_host_of_a_proxy_is_a_name_or_an_address() {
        for value in [
            "http://user:hunter2@my_proxy-1.example.:3128/",
            "http://bücher.example:3128",
            "http://[::1]:3128",
            "socks5://[::1]:1080",
            "socks5://192.0.2.1:1080",
            "http://p:3128/ignored?by#all",
        ] {
            let environment = Environment::from_iter([("https_proxy", value)]);
            assert!(Proxies::from_environment(&environment).is_ok(), "{value}");
        }
    }

    #[test]
    fn the_proxy_resolves_host_names_for_both_schemes_of_socks() {
        for scheme in ["socks5", "socks5h"] {
            let environment = Environment::from_iter([("https_proxy", format!("{scheme}://p:1"))]);
            let proxies = Proxies::from_environment(&environment).unwrap();
            let proxy = proxies.for_url(&"https://a.example".parse().unwrap());
            assert_eq!(proxy.unwrap().scheme(), "socks5h");
        }
    }

    #[test]
    fn in_a_cgi_environment_http_proxy_is_ignored() {
        let environment = Environment::from_iter([
            ("REQUEST_METHOD", "GET"),
            ("HTTP_PROXY", "p:1"),
            ("HTTPS_PROXY", "q:2"),
        ]);
        let proxies = Proxies::from_environment(&environment).unwrap();
        let proxy = |url: &str| proxies.for_url(&url.parse().unwrap()).map(Url::as_str);
        assert_eq!(proxy("http://a.example"), None);
        assert_eq!(proxy("https://a.example"), Some("http://q:2/"));
    }
}
