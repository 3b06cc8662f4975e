//! The page at `/_mock/` in a real browser, driven by the `WebDriver` protocol.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use alicloud_live::mock::{JobStatus, Mock};
use serde_json::{Value, json};

use crate::caller::{NEW_JOB, create, mock, send, send_raw, signed, with_action};

/// A browser takes seconds to start, and on a busy machine many.
const BROWSER_PATIENCE: Duration = Duration::from_secs(120);

/// A session of a headless browser. It ends with this value.
struct Browser {
    driver: Child,
    /// Stays open, because the driver goes on printing.
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
                     chromium chromium-driver), or name them by CHROMIUM and CHROMEDRIVER."
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
            "timeouts": {"script": BROWSER_PATIENCE.as_millis(), "pageLoad": BROWSER_PATIENCE.as_millis()},
        });
        let session = self.ask(
            "POST",
            "/session",
            &json!({"capabilities": {"alwaysMatch": wanted}}),
        );
        self.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
    }

    #[track_caller]
    fn visit(&self, url: &str) {
        self.ask(
            "POST",
            &format!("{}/url", self.session),
            &json!({"url": url}),
        );
    }

    /// What an expression of the page's JavaScript is worth.
    #[track_caller]
    fn value(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.ask(
            "POST",
            &format!("{}/execute/sync", self.session),
            &json!({"script": script, "args": []}),
        )
    }

    /// Waits until an expression is true, looking at it whenever the page has changed.
    #[track_caller]
    fn wait_for(&self, expression: &str) {
        let script = format!(
            "const [done] = arguments;
             const holds = () => {expression};
             if (holds()) done(true);
             new MutationObserver(() => holds() && done(true))
                 .observe(document, {{subtree: true, childList: true, characterData: true, attributes: true}});"
        );
        self.ask(
            "POST",
            &format!("{}/execute/async", self.session),
            &json!({"script": script, "args": []}),
        );
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = self.request(method, path, body);
        let reply = send_raw(&self.url, request.as_bytes())
            .patiently(BROWSER_PATIENCE)
            .one_reply();
        let mut answer = reply.json();
        assert_eq!(reply.status(), 200, "{method} {path} {body}: {answer}");
        answer["value"].take()
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> String {
        let body = body.to_string();
        let (host, length) = (self.url.trim_start_matches("http://"), body.len());
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    }
}

impl Drop for Browser {
    /// The browser is in the process group of its driver.
    fn drop(&mut self) {
        let group = libc::pid_t::try_from(self.driver.id()).unwrap();
        #[expect(
            unsafe_code,
            reason = "the standard library sends no signal to a process group"
        )]
        // SAFETY: kill touches no memory; the group is that of our child, which has not been waited for.
        unsafe {
            libc::kill(-group, libc::SIGKILL);
        }
        // Fails only where it has ended already.
        let _ = self.driver.wait();
    }
}

const JOBS: &str = "document.querySelector('#jobs tbody').innerText";
const CALLS: &str = "document.querySelector('#calls tbody').innerText";

/// A page that shows this mock.
fn page_of(mock: &Mock) -> Browser {
    let browser = Browser::start();
    browser.visit(&format!("{}/_mock/", mock.url()));
    browser.wait_for("document.querySelector('#state').textContent === 'Refreshed every second.'");
    browser
}

fn text(browser: &Browser, expression: &str) -> String {
    browser.value(expression).as_str().unwrap().to_owned()
}

#[test]
fn the_page_shows_jobs_and_calls_and_what_came_of_their_signatures() {
    let mock = mock();
    mock.seed_job(|job| {
        job.name = "camera-1".to_owned();
        job.status = JobStatus::Running;
    });
    create(&mock);
    let form = signed("POST", &with_action("CreateEdgeTranscodeJob", &NEW_JOB));
    let forged = form.replace("tpl-h264-720p", "tpl-uhd-4k");
    send(&mock.url(), "POST", "/", &forged).reply();

    let browser = page_of(&mock);
    let jobs = text(&browser, JOBS);
    assert!(jobs.contains("camera-1\trunning\tcluster-1"), "{jobs}");
    let calls = text(&browser, CALLS);
    let rows: Vec<&str> = calls.split('\n').collect();
    assert!(rows[0].starts_with("1\tCreateEdgeTranscodeJob"), "{rows:?}");
    let verdicts =
        "[...document.querySelectorAll('#calls td:nth-child(3)')].map(cell => cell.innerText)";
    assert_eq!(browser.value(verdicts), json!(["✗ wrong", "✓ valid"]));
    let answers =
        "[...document.querySelectorAll('#calls td:nth-child(4) .tag')].map(tag => tag.innerText)";
    assert_eq!(
        browser.value(answers),
        json!(["HTTP 400 SignatureDoesNotMatch"])
    );
    let clusters = text(
        &browser,
        "document.querySelector('#clusters tbody').innerText",
    );
    assert!(
        clusters.starts_with("cluster-1\t2\t1\ttpl-h264-720p"),
        "{clusters}"
    );

    // With every parameter open, nothing secret is on the page.
    browser
        .value("document.querySelectorAll('details').forEach(details => { details.open = true; })");
    let whole = text(&browser, "document.documentElement.outerHTML");
    assert!(whole.contains("auth_key=***") && !whole.contains("1-0-0-ff"));
    let call = &mock.calls()[0];
    assert!(!whole.contains(&call.parameters["Signature"]));
}

#[test]
fn what_callers_send_is_shown_as_text_and_runs_nothing() {
    let mock = mock();
    let hostile = "<img src=x onerror=\"document.title='owned'\"></td><script>document.title='owned'</script>";
    mock.seed_job(|job| {
        hostile.clone_into(&mut job.name);
        hostile.clone_into(&mut job.stream_input);
        "javascript:document.title='owned'".clone_into(&mut job.stream_output);
    });
    let own = [("Name", hostile), ("<b>bold</b>", hostile)];
    let form = signed("POST", &with_action(hostile, &own));
    send(&mock.url(), "POST", "/", &form).reply();

    let browser = page_of(&mock);
    assert!(text(&browser, JOBS).contains(hostile));
    assert!(text(&browser, CALLS).contains(hostile));
    let intruders = "document.querySelectorAll('main img, main script, main b, main a').length";
    assert_eq!(browser.value(intruders), 0);
    assert_eq!(browser.value("document.title"), "alicloud-live-mock");
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

    // What the reader has opened stays open when more comes.
    browser.value("document.querySelector('details').querySelector('summary').click()");
    create(&mock);
    browser.wait_for("document.querySelectorAll('#calls tbody tr').length === 2");
    assert_eq!(
        browser.value("[...document.querySelectorAll('details')].map(details => details.open)"),
        json!([false, true])
    );

    browser.value("document.querySelector('#pause').click()");
    assert_eq!(
        browser.value("document.querySelector('#state').textContent"),
        "Paused."
    );
    drop(mock);
    browser.value("document.querySelector('#pause').click()");
    browser.wait_for(
        "document.querySelector('#state').textContent.startsWith('The mock does not answer')",
    );
}
