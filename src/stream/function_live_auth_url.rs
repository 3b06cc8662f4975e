use async_trait::async_trait;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::auth_key;
use super::url::ParsedStreamUrl;
use tfplugin::attribute::text_parameter;
use tfplugin::schema::{Description, FunctionSchema, Type};
use tfplugin::{AttributePath, Diagnostics, Function, diagnostic};

/// `live_auth_url(url, key, expires_at, rand_and_uid...)`
pub(crate) struct LiveAuthUrl;

/// An argument that breaks a rule: its index and the rule. Neither URL nor key is ever quoted.
type Wrong = (i64, String);

#[async_trait]
impl Function for LiveAuthUrl {
    type Input<'a> = Vec<String>;
    type Output<'a> = String;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<FunctionSchema> {
        Some(FunctionSchema {
            parameters: vec![
                text_parameter(
                    "url",
                    "URL of the stream, such as `rtmp://domain/app/stream`. It may have a query, but no `auth_key`.",
                ),
                text_parameter(
                    "key",
                    "Main or backup key of the URL's push or play domain. Use a sensitive variable: the result is then sensitive too.",
                ),
                text_parameter(
                    "expires_at",
                    "When the URL expires: Unix seconds, or a time such as `2030-01-01T00:00:00Z`, as Terraform's functions and the `time` provider return it. The service adds the validity period that is set on the domain.",
                ),
            ],
            variadic: Some(text_parameter(
                "rand_and_uid",
                "None, one or two more arguments: `rand`, letters and digits such as a UUID without hyphens, then \
                 `uid`. Each defaults to `0`, which Alibaba Cloud recommends for `uid`.",
            )),
            return_type: Type::String,
            summary: "Signs a stream URL".to_owned(),
            description: Description::markdown(
                "Adds the parameter `auth_key` of authentication type A to a push or play URL: \
                 `auth_key=<expires_at>-<rand>-<uid>-<md5>`. Use a fixed time: with `timestamp()`, every plan would have another URL, and every apply would interrupt a running job.",
            ),
            deprecated: None,
        })
    }

    async fn call<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        arguments: Vec<String>,
    ) -> Option<String> {
        match signed(&arguments) {
            Ok(url) => Some(url),
            Err((argument, rule)) => {
                let path = AttributePath::function_argument(argument);
                diagnostics.add_error(diagnostic::at(path, rule, ""));
                None
            }
        }
    }
}

const TIME_RULE: &str = "expires_at is a time from 1970 on, such as 2030-01-01T00:00:00Z, or whole Unix seconds (not milliseconds).";

fn signed(arguments: &[String]) -> Result<String, Wrong> {
    let [url, key, expires_at, rand_and_uid @ ..] = arguments else {
        return Err((0, "An argument is missing.".to_owned()));
    };
    let parsed = ParsedStreamUrl::parse(url).map_err(|problem| (0, problem))?;
    if parsed.has_parameter(auth_key::PARAMETER) {
        let rule = "The URL has an auth_key already. Remove it.";
        return Err((0, rule.to_owned()));
    }
    if key.is_empty() || key.contains(char::is_whitespace) {
        let rule = "A domain's key is not empty and contains no whitespace.";
        return Err((1, rule.to_owned()));
    }
    let expires_at = parse_time(expires_at).ok_or_else(|| (2, TIME_RULE.to_owned()))?;
    let rand = option(rand_and_uid, 0, "rand")?;
    let uid = option(rand_and_uid, 1, "uid")?;
    if rand_and_uid.len() > 2 {
        let rule = "At most rand and uid may follow expires_at.";
        return Err((5, rule.to_owned()));
    }

    let separator = match parsed.query {
        None => "?",
        Some(query) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let auth_key = auth_key::sign(parsed.path, key, expires_at, rand, uid);
    Ok(format!(
        "{url}{separator}{}={auth_key}",
        auth_key::PARAMETER
    ))
}

/// `rand` or `uid`: letters and digits, since hyphens separate the parts of an `auth_key`.
fn option<'a>(given: &'a [String], position: u8, name: &str) -> Result<&'a str, Wrong> {
    let text = given.get(usize::from(position)).map_or("0", String::as_str);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(text);
    }
    let hint = if name == "rand" {
        r#" Of a UUID, take replace(uuid, "-", "")."#
    } else {
        ""
    };
    let rule = format!("{name} has letters and digits only, and at least one.{hint}");
    Err((3 + i64::from(position), rule))
}

/// Unix seconds, or RFC 3339; not before 1970, since an `auth_key` has no place for a minus. Terraform makes a text of a
/// number by itself.
fn parse_time(text: &str) -> Option<OffsetDateTime> {
    let time = match auth_key::parse_seconds(text) {
        Some(seconds) => OffsetDateTime::from_unix_timestamp(seconds).ok(),
        None => OffsetDateTime::parse(text, &Rfc3339).ok(),
    };
    time.filter(|time| *time >= OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "rtmp://push.example.com/app/stream2";
    const SIGNED: &str = "1893456000-0-0-e3acefe0df032b41dc982aa2202afc7a";

    fn signed(arguments: &[&str]) -> Result<String, Wrong> {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        super::signed(&arguments)
    }

    #[test]
    fn the_api_references_check_value_comes_out_for_each_form_of_the_time() {
        for time in [
            "1893456000",
            "2030-01-01T00:00:00Z",
            "2030-01-01T08:00:00+08:00",
            "2030-01-01T00:00:00.9Z",
        ] {
            let expected = Ok(format!("{URL}?auth_key={SIGNED}"));
            assert_eq!(signed(&[URL, "examplekey1", time]), expected, "{time}");
        }
    }

    #[test]
    fn rand_and_uid_may_follow() {
        let rand = "477b3bbc253f467b8def6711128c7bec";
        let hash = "6aa898f01cc832a904c5ec35b65ecc66";
        for more in [&[rand][..], &[rand, "0"]] {
            let arguments = [&[URL, "examplekey1", "1893456000"], more].concat();
            let expected = Ok(format!("{URL}?auth_key=1893456000-{rand}-0-{hash}"));
            assert_eq!(signed(&arguments), expected);
        }
    }

    #[test]
    fn a_query_stays_and_is_not_signed() {
        for (query, separator) in [("?a=1", "&"), ("?", ""), ("?a=1&", "")] {
            let url = format!("{URL}{query}");
            let expected = Ok(format!("{url}{separator}auth_key={SIGNED}"));
            assert_eq!(signed(&[&url, "examplekey1", "1893456000"]), expected);
        }
    }

    #[test]
    fn each_wrong_argument_is_named_and_no_secret_is_quoted() {
        let url = &format!("{URL}?auth_key=c0ffee");
        let cases: &[(i64, &[&str])] = &[
            (0, &["rtmp://c0ffee/app", "k", "1"]),
            (0, &[url, "k", "1"]),
            (0, &[&format!("{URL}?auth_key"), "k", "1"]),
            (0, &[&format!("{URL}?a=1&auth_key&b"), "k", "1"]),
            (1, &[URL, "", "1"]),
            (1, &[URL, "c0ffee c0ffee", "1"]),
            (2, &[URL, "k", ""]),
            (2, &[URL, "k", "tomorrow"]),
            (2, &[URL, "k", "-1"]),
            (2, &[URL, "k", "1.5"]),
            (2, &[URL, "k", "1969-12-31T23:59:59Z"]),
            (2, &[URL, "k", "1970-01-01T00:00:00+08:00"]),
            (2, &[URL, "k", "1893456000000"]),
            (3, &[URL, "k", "1", ""]),
            (3, &[URL, "k", "1", "477b3bbc-253f"]),
            (4, &[URL, "k", "1", "0", "-"]),
            (5, &[URL, "k", "1", "0", "0", "0"]),
        ];
        for (argument, arguments) in cases {
            let (index, rule) = signed(arguments).unwrap_err();
            assert_eq!(index, *argument, "{arguments:?}: {rule}");
            assert!(!rule.contains("c0ffee"), "{rule}");
        }
    }

    #[test]
    fn only_of_rand_it_is_said_how_to_make_one_of_a_uuid() {
        let uuid = "477b3bbc-253f";
        for (arguments, is_said) in [(&[uuid][..], true), (&["0", uuid], false)] {
            let arguments = [&[URL, "k", "1"], arguments].concat();
            let (_, rule) = signed(&arguments).unwrap_err();
            assert_eq!(rule.contains("replace(uuid"), is_said, "{rule}");
        }
    }
}
