//! The examples of the documentation, each through the life that a user gives it: apply, change, apply, destroy. What
//! each one does in particular is tested beside its subject.

use std::fs;
use std::path::{Path, PathBuf};

use alicloud_live_mock::JobStatus;
use serde_json::json;

use crate::support::configuration::AUTH_KEY;
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    the_quickstart_lives,
    the_example_of_the_job_lives,
    the_fleet_of_two_sites_lives,
    the_example_of_a_signed_url_lives,
    the_examples_of_data_sources_live,
    the_example_of_the_life_cycle_lives,
}

over_each_terraform! {
    from "1.8":
    the_examples_of_functions_live,
    the_example_of_a_url_signed_by_a_function_lives,
    the_example_of_the_key_rotation_lives,
}

over_each_terraform! {
    from "1.14":
    the_example_of_the_start_lives,
    the_example_of_the_stop_lives,
    the_example_of_the_restart_lives,
}

/// The input stream of the examples.
fn put_the_camera_on_air(world: &TestWorkspace) {
    world.cloud.configure(|config| {
        config.online_inputs = vec!["rtmp://pull.example.com/live/camera-1".to_owned()];
    });
}

const RENAMED: (&str, &str) = ("\"camera-1\"", "\"camera-2\"");

/// Applies the configuration, changes it by replacing one text by another, applies again, and destroys it.
fn lives(world: &TestWorkspace, (from, to): (&str, &str)) {
    world.apply().succeeded();
    world.plan().is_empty();
    let before = world.cloud.changes().len();
    world.replace_in_configuration(from, to);
    world.apply().succeeded();
    let after = world.cloud.changes().len();
    assert!(after > before, "the change reaches the cloud");
    world.plan().is_empty();
    world.destroy_all();
}

/// A folder whose example has no provider block, under one.
fn configure_with_provider(world: &TestWorkspace, folder: &str) {
    world.configure_as_in("examples/provider");
    world.configure_as_in(folder);
}

fn the_quickstart_lives(world: &TestWorkspace) {
    put_the_camera_on_air(world);
    world.configure_as_in("examples/quickstart");
    world.apply().succeeded();
    assert!(world.cloud.is_running());
    lives(world, RENAMED);
}

fn the_example_of_the_job_lives(world: &TestWorkspace) {
    configure_with_provider(world, "examples/resources/alicloud_live_edge_transcode_job");
    for import in ["import-by-identity.tf", "import-by-string-id.tf"] {
        let _ = world.take_out(import);
    }
    world.set("TF_VAR_push_auth_key", AUTH_KEY);
    lives(world, RENAMED);
}

fn the_fleet_of_two_sites_lives(world: &TestWorkspace) {
    world.configure_as_in("examples/guides/large-fleets");
    world.apply().succeeded();
    let mut names: Vec<String> = world.cloud.jobs().into_iter().map(|job| job.name).collect();
    names.sort_unstable();
    let expected = ["north-gate", "north-yard", "south-gate", "south-hall"];
    assert_eq!(names, expected);
    lives(world, ("\"hall\"", "\"dock\""));
}

fn the_example_of_a_signed_url_lives(world: &TestWorkspace) {
    configure_with_provider(world, "examples/guides/stream-url-authentication/md5");
    world.set("TF_VAR_push_key", "examplekey1");
    world.set("TF_VAR_push_url_ends", "4102444800");
    lives(world, RENAMED);
}

fn the_example_of_a_url_signed_by_a_function_lives(world: &TestWorkspace) {
    configure_with_provider(world, "examples/guides/stream-url-authentication/functions");
    world.set("TF_VAR_push_key", "examplekey1");
    world.set("TF_VAR_push_url_ends", "2100-01-01T00:00:00Z");
    lives(world, RENAMED);
}

fn the_example_of_the_life_cycle_lives(world: &TestWorkspace) {
    world.configure_as_in("examples/guides/life-cycle");
    world.apply().succeeded();
    assert_eq!(world.output("camera")["status"], "Running");
    world.set("TF_VAR_on_air", "false");
    world.apply().succeeded();
    assert_eq!(world.output("camera")["status"], "Stopped");
    world.set("TF_VAR_on_air", "true");
    lives(world, ("\"tpl-h264-720p\"", "\"tpl-h265-1080p\""));
    let changes = [
        "Create", "Start", "Stop", "Start", "Stop", "Update", "Start", "Stop", "Delete",
    ];
    assert_eq!(world.cloud.changes(), changes);
}

fn the_example_of_the_key_rotation_lives(world: &TestWorkspace) {
    world.configure_as_in("examples/guides/key-rotation");
    world.set(
        "TF_VAR_push_keys",
        r#"{ main = "examplekey1", backup = "examplekey2" }"#,
    );
    let cameras = |gate: &str| {
        format!(
            "cameras = {{\n  gate = {{ key = {gate:?}, expires_at = \"2100-01-01T00:00:00Z\" }}\n  \
             yard = {{ key = \"main\", expires_at = \"2100-01-01T00:00:00Z\" }}\n}}\n"
        )
    };
    world.put("terraform.tfvars", &cameras("main"));
    world.apply().succeeded();
    world.plan().is_empty();
    let before = world.cloud.changes().len();
    world.put("terraform.tfvars", &cameras("backup"));
    world.apply().succeeded();
    // One camera's key interrupts one stream.
    assert_eq!(world.cloud.changes()[before..], ["Stop", "Update", "Start"]);
    world.plan().is_empty();
    world.destroy_all();
}

fn the_example_of_the_start_lives(world: &TestWorkspace) {
    let folder = "examples/actions/alicloud_live_edge_transcode_job_start";
    put_the_camera_on_air(world);
    configure_with_provider(world, folder);
    lives(world, RENAMED);
    let changes = [
        "Create", "Start", "Stop", "Update", "Start", "Stop", "Delete",
    ];
    assert_eq!(world.cloud.changes(), changes);
}

fn the_example_of_the_stop_lives(world: &TestWorkspace) {
    let folder = "examples/actions/alicloud_live_edge_transcode_job_stop";
    configure_with_provider(world, folder);
    lives(world, RENAMED);
}

fn the_example_of_the_restart_lives(world: &TestWorkspace) {
    let folder = "examples/actions/alicloud_live_edge_transcode_job_restart";
    configure_with_provider(world, folder);
    lives(world, ("\"2 Mbit/s\"", "\"3 Mbit/s\""));
    let changes = ["Create", "Start", "Stop", "Start", "Stop", "Delete"];
    assert_eq!(world.cloud.changes(), changes);
}

/// Those that create nothing: a change of them is one of what they give, which `is_right` checks before.
fn read(
    world: &TestWorkspace,
    folders: &[&str],
    is_right: impl FnOnce(),
    (from, to): (&str, &str),
    output: &str,
) {
    world.configure_as_in("examples/provider");
    world.configure_as_in_all(folders);
    world.apply().succeeded();
    world.plan().is_empty();
    is_right();
    let before = world.output(output);
    world.replace_in_configuration(from, to);
    world.apply().succeeded();
    assert_ne!(world.output(output), before);
    world.plan().is_empty();
    world.destroy().succeeded();
    assert!(world.cloud.changes().is_empty());
}

fn the_examples_of_data_sources_live(world: &TestWorkspace) {
    let job = world.cloud.seed(|job| job.name = "camera-1".into());
    world.cloud.seed(|job| {
        job.name = "camera-2".into();
        job.status = JobStatus::Running;
    });
    world.set("ALIBABA_CLOUD_ENDPOINT_STS", world.cloud.url());
    let folders = [
        "examples/data-sources/alicloud_live_caller_identity",
        "examples/data-sources/alicloud_live_edge_transcode_job",
        "examples/data-sources/alicloud_live_edge_transcode_jobs",
        "examples/data-sources/alicloud_live_edge_transcode_template",
        "examples/data-sources/alicloud_live_edge_transcode_templates",
        "examples/data-sources/alicloud_live_stream_state",
    ];
    let is_right = || {
        assert_eq!(
            world.output("camera_id"),
            format!("cluster-1:{}", job.job_id)
        );
        assert_eq!(world.output("running"), json!(["camera-2"]));
        assert_eq!(world.output("codec"), "H.264");
        let h265 = json!(["tpl-h265-1080p", "tpl-uhd-4k"]);
        assert_eq!(world.output("h265_templates"), h265);
    };
    read(world, &folders, is_right, RENAMED, "camera_id");
    assert_eq!(world.cloud.jobs().len(), 2);
}

fn the_examples_of_functions_live(world: &TestWorkspace) {
    let folders = [
        "examples/functions/edge_transcode_job_id",
        "examples/functions/live_auth_url",
        "examples/functions/parse_edge_transcode_job_id",
        "examples/functions/parse_stream_url",
    ];
    world.set("TF_VAR_push_key", "examplekey1");
    let is_right = || {
        let (cluster_id, job_id) = ("cluster-1", "9B1571B5-13CB-44F7-A1BA-6AE561FF46F7");
        assert_eq!(world.output("id"), format!("{cluster_id}:{job_id}"));
        let parts = json!({"cluster_id": cluster_id, "job_id": job_id});
        assert_eq!(world.output("parts"), parts);
        // Alibaba Cloud's check values for this path and key.
        let url = "rtmp://push.example.com/app/stream2?auth_key=1893456000";
        let signed = format!("{url}-0-0-e3acefe0df032b41dc982aa2202afc7a");
        assert_eq!(world.output("push_url"), signed);
        let rand = "477b3bbc253f467b8def6711128c7bec";
        let signed = format!("{url}-{rand}-0-6aa898f01cc832a904c5ec35b65ecc66");
        assert_eq!(world.output("push_url_with_rand"), signed);
        let url = json!({
            "scheme": "rtmp", "host": "push.example.com", "port": 1935, "app": "live", "stream": "camera-1",
            "query": null,
        });
        assert_eq!(world.output("url"), url);
    };
    let other_cluster = ("\"cluster-1\"", "\"cluster-2\"");
    read(world, &folders, is_right, other_cluster, "id");
    assert!(world.cloud.calls().is_empty());
}

/// A new example is not forgotten.
#[test]
fn every_example_stands_in_an_acceptance_test() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = files(&top.join("tests/acceptance"))
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let examples = files(&top.join("examples"));
    assert!(examples.len() > 30, "{examples:?}");
    for example in examples {
        let folder = example.parent().unwrap().strip_prefix(top).unwrap();
        // What tests a module belongs to the module.
        let is_test = example.to_str().unwrap().ends_with(".tftest.hcl");
        let is_configuration = example
            .extension()
            .is_some_and(|extension| extension == "tf" || extension == "hcl");
        if is_configuration && !is_test {
            let quoted = format!("\"{}\"", folder.to_str().unwrap());
            assert!(tests.contains(&quoted), "no test applies {quoted}");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
