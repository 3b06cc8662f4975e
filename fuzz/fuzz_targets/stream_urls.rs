//! Stream URLs: as arguments, in functions, and compared with those that the API returns.
#![no_main]

use alicloud_live::{StreamUrl, redact_auth_keys};
use fuzz::{Api, JOB, config_with, provider, runtime};
use libfuzzer_sys::fuzz_target;
use tfplugin::{Diagnostics, EncodedValue};

fuzz_target!(|text: &str| {
    let definition = provider(Api::empty());
    let diagnostics = &mut Diagnostics::default();
    for field in ["stream_input", "stream_output"] {
        definition.resources[JOB].validate(diagnostics, &config_with(field, text));
    }
    let argument = EncodedValue::encode(&text).unwrap();
    let parse = &definition.functions["parse_stream_url"];
    drop(runtime().block_on(parse.call(diagnostics, &[argument])));
    let url: StreamUrl = serde_json::from_value(text.into()).unwrap();
    let other: StreamUrl = serde_json::from_value("rtmp://a.example.com/live/i".into()).unwrap();
    assert_eq!(url.is_equivalent(&other), other.is_equivalent(&url));
    // What is masked once stays as it is.
    let masked = redact_auth_keys(text);
    assert_eq!(redact_auth_keys(&masked), masked);
});
