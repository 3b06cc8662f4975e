//! States that were written by released versions of the provider: `tests/cases/states/<schema version>`, a file for each
//! object.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::JOB;
use crate::support::configuration::Block;
use crate::support::workspace::TestWorkspace;
use alicloud_auth::environment::Environment;
use terraform_provider_alicloud_live::definition;
use tfplugin::{Diagnostics, EncodedValue};

over_each_terraform! {
    each_recorded_state_plans_nothing,
}

/// Schema version, name and attributes of each recorded object.
fn recorded() -> Vec<(i64, String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/states");
    let entries = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut all = Vec::new();
    for version in entries(&folder) {
        for file in entries(&version) {
            let attributes = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
            all.push((name(&version).parse().unwrap(), name(&file), attributes));
        }
    }
    assert!(all.len() > 3, "{all:?}");
    all
}

#[tokio::test]
async fn each_recorded_state_is_upgraded_to_exactly_the_attributes_of_today() {
    let definition = definition(Environment::default());
    let job = &definition.resources["alicloud_live_edge_transcode_job"];
    let mut diagnostics = Diagnostics::default();
    let block = job.schema().block;
    let mut today: Vec<_> = block.attributes.keys().chain(block.blocks.keys()).collect();
    today.sort();
    for (_, name, recorded) in recorded() {
        let state = EncodedValue::Json(recorded.to_string().into_bytes());
        let upgraded = job.upgrade(&mut diagnostics, &state).await.unwrap();
        let upgraded: Value = upgraded.decode().unwrap();
        let mut attributes: Vec<_> = upgraded.as_object().unwrap().keys().collect();
        attributes.sort();
        assert_eq!(attributes, today, "{name}");
        for attribute in today.iter().copied() {
            let before = recorded.get(attribute).unwrap_or(&Value::Null);
            assert_eq!(&upgraded[attribute], before, "{name}: {attribute}");
        }
    }
    assert!(diagnostics.errors.is_empty());
}

/// The configuration that an object was made by.
fn configuration(attributes: &Value) -> Block {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut job = Block::job("it");
    for name in [
        "cluster_id",
        "name",
        "template_id",
        "stream_input",
        "stream_output",
    ] {
        if let Some(value) = text(&attributes[name]) {
            job = job.text(name, &value);
        }
    }
    for name in ["allow_stopping_for_update", "deletion_protection"] {
        if let Some(value) = attributes[name].as_bool() {
            job = job.with(name, &value.to_string());
        }
    }
    if let Some(times) = attributes["timeouts"].as_object() {
        let mut timeouts = Block::new("timeouts");
        for (operation, time) in times {
            if let Some(time) = text(time) {
                timeouts = timeouts.text(operation, &time);
            }
        }
        job = job.containing(timeouts);
    }
    job
}

fn each_recorded_state_plans_nothing(world: &TestWorkspace) {
    for (schema_version, name, attributes) in recorded() {
        world.configure(configuration(&attributes));
        let instance = json!({
            "schema_version": schema_version, "attributes": attributes, "sensitive_attributes": [],
        });
        let resource = json!({
            "mode": "managed", "type": "alicloud_live_edge_transcode_job", "name": "it",
            "provider": "provider[\"registry.terraform.io/edge-transcode/alicloud-live\"]",
            "instances": [instance],
        });
        let state = json!({
            "version": 4, "terraform_version": "1.6.0", "serial": 1,
            "lineage": "9b7c1a3e-53ab-4c52-8f3e-0c5f3f3c2a11", "outputs": {}, "resources": [resource],
        });
        world.put("terraform.tfstate", &state.to_string());
        world.plan_without_refresh().is_empty();
        assert_eq!(world.state(JOB)["name"], attributes["name"], "{name}");

        // The job is there, and another time of creation is nothing to plan.
        let text = |name: &str| attributes[name].as_str().unwrap().to_owned();
        world.cloud.seed(|job| {
            job.job_id = text("job_id");
            job.name = text("name");
            job.template_id = text("template_id");
            job.stream_input = text("stream_input");
            job.stream_output = text("stream_output");
        });
        world.plan().is_empty();
        world.apply().succeeded();
        world.plan().is_empty();
        assert_eq!(world.cloud.changes(), [""; 0], "{name}");
        world.cloud.delete();
    }
}
