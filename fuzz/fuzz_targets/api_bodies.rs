//! What the API responds about one job or template, with any status.
#![no_main]

use fuzz::{Api, JOB, Mutator, change, config_with, configured, held, null, runtime, state};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tfplugin::{Diagnostics, EncodedValue};

fuzz_target!(|data: &[u8]| {
    let [call, status, body @ ..] = data else {
        return;
    };
    let status = [200, 200, 200, 400, 403, 404, 429, 500, 503][usize::from(*status) % 9];
    runtime().block_on(async {
        let definition = configured(Api::responding(status, body)).await;
        let resource = definition.resources[JOB].as_ref();
        let diagnostics = &mut Diagnostics::default();
        let change = match call % 5 {
            0 => return drop(resource.read(diagnostics, &held(state())).await),
            1 => change(null(), config_with("name", "job")),
            2 => change(state(), config_with("name", "other")),
            3 => change(state(), null()),
            _ => {
                let config =
                    EncodedValue::Json(br#"{"cluster_id":"cluster-1","template_id":"t"}"#.to_vec());
                let template = &definition.data_sources["alicloud_live_edge_transcode_template"];
                return drop(template.read(diagnostics, &config).await);
            }
        };
        drop(resource.apply(diagnostics, &change).await);
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    Mutator::mutate(data, size, max_size, seed, 2, Mutator::json)
});
