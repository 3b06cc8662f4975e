//! Private data beside a job's state, which anybody may have written.
#![no_main]

use fuzz::{Api, JOB, choice, config_with, configured, runtime, state};
use libfuzzer_sys::fuzz_target;
use tfplugin::{Change, Diagnostics, EncodedValue, ResourceInstanceObject};

fuzz_target!(|data: &[u8]| {
    let Some((call, bytes)) = choice(data, 4) else {
        return;
    };
    let private = bytes.to_vec();
    runtime().block_on(async {
        let definition = configured(Api::empty()).await;
        let resource = definition.resources[JOB].as_ref();
        let diagnostics = &mut Diagnostics::default();
        let change = |prior: EncodedValue, target: EncodedValue, private: Vec<u8>| Change {
            prior,
            config: target.clone(),
            target,
            private,
            keeps_planned_private: true,
        };
        match call {
            0 => {
                let held = ResourceInstanceObject {
                    state: state(),
                    private,
                    identity: None,
                };
                drop(resource.read(diagnostics, &held).await);
            }
            1 => drop(
                resource
                    .plan(
                        diagnostics,
                        &change(state(), config_with("name", "other"), private),
                    )
                    .await,
            ),
            2 => drop(
                resource
                    .apply(
                        diagnostics,
                        &change(state(), config_with("name", "other"), private),
                    )
                    .await,
            ),
            _ => drop(
                resource
                    .apply(diagnostics, &change(state(), EncodedValue::null(), private))
                    .await,
            ),
        }
    });
});
