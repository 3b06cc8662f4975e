//! Private data beside a job's state, which anybody may have written.
#![no_main]

use fuzz::{
    Api, JOB, Mutator, change, choice, config_with, configured, held, null, runtime, state,
};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tfplugin::{Change, Diagnostics, ResourceInstanceObject};

fuzz_target!(|data: &[u8]| {
    let Some((call, bytes)) = choice(data, 4) else {
        return;
    };
    let private = bytes.to_vec();
    runtime().block_on(async {
        let definition = configured(Api::empty()).await;
        let resource = definition.resources[JOB].as_ref();
        let diagnostics = &mut Diagnostics::default();
        if call == 0 {
            let held = ResourceInstanceObject {
                private,
                ..held(state())
            };
            return drop(resource.read(diagnostics, &held).await);
        }
        let target = match call {
            3 => null(),
            _ => config_with("name", "other"),
        };
        let change = Change {
            private,
            ..change(state(), target)
        };
        if call == 1 {
            drop(resource.plan(diagnostics, &change).await);
        } else {
            drop(resource.apply(diagnostics, &change).await);
        }
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    Mutator::mutate(data, size, max_size, seed, 1, Mutator::json)
});
