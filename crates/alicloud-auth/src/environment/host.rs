use url::{Host, Url};

/// Whether the host of a URL is an address, or a name of ASCII letters, digits, `.`, `-` and `_`. [`Url`] accepts others
/// too: quotation marks, and placeholders such as `${HOST}`, to which no name belongs.
pub fn has_valid_host(url: &Url) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    match url.host() {
        None => false,
        Some(Host::Domain(name)) => !name.is_empty() && name.bytes().all(is_name_byte),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
    }
}

/// Whether the host of a URL is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        None => false,
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    }
}
