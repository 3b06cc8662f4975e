// Shows /_mock/overview and asks for it again every second. Everything comes in as text: nothing that a caller sent is
// ever read as HTML. What has not changed stays as it is, with the reader's focus, selection and half-filled forms.
"use strict";

const REFRESH_MS = 1000;
const KINDS = {
  "drop the connection": "drop",
  "drop it after the work is done": ["drop", "after"],
  "hang": "hang",
  "one second slower": { slow: { ms: 1000 } },
  "500 InternalError": { error: { status: 500, code: "InternalError" } },
  "503 ServiceUnavailable": { error: { status: 503, code: "ServiceUnavailable" } },
  "400 Throttling.User": { error: { status: 400, code: "Throttling.User" } },
  "403 Forbidden": { error: { status: 403, code: "Forbidden" } },
  "a proxy's HTML page": { answer: { content_type: "text/html", body: "<html>" } },
  "wrong types": "wrong_types",
};
const ACTIONS = ["Create", "Get", "List", "Update", "Delete", "Start", "Stop"]
  .map((verb) => `${verb}EdgeTranscodeJob`)
  .concat(["GetEdgeTranscodeTemplate", "ListEdgeTranscodeTemplate", "DescribeLiveStreamState"]);
const VERDICTS = { valid: ["✓ valid", "good"], invalid: ["✗ wrong", "bad"], not_checked: ["not checked", ""] };

const byId = (id) => document.getElementById(id);
const [state, pause, filter] = ["state", "pause", "filter"].map(byId);
let overview = { jobs: [], calls: [], faults: [], clusters: [] };
let shown = null;
let paused = false;

/** A path of the control API for the access key that the page's own address names. */
const path = (below) => `/_mock/${below}${location.search}`;

/** An element with a class, holding texts and elements. */
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function button(text, label, onClick) {
  const made = element("button", "", text);
  made.type = "button";
  made.setAttribute("aria-label", label);
  made.addEventListener("click", onClick);
  return made;
}

const tag = (text, kind) => element("span", `tag ${kind}`, text);

/** Makes the children of a list those of `items`, keeping the elements of items that are the same as before. */
function fill(id, items, key, render, nothing) {
  const list = byId(id);
  const before = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const children = items.map((item) => {
    const [name, text] = [String(key(item)), JSON.stringify(item)];
    const old = before.get(name);
    if (old && (old.dataset.text === text || old.querySelector("form:focus-within"))) return old;
    const made = render(item, old);
    made.dataset.key = name;
    made.dataset.text = text;
    return made;
  });
  if (children.length === 0) children.push(element("li", "note", nothing));
  const same = children.length === list.children.length && children.every((child, at) => child === list.children[at]);
  if (same) return;
  const focused = document.activeElement?.id;
  list.replaceChildren(...children);
  if (focused) byId(focused)?.focus();
}

/** Sends a change, says what is wrong with it if it is rejected, and shows what came of it. */
async function change(method, where, body) {
  const headers = { "Content-Type": "application/json" };
  say("Sending …");
  const response = await fetch(path(where), { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) {
    say(`Rejected: ${(await response.json()).error}`);
    return false;
  }
  await refresh();
  return true;
}

function clusterItem(cluster) {
  const counts = ` ${cluster.jobs} jobs, ${cluster.running} running`;
  return element("li", "card", element("code", "", cluster.ClusterId), counts);
}

function jobItem(job) {
  const running = job.Status === "1";
  const where = `jobs/${encodeURIComponent(job.JobId)}`;
  const now = new Date().toISOString().replace(/\.\d+/, "");
  const next = running ? { Status: "0", LastStopAt: now } : { Status: "1", LastStartAt: now };
  const verb = running ? "Stop" : "Start";
  const toggle = button(verb, `${verb} ${job.Name}`, () => change("PATCH", where, next));
  toggle.id = `toggle-${job.JobId}`;
  return element("li", "card",
    element("h3", "", job.Name),
    element("p", "", tag(running ? "running" : "not started", running ? "good" : ""), " ", job.TemplateId),
    element("p", "small", `${job.ClusterId} / ${job.JobId}`),
    element("p", "", element("code", "", job.StreamInput), " to ", element("code", "", job.StreamOutput)),
    element("div", "actions", toggle,
      button("Show calls", `Show calls of ${job.Name}`, () => { filter.job.value = job.JobId; show(); }),
      button("Delete", `Delete ${job.Name}`, () => change("DELETE", where))),
    editForm(job, where));
}

/** What is left empty stays as it is: URLs are shown without what may be secret in them. */
function editForm(job, where) {
  const fields = ["Name", "TemplateId", "StreamInput", "StreamOutput"].map((name) => {
    const input = element("input", "");
    input.name = name;
    input.placeholder = job[name];
    return element("label", "", name, input);
  });
  const form = element("form", "form", ...fields, element("button", "", "Save"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const changed = filled(form);
    document.activeElement?.blur();
    if (await change("PATCH", where, changed)) form.reset();
  });
  const summary = element("summary", "", "Edit");
  summary.setAttribute("aria-label", `Edit ${job.Name}`);
  return element("details", "", summary, form);
}

const filled = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));

/** Of a kind of fault: a name, or an object whose one member has the name. */
const nameOf = (kind) => (typeof kind === "string" ? kind : Object.keys(kind)[0]);

function faultItem(rule) {
  const { action, kind, when, times, job_id: job } = rule.fault;
  const name = typeof kind === "string" ? kind : JSON.stringify(kind);
  const limits = [job && `job ${job}`, times && `${times} times`, when].filter(Boolean).join(", ");
  return element("li", "card",
    element("p", "", element("code", "", `${action}: ${name}`)),
    element("p", "small", limits, ` due ${rule.seen} times, hit ${rule.hits} times`),
    button("Remove", `Remove the rule for ${action}`, () => change("DELETE", `faults/${rule.id}`)));
}

function callItem(call, old) {
  const answer = call.status === null ? "no response" : `HTTP ${call.status}`;
  const time = element("time", "", new Date(call.time).toLocaleTimeString());
  time.dateTime = call.time;
  const summary = element("summary", "", time, tag(...VERDICTS[call.signature]),
    element("strong", "", call.action ?? "(no action)"), " ",
    call.code === null ? answer : tag(`${answer} ${call.code}`, "bad"),
    call.committed ? " wrote" : null,
    call.faults.length ? ` fault: ${call.faults.map(nameOf).join(", ")}` : null);
  summary.id = `call-${call.number}`;
  const whole = element("div", "");
  const details = element("details", "", summary, whole);
  details.addEventListener("toggle", () => { if (details.open) load(call.number, whole); });
  details.open = Boolean(old?.querySelector("details")?.open);
  return element("li", "card", details);
}

/** The whole of a call, which the overview shortens. */
async function load(number, into) {
  const response = await fetch(path(`calls/${number}`));
  const call = await response.json();
  if (!response.ok) {
    into.replaceChildren(element("p", "note", call.error));
    return;
  }
  const parameters = element("dl", "");
  for (const [name, value] of Object.entries(call.parameters)) {
    parameters.append(element("dt", "", name), element("dd", "", value));
  }
  into.replaceChildren(
    element("p", "small", `No. ${call.number}, ${call.method}, RequestId ${call.request_id}`),
    element("h3", "", "Request"), parameters,
    element("h3", "", "Response"), element("pre", "", pretty(call.response_body)));
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

function note(id, count, total, what) {
  byId(id).textContent = count < total ? `The latest ${count} of ${total} ${what}.` : `${total} ${what}.`;
}

function matches(call) {
  const { action, job, verdict } = filter.elements;
  return (!action.value || call.action === action.value)
    && (!job.value || (call.job_id ?? "").includes(job.value.trim()))
    && (!verdict.value || call.signature === verdict.value);
}

function show() {
  fill("clusters", overview.clusters, (cluster) => cluster.ClusterId, clusterItem, "No clusters.");
  fill("jobs", overview.jobs, (job) => job.JobId, jobItem, "No jobs yet.");
  fill("faults", overview.faults, (rule) => rule.id, faultItem, "No rules.");
  const calls = overview.calls.filter(matches);
  const isFiltered = calls.length < overview.calls.length;
  fill("calls", calls, (call) => call.number, callItem, isFiltered ? "No call fits the filter." : "No calls yet.");
  note("jobs-note", overview.jobs.length, overview.total_jobs, "jobs, the latest first. Secrets are masked");
  note("calls-note", calls.length, overview.total_calls, "calls, the latest first. Secrets are masked");
}

/** Options of a select: texts, or pairs of value and text. */
function options(select, texts) {
  const wanted = texts.filter((text) => ![...select.options].some((option) => option.value === text));
  select.append(...wanted.map((text) => new Option(text, text)));
}

/** Says something new only, because screen readers read it out. */
function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

async function refresh() {
  try {
    const text = await (await fetch(path("overview"))).text();
    if (text !== shown) {
      overview = JSON.parse(text);
      shown = text;
      options(byId("new-job").TemplateId, overview.clusters.flatMap((cluster) => cluster.templates));
      show();
    }
    if (!state.textContent.startsWith("Rejected")) say(paused ? "Paused." : "Refreshed every second.");
  } catch {
    say("The mock does not answer. Trying again every second.");
  }
}

async function keepFresh() {
  if (!paused) await refresh();
  setTimeout(keepFresh, REFRESH_MS);
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  say(paused ? "Paused." : "Refreshed every second.");
});

filter.addEventListener("input", show);
filter.addEventListener("submit", (event) => event.preventDefault());

byId("new-job").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  if (await change("POST", "jobs", filled(form))) form.reset();
});

byId("new-fault").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const { action, kind, job_id: job, times } = Object.fromEntries(new FormData(form));
  const [what, when] = [KINDS[kind]].flat();
  const rule = { action, kind: what, when, job_id: job || null, times: times ? Number(times) : null };
  if (await change("POST", "faults/add", [rule])) form.reset();
});

document.body.classList.add("has-script");
options(filter.elements.action, ACTIONS);
options(byId("new-fault").elements.action, ["*", ...ACTIONS]);
options(byId("new-fault").elements.kind, Object.keys(KINDS));
keepFresh();
