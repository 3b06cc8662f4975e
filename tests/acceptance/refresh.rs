//! A plan over many jobs: as few calls as the API allows, and the same plan as with a call for each job.

use std::collections::BTreeSet;

use crate::JOB;
use crate::support::configuration::Block;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::{FaultKind, Job, JobStatus};

over_newest_terraform! {
    a_plan_over_many_jobs_takes_few_calls_and_sees_each_change,
    who_may_not_list_plans_all_the_same,
}

/// So many jobs in one cluster.
fn jobs(count: usize) -> Block {
    Block::job("it")
        .with("count", &count.to_string())
        .text("name", "job-${count.index}")
}

/// Gets and lists that `act` makes.
fn reads(world: &TestWorkspace, act: impl FnOnce()) -> (usize, usize) {
    let count = || ["Get", "List"].map(|verb| world.cloud.calls_of(verb).len());
    let before = count();
    act();
    let after = count();
    (after[0] - before[0], after[1] - before[1])
}

fn a_plan_over_many_jobs_takes_few_calls_and_sees_each_change(world: &TestWorkspace) {
    world.applied_quietly(format_args!("{}{}", Block::provider(), jobs(250)));
    assert_eq!(world.cloud.jobs().len(), 250);

    // Three pages: Gets until they would have paid for those.
    let unchanged = reads(world, || world.plan().is_empty());
    assert!(
        unchanged.0 + unchanged.1 <= 2 * 3 + 2,
        "{unchanged:?} Gets and lists"
    );

    // Of each page one job that is not as it was.
    let jobs = world.cloud.jobs();
    let (renamed, started, gone) = (&jobs[60], &jobs[160], &jobs[249]);
    world.cloud.edit_job(&renamed.job_id, |job| {
        "renamed".clone_into(&mut job.name);
    });
    world.cloud.edit_job(&started.job_id, |job| {
        job.status = JobStatus::Running;
    });
    world.cloud.delete_job(&gone.job_id);
    let address = |job: &Job| format!("{JOB}[{}]", job.name.trim_start_matches("job-"));
    let expected = |changes: &[(&Job, &str)]| -> BTreeSet<_> {
        let change = |(job, action): &(&Job, &str)| (address(job), (*action).to_owned());
        changes.iter().map(change).collect()
    };

    let changed = reads(world, || {
        let plan = world.plan();
        assert_eq!(
            plan.planned().into_iter().collect::<BTreeSet<_>>(),
            expected(&[(renamed, "update"), (gone, "create")])
        );
        assert_eq!(
            plan.drifted().into_iter().collect::<BTreeSet<_>>(),
            expected(&[(renamed, "update"), (started, "update"), (gone, "delete")])
        );
    });
    // A Get for each difference, and three pages to tell whether the job that is created exists already.
    assert!(
        changed.0 + changed.1 <= 2 * 3 + 2 + 3 + 3,
        "{changed:?} Gets and lists"
    );
}

fn who_may_not_list_plans_all_the_same(world: &TestWorkspace) {
    world.applied(jobs(20));
    world
        .cloud
        .fail("List", FaultKind::error(403, "Forbidden.RAM"));
    let (gets, lists) = reads(world, || world.plan().is_empty());
    assert_eq!((gets, lists), (20, 1));
    world.destroy().succeeded();
}
