//! Values in MessagePack, at each place where core sends one.
#![no_main]

use fuzz::{Api, JOB, Mutator, change, choice, configured, held, null, runtime, state};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tfplugin::{Diagnostics, EncodedValue};

fuzz_target!(|data: &[u8]| {
    let Some((place, bytes)) = choice(data, 9) else {
        return;
    };
    let value = EncodedValue::MessagePack(bytes.to_vec());
    runtime().block_on(async {
        let definition = configured(Api::empty()).await;
        let resource = definition.resources[JOB].as_ref();
        let diagnostics = &mut Diagnostics::default();
        match place {
            0 => resource.validate(diagnostics, &value),
            1 => drop(resource.plan(diagnostics, &change(null(), value)).await),
            2 => drop(resource.plan(diagnostics, &change(state(), value)).await),
            3 => drop(resource.apply(diagnostics, &change(value, null())).await),
            4 => drop(resource.read(diagnostics, &held(value)).await),
            5 => drop(resource.import_by_identity(diagnostics, &value).await),
            6 => definition.provider.validate(diagnostics, &value).await,
            7 => {
                for source in definition.data_sources.values() {
                    source.validate(diagnostics, &value).await;
                    drop(source.read(diagnostics, &value).await);
                }
            }
            _ => {
                for function in definition.functions.values() {
                    let arguments = [value.clone(), value.clone(), value.clone()];
                    drop(function.call(diagnostics, &arguments).await);
                }
            }
        }
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    Mutator::mutate(data, size, max_size, seed, 1, Mutator::value)
});
