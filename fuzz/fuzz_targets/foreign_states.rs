//! States and identities in JSON that another provider may have written.
#![no_main]

use fuzz::{Api, JOB, Mutator, choice, provider, runtime};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tfplugin::{Diagnostics, EncodedValue, MoveSource};

fuzz_target!(|data: &[u8]| {
    let Some((call, bytes)) = choice(data, 4) else {
        return;
    };
    let json = EncodedValue::Json(bytes.to_vec());
    let definition = provider(Api::empty());
    let resource = definition.resources[JOB].as_ref();
    let diagnostics = &mut Diagnostics::default();
    let source = |state: EncodedValue, identity: Option<EncodedValue>| MoveSource {
        provider_address: "registry.terraform.io/aliyun/alicloud".to_owned(),
        type_name: JOB.to_owned(),
        schema_version: 0,
        state,
        identity,
    };
    let empty = EncodedValue::Json(b"{}".to_vec());
    match call {
        0 => drop(runtime().block_on(resource.upgrade(diagnostics, &json))),
        1 => drop(resource.upgrade_identity(&json)),
        2 => drop(resource.move_state(diagnostics, &source(json, None))),
        _ => drop(resource.move_state(diagnostics, &source(empty, Some(json)))),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    Mutator::mutate(data, size, max_size, seed, 1, Mutator::json)
});
