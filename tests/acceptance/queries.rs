//! Finding the jobs that exist with `terraform query`, and taking them over.

use serde_json::{Value, json};

use crate::data_sources::listing;
use crate::support::cloud::{fault, success};
use crate::support::configuration::{Block, HEADER};
use crate::support::terraform::Run;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::{FaultKind, FaultStage, JobStatus, TemplateType};

over_each_terraform! {
    from "1.14":
    jobs_are_found_by_each_filter,
    an_object_is_shown_where_it_is_asked_for,
    a_limit_is_kept_without_reading_a_page_too_many,
    a_wrong_value_is_rejected_at_its_line,
    what_the_api_rejects_is_shown,
    a_later_page_that_fails_fails_the_query,
    what_a_list_lacks_is_warned_of,
    ctrl_c_ends_a_query,
    ten_jobs_are_taken_over_with_the_configuration_that_a_query_writes,
    the_query_of_the_documentation_works,
}

const QUERY: &[&str] = &["query", "-json"];
const GENERATE: &[&str] = &["query", "-json", "-generate-config-out=jobs.tf"];

/// Makes this the only query, and the provider block all of the configuration. The provider has the local name that
/// Terraform writes into generated configuration.
fn configure(world: &TestWorkspace, config: &Block, arguments: &[(&str, &str)]) {
    let header = HEADER.replace("alicloud =", "alicloud-live =");
    world.configure_all("");
    world.put("main.tf", &header);
    let mut list = Block::new(r#"list "alicloud_live_edge_transcode_job" "all""#)
        .with("provider", "alicloud-live")
        .containing(config.clone());
    for (name, value) in arguments {
        list = list.with(name, value);
    }
    world.put("main.tfquery.hcl", &list.to_string());
}

fn cluster_1() -> Block {
    Block::new("config").text("cluster_id", "cluster-1")
}

/// The events of the jobs that a query has found.
fn found(query: &Run) -> Vec<Value> {
    query
        .events()
        .filter(|event| event["type"] == "list_resource_found")
        .map(|mut event| event["list_resource_found"].take())
        .collect()
}

/// The names of the jobs that a query finds.
fn names(world: &TestWorkspace, config: &Block) -> Vec<String> {
    configure(world, config, &[]);
    let query = world.run(QUERY).succeeded();
    let mut names: Vec<_> = found(&query)
        .iter()
        .map(|job| job["display_name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn jobs_are_found_by_each_filter(world: &TestWorkspace) {
    let one = world.cloud.seed(|job| job.name = "stage-1".into());
    world.cloud.seed(|job| {
        job.name = "stage-2".into();
        job.status = JobStatus::Running;
    });
    world.cloud.seed(|job| {
        job.name = "舞台-3".into();
        job.r#type = TemplateType::UltraHd;
    });
    world.cloud.seed(|job| {
        job.name = "hall-4".into();
        job.template_id = "tpl-h265-1080p".into();
    });
    world.cloud.seed(|job| {
        job.name = "elsewhere".into();
        job.cluster_id = "cluster-2".into();
    });

    let all = ["hall-4", "stage-1", "stage-2", "舞台-3"];
    assert_eq!(names(world, &cluster_1()), all);
    for (filter, value, expected) in [
        ("keyword", "stage", &["stage-1", "stage-2"][..]),
        ("keyword", &one.job_id, &["stage-1"]),
        ("name_regex", "^(?i)STAGE-[0-9]$", &["stage-1", "stage-2"]),
        ("name_regex", "^..-3$", &["舞台-3"]),
        ("status", "Running", &["stage-2"]),
        ("status", "Stopped", &["hall-4", "stage-1", "舞台-3"]),
        ("type", "ultra-hd", &["舞台-3"]),
        ("template_id", "tpl-h265-1080p", &["hall-4"]),
        ("name_regex", "nothing", &[]),
    ] {
        let config = cluster_1().text(filter, value);
        assert_eq!(names(world, &config), expected, "{filter} = {value}");
    }
    let other = Block::new("config").text("cluster_id", "cluster-2");
    assert_eq!(names(world, &other), ["elsewhere"]);
}

fn an_object_is_shown_where_it_is_asked_for(world: &TestWorkspace) {
    let job = world.cloud.seed(|job| job.status = JobStatus::Running);
    configure(world, &cluster_1(), &[]);
    let without = found(&world.run(QUERY).succeeded()).remove(0);
    assert_eq!(without["identity"]["cluster_id"], "cluster-1");
    assert_eq!(without["identity"]["job_id"], job.job_id);
    assert_eq!(without["display_name"], job.name);
    assert!(without["resource_object"].is_null(), "{without:#}");

    configure(world, &cluster_1(), &[("include_resource", "true")]);
    let with = found(&world.run(QUERY).succeeded()).remove(0);
    let object = &with["resource_object"];
    assert_eq!(object["id"], format!("cluster-1:{}", job.job_id));
    assert_eq!(object["status"], "Running");
    assert_eq!(object["stream_output"], job.stream_output);
    assert_eq!(object["template_name"], job.template_name);
}

fn a_limit_is_kept_without_reading_a_page_too_many(world: &TestWorkspace) {
    for number in 0..250 {
        let name = format!("camera-{number}");
        world.cloud.seed(|job| job.name = name);
    }
    let mut calls = 0;
    // Without a limit, Terraform's own is 100.
    for (limit, objects, pages) in [
        (None, 100, 1),
        (Some("100"), 100, 1),
        (Some("101"), 101, 2),
        (Some("1000"), 250, 3),
    ] {
        let arguments: Vec<_> = limit.map(|limit| ("limit", limit)).into_iter().collect();
        configure(world, &cluster_1(), &arguments);
        let query = world.run(QUERY).succeeded();
        assert_eq!(found(&query).len(), objects, "{limit:?}");
        let now = world.cloud.calls_of("List").len();
        assert_eq!(now - calls, pages, "{limit:?}");
        calls = now;
    }
}

fn a_wrong_value_is_rejected_at_its_line(world: &TestWorkspace) {
    for (attribute, value, says) in [
        ("cluster_id", "a:b", "colon"),
        ("cluster_id", "", "empty"),
        ("name_regex", "(", "group"),
        ("status", "running", "one of Running, Stopped"),
        ("type", "hd", "one of common, nbhd-2, ultra-hd"),
        ("keyword", "", "empty"),
        ("template_id", "a b", "whitespace"),
    ] {
        configure(world, &cluster_1().text(attribute, value), &[]);
        let error = world.run(QUERY).failed().error();
        error.must_say(&[says]);
        assert_eq!(world.pointed_at(&error), attribute);
    }
    configure(world, &Block::new("config"), &[]);
    world.run(QUERY).failed().error().must_say(&["cluster_id"]);
    assert!(world.cloud.calls().is_empty());
}

fn what_the_api_rejects_is_shown(world: &TestWorkspace) {
    let elsewhere = Block::new("config").text("cluster_id", "cluster-9");
    configure(world, &elsewhere, &[]);
    let error = world.run(QUERY).failed().error();
    error.must_say(&["Unable to list jobs", "OperationDenied", "RequestId"]);
}

fn a_later_page_that_fails_fails_the_query(world: &TestWorkspace) {
    for _ in 0..150 {
        world.cloud.seed(|_| {});
    }
    let denied = FaultKind::error(403, "OperationDenied");
    world.cloud.set_faults([fault("List", denied).skip(1)]);
    configure(world, &cluster_1(), &[("limit", "1000")]);
    let query = world.run(QUERY).failed();
    // Terraform shows nothing of a list that is not complete.
    assert_eq!(found(&query).len(), 0);
    query
        .error()
        .must_say(&["Unable to list jobs", "OperationDenied"]);
}

fn what_a_list_lacks_is_warned_of(world: &TestWorkspace) {
    let pages = [
        listing(3, &[json!({"JobId": "J-2"})]),
        json!({"TotalCount": 3}),
    ];
    let [first, second] = pages.map(|page| fault("List", success(page.to_string())));
    world.cloud.set_faults([first.times(1), second]);
    configure(world, &cluster_1(), &[]);
    let query = world.run(QUERY).succeeded();
    assert_eq!(found(&query).len(), 1, "{query}");
    for (summary, said) in [
        ("Incomplete list", "counts 1 more"),
        ("Items of a list could not be decoded", "J-2"),
    ] {
        let [warning] = &query.warnings(summary)[..] else {
            panic!("{query}");
        };
        warning.must_say(&[said]);
    }
}

fn ctrl_c_ends_a_query(world: &TestWorkspace) {
    configure(world, &cluster_1(), &[]);
    let running = world.start_held(QUERY, "List", FaultStage::Before);
    running.press_ctrl_c();
    let query = world.end_of(running).failed();
    query.error().must_say(&["Unable to list jobs"]);
}

fn ten_jobs_are_taken_over_with_the_configuration_that_a_query_writes(world: &TestWorkspace) {
    for number in 0..10 {
        world.cloud.seed(|job| {
            job.name = format!("camera-{number}");
            job.stream_input = format!("rtmp://pull.example.com/live/{number}");
            if number % 2 == 0 {
                job.status = JobStatus::Running;
            }
        });
    }
    configure(world, &cluster_1(), &[]);
    world.run(GENERATE).succeeded();
    let generated = world.file("jobs.tf");
    let assigned = |name: &str| {
        let assigns = |line: &&str| line.split_whitespace().next() == Some(name);
        generated.lines().filter(assigns).count()
    };
    assert_eq!(assigned("name"), 10, "{generated}");
    assert_eq!(assigned("status"), 5, "{generated}");
    for computed in [
        "id",
        "create_time",
        "template_name",
        "type",
        "last_start_at",
    ] {
        assert_eq!(assigned(computed), 0, "{generated}");
    }

    let applied = world.apply().succeeded();
    applied.must_print("10 imported, 0 added, 0 changed, 0 destroyed");
    world.plan().is_empty();
    assert_eq!(world.cloud.changes(), [""; 0]);
}

fn the_query_of_the_documentation_works(world: &TestWorkspace) {
    world.cloud.seed(|job| {
        job.name = "camera-1".into();
        job.status = JobStatus::Running;
    });
    world.cloud.seed(|job| job.name = "camera-2".into());
    world.put("main.tf", &HEADER.replace("alicloud =", "alicloud-live ="));
    world.configure_as_in("examples/list-resources/alicloud_live_edge_transcode_job");
    let query = world.run(GENERATE).succeeded();
    assert_eq!(found(&query).len(), 1);
    world.apply().succeeded();
    world.plan().is_empty();
    let generated = world.job_ids("alicloud_live_edge_transcode_job.running_0");
    assert_eq!(generated.len(), 1);
}
