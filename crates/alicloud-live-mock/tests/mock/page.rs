//! Tests the page at `/_mock/` in a real browser, over the `WebDriver` protocol.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use alicloud_live_mock::{Fault, FaultKind, JobStatus, Mock};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use crate::TOP;
use crate::caller::{
    NEW_JOB, call, create, get, mock, post, post_form, send, send_raw, signed, with_action,
};

/// A browser takes seconds to start, and more on a busy machine.
const BROWSER_TIMEOUT: Duration = Duration::from_secs(120);

/// A session of a headless browser. Dropping it ends the browser.
struct Browser {
    driver: Child,
    /// Must stay open, because the driver continues to print.
    _printed: BufReader<ChildStdout>,
    url: String,
    session: String,
    profile: tempfile::TempDir,
}

impl Browser {
    #[track_caller]
    fn start() -> Self {
        let command = env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let mut driver = Command::new(&command)
            .arg("--port=0")
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{command} does not start: {error}. Install Chromium with ChromeDriver (Debian: apt-get install \
                     chromium chromium-driver), or set CHROMIUM and CHROMEDRIVER to their paths."
                )
            });
        let mut printed = BufReader::new(driver.stdout.take().unwrap());
        let url = loop {
            let mut line = String::new();
            let read = printed.read_line(&mut line).unwrap();
            assert!(read > 0, "{command} ended");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break format!("http://127.0.0.1:{}", port.trim_end().trim_end_matches('.'));
            }
        };
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            driver,
            _printed: printed,
            url,
            session: String::new(),
            profile,
        };
        browser.open_session();
        browser
    }

    fn open_session(&mut self) {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let mut options = json!({"args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--no-proxy-server", "--window-size=1280,900", profile,
        ]});
        if let Ok(binary) = env::var("CHROMIUM") {
            options["binary"] = json!(binary);
        }
        let wanted = json!({
            "goog:chromeOptions": options,
            "timeouts": {"script": BROWSER_TIMEOUT.as_millis(), "pageLoad": BROWSER_TIMEOUT.as_millis()},
        });
        let capabilities = json!({"capabilities": {"alwaysMatch": wanted}});
        let session = self.ask("POST", "/session", &capabilities);
        self.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
    }

    #[track_caller]
    fn visit(&self, url: &str) {
        self.command("url", &json!({"url": url}));
    }

    /// Evaluates a JavaScript expression in the page.
    #[track_caller]
    fn value(&self, expression: &str) -> Value {
        self.execute("sync", &format!("return {expression}"))
    }

    /// Waits until an expression is true. Evaluates it after each change of the page.
    #[track_caller]
    fn wait_for(&self, expression: &str) {
        let script = format!(
            "const [done] = arguments;
             const isTrue = () => {expression};
             if (isTrue()) done(true);
             new MutationObserver(() => isTrue() && done(true))
                 .observe(document, {{subtree: true, childList: true, characterData: true, attributes: true}});"
        );
        self.execute("async", &script);
    }

    #[track_caller]
    fn execute(&self, how: &str, script: &str) -> Value {
        let script = json!({"script": script, "args": []});
        self.command(&format!("execute/{how}"), &script)
    }

    /// Sends a command of the session.
    #[track_caller]
    fn command(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("{}/{path}", self.session), body)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let (host, length) = (self.url.trim_start_matches("http://"), body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let sent = send_raw(&self.url, request.as_bytes());
        let response = sent.with_timeout(BROWSER_TIMEOUT).read_one();
        let mut result = response.json();
        assert_eq!(response.status(), 200, "{method} {path} {body}: {result}");
        result["value"].take()
    }
}

impl Drop for Browser {
    /// The browser is in the process group of its driver.
    fn drop(&mut self) {
        // Both fail only if the process has ended already.
        let _ = kill_process_group(Pid::from_child(&self.driver), Signal::KILL);
        let _ = self.driver.wait();
    }
}

const JOBS: &str = "document.querySelector('#jobs').innerText";
const CALLS: &str = "document.querySelector('#calls').innerText";
const REFRESHED: &str =
    "document.querySelector('#state').textContent === 'Refreshed every second.'";
const OPEN_CALLS: &str =
    "document.querySelectorAll('#calls details').forEach(details => { details.open = true; })";
const CALL_ITEMS: &str = "document.querySelectorAll('#calls > .card')";

impl Browser {
    /// Sets the width of the page, and a light or dark color scheme.
    #[track_caller]
    fn emulate(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        for (command, parameters) in [
            ("Emulation.setDeviceMetricsOverride", size),
            ("Emulation.setEmulatedMedia", media),
        ] {
            let command = json!({"cmd": command, "params": parameters});
            self.command("goog/cdp/execute", &command);
        }
    }

    /// Returns the violations that axe-core finds: the rule, and the elements.
    #[track_caller]
    fn accessibility_problems(&self) -> Vec<String> {
        let top = Path::new(TOP);
        let axe = top.join(".tools/python-packages/axe_playwright_python/axe.min.js");
        let axe = fs::read_to_string(axe)
            .unwrap_or_else(|error| panic!("`make test` installs axe-core: {error}"));
        let script = format!(
            "{axe};
             const done = arguments[arguments.length - 1];
             axe.run(document).then((found) => done(found.violations.map(
                 (rule) => `${{rule.id}}: ${{rule.nodes.map((node) => node.html).join(' ')}}`)));"
        );
        serde_json::from_value(self.execute("async", &script)).unwrap()
    }

    /// Presses keys.
    #[track_caller]
    fn press(&self, keys: &str) {
        let press = |key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key}));
        let keys: Vec<Value> = keys.chars().flat_map(press).collect();
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": keys}]});
        self.command("actions", &actions);
    }

    /// Fills in a form of the page and submits it.
    #[track_caller]
    fn submit(&self, form: &str, fields: &[(&str, &str)]) {
        let fields = json!(fields);
        self.value(&format!(
            "(() => {{
                const form = document.querySelector({form:?});
                for (const [name, value] of {fields}) form.elements[name].value = value;
                form.requestSubmit();
            }})()"
        ));
    }
}

/// Opens the page of this mock.
fn page_of(mock: &Mock) -> Browser {
    page_at(&format!("{}/_mock/", mock.url()))
}

fn page_at(url: &str) -> Browser {
    let browser = Browser::start();
    browser.visit(url);
    browser.wait_for(REFRESHED);
    browser
}

fn text(browser: &Browser, expression: &str) -> String {
    browser.value(expression).as_str().unwrap().to_owned()
}

/// Starts a mock with jobs and calls of every kind, one of them with very long values.
fn busy_mock() -> Mock {
    let mock = mock();
    let long = "a".repeat(255);
    mock.seed_job(|job| {
        job.name.clone_from(&long);
        job.stream_input = format!("rtmp://in.test/{long}/{long}?auth_key=1-0-0-ff");
        job.status = JobStatus::Running;
    });
    mock.seed_job(|job| "camera-1".clone_into(&mut job.name));
    create(&mock);
    let form = signed("POST", &with_action("CreateEdgeTranscodeJob", &NEW_JOB));
    let forged = form.replace("tpl-h264-720p", "tpl-uhd-4k");
    post_form(&mock.url(), &forged);
    let error = Fault::new("StartEdgeTranscodeJob", FaultKind::internal_error());
    mock.set_faults(vec![error]);
    call(&mock, "StartEdgeTranscodeJob", &[("JobId", &long)]);
    mock
}

#[test]
fn the_page_shows_jobs_and_calls_with_their_signature_checks() {
    let mock = busy_mock();
    let browser = page_of(&mock);
    let jobs = text(&browser, JOBS);
    assert!(
        jobs.contains("camera-1\n\nnot started tpl-h264-720p\n\ncluster-1 / "),
        "{jobs}"
    );
    let summaries =
        "[...document.querySelectorAll('#calls summary')].map(summary => summary.innerText)";
    let summaries: Vec<String> = serde_json::from_value(browser.value(summaries)).unwrap();
    for (summary, parts) in summaries.iter().zip([
        ["✓ valid", "StartEdgeTranscodeJob", "HTTP 500 InternalError"],
        [
            "✗ invalid",
            "CreateEdgeTranscodeJob",
            "HTTP 400 SignatureDoesNotMatch",
        ],
        ["✓ valid", "CreateEdgeTranscodeJob", "HTTP 200"],
    ]) {
        assert!(parts.iter().all(|part| summary.contains(part)), "{summary}");
    }
    let clusters = text(&browser, "document.querySelector('#clusters').innerText");
    assert_eq!(clusters, "cluster-1 3 jobs, 1 running");
}

#[test]
fn a_click_shows_request_and_response_without_secrets() {
    let mock = mock();
    let id = create(&mock);
    call(&mock, "GetEdgeTranscodeJob", &[("JobId", &id)]);
    // The message of this response contains the whole call.
    let form = signed("POST", &with_action("CreateEdgeTranscodeJob", &NEW_JOB));
    post_form(&mock.url(), &form.replace("720p", "1080p"));
    let browser = page_of(&mock);
    browser.value(OPEN_CALLS);
    browser.wait_for("document.querySelectorAll('#calls pre').length === 3");
    let calls = text(&browser, CALLS);
    for part in [
        "\"TemplateName\": \"h264-720p\"",
        "SignatureNonce",
        "Request",
        "Response",
        &id,
    ] {
        assert!(calls.contains(part), "{part}: {calls}");
    }
    let whole = text(&browser, "document.documentElement.outerHTML");
    assert!(whole.contains("auth_key=***") && !whole.contains("1-0-0-ff"));
    let call = &mock.calls()[0];
    assert!(!whole.contains(&call.parameters["Signature"]));
}

const HOSTILE: &str = "<img src=x onerror=\"document.title='owned'\"></li><script>document.title='owned'</script>{{calls}}";

fn mock_with_hostile_texts() -> Mock {
    let mock = mock();
    mock.seed_job(|job| {
        HOSTILE.clone_into(&mut job.name);
        HOSTILE.clone_into(&mut job.stream_input);
        "javascript:document.title='owned'".clone_into(&mut job.stream_output);
    });
    let own = [("Name", HOSTILE), ("<b>bold</b>", HOSTILE)];
    let form = signed("POST", &with_action(HOSTILE, &own));
    post_form(&mock.url(), &form);
    mock
}

#[test]
fn strings_of_callers_are_shown_as_text_and_run_no_script() {
    let mock = mock_with_hostile_texts();
    let browser = page_of(&mock);
    browser.value(OPEN_CALLS);
    browser.wait_for("document.querySelector('#calls pre') !== null");
    assert!(text(&browser, JOBS).contains(HOSTILE));
    assert!(text(&browser, CALLS).contains(HOSTILE));
    let intruders = "document.querySelectorAll('main img, main script, main b, main a').length";
    assert_eq!(browser.value(intruders), 0);
    assert_eq!(browser.value("document.title"), "alicloud-live-mock");
}

#[test]
fn without_javascript_the_page_shows_the_state_when_it_was_loaded() {
    let mock = mock_with_hostile_texts();
    let page = || get(&mock.url(), "/_mock/").text();
    assert!(page().contains("1 job, 0 running"));
    let id = create(&mock);
    let page = page();
    for part in [
        &*id,
        "2 jobs, 0 running",
        "CreateEdgeTranscodeJob signature valid, HTTP 200",
        "auth_key=***",
        "&lt;b&gt;bold",
        "&lt;script&gt;document.title=&#39;owned&#39;",
        "&#123;&#123;calls}}",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("<script").count(), 1);
    for part in ["<img", "{{", "1-0-0-ff"] {
        assert!(!page.contains(part), "{part}: {page}");
    }
}

#[test]
fn the_page_refreshes_itself_until_it_is_paused() {
    let mock = mock();
    let browser = page_of(&mock);
    assert_eq!(text(&browser, JOBS), "No jobs yet.");
    let id = create(&mock);
    browser.wait_for(&format!(
        "{JOBS}.includes('{id}') && {CALLS}.includes('✓ valid')"
    ));

    // Opened details and half-filled forms stay when the page refreshes.
    browser.value("document.querySelector('#calls summary').click()");
    browser.value(
        "(() => { const edit = document.querySelector('#jobs details'); edit.open = true;
            edit.querySelector('input').value = 'half'; })()",
    );
    create(&mock);
    browser.wait_for(&format!("{CALL_ITEMS}.length === 2"));
    let open = "[...document.querySelectorAll('#calls details')].map(details => details.open)";
    assert_eq!(browser.value(open), json!([false, true]));
    let half = "[...document.querySelectorAll('#jobs input[name=Name]')].map(input => input.value)";
    assert_eq!(browser.value(half), json!(["", "half"]));

    browser.value("document.querySelector('#pause').click()");
    assert_eq!(
        text(&browser, "document.querySelector('#state').textContent"),
        "Paused."
    );
    drop(mock);
    browser.value("document.querySelector('#pause').click()");
    browser.wait_for(
        "document.querySelector('#state').textContent.startsWith('The mock does not respond')",
    );
}

#[test]
fn calls_are_filtered_by_operation_job_and_signature() {
    let mock = busy_mock();
    let id = mock.jobs()[2].job_id.clone();
    call(&mock, "GetEdgeTranscodeJob", &[("JobId", &id)]);
    let browser = page_of(&mock);
    let shown = |field: &str, value: &str| {
        browser.value(&format!(
            "(() => {{ const filter = document.querySelector('#filter'); filter.reset();
                filter.elements[{field:?}].value = {value:?};
                filter.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
        ));
        browser.value(&format!("{CALL_ITEMS}.length"))
    };
    let note = || {
        let note = text(
            &browser,
            "document.querySelector('#calls-note').textContent",
        );
        let (shown, _) = note.split_once(", the latest first.").unwrap();
        shown.to_owned()
    };
    assert_eq!(shown("action", ""), 4);
    assert_eq!(note(), "4 calls");
    assert_eq!(shown("action", "CreateEdgeTranscodeJob"), 2);
    assert_eq!(note(), "2 of the latest 4 calls match");
    assert_eq!(shown("signature", "invalid"), 1);
    assert_eq!(note(), "1 of the latest 4 calls matches");
    assert_eq!(shown("job", &id), 2, "including the call that created it");

    // The page has the latest 200 calls alone, so it does not know whether older ones match.
    for _ in 0..200 {
        call(&mock, "ListEdgeTranscodeJob", &[]);
    }
    browser.wait_for(&format!(
        "{CALLS}.includes('None of the latest 200 calls matches the filter.')"
    ));
    assert_eq!(note(), "0 of the latest 200 calls match");
    assert_eq!(shown("signature", "valid"), 200);
    assert_eq!(note(), "The latest 200 of 204 calls");
}

#[test]
fn the_operator_creates_starts_edits_stops_and_deletes_jobs() {
    let mock = mock();
    let browser = page_of(&mock);
    browser.submit(
        "#new-job",
        &[("Name", "camera-1"), ("TemplateId", "tpl-uhd-4k")],
    );
    browser.wait_for(&format!("{JOBS}.includes('camera-1')"));
    let job = mock.jobs()[0].clone();
    assert_eq!(
        (job.name.as_str(), job.template_id.as_str()),
        ("camera-1", "tpl-uhd-4k")
    );

    // With the keyboard.
    browser.value(&format!(
        "document.getElementById('toggle-{}').focus()",
        job.job_id
    ));
    browser.press("\u{e007}");
    browser.wait_for(&format!("{JOBS}.includes('running')"));
    assert_eq!(mock.jobs()[0].status, JobStatus::Running);
    assert!(mock.jobs()[0].last_start_at.is_some());
    let focused = format!("document.activeElement.id === 'toggle-{}'", job.job_id);
    assert_eq!(browser.value(&focused), true);

    browser.submit("#jobs form", &[("Name", "camera-2")]);
    browser.wait_for(&format!("{JOBS}.includes('camera-2')"));
    let edited = mock.jobs()[0].clone();
    assert_eq!(
        (edited.name.as_str(), &edited.stream_input),
        ("camera-2", &job.stream_input)
    );
    browser.value("document.querySelector('[aria-label=\"Stop camera-2\"]').click()");
    browser.wait_for(&format!("{JOBS}.includes('not started')"));
    assert_eq!(mock.jobs()[0].status, JobStatus::NotStarted);
    browser.value("document.querySelector('[aria-label=\"Delete camera-2\"]').click()");
    browser.wait_for(&format!("{JOBS} === 'No jobs yet.'"));
    assert!(mock.jobs().is_empty() && mock.calls().is_empty());

    browser.submit("#new-job", &[("Name", "camera-3")]);
    browser.wait_for(&format!("{JOBS}.includes('camera-3')"));
    browser.submit(
        "#jobs form",
        &[("TemplateId", "none"), ("StreamInput", "x")],
    );
    browser.wait_for(&format!("{JOBS}.includes('none')"));
}

#[test]
fn fault_rules_are_added_and_removed() {
    let mock = mock();
    let browser = page_of(&mock);
    let rules = "document.querySelector('#faults').innerText";
    browser.submit(
        "#new-fault",
        &[
            ("action", "CreateEdgeTranscodeJob"),
            ("kind", "500 InternalError"),
            ("times", "1"),
        ],
    );
    browser.wait_for(&format!("{rules}.includes('InternalError')"));
    let rejected = call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB);
    assert_eq!(rejected.error(), "500 InternalError");
    browser.wait_for(&format!("/hit 1 time\\b/.test({rules})"));
    browser.value("document.querySelector('#faults button').click()");
    browser.wait_for(&format!("{rules} === 'No rules.'"));
    assert_eq!(get(&mock.url(), "/_mock/faults").json(), json!([]));
}

#[test]
fn the_page_shows_the_state_of_the_access_key_in_its_address() {
    let mock = mock();
    create(&mock);
    let key = json!({"access_key_id": "ci-7"}).to_string();
    post(&mock.url(), "/_mock/access_keys", &key);
    let browser = page_at(&format!("{}/_mock/?access_key_id=ci-7", mock.url()));
    assert_eq!(text(&browser, JOBS), "No jobs yet.");
    browser.submit("#new-job", &[("Name", "of-ci-7")]);
    browser.wait_for(&format!("{JOBS}.includes('of-ci-7')"));
    assert_eq!(mock.jobs().len(), 1);

    // It shows why it cannot show a key that is deleted, until there is one again.
    send(&mock.url(), "DELETE", "/_mock/access_keys/ci-7", "").response();
    browser.wait_for(
        "document.querySelector('#state').textContent.includes('unknown access key `ci-7`')",
    );
    post(&mock.url(), "/_mock/access_keys", &key);
    browser.wait_for(REFRESHED);
    browser.wait_for(&format!("{JOBS} === 'No jobs yet.'"));
}

#[test]
fn nothing_overflows_and_the_page_is_accessible_at_any_width_in_light_and_dark() {
    let mock = busy_mock();
    let browser = page_of(&mock);
    browser
        .value("document.querySelectorAll('details').forEach(details => { details.open = true; })");
    browser.wait_for("document.querySelectorAll('#calls pre').length === 3");
    let overflow = "[...document.querySelectorAll('body, body *')]
        .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5
            || element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline'
                && !['INPUT', 'SELECT'].includes(element.tagName))
        .map(element => element.outerHTML.slice(0, 100))";
    // These elements must not wrap: all boxes of their text begin at the same height.
    let wrapped = "[...document.querySelectorAll('button, th, h1, h2, summary > *')]
        .filter(element => {
            const range = document.createRange();
            range.selectNodeContents(element);
            const tops = [...range.getClientRects()].filter(box => box.width > 0).map(box => box.top);
            return Math.max(...tops) - Math.min(...tops) > 8;
        })
        .map(element => element.outerHTML.slice(0, 100))";
    for scheme in ["light", "dark"] {
        for width in (360..=1920).step_by(60) {
            browser.emulate(width, scheme);
            assert_eq!(browser.value("window.innerWidth"), width);
            assert_eq!(browser.value(overflow), json!([]), "{width}");
            assert_eq!(browser.value(wrapped), json!([]), "{width}");
        }
        let dark = "getComputedStyle(document.body).backgroundColor === 'rgb(20, 23, 29)'";
        assert_eq!(browser.value(dark), scheme == "dark");
        for width in [360, 1280] {
            browser.emulate(width, scheme);
            let none: [&str; 0] = [];
            assert_eq!(browser.accessibility_problems(), none, "{width} {scheme}");
        }
    }
    // The check for wrapped elements can fail.
    browser.value("document.querySelector('h1').style.width = '3em'");
    assert_ne!(browser.value(wrapped), json!([]));
    // The accessibility check can fail.
    browser.value(
        "document.querySelector('h1').innerHTML += '<img src=\"/_mock/page.css\"><a href=\"#x\"></a>'",
    );
    let problems = browser.accessibility_problems().join("\n");
    assert!(
        problems.contains("image-alt: <img") && problems.contains("link-name: "),
        "{problems}"
    );
    // On a wide screen calls are beside the jobs.
    browser.emulate(1280, "light");
    let beside = "document.querySelector('#right').getBoundingClientRect().left
        >= document.querySelector('#left').getBoundingClientRect().right";
    assert_eq!(browser.value(beside), true);
    if let Ok(directory) = env::var("MOCK_SCREENSHOTS") {
        take_screenshots(&browser, Path::new(&directory));
    }
}

/// Takes the screenshots of the guide: `MOCK_SCREENSHOTS=$PWD/docs/images cargo test --test mock nothing_overflows`.
fn take_screenshots(browser: &Browser, directory: &Path) {
    let mock = mock();
    for camera in 1..=3 {
        mock.seed_job(|job| {
            job.name = format!("camera-{camera}");
            if camera > 1 {
                job.status = JobStatus::Running;
            }
        });
    }
    create(&mock);
    let id = mock.jobs()[0].job_id.clone();
    let job = [("JobId", id.as_str())];
    let error = Fault::new("StartEdgeTranscodeJob", FaultKind::internal_error());
    mock.set_faults(vec![error.times(1)]);
    for action in [
        "StartEdgeTranscodeJob",
        "GetEdgeTranscodeJob",
        "StartEdgeTranscodeJob",
    ] {
        call(&mock, action, &job);
    }
    let forged =
        signed("POST", &with_action("GetEdgeTranscodeJob", &job)).replace("JobId=", "JobId=0");
    post_form(&mock.url(), &forged);
    call(&mock, "StopEdgeTranscodeJob", &job);
    for (width, scheme) in [(360, "light"), (768, "dark"), (1440, "light")] {
        browser.emulate(width, scheme);
        browser.visit(&format!("{}/_mock/", mock.url()));
        browser.wait_for(REFRESHED);
        browser.value("document.querySelector('#calls li:nth-child(2) summary').click()");
        browser.wait_for("document.querySelector('#calls pre') !== null");
        let shot = browser.ask(
            "GET",
            &format!("{}/screenshot", browser.session),
            &Value::Null,
        );
        let bytes = BASE64_STANDARD.decode(shot.as_str().unwrap()).unwrap();
        fs::write(directory.join(format!("mock-page-{width}.png")), bytes).unwrap();
    }
}
