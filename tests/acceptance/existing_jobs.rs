//! `on_existing`: what happens when such a job exists before it is created.

use std::collections::BTreeSet;

use alicloud_live::mock::FaultKind;

use crate::JOB;
use crate::support::cloud::fault;
use crate::support::configuration::{AUTH_KEY, Block};
use crate::support::world::World;

over_each_terraform! {
    a_job_that_exists_is_named_and_can_be_imported,
    a_job_that_exists_can_be_adopted,
}

over_newest_terraform! {
    another_job_can_be_created_beside_one_that_exists,
    several_jobs_that_fit_are_all_named_and_none_is_adopted,
    one_job_is_adopted_only_once,
    a_job_that_differs_does_not_count,
    identical_jobs_can_be_created_together,
    the_look_costs_one_list_however_many_jobs_are_created,
    without_permission_to_look_the_way_out_is_named,
}

/// A job as [`Block::job`] has it, made by a run whose state is lost.
fn a_job_that_exists(world: &World) -> String {
    let stream = |host: &str| format!("rtmp://{host}/live/it?auth_key={AUTH_KEY}");
    let job = world.cloud.seed(|job| {
        job.name = "job-it".into();
        job.stream_input = stream("pull.example.com");
        job.stream_output = stream("push.example.com");
    });
    job.job_id
}

fn a_job_that_exists_is_named_and_can_be_imported(world: &World) {
    let job_id = a_job_that_exists(world);
    world.configure(Block::job("it"));
    let command =
        format!("terraform import alicloud_live_edge_transcode_job.<name> 'cluster-1:{job_id}'");
    world.apply().failed().error().must_say(&[
        "Such a job exists already",
        "Nothing was created",
        &command,
    ]);
    assert!(world.cloud.changes().is_empty() && world.state(JOB).is_null());

    world
        .import(JOB, &format!("cluster-1:{job_id}"))
        .succeeded();
    world.apply().succeeded();
    world.plan().is_empty();
    assert!(world.cloud.changes().is_empty());
    assert_eq!(world.cloud.job().job_id, job_id);
}

fn a_job_that_exists_can_be_adopted(world: &World) {
    let job_id = a_job_that_exists(world);
    world.configure(
        Block::job("it")
            .text("on_existing", "adopt")
            .text("status", "Running"),
    );
    world.apply().succeeded();
    assert_eq!(world.state(JOB)["job_id"], job_id);
    assert!(world.cloud.is_running());
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), ["Start"]);
}

fn another_job_can_be_created_beside_one_that_exists(world: &World) {
    let job_id = a_job_that_exists(world);
    world.configure(Block::job("it").text("on_existing", "create"));
    world.apply().succeeded();
    assert_eq!(world.cloud.jobs().len(), 2);
    assert_ne!(world.state(JOB)["job_id"], job_id);
    assert_eq!(world.cloud.calls_of("List").len(), 0, "nobody looks");
    world.plan().is_empty();
}

fn several_jobs_that_fit_are_all_named_and_none_is_adopted(world: &World) {
    let job_ids = [a_job_that_exists(world), a_job_that_exists(world)];
    world.configure(Block::job("it").text("on_existing", "adopt"));
    let error = world.apply().failed().error();
    error.must_say(&["2 jobs", &job_ids[0], &job_ids[1]]);
    assert!(world.cloud.changes().is_empty() && world.state(JOB).is_null());
}

fn one_job_is_adopted_only_once(world: &World) {
    let job_id = a_job_that_exists(world);
    world.configure(
        Block::job("it")
            .text("on_existing", "adopt")
            .with("count", "2"),
    );
    world.apply().succeeded();
    assert_eq!(world.cloud.changes(), ["Create"]);
    let in_state = world.job_ids(JOB);
    assert_eq!(
        in_state.len(),
        2,
        "two resources have one job: {in_state:?}"
    );
    assert!(in_state.contains(&job_id));
    world.plan().is_empty();
}

fn a_job_that_differs_does_not_count(world: &World) {
    a_job_that_exists(world);
    world.configure(Block::job("it").text("template_id", "tpl-uhd-4k"));
    world.apply().succeeded();
    assert_eq!(world.cloud.changes(), ["Create"]);
}

fn identical_jobs_can_be_created_together(world: &World) {
    world.configure(Block::job("it").with("count", "2"));
    world.apply().succeeded();
    let made: BTreeSet<String> = world
        .cloud
        .jobs()
        .into_iter()
        .map(|job| job.job_id)
        .collect();
    assert_eq!(made.len(), 2);
    assert_eq!(world.job_ids(JOB), made);
    world.plan().is_empty();
    world.destroy().succeeded();
    assert!(world.cloud.jobs().is_empty());
}

fn the_look_costs_one_list_however_many_jobs_are_created(world: &World) {
    world.configure(
        Block::job("it")
            .with("count", "12")
            .with("name", "\"camera-${count.index}\""),
    );
    world.apply().succeeded();
    let calls = ["List", "Create", "Get"].map(|verb| world.cloud.calls_of(verb).len());
    assert_eq!(calls, [1, 12, 12]);
}

fn without_permission_to_look_the_way_out_is_named(world: &World) {
    let forbidden = FaultKind::error(403, "Forbidden.RAM");
    world.cloud.set_faults([fault("List", forbidden)]);
    world.configure(Block::job("it"));
    let error = world.apply().failed().error();
    error.must_say(&[
        "Job could not be created",
        "Forbidden.RAM",
        "live:ListEdgeTranscodeJob",
        "set on_existing to \"create\"",
    ]);
    assert!(world.cloud.changes().is_empty());
    world.configure(Block::job("it").text("on_existing", "create"));
    world.apply().succeeded();
    world.cloud.job();
}
