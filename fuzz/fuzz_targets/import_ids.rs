//! Import IDs, as a command or an `import` block gives them, and as functions read them.
#![no_main]

use fuzz::{Api, JOB, configured, runtime};
use libfuzzer_sys::fuzz_target;
use tfplugin::{Diagnostics, EncodedValue};

fuzz_target!(|text: &str| {
    runtime().block_on(async {
        let definition = configured(Api::empty()).await;
        let diagnostics = &mut Diagnostics::default();
        let job = &definition.resources[JOB];
        drop(job.import(diagnostics, text.to_owned()).await);
        let argument = [EncodedValue::encode(&text).unwrap()];
        let parse = &definition.functions["parse_edge_transcode_job_id"];
        drop(parse.call(diagnostics, &argument).await);
    });
});
