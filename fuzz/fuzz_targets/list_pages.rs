//! Pages of lists: jobs and templates, the same page for each number.
#![no_main]

use fuzz::{Api, Mutator, choice, configured, runtime};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tfplugin::{Diagnostics, EncodedValue};

fuzz_target!(|data: &[u8]| {
    let Some((source, body)) = choice(data, 3) else {
        return;
    };
    let cluster = r#"{"cluster_id":"cluster-1"}"#;
    let (source, config) = [
        ("alicloud_live_edge_transcode_jobs", cluster),
        ("alicloud_live_edge_transcode_templates", cluster),
        (
            "alicloud_live_edge_transcode_job",
            r#"{"cluster_id":"cluster-1","name":"job"}"#,
        ),
    ][usize::from(source)];
    let config = EncodedValue::Json(config.as_bytes().to_vec());
    runtime().block_on(async {
        let definition = configured(Api::responding(200, body)).await;
        let source = &definition.data_sources[source];
        drop(source.read(&mut Diagnostics::default(), &config).await);
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    Mutator::mutate(data, size, max_size, seed, 1, Mutator::json)
});
