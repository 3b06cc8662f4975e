//! What the API answers about one job or template, with any status.
#![no_main]

use fuzz::{Api, JOB, config_with, configured, runtime, state};
use libfuzzer_sys::fuzz_target;
use tfplugin::{Change, Diagnostics, EncodedValue, ResourceInstanceObject};

fuzz_target!(|data: &[u8]| {
    let [call, status, body @ ..] = data else {
        return;
    };
    let status = [200, 200, 200, 400, 403, 404, 429, 500, 503][usize::from(*status) % 9];
    runtime().block_on(async {
        let definition = configured(Api::answering(status, body)).await;
        let resource = definition.resources[JOB].as_ref();
        let diagnostics = &mut Diagnostics::default();
        let change = |prior: EncodedValue, target: EncodedValue| Change {
            prior,
            config: target.clone(),
            target,
            private: Vec::new(),
            keeps_planned_private: true,
        };
        match call % 5 {
            0 => {
                let held = ResourceInstanceObject {
                    state: state(),
                    private: Vec::new(),
                    identity: None,
                };
                drop(resource.read(diagnostics, &held).await);
            }
            1 => drop(
                resource
                    .apply(
                        diagnostics,
                        &change(EncodedValue::null(), config_with("name", "job")),
                    )
                    .await,
            ),
            2 => drop(
                resource
                    .apply(diagnostics, &change(state(), config_with("name", "other")))
                    .await,
            ),
            3 => drop(
                resource
                    .apply(diagnostics, &change(state(), EncodedValue::null()))
                    .await,
            ),
            _ => {
                let config =
                    EncodedValue::Json(br#"{"cluster_id":"cluster-1","template_id":"t"}"#.to_vec());
                let template = &definition.data_sources["alicloud_live_edge_transcode_template"];
                drop(template.read(diagnostics, &config).await);
            }
        }
    });
});
