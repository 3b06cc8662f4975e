//! Checks the common parameters, the signature, the timestamp and the nonce of a call. Alibaba Cloud does not document the
//! order of the checks.

mod acs3;
mod nonces;
mod rpc_v1;

use time::OffsetDateTime;

pub(super) use acs3::Acs3;
pub(super) use nonces::Nonces;

use super::actions;
use super::clock;
use super::errors::ApiError;
use super::operation;
use super::parameters::{MAX_PARAMETERS, Parameters};
use super::sts;

/// The only API version that is served.
const VERSION: &str = "2016-11-01";

/// The common parameters that are required.
const COMMON: [&str; 8] = [
    "Action",
    "Version",
    "AccessKeyId",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "Timestamp",
    "Signature",
];

/// The credentials that a call must be signed with.
pub(super) struct Key<'a> {
    pub(super) secret: &'a str,
    /// The token that the call must contain; none accepts any.
    pub(super) security_token: Option<&'a str>,
    /// When a temporary key expires.
    pub(super) expires: Option<OffsetDateTime>,
}

/// Checks the common parameters, before the signature. Returns the action.
pub(super) fn check_form(parameters: &Parameters) -> Result<&str, ApiError> {
    if parameters.has_too_many {
        let message = format!("More than {MAX_PARAMETERS} parameters were sent.");
        return Err(ApiError::new(400, "InvalidParameter", message));
    }
    if let Some(name) = &parameters.repeated {
        return Err(ApiError::invalid_parameter(name, "it was sent twice"));
    }
    if !parameters
        .get("Format")
        .is_some_and(|format| format.eq_ignore_ascii_case("json"))
    {
        let message = "The specified parameter Format is not valid: this server supports JSON only, set Format=JSON.";
        return Err(ApiError::new(400, "InvalidParameter.Format", message));
    }
    if let Some(missing) = COMMON
        .into_iter()
        .find(|name| parameters.get(name).is_none())
    {
        let message = format!("{missing} is mandatory for this action.");
        return Err(ApiError::new(400, &format!("Missing{missing}"), message));
    }
    match (parameters.get("Version"), parameters.get("Action")) {
        (Some(VERSION), Some(action)) if actions::LIVE.contains(&action) => Ok(action),
        (
            Some(sts::VERSION),
            Some(action @ (actions::ASSUME_ROLE | actions::GET_CALLER_IDENTITY)),
        ) => Ok(action),
        (_, action) => Err(operation::unknown(action.unwrap_or_default())),
    }
}

/// Checks timestamp, signature and token, but not the nonce. The signature is V3 with `acs3`, otherwise RPC 1.0.
pub(super) fn check_signature(
    method: &str,
    parameters: &Parameters,
    acs3: Option<&Acs3>,
    key: Option<&Key<'_>>,
    now: OffsetDateTime,
) -> Result<(), ApiError> {
    let Some(key) = key else {
        let message = "Specified access key is not found.";
        return Err(ApiError::new(404, "InvalidAccessKeyId.NotFound", message));
    };
    let (signature_method, signature_version) = match acs3 {
        Some(_) => ("ACS3-HMAC-SHA256", "3.0"),
        None => ("HMAC-SHA1", "1.0"),
    };
    if parameters.get("SignatureMethod") != Some(signature_method) {
        let message = "Specified signature method is not valid.";
        return Err(ApiError::new(400, "InvalidSignatureMethod", message));
    }
    if parameters.get("SignatureVersion") != Some(signature_version) {
        let message = "Specified signature version is not valid.";
        return Err(ApiError::new(400, "InvalidSignatureVersion", message));
    }
    let sent = timestamp(parameters)?;
    if (now - sent).abs() > nonces::VALIDITY {
        let message = "Specified timestamp or date value is expired.";
        return Err(ApiError::new(400, "InvalidTimeStamp.Expired", message));
    }
    let signature = parameters.get("Signature").unwrap_or_default();
    match acs3 {
        Some(acs3) => acs3.check(signature, key.secret)?,
        None => rpc_v1::check(signature, method, parameters, key.secret)?,
    }
    check_token(parameters.get("SecurityToken"), key.security_token)?;
    if key.expires.is_some_and(|expires| expires <= now) {
        let message = "Specified SecurityToken is expired.";
        return Err(ApiError::new(403, "InvalidSecurityToken.Expired", message));
    }
    Ok(())
}

fn check_token(sent: Option<&str>, expected: Option<&str>) -> Result<(), ApiError> {
    if expected.is_none() || sent == expected {
        return Ok(());
    }
    let (code, message) = match sent {
        None => (
            "MissingSecurityToken",
            "SecurityToken is mandatory for this action.",
        ),
        Some(_) => (
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatches with the AccessKey.",
        ),
    };
    Err(ApiError::new(400, code, message))
}

/// Marks the nonce of a call with a valid signature as used. Fails if it was used before.
pub(super) fn check_nonce(
    parameters: &Parameters,
    nonces: &mut Nonces,
    now: OffsetDateTime,
) -> Result<(), ApiError> {
    let nonce = parameters.required("SignatureNonce")?;
    if nonce.len() > nonces::MAX_LEN {
        let rule = format!("at most {} characters", nonces::MAX_LEN);
        return Err(ApiError::invalid_parameter("SignatureNonce", &rule));
    }
    nonces.remove_expired(now);
    if nonces.len() >= nonces::MAX_NONCES {
        return Err(ApiError::throttled());
    }
    let expires = timestamp(parameters)?.saturating_add(nonces::VALIDITY);
    if nonces.take(&nonce, expires, now) {
        Ok(())
    } else {
        let message = "Specified signature nonce was used already.";
        Err(ApiError::new(400, "SignatureNonceUsed", message))
    }
}

fn timestamp(parameters: &Parameters) -> Result<OffsetDateTime, ApiError> {
    parameters
        .get("Timestamp")
        .and_then(clock::parse_timestamp)
        .ok_or_else(|| {
            let message = "Specified timestamp or date value is not well formatted.";
            ApiError::new(400, "InvalidTimeStamp.Format", message)
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert, proptest};
    use serde_json::Value;
    use time::Duration;
    use url::form_urlencoded::Serializer;

    use super::*;

    const KEY: Key<'_> = Key {
        secret: "testsecret-public",
        security_token: None,
        expires: None,
    };

    /// Returns the test vectors of the official clients for a kind of signature.
    pub(super) fn vectors(kind: &str) -> Vec<Value> {
        let text = include_str!("../../../../tests/cases/signature-vectors.json");
        let mut vectors: Value = serde_json::from_str(text).unwrap();
        serde_json::from_value(vectors[kind].take()).unwrap()
    }

    /// Returns the first vector as a call.
    fn call() -> BTreeMap<String, String> {
        let mut vector = vectors("rpc_v1").remove(0);
        let mut call = vector["inputs"]["query"].take();
        call["Signature"] = vector["signature"].take();
        serde_json::from_value(call).unwrap()
    }

    fn time_of_call() -> OffsetDateTime {
        clock::parse_timestamp("2024-05-06T07:08:09Z").unwrap()
    }

    fn with(name: &str, value: &str) -> Parameters {
        let mut call = call();
        call.insert(name.to_owned(), value.to_owned());
        parameters(&call)
    }

    fn parameters(call: &BTreeMap<String, String>) -> Parameters {
        let query = Serializer::new(String::new()).extend_pairs(call).finish();
        Parameters::decode(&query, b"")
    }

    /// Checks the signature of a GET with [`KEY`] at the time of the call.
    fn check(parameters: &Parameters) -> Result<(), ApiError> {
        check_signature("GET", parameters, None, Some(&KEY), time_of_call())
    }

    fn code(result: Result<impl std::fmt::Debug, ApiError>) -> (u16, String) {
        let error = result.unwrap_err();
        (error.status, error.code)
    }

    #[test]
    fn each_common_parameter_is_required() {
        for name in COMMON {
            let mut call = call();
            call.remove(name);
            let checked = check_form(&parameters(&call)).map(str::to_owned);
            assert_eq!(code(checked), (400, format!("Missing{name}")));
        }
    }

    #[test]
    fn a_timestamp_is_valid_for_fifteen_minutes_in_both_directions() {
        let check = |seconds| {
            let now = time_of_call() + Duration::seconds(seconds);
            check_signature("GET", &parameters(&call()), None, Some(&KEY), now)
        };
        let expired = (400, "InvalidTimeStamp.Expired".to_owned());
        for direction in [1, -1] {
            assert_eq!(check(direction * 900), Ok(()));
            assert_eq!(code(check(direction * 901)), expired);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_input_is_rejected_without_a_panic(query in any::<String>(), form in any::<Vec<u8>>()) {
            let parameters = Parameters::decode(&query, &form);
            prop_assert!(check_form(&parameters).is_err());
            prop_assert!(check(&parameters).is_err());
        }

        #[test]
        fn no_value_of_a_common_parameter_panics(index in 0..COMMON.len(), value in any::<String>()) {
            let parameters = with(COMMON[index], &value);
            let changed = call().get(COMMON[index]) != Some(&value);
            let accepted = check_form(&parameters).is_ok() && check(&parameters).is_ok();
            prop_assert!(!(changed && accepted));
        }
    }

    #[test]
    fn calls_are_throttled_when_too_many_nonces_are_stored() {
        let mut nonces = Nonces::default();
        let until = time_of_call().saturating_add(nonces::VALIDITY);
        for number in 0..nonces::MAX_NONCES {
            assert!(nonces.take(&number.to_string(), until, time_of_call()));
        }
        let rejected = check_nonce(&parameters(&call()), &mut nonces, time_of_call());
        assert_eq!(code(rejected), (400, "Throttling.User".to_owned()));

        let later = until.saturating_add(Duration::SECOND);
        let accepted = check_nonce(&parameters(&call()), &mut nonces, later);
        assert_eq!(accepted, Ok(()));
        assert_eq!(nonces.len(), 1);
    }
}
