//! Durations and times: timeouts of a job and of the provider block, and the expiry of a stream key.
#![no_main]

use fuzz::{Api, JOB, config_with, provider, runtime};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tfplugin::{Diagnostics, EncodedValue};

fuzz_target!(|text: &str| {
    let definition = provider(Api::empty());
    let diagnostics = &mut Diagnostics::default();
    let timeouts = json!({ "create": text, "read": text, "update": text, "delete": text });
    definition.resources[JOB].validate(diagnostics, &config_with("timeouts", timeouts));
    let sign = &definition.functions["live_auth_url"];
    let url = "rtmp://push.example.com/live/it";
    let arguments = [url, "key", text].map(|text| EncodedValue::encode(&text).unwrap());
    drop(runtime().block_on(sign.call(diagnostics, &arguments)));
});
