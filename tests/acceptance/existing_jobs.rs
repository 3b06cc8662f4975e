//! Jobs that write the same stream already: a plan names them with the block to add, and nothing is rejected or adopted.

use alicloud_live_mock::{Fault, FaultKind, JobStatus};

use crate::JOB;
use crate::support::configuration::{AUTH_KEY, Block};
use crate::support::terraform::{Diagnostic, Run, Severity};
use crate::support::workspace::TestWorkspace;

over_each_terraform! {
    an_identical_job_is_named_and_can_be_imported,
    a_running_job_with_the_same_output_is_named,
}

over_newest_terraform! {
    a_running_job_with_the_output_of_one_that_will_start_is_named,
    a_running_job_with_the_new_output_of_another_running_one_is_named,
    creating_creates_whatever_exists,
    a_job_with_another_output_is_not_named,
    identical_jobs_can_be_created_together,
    the_look_costs_one_list_a_process_however_many_jobs_are_planned,
    a_look_that_fails_is_silent,
    a_template_call_that_hangs_hides_no_existing_job,
}

/// A job as [`Block::job`] has it, created by a run whose state is lost.
fn an_existing_job(world: &TestWorkspace) -> String {
    let stream = |host: &str| format!("rtmp://{host}/live/it?auth_key={AUTH_KEY}");
    let job = world.cloud.seed(|job| {
        job.name = "job-it".into();
        job.stream_input = stream("pull.example.com");
        job.stream_output = stream("push.example.com");
    });
    job.job_id
}

const IDENTICAL: &str = "An identical job exists";
pub(crate) const RUNNING_WRITER: &str = "A running job writes the same output stream";

/// The warnings of jobs that exist.
pub(crate) fn named(run: &Run) -> Vec<Diagnostic> {
    [IDENTICAL, RUNNING_WRITER]
        .iter()
        .flat_map(|summary| run.warnings(summary))
        .collect()
}

fn an_identical_job_is_named_and_can_be_imported(world: &TestWorkspace) {
    let job_id = an_existing_job(world);
    world.configure(Block::job("it"));
    let plan = world.plan();
    let warnings = named(&plan);
    assert_eq!(warnings.len(), 1, "{plan}");
    assert_eq!(warnings[0].summary, IDENTICAL);
    warnings[0].must_say(&[
        "\"job-it\"",
        "moved {",
        "import {",
        &format!("id = \"cluster-1:{job_id}\""),
    ]);
    assert_eq!(plan.planned(), [(JOB.to_owned(), "create".to_owned())]);

    let id = format!("cluster-1:{job_id}");
    world.import(JOB, &id).succeeded();
    world.apply().succeeded();
    world.plan().is_empty();
    assert!(world.cloud.changes().is_empty());
    assert_eq!(world.cloud.job().job_id, job_id);
}

fn a_running_job_with_the_same_output_is_named(world: &TestWorkspace) {
    let job_id = an_existing_job(world);
    world.cloud.edit(|job| {
        job.status = JobStatus::Running;
        "another".clone_into(&mut job.name);
        job.stream_output = job
            .stream_output
            .replace("push.example.com", "PUSH.example.com:1935");
    });
    for (job, consequence) in [
        (Block::job("it"), "Because status is not set"),
        (
            Block::running_job("it"),
            "Two running jobs must not write one stream",
        ),
    ] {
        world.configure(job);
        let warnings = named(&world.plan());
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        assert_eq!(warnings[0].summary, RUNNING_WRITER);
        warnings[0].must_say(&[&job_id, "\"another\"", consequence]);
    }
    world.configure(Block::job("it").text("status", "Stopped"));
    assert!(named(&world.plan()).is_empty());
}

fn a_running_job_with_the_output_of_one_that_will_start_is_named(world: &TestWorkspace) {
    world.applied(Block::job("it").text("status", "Stopped"));
    let own_id = world.cloud.job().job_id;
    let job_id = an_existing_job(world);
    world.cloud.edit_job(&job_id, |job| {
        job.status = JobStatus::Running;
        "another".clone_into(&mut job.name);
    });
    world.plan().is_empty();

    world.configure(Block::running_job("it"));
    let warnings = named(&world.plan());
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    warnings[0].must_say(&[
        &own_id,
        &job_id,
        "\"another\"",
        "will run, while",
        "Two running jobs must not write one stream",
    ]);

    world
        .cloud
        .edit_job(&job_id, |job| job.status = JobStatus::NotStarted);
    assert!(named(&world.plan()).is_empty());
}

fn a_running_job_with_the_new_output_of_another_running_one_is_named(world: &TestWorkspace) {
    for job in [Block::running_job("own"), Block::job("own")] {
        world.applied(&job);
        world.cloud.edit(|job| job.status = JobStatus::Running);
        let own_id = world.cloud.job().job_id;
        let job_id = an_existing_job(world);
        world
            .cloud
            .edit_job(&job_id, |job| job.status = JobStatus::Running);
        assert!(named(&world.plan()).is_empty(), "it writes another stream");
        world.configure(job.text("stream_output", "rtmp://push.example.com/live/it"));
        let warnings = named(&world.plan());
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        warnings[0].must_say(&[&own_id, &job_id, "will run, while"]);
        world.cloud.delete_job(&job_id);
        world.destroy_all();
    }
}

fn creating_creates_whatever_exists(world: &TestWorkspace) {
    let job_id = an_existing_job(world);
    world.applied(Block::job("it"));
    assert_eq!(world.cloud.jobs().len(), 2);
    assert_ne!(world.state(JOB)["job_id"], job_id);
    world.plan().is_empty();
}

fn a_job_with_another_output_is_not_named(world: &TestWorkspace) {
    an_existing_job(world);
    world.cloud.edit(|job| job.stream_output.push('0'));
    world.configure(Block::job("it"));
    assert!(named(&world.plan()).is_empty());
}

fn identical_jobs_can_be_created_together(world: &TestWorkspace) {
    let applied = world.applied(Block::job("it").with("count", "2"));
    assert!(named(&applied).is_empty(), "{applied}");
    let created = world.cloud.job_ids();
    assert_eq!(created.len(), 2);
    assert_eq!(world.job_ids(JOB), created);
    world.plan().is_empty();
    world.destroy_all();
}

fn the_look_costs_one_list_a_process_however_many_jobs_are_planned(world: &TestWorkspace) {
    let job = Block::job("it").text("name", "camera-${count.index}");
    world.applied(job.with("count", "12"));
    let calls = ["List", "Create", "Get"].map(|verb| world.cloud.calls_of(verb).len());
    // Terraform plans in one process and, once more, in the one that applies.
    assert_eq!(calls, [2, 12, 12]);
}

fn a_look_that_fails_is_silent(world: &TestWorkspace) {
    an_existing_job(world);
    world.configure(Block::job("it"));
    for kind in [
        FaultKind::error(403, "Forbidden.RAM"),
        FaultKind::service_unavailable(),
        FaultKind::html(),
    ] {
        world.cloud.fail("List", kind);
        let plan = world.plan();
        assert!(plan.diagnostics(Severity::Warning).is_empty(), "{plan}");
        assert!(plan.diagnostics(Severity::Error).is_empty(), "{plan}");
    }
    assert_eq!(world.cloud.calls_of("List").len(), 3, "each is tried once");
}

fn a_template_call_that_hangs_hides_no_existing_job(world: &TestWorkspace) {
    an_existing_job(world);
    let template = Fault::new("GetEdgeTranscodeTemplate", FaultKind::Hang);
    world.cloud.set_faults([template]);
    world.configure(Block::job("it"));
    let plan = world.plan();
    assert_eq!(named(&plan).len(), 1, "{plan}");
}
