//! Stream URLs as text. What a message says of them never quotes them, because they can hold tokens.

use url::Url;

/// What a stream URL looks like.
const FORM: &str =
    "A stream URL has a scheme, a host, an app and a stream, such as rtmp://domain/app/stream";

/// A stream URL taken apart. The parts are the text's own, no character changed: what is signed and compared is text.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct StreamUrl<'a> {
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    /// From the first slash to the query: `/app/stream`.
    pub(super) path: &'a str,
    /// The path's first part.
    pub(super) app: &'a str,
    /// The rest of the path, for playback with its suffix, such as `.flv`.
    pub(super) stream: &'a str,
    /// What stands behind the question mark.
    pub(super) query: Option<&'a str>,
}

impl<'a> StreamUrl<'a> {
    /// Takes a URL apart, or says what is wrong with it.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let wrong = |problem: &str| format!("{problem}. {FORM}.");
        if let Some(problem) = problem(text) {
            return Err(problem);
        }
        if text.contains('#') {
            return Err(wrong("It has a fragment (#)"));
        }
        let (before, query) = match text.split_once('?') {
            Some((before, query)) => (before, Some(query)),
            None => (text, None),
        };
        let (scheme, rest) = before
            .split_once("://")
            .ok_or_else(|| wrong("It has no scheme"))?;
        let slash = rest.find('/').ok_or_else(|| wrong("It has no path"))?;
        let (authority, path) = rest.split_at(slash);
        if authority.contains('@') {
            return Err(wrong("It holds a user name"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
            _ => (authority, None),
        };
        let (app, stream) = path[1..]
            .split_once('/')
            .filter(|(app, stream)| !app.is_empty() && !stream.is_empty())
            .ok_or_else(|| wrong("Its path does not name both an app and a stream"))?;
        Ok(Self {
            scheme,
            host,
            port,
            path,
            app,
            stream,
            query,
        })
    }

    /// The value of a query parameter, as it stands in the URL.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let parameters = self.query?.split('&');
        parameters
            .filter_map(|parameter| parameter.split_once('='))
            .find_map(|(found, value)| (found == name).then_some(value))
    }
}

/// What keeps a text from being a stream URL; `None` where nothing does.
pub(super) fn problem(text: &str) -> Option<String> {
    let problem = if text.is_empty() {
        "It is empty"
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "It holds white space or a control character"
    } else if !text.contains("://") {
        "It has no scheme"
    } else {
        match Url::parse(text) {
            Err(_) => "It is not a URL",
            Ok(url) if url.host_str().is_none_or(str::is_empty) => "It has no host",
            Ok(url) if path_parts(&url) < 2 => "Its path does not name both an app and a stream",
            Ok(_) => return None,
        }
    };
    Some(format!("{problem}. {FORM}."))
}

fn path_parts(url: &Url) -> usize {
    url.path()
        .split('/')
        .filter(|part| !part.is_empty())
        .count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> StreamUrl<'_> {
        StreamUrl::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn a_url_falls_into_its_parts() {
        let url = parsed("rtmp://Push.example.com:1935/live/stage/one.flv?a=1&b=%20");
        assert_eq!((url.scheme, url.host), ("rtmp", "Push.example.com"));
        assert_eq!(url.port, Some(1935));
        assert_eq!(url.path, "/live/stage/one.flv");
        assert_eq!((url.app, url.stream), ("live", "stage/one.flv"));
        assert_eq!(url.query, Some("a=1&b=%20"));
        assert_eq!(url.parameter("b"), Some("%20"));
        assert_eq!(url.parameter("c"), None);
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
            assert_eq!(
                (url.host, url.port, url.query),
                (host, port, None),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_taken_apart_without_loss_is_refused() {
        for text in [
            "",
            "rtmp://h/app",
            "rtmp://h/app/",
            "rtmp:///app/stream",
            "rtmp://h//app/stream",
            "rtmp://user@h/app/stream",
            "rtmp://h/app/stream#part",
            "h/app/stream",
        ] {
            assert!(StreamUrl::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_or_is_echoed(text in "(rtmp://)?\\PC{0,30}c0ffee\\PC{0,10}") {
            if let Err(problem) = StreamUrl::parse(&text) {
                prop_assert!(!problem.contains("c0ffee"));
            }
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
