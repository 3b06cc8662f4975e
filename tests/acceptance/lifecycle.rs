//! A job's life under Terraform: create, update, replace, destroy.

use crate::JOB;
use crate::support::cloud::OTHER_CLUSTER;
use crate::support::configuration::{AUTH_KEY, Block};
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    a_job_lives_from_create_to_destroy,
    each_attribute_of_a_stopped_job_changes_in_place,
    another_cluster_takes_another_job,
    several_jobs_are_made_at_once,
    values_that_are_not_known_yet_pass_validation_and_plan,
    unusual_characters_arrive_unharmed,
    the_examples_of_the_documentation_work_as_they_stand,
}

fn a_job_lives_from_create_to_destroy(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let job = world.cloud.job();
    let state = world.state(JOB);
    assert_eq!(state["id"], format!("cluster-1:{}", job.job_id));
    assert_eq!(state["job_id"], job.job_id);
    assert_eq!(state["status"], "Stopped");
    assert_eq!(state["type"], "common");
    assert_eq!(state["template_name"], job.template_name);
    assert!(
        state["create_time"].as_str().unwrap().ends_with('Z'),
        "{state:#}"
    );
    assert!(
        state["last_start_at"].is_null() && state["last_stop_at"].is_null(),
        "{state:#}"
    );
    assert_eq!(
        (job.name, job.stream_input),
        (
            "job-it".into(),
            state["stream_input"].as_str().unwrap().into()
        )
    );

    world.plan_without_refresh().is_empty();
    world.plan().is_empty();

    world.destroy_all();
    assert_eq!(world.cloud.changes(), ["Create", "Delete"]);
}

fn each_attribute_of_a_stopped_job_changes_in_place(world: &TestWorkspace) {
    let mut job = Block::job("it");
    world.applied(&job);
    let job_id = world.cloud.job().job_id;

    // The key that is part of the URL is all that changes.
    let output = format!("rtmp://push.example.com/live/it?auth_key={AUTH_KEY}1");
    for (attribute, value) in [
        ("name", "renamed"),
        ("template_id", "tpl-h265-1080p"),
        ("stream_input", "rtmp://pull.example.com/live/other"),
        ("stream_output", &output),
    ] {
        job = job.text(attribute, value);
        let applied = world.applied(&job);
        let update = [(JOB.to_owned(), "update".to_owned())];
        assert_eq!(applied.planned(), update, "{attribute}");
        assert_eq!(world.state(JOB)[attribute], value);

        let job = world.cloud.job();
        let in_cloud = match attribute {
            "name" => job.name,
            "template_id" => job.template_id,
            "stream_input" => job.stream_input,
            _ => job.stream_output,
        };
        assert_eq!(in_cloud, value);
        assert_eq!(job.job_id, job_id, "{attribute} must not replace the job");
    }

    world.plan().is_empty();
    let template_name = world.cloud.job().template_name;
    assert_eq!(world.state(JOB)["template_name"], template_name);
    assert_eq!(
        world.cloud.changes(),
        ["Create", "Update", "Update", "Update", "Update"]
    );
}

fn another_cluster_takes_another_job(world: &TestWorkspace) {
    world.applied(Block::job("it"));
    let first = world.cloud.job();

    let applied = world.applied(Block::job("it").text("cluster_id", OTHER_CLUSTER));
    assert_eq!(applied.planned(), [(JOB.to_owned(), "replace".to_owned())]);
    let second = world.cloud.job();
    assert_eq!(second.cluster_id, OTHER_CLUSTER);
    assert_ne!(second.job_id, first.job_id);
    world.plan().is_empty();
}

fn several_jobs_are_made_at_once(world: &TestWorkspace) {
    let job = Block::job("it").text("name", "camera-${count.index}");
    world.applied(job.with("count", "12"));
    let mut names: Vec<String> = world.cloud.jobs().into_iter().map(|job| job.name).collect();
    names.sort();
    let mut expected: Vec<String> = (0..12).map(|index| format!("camera-{index}")).collect();
    expected.sort();
    assert_eq!(names, expected);

    world.destroy_all();
}

fn values_that_are_not_known_yet_pass_validation_and_plan(world: &TestWorkspace) {
    // What a data resource gives is known only when it has been applied.
    let mut sources = String::new();
    let mut job = Block::job("it");
    let values = [
        ("cluster_id", "cluster-1"),
        ("template_id", "tpl-h264-720p"),
        ("name", "late"),
        ("stream_input", "rtmp://pull.example.com/live/late"),
        ("stream_output", "rtmp://push.example.com/live/late"),
        ("status", "Running"),
    ];
    for (attribute, value) in values {
        sources += &Block::known_after_apply(attribute, value).to_string();
        job = job.with(attribute, &format!("terraform_data.{attribute}.output"));
    }
    world.configure(format_args!("{sources}{job}"));

    world.validate().succeeded();
    world.apply().succeeded();
    assert_eq!(world.cloud.job().name, "late");
    assert!(world.cloud.is_running());
    world.plan().is_empty();
}

fn unusual_characters_arrive_unharmed(world: &TestWorkspace) {
    let stream = "rtmp://pull.example.com/live/b%20c~d*e+f'(g)!?x=1&y=é中&z=%2F";
    let job = Block::job("it")
        .text("name", "直播转码-任务_1")
        .text("stream_input", stream);
    world.applied(&job);
    let made = world.cloud.job();
    assert_eq!(
        (made.name.as_str(), made.stream_input.as_str()),
        ("直播转码-任务_1", stream)
    );
    world.plan().is_empty();
}

fn the_examples_of_the_documentation_work_as_they_stand(world: &TestWorkspace) {
    const SHOWN_ID: &str = "cluster-1:9B1571B5-13CB-44F7-A1BA-6AE561FF46F7";
    world.configure_as_in("examples/provider");
    world.configure_as_in("examples/resources/alicloud_live_edge_transcode_job");
    world.set("TF_VAR_push_auth_key", AUTH_KEY);
    let import_block = world.take_out("import-by-string-id.tf");
    // Terraform before 1.12 does not know it; `identity.rs` applies it.
    world.take_out("import-by-identity.tf");
    assert!(world.take_out("import.sh").contains(SHOWN_ID));

    world.apply().succeeded();
    world.plan().is_empty();
    assert!(world.cloud.is_running());

    world.forget_state();
    let real_id = format!("cluster-1:{}", world.cloud.job().job_id);
    assert!(import_block.contains(SHOWN_ID));
    world.put(
        "import-by-string-id.tf",
        &import_block.replace(SHOWN_ID, &real_id),
    );
    let applied = world.apply().succeeded();
    applied.must_print("1 imported");
    world.plan().is_empty();
}
