//! Durations and times: time-outs of a job and of the provider block, and the expiry of a stream key.
#![no_main]

use fuzz::{Api, JOB, config_with, provider, runtime};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tfplugin::{Diagnostics, EncodedValue};

fuzz_target!(|text: &str| {
    let definition = provider(Api::empty());
    let diagnostics = &mut Diagnostics::default();
    let EncodedValue::Json(config) = config_with("name", "job") else {
        unreachable!()
    };
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    config["timeouts"] = json!([{ "create": text, "read": text, "update": text, "delete": text }]);
    let config = EncodedValue::Json(config.to_string().into_bytes());
    definition.resources[JOB].validate(diagnostics, &config);
    let sign = &definition.functions["live_auth_url"];
    let url = "rtmp://push.example.com/live/it";
    let arguments = [url, "key", text].map(|text| EncodedValue::encode(&text).unwrap());
    drop(runtime().block_on(sign.call(diagnostics, &arguments)));
});
