//! The configurations that the guides show, as far as no other file here is about their subject.

use std::collections::BTreeSet;

use alicloud_live_mock::JobStatus;

use crate::support::configuration::quoted;
use crate::support::terraform::{Run, Severity};
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    jobs_get_other_addresses_and_brakes_without_a_call,
    resources_name_this_provider_beside_the_official_one,
    a_pipeline_stops_at_a_plan_that_touches_a_running_stream,
}

// `mock_provider` is what the tests without a cloud need.
over_newest_terraform! {
    from "1.7":
    the_tests_of_the_guide_pass_without_a_cloud_and_against_the_mock,
}

// `for_each` of import blocks is as old as Terraform 1.7.
over_each_terraform! {
    from "1.8":
    known_jobs_are_imported_by_their_ids,
}

over_each_terraform! {
    from "1.14":
    ten_hand_made_jobs_are_taken_over,
}

fn jobs_get_other_addresses_and_brakes_without_a_call(world: &TestWorkspace) {
    let summaries = |run: &Run, severity| -> BTreeSet<String> {
        let shown = run.diagnostics(severity);
        shown.into_iter().map(|shown| shown.summary).collect()
    };
    world.configure_as_in("examples/guides/changing-jobs/before");
    world.apply().succeeded();
    let job_ids = world.job_ids("alicloud_live_edge_transcode_job.camera");
    let changes = world.cloud.changes();
    assert_eq!(job_ids.len(), 2);

    world.configure_as_in("examples/guides/changing-jobs/after");
    let applied = world.apply().succeeded();
    let warnings = summaries(&applied, Severity::Warning);
    assert!(warnings.is_empty(), "{applied}");
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), changes);
    let entrance = world.job_ids("alicloud_live_edge_transcode_job.entrance");
    assert_eq!(entrance, job_ids);

    let destroyed = world.destroy().failed();
    let protected = BTreeSet::from(["Job is protected from deletion".to_owned()]);
    assert_eq!(summaries(&destroyed, Severity::Error), protected);
    world.replace_in_configuration("\"tpl-h264-720p\"", "\"tpl-uhd-4k\"");
    let planned = world.plan().failed();
    let braked = BTreeSet::from(["Job must not be stopped".to_owned()]);
    assert_eq!(summaries(&planned, Severity::Error), braked);
    assert_eq!(world.cloud.changes(), changes);
}

fn resources_name_this_provider_beside_the_official_one(world: &TestWorkspace) {
    // The official provider cannot be had without a network. Another copy of this one takes its place: it understands
    // the same provider block, and has to do nothing else here.
    let plugins = quoted(world.home().join("plugins").to_str().unwrap());
    let official = world.home().join("official");
    std::fs::create_dir(&official).unwrap();
    std::fs::copy(
        env!("CARGO_BIN_EXE_terraform-provider-alicloud-live"),
        official.join("terraform-provider-alicloud"),
    )
    .unwrap();
    let official = quoted(official.to_str().unwrap());
    world.put(
        "cli.tfrc",
        &format!(
            "provider_installation {{\n  dev_overrides {{\n    \"edge-transcode/alicloud-live\" = {plugins}\n    \
             \"aliyun/alicloud\" = {official}\n  }}\n  direct {{}}\n}}\n"
        ),
    );
    world.configure_as_in("examples/guides/beside-the-official-provider");
    world.apply().succeeded();
    world.plan().is_empty();
    assert_eq!(world.cloud.job().name, "camera-1");
    world.replace_in_configuration("\"camera-1\"", "\"camera-2\"");
    world.apply().succeeded();
    assert_eq!(world.cloud.job().name, "camera-2");
    let state = world.state_file();
    let names =
        |registry: &str| state.contains(&format!("{registry}/edge-transcode/alicloud-live"));
    assert!(names("registry.terraform.io") || names("registry.opentofu.org"));
    world.destroy_all();
}

fn ten_hand_made_jobs_are_taken_over(world: &TestWorkspace) {
    for number in 0..10 {
        world.cloud.seed(|job| {
            job.name = format!("camera-{number}");
            job.status = [JobStatus::Running, JobStatus::NotStarted][number % 2];
        });
    }
    world.configure_as_in("examples/guides/moving-existing-jobs/start");
    world
        .run(&["query", "-no-color", "-generate-config-out=jobs.tf"])
        .succeeded();
    let planned = world.run(&["plan", "-no-color"]).succeeded();
    planned.must_print("10 to import, 0 to add, 0 to change, 0 to destroy");
    world.apply().succeeded();
    let _ = world.take_out("jobs.tfquery.hcl");
    world.plan().is_empty();
    assert!(world.cloud.changes().is_empty());
}

fn known_jobs_are_imported_by_their_ids(world: &TestWorkspace) {
    let ids: Vec<String> = ["gate", "yard"]
        .iter()
        .map(|camera| {
            let job = world.cloud.seed(|job| {
                job.name = (*camera).into();
                job.template_id = "tpl-h264-720p".into();
                job.stream_input = format!("rtmp://pull.example.com/live/{camera}");
                job.stream_output = format!("rtmp://push.example.com/live/{camera}-720p");
            });
            format!("{camera} = {:?}", job.job_id)
        })
        .collect();
    world.configure_as_in("examples/guides/moving-existing-jobs/one-by-one");
    world.put(
        "terraform.tfvars",
        &format!("job_ids = {{ {} }}", ids.join(", ")),
    );
    world.apply().succeeded();
    world.plan().is_empty();
    assert!(world.cloud.changes().is_empty());
}

/// The script that the guide on CI shows.
fn a_pipeline_stops_at_a_plan_that_touches_a_running_stream(world: &TestWorkspace) {
    world.configure_as_in("examples/guides/ci");
    world.set("TF_VAR_role_arn", "acs:ram::1234567890123456:role/live");
    let planned = |world: &TestWorkspace| {
        let folder = world.folder_of_terraform();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let mut script = world.command("sh");
        let ended = script.arg("plan.sh").env("PATH", path).output().unwrap();
        let printed = [ended.stdout, ended.stderr].map(|text| String::from_utf8(text).unwrap());
        world.note_printed(&printed.concat());
        (ended.status.code().unwrap(), printed.concat())
    };
    assert_eq!(planned(world).0, 0, "creating a job interrupts nothing");
    world
        .run(&["apply", "-no-color", "-input=false", "tfplan"])
        .succeeded();
    assert_eq!(planned(world).0, 0, "nothing to do");

    world.replace_in_configuration("\"tpl-h264-720p\"", "\"tpl-h265-1080p\"");
    let (status, printed) = planned(world);
    assert_eq!(status, 3, "{printed}");
    let warning = "The stream will be interrupted";
    assert!(printed.contains(warning), "{printed}");

    world.replace_in_configuration("status        = \"Running\"", "status        = \"Stopped\"");
    let (status, printed) = planned(world);
    assert_eq!(status, 3, "{printed}");
    let warning = "A running job will be stopped";
    assert!(printed.contains(warning), "{printed}");
    world.replace_in_configuration("\"Stopped\"", "\"Running\"");

    world.replace_in_configuration("cluster-1", "cluster-2");
    world.replace_in_configuration("deletion_protection = true", "");
    let (status, printed) = planned(world);
    assert_eq!(
        status, 1,
        "protected until an apply says otherwise: {printed}"
    );
    let error = "Job is protected from deletion";
    assert!(printed.contains(error), "{printed}");

    world.replace_in_configuration("cluster-2", "cluster-1");
    world.apply().succeeded();
    let _ = world.take_out("main.tf");
    world.configure_all("");
    world.destroy_all();
}

fn the_tests_of_the_guide_pass_without_a_cloud_and_against_the_mock(world: &TestWorkspace) {
    world.configure_as_in("examples/guides/testing-modules");
    let tested = world.run(&["test", "-no-color"]).succeeded();
    tested.must_print("1 passed, 0 failed");
    assert_eq!(world.cloud.calls().len(), 0);
    let tested = world
        .run(&["test", "-no-color", "-test-directory=tests-mock"])
        .succeeded();
    tested.must_print("2 passed, 0 failed");
    assert_eq!(world.cloud.calls_of("Create").len(), 2);
    assert!(world.cloud.jobs().is_empty());
}
