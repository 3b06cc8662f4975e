//! Reading what exists.

use serde_json::{Value, json};

use crate::JOB;
use crate::support::cloud::{fault, success};
use crate::support::configuration::{AUTH_KEY, Block, all};
use crate::support::terraform::Severity;
use crate::support::workspace::TestWorkspace;
use alicloud_live_mock::{Fault, Job, JobStatus, TemplateType};

over_each_terraform! {
    a_template_that_does_not_exist_is_an_error_that_says_what_the_cloud_said,
    a_job_that_cannot_be_told_by_its_name_is_an_error_that_lists_the_candidates,
    each_filter_narrows_the_jobs,
    jobs_that_the_list_leaves_out_are_found_by_their_ids,
    ids_of_a_read_that_is_deferred_to_the_apply_stay_as_configured,
    wrong_arguments_of_data_sources_are_rejected_where_they_stand,
    arguments_that_are_known_only_after_apply_are_waited_for,
    what_was_found_can_be_used_in_for_each,
}

over_newest_terraform! {
    all_pages_are_read,
    jobs_that_a_list_lacks_are_warned_of,
    what_cannot_be_decoded_is_an_error_that_names_it,
    jobs_that_are_returned_without_their_type_are_filtered_by_the_api,
    urls_that_were_read_are_not_shown,
}

/// A data source `alicloud_live_edge_transcode_<name>` of the first cluster.
fn data(name: &str, label: &str) -> Block {
    let header = format!(r#"data "alicloud_live_edge_transcode_{name}" "{label}""#);
    Block::new(&header).text("cluster_id", "cluster-1")
}

fn job_data(label: &str) -> Block {
    data("job", label)
}

fn jobs_data(label: &str) -> Block {
    data("jobs", label)
}

const JOB_DATA: &str = "data.alicloud_live_edge_transcode_job.it";
const JOBS_DATA: &str = "data.alicloud_live_edge_transcode_jobs.it";

fn output(name: &str, expression: &str) -> Block {
    Block::new(&format!(r#"output "{name}""#)).with("value", expression)
}

fn seed(world: &TestWorkspace, name: &str, edit: impl FnOnce(&mut Job)) -> String {
    let job = world.cloud.seed(|job| {
        name.clone_into(&mut job.name);
        edit(job);
    });
    job.job_id
}

fn a_template_that_does_not_exist_is_an_error_that_says_what_the_cloud_said(world: &TestWorkspace) {
    world.configure(data("template", "it").text("template_id", "none"));
    let error = world.plan_error();
    error.must_say(&["Unable to read template", "TemplateNotFound", "RequestId"]);
    assert_eq!(world.pointed_at(&error), "template_id");
}

fn a_job_that_cannot_be_told_by_its_name_is_an_error_that_lists_the_candidates(
    world: &TestWorkspace,
) {
    let same = ["duplicate"; 2].map(|name| seed(world, name, |_| {}));
    let similar = seed(world, "single-1", |_| {});

    world.configure(job_data("it").text("name", "duplicate"));
    let error = world.plan_error();
    error.must_say(&["2 jobs", "job_id", &same[0], &same[1]]);
    assert!(!error.says(&similar));
    assert_eq!(world.pointed_at(&error), "name");

    world.configure(job_data("it").text("name", "single"));
    let error = world.plan_error();
    error.must_say(&["no job named", "180 days", "single-1", &similar]);
    assert_eq!(world.pointed_at(&error), "name");
    let lists = world.cloud.calls_of("List");
    assert_eq!(lists.last().unwrap().parameters["Keyword"], "single");

    world.configure(job_data("it").text("job_id", "nowhere"));
    let error = world.plan_error();
    error.must_say(&["JobNotFound", "RequestId"]);
    assert_eq!(world.pointed_at(&error), "job_id");
}

fn each_filter_narrows_the_jobs(world: &TestWorkspace) {
    seed(world, "舞台-1", |_| {});
    seed(world, "stage-2", |job| {
        job.status = JobStatus::Running;
    });
    seed(world, "stage-3", |job| {
        job.r#type = TemplateType::UltraHd;
        "tpl-uhd-4k".clone_into(&mut job.template_id);
    });
    let cases: [(_, _, &[&str]); 8] = [
        ("keyword", None, &["舞台-1", "stage-2", "stage-3"]),
        (
            "name_regex",
            Some("^(舞台|stage)-[12]$"),
            &["舞台-1", "stage-2"],
        ),
        ("keyword", Some("stage"), &["stage-2", "stage-3"]),
        ("status", Some("Running"), &["stage-2"]),
        ("status", Some("Stopped"), &["舞台-1", "stage-3"]),
        ("type", Some("ultra-hd"), &["stage-3"]),
        ("template_id", Some("tpl-uhd-4k"), &["stage-3"]),
        ("name_regex", Some("nothing"), &[]),
    ];
    let label = |number: usize| format!("case_{number}");
    let mut configuration = String::new();
    for (number, (argument, value, _)) in cases.iter().enumerate() {
        let label = label(number);
        let data = match value {
            Some(value) => jobs_data(&label).text(argument, value),
            None => jobs_data(&label),
        };
        let found = format!("data.alicloud_live_edge_transcode_jobs.{label}");
        let results = format!(
            "{{ names = {found}.names, count = {found}.total_count, same = join(\" \", {found}.ids) == join(\" \", {found}.jobs[*].id) }}"
        );
        configuration += &data.to_string();
        configuration += &output(&label, &results).to_string();
    }
    world.applied(configuration);
    for (number, (argument, value, names)) in cases.into_iter().enumerate() {
        let expected = json!({"names": names, "count": names.len(), "same": true});
        assert_eq!(
            world.output(&label(number)),
            expected,
            "{argument} = {value:?}"
        );
    }
    world.plan().is_empty();
}

fn jobs_that_are_returned_without_their_type_are_filtered_by_the_api(world: &TestWorkspace) {
    seed(world, "common", |_| {});
    seed(world, "ultra", |job| {
        job.r#type = TemplateType::UltraHd;
    });
    world
        .cloud
        .configure(|behavior| behavior.omit_members = vec!["Type".to_owned()]);
    let names = output("names", &format!("{JOBS_DATA}.names"));
    world.applied(format_args!(
        "{}{names}",
        jobs_data("it").text("type", "common")
    ));
    assert_eq!(world.output("names"), json!(["common"]));
}

fn jobs_that_the_list_leaves_out_are_found_by_their_ids(world: &TestWorkspace) {
    // A new job that the list does not show yet stands for an old one that it shows no more.
    world
        .cloud
        .configure(|config| config.list_lag_calls = u32::MAX);
    let job = Block::running_job("it").text("name", "hidden");
    world.applied(&job);
    let id = world.state(JOB)["id"].clone();
    let ids = format!(r#"[{id}, "cluster-1:nowhere", {id}]"#);

    let ask = |data: &Block| {
        let names = output("names", &format!("{JOBS_DATA}.names"));
        world.applied(format_args!("{job}{data}{names}"));
        world.output("names")
    };
    assert_eq!(ask(&jobs_data("it")), json!([]));
    let by_ids = jobs_data("it").with("ids", &ids);
    assert_eq!(ask(&by_ids), json!(["hidden"]));
    assert_eq!(ask(&by_ids.clone().text("status", "Stopped")), json!([]));
    assert_eq!(
        ask(&by_ids.clone().text("name_regex", "^hid")),
        json!(["hidden"])
    );
    assert_eq!(ask(&jobs_data("it").with("ids", "[]")), json!([]));

    // A job that cannot be read is not taken for one that does not exist.
    world.cloud.deny("Get");
    world.configure(by_ids);
    let rejected = world.run(&["plan", "-json", "-refresh=false"]).failed();
    rejected.error().must_say(&["OperationDenied", "RequestId"]);
}

fn ids_of_a_read_that_is_deferred_to_the_apply_stay_as_configured(world: &TestWorkspace) {
    let mut ids = ["one", "two"].map(|name| format!("cluster-1:{}", seed(world, name, |_| {})));
    ids.sort_unstable();
    let [one, two] = ids;
    let later = Block::new(r#"resource "terraform_data" "later""#).with("input", "timestamp()");
    // In the plan, Terraform takes the configured IDs for the result already.
    let user = Block::new(r#"resource "terraform_data" "user""#)
        .with("input", &format!("{JOBS_DATA}.ids"));
    let results = format!("{{ ids = {JOBS_DATA}.ids, found = {JOBS_DATA}.jobs[*].id }}");
    let results = output("results", &results);
    for (ids, found) in [
        (json!([two, one]), json!([one, two])),
        (json!([one, one]), json!([one])),
        (json!([one, "cluster-1:nowhere"]), json!([one])),
    ] {
        let deferred = jobs_data("it")
            .with("ids", &ids.to_string())
            .with("depends_on", "[terraform_data.later]");
        world.applied(all([&later, &deferred, &user, &results]));
        assert_eq!(world.output("results"), json!({"ids": ids, "found": found}));
    }
}

fn wrong_arguments_of_data_sources_are_rejected_where_they_stand(world: &TestWorkspace) {
    let templates = |label| data("templates", label);
    let wrong = [
        (
            "cluster_id",
            job_data("a").text("job_id", "j").text("cluster_id", "a:b"),
        ),
        ("job_id", job_data("b").text("job_id", "")),
        ("name", job_data("c").text("job_id", "j").text("name", "n")),
        ("name", job_data("d").text("name", "")),
        ("data", job_data("e")),
        ("name_regex", jobs_data("f").text("name_regex", "(")),
        ("status", jobs_data("g").text("status", "running")),
        ("type", jobs_data("h").text("type", "uhd")),
        ("keyword", jobs_data("i").text("keyword", "")),
        (
            "keyword",
            jobs_data("j")
                .with("ids", r#"["cluster-1:j"]"#)
                .text("keyword", "k"),
        ),
        ("ids", jobs_data("k").with("ids", r#"["cluster-1:j", "j"]"#)),
        ("ids", jobs_data("l").with("ids", r#"["cluster-2:j"]"#)),
        ("template_id", jobs_data("m").text("template_id", " ")),
        ("name_regex", templates("n").text("name_regex", "[")),
        ("video_codec", templates("o").text("video_codec", "AV1")),
        ("type", templates("p").text("type", "")),
    ];
    let mut expected: Vec<&str> = wrong.iter().map(|(attribute, _)| *attribute).collect();
    world.configure(all(wrong.iter().map(|(_, block)| block)));
    let errors = world.validate().failed().diagnostics(Severity::Error);
    let mut pointed: Vec<String> = errors.iter().map(|error| world.pointed_at(error)).collect();
    expected.sort_unstable();
    pointed.sort();
    assert_eq!(pointed, expected, "{errors:#?}");
    assert!(world.cloud.calls().is_empty());
}

fn arguments_that_are_known_only_after_apply_are_waited_for(world: &TestWorkspace) {
    let job_id = seed(world, "camera", |_| {});
    let later = |label: &str, value: &str| Block::known_after_apply(label, value);
    let blocks = [
        later("regex", "^cam"),
        later("name", "camera"),
        later("id", &format!("cluster-1:{job_id}")),
        job_data("it").with("name", "terraform_data.name.output"),
        jobs_data("it").with("name_regex", "terraform_data.regex.output"),
        jobs_data("by_id").with("ids", "[terraform_data.id.output]"),
        output("found", &format!("{JOB_DATA}.job_id")),
        output("by_regex", &format!("{JOBS_DATA}.total_count")),
        output(
            "by_id",
            "data.alicloud_live_edge_transcode_jobs.by_id.total_count",
        ),
    ];
    world.applied(all(&blocks));
    assert_eq!(world.output("found"), job_id);
    assert_eq!(world.output("by_regex"), 1);
    assert_eq!(world.output("by_id"), 1);
    world.plan().is_empty();
}

fn all_pages_are_read(world: &TestWorkspace) {
    for number in 0..250 {
        seed(world, &format!("job-{number:03}"), |_| {});
    }
    let data = jobs_data("it");
    let names = output("names", &format!("{JOBS_DATA}.names"));
    world.applied(format_args!("{data}{names}"));
    let expected: Vec<Value> = (0..250)
        .map(|number| format!("job-{number:03}").into())
        .collect();
    assert_eq!(world.output("names"), Value::Array(expected));
}

/// A list of jobs as the API returns it: one job that can be decoded, and further items.
pub(crate) fn listing(total_count: u64, further: &[Value]) -> Value {
    let job = json!({
        "JobId": "J-1", "Name": "camera", "Status": "0", "TemplateId": "tpl-h264-720p",
        "StreamInput": "rtmp://a.example/live/camera", "StreamOutput": "rtmp://b.example/live/camera",
    });
    let jobs: Vec<&Value> = [&job].into_iter().chain(further).collect();
    json!({"TotalCount": total_count, "JobList": {"Job": jobs}})
}

fn jobs_that_a_list_lacks_are_warned_of(world: &TestWorkspace) {
    let list = || {
        let pages = [listing(2, &[]), json!({"TotalCount": 2})];
        let [first, second] = pages.map(|page| fault("List", success(page.to_string())));
        world.cloud.set_faults([first.times(1), second]);
    };
    for data in [jobs_data("it"), job_data("it").text("name", "camera")] {
        list();
        world.configure(data);
        let plan = world.plan();
        let [lacks] = &plan.warnings("Incomplete list")[..] else {
            panic!("{plan}");
        };
        lacks.must_say(&["counts 1 more"]);
    }

    // The list does not prove that no job has the name.
    list();
    let name = "a-name-of-more-than-twenty-characters";
    world.configure(job_data("it").text("name", name));
    let error = world.plan_error();
    error.must_say(&["no job named", name, "incomplete", "1 more jobs", "job_id"]);
}

fn what_cannot_be_decoded_is_an_error_that_names_it(world: &TestWorkspace) {
    let jobs = listing(2, &[json!({"JobId": "J-2"})]);
    let template = json!({"TemplateId": ["T-1"]});
    let templates = json!({"TotalCount": 1, "TemplateList": {"Template": [template]}});
    world.cloud.set_faults([
        fault("List", success(jobs.to_string())),
        Fault::new("ListEdgeTranscodeTemplate", success(templates.to_string())),
    ]);
    let by_name = |name| job_data("it").text("name", name);
    for (data, said, argument) in [
        (jobs_data("it"), ["J-2", "ids"], None),
        // The job that cannot be decoded may have the name too.
        (by_name("camera"), ["J-2", "job_id"], Some("name")),
        (by_name("other"), ["J-2", "job_id"], Some("name")),
        (
            data("templates", "it"),
            ["one without an ID", "alicloud_live_edge_transcode_template"],
            None,
        ),
    ] {
        world.configure(&data);
        let error = world.plan_error();
        error.must_say(&["could not be decoded"]);
        error.must_say(&said);
        assert!(!error.says("no job named"), "{error:#?}");
        if let Some(argument) = argument {
            assert_eq!(world.pointed_at(&error), argument);
        }
    }
}

fn what_was_found_can_be_used_in_for_each(world: &TestWorkspace) {
    for name in ["one", "two"] {
        seed(world, name, |_| {});
    }
    let each = Block::new(r#"resource "terraform_data" "each""#)
        .with(
            "for_each",
            "{ for job in data.alicloud_live_edge_transcode_jobs.it.jobs : job.id => job }",
        )
        .with("input", "each.value.name");
    let names = output("names", "values(terraform_data.each)[*].output");
    world.applied(format_args!("{}{each}{names}", jobs_data("it")));
    let mut names: Vec<String> = serde_json::from_value(world.output("names")).unwrap();
    names.sort_unstable();
    assert_eq!(names, ["one", "two"]);
}

fn urls_that_were_read_are_not_shown(world: &TestWorkspace) {
    seed(world, "camera", |job| {
        job.stream_output = format!("rtmp://push.example.com/live/camera?auth_key={AUTH_KEY}");
    });
    let one = job_data("it").text("name", "camera");
    let all = jobs_data("it");
    let (job, jobs) = (JOB_DATA, JOBS_DATA);
    let url = output("url", &format!("{job}.stream_output"));
    let urls = output(
        "urls",
        &format!("[for job in {jobs}.jobs : {jobs}.stream_urls[job.id].stream_output]"),
    );
    let names = output("names", &format!("{jobs}.jobs[*].name"));

    // OpenTofu tells of one output at a time.
    for sensitive in [&url, &urls] {
        world.configure(format_args!("{one}{all}{sensitive}{names}"));
        let error = world.plan_error();
        error.must_say(&["sensitive"]);
        assert_eq!(world.pointed_at(&error), "output");
    }

    let [url, urls] = [url, urls].map(|output| output.with("sensitive", "true"));
    world.applied(format_args!("{one}{all}{url}{urls}{names}"));
    assert_eq!(world.output("names"), json!(["camera"]));
    let url = format!("rtmp://push.example.com/live/camera?auth_key={AUTH_KEY}");
    assert_eq!(world.output("urls"), json!([url]));
    // That the key is nowhere in what was printed and logged is asserted when the world ends.
}
