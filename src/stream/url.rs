//! Stream URLs as text. What a message says of them never quotes them, because they can contain tokens.

use serde::Serialize;
use url::Url;

/// What a stream URL looks like.
const FORM: &str =
    "A stream URL has a scheme, a host, an app and a stream, such as rtmp://domain/app/stream";

/// A stream URL taken apart. The parts are the text's own, no character changed: what is signed and compared is text.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ParsedStreamUrl<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
    /// From the first slash to the query: `/app/stream`. Not a part that the function returns.
    #[serde(skip)]
    pub(crate) path: &'a str,
    /// The path's first part.
    pub(crate) app: &'a str,
    /// The rest of the path, for playback with its suffix, such as `.flv`.
    pub(crate) stream: &'a str,
    /// What stands behind the question mark.
    pub(crate) query: Option<&'a str>,
}

impl<'a> ParsedStreamUrl<'a> {
    /// Takes a URL apart, or says what is wrong with it.
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        let server = Server::parse(text).map_err(wrong)?;
        if server.rest.contains('#') {
            return Err(wrong("It has a fragment (#)"));
        }
        let (path, query) = match server.rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (server.rest, None),
        };
        let (app, stream) = app_and_stream(path)
            .ok_or_else(|| wrong("Its path does not name both an app and a stream"))?;
        Ok(Self {
            scheme: server.scheme,
            host: server.host,
            port: server.port,
            path,
            app,
            stream,
            query,
        })
    }

    /// Whether the query has a parameter of this name, with a value or without.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        let mut parameters = self.query.unwrap_or_default().split('&');
        parameters.any(|parameter| parameter.split('=').next() == Some(name))
    }
}

/// What keeps a text from being a URL that a job may read or write; `None` where nothing does.
///
/// RTMP has an app and a stream. A URL of the protocol SRT may name them in its parameter `streamid`, which may contain a `#`.
/// No source says what the service requires of other protocols, so a host is enough.
pub(crate) fn problem(text: &str) -> Option<String> {
    let server = match Server::parse(text) {
        Ok(server) => server,
        Err(problem) => return Some(wrong(problem)),
    };
    let needs_path = match server.scheme.to_ascii_lowercase().as_str() {
        "rtmp" | "rtmps" => true,
        "srt" => !server.names_stream(),
        _ => false,
    };
    needs_path
        .then(|| ParsedStreamUrl::parse(text).err())
        .flatten()
}

/// The host of a stream URL.
pub(crate) fn host(text: &str) -> Option<&str> {
    Server::parse(text).ok().map(|server| server.host)
}

fn wrong(problem: &str) -> String {
    format!("{problem}. {FORM}.")
}

/// The part of a URL that says where to connect to, and what follows it.
struct Server<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
    rest: &'a str,
}

impl<'a> Server<'a> {
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("It is empty");
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("It contains whitespace or a control character");
        }
        let (scheme, rest) = split_scheme(text)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(
                "It contains a user name or a password before the host, a secret that no plan or message would mask",
            );
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if host.is_empty() {
            return Err("It has no host");
        }
        let port = port.map(parse_port).transpose()?;
        // A backslash separates as a slash does in some schemes, and belongs to the host in others.
        if host.contains('\\') || Url::parse(text).is_err() {
            return Err("It is not a URL");
        }
        Ok(Self {
            scheme,
            host,
            port,
            rest,
        })
    }

    /// Whether the query has the parameter `streamid` of SRT.
    fn names_stream(&self) -> bool {
        let (_, query) = self.rest.split_once('?').unwrap_or_default();
        query.split('&').any(|parameter| {
            parameter
                .strip_prefix("streamid=")
                .is_some_and(|id| !id.is_empty())
        })
    }
}

fn split_scheme(text: &str) -> Result<(&str, &str), &'static str> {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => match rest.strip_prefix("//") {
            Some(rest) => Ok((scheme, rest)),
            // Without any slash it may be a host with its port.
            None if rest.starts_with('/') => Err("Two slashes must follow the scheme (://)"),
            None => Err("It has no scheme"),
        },
        _ => Err("It has no scheme"),
    }
}

fn parse_port(text: &str) -> Result<u16, &'static str> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| is_decimal && *port > 0)
        .ok_or("Its port is not a number from 1 to 65535")
}

fn app_and_stream(path: &str) -> Option<(&str, &str)> {
    let (app, stream) = path.strip_prefix('/')?.split_once('/')?;
    let is_named = !app.is_empty() && !stream.trim_matches('/').is_empty();
    is_named.then_some((app, stream))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> ParsedStreamUrl<'_> {
        ParsedStreamUrl::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn a_url_falls_into_its_parts() {
        let url = parsed("rtmp://Push.example.com:1935/live/stage/one.flv?a=1&b=%20");
        assert_eq!((url.scheme, url.host), ("rtmp", "Push.example.com"));
        assert_eq!(url.port, Some(1935));
        assert_eq!(url.path, "/live/stage/one.flv");
        assert_eq!((url.app, url.stream), ("live", "stage/one.flv"));
        assert_eq!(url.query, Some("a=1&b=%20"));
    }

    #[test]
    fn port_and_query_may_be_absent() {
        for (text, host, port) in [
            ("rtmp://h/app/舞台", "h", None),
            ("http://h:80/app/s.flv", "h", Some(80)),
            ("rtmp://[::1]/app/s", "[::1]", None),
            ("rtmp://[::1]:1935/app/s", "[::1]", Some(1935)),
        ] {
            let url = parsed(text);
            assert_eq!((url.host, url.port), (host, port), "{text}");
            assert_eq!(url.query, None, "{text}");
        }
    }

    #[test]
    fn each_fault_has_a_sentence_of_its_own() {
        for (text, sentence) in [
            ("", "is empty"),
            ("rtmp://h/a p/s", "whitespace"),
            ("h/app/stream", "no scheme"),
            ("h:1935/app/stream", "no scheme"),
            ("://h/app/stream", "no scheme"),
            ("rt_mp://h/app/stream", "no scheme"),
            ("rtmp:/h/app/stream", "slashes"),
            ("rtmp:///app/stream", "no host"),
            ("http:///app/stream", "no host"),
            ("rtmp://:1935/app/stream", "no host"),
            ("rtmp://user@h/app/stream", "user name"),
            ("rtmp://user:pass@h/app/stream", "user name"),
            ("rtmp://h:99999/app/stream", "port"),
            ("rtmp://h:/app/stream", "port"),
            ("rtmp://h:0/app/stream", "port"),
            ("rtmp://h:+1/app/stream", "port"),
            ("rtmp://[::1/app/stream", "not a URL"),
            ("http://h\\app/app/stream", "not a URL"),
            ("rtmp://h/app", "app and a stream"),
            ("rtmp://h/app/", "app and a stream"),
            ("rtmp://h/app//", "app and a stream"),
            ("rtmp://h//app/stream", "app and a stream"),
            ("rtmp://h", "app and a stream"),
            ("rtmp://h?a=/app/stream", "app and a stream"),
            ("rtmp://h/app/stream#part", "fragment"),
        ] {
            let problem = problem(text).unwrap_or_else(|| panic!("{text} passes"));
            assert!(problem.contains(sentence), "{text}: {problem}");
            assert_eq!(ParsedStreamUrl::parse(text).err(), Some(problem));
        }
    }

    #[test]
    fn a_url_of_srt_may_name_its_stream_in_a_parameter() {
        for text in [
            "srt://h:1105?streamid=s",
            "srt://h:1105/?mode=caller&streamid=#!::h=h,r=/app/stream?auth_key=1-0-0-c0ffee,m=publish",
            "SRT://h:1105/app/stream",
        ] {
            assert_eq!(problem(text), None, "{text}");
        }
        for text in [
            "srt://h:1105",
            "srt://h:1105?streamid=",
            "srt://?streamid=s",
            "srt://h:99999?streamid=s",
            "rtmp://h:1105?streamid=s",
        ] {
            assert!(problem(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_url_of_another_protocol_needs_no_more_than_a_host() {
        for text in [
            "rtsp://10.0.0.5:554/stream1",
            "rtsp://camera.example",
            "https://cdn.example/index.m3u8",
            "https://cdn.example/live/index.m3u8?a=1#part",
            "udp://239.0.0.1:1234",
        ] {
            assert_eq!(problem(text), None, "{text}");
        }
        for text in [
            "rtsp://",
            "rtsp:///stream1",
            "rtsp://h:0/stream1",
            "rtsp://user:pass@h/stream1",
            "https://cdn.example/a b",
        ] {
            assert!(problem(text).is_some(), "{text}");
        }
        for text in ["rtmps://h/app", "RTMPS://h/app/stream#part"] {
            assert!(problem(text).is_some(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_or_is_echoed(text in "(rtmp://)?\\PC{0,30}c0ffee\\PC{0,10}") {
            let problem = problem(&text).or(ParsedStreamUrl::parse(&text).err());
            prop_assert!(!problem.is_some_and(|problem| problem.contains("c0ffee")));
        }

        #[test]
        fn the_parts_make_up_the_url_again(
            host in "[a-z]{1,8}(:[1-9][0-9]{0,3})?", path in "/[a-z]{1,5}/[a-z/]{0,5}[a-z]", query in "(\\?[a-z=&]{0,9})?",
        ) {
            let text = format!("rtmp://{host}{path}{query}");
            let url = parsed(&text);
            let port = url.port.map(|port| format!(":{port}")).unwrap_or_default();
            let query = url.query.map(|query| format!("?{query}")).unwrap_or_default();
            prop_assert_eq!(format!("{}://{}{port}/{}/{}{query}", url.scheme, url.host, url.app, url.stream), text);
        }
    }
}
