// Shows /_mock/overview and requests it again every second. All values are inserted as text, never as HTML. Elements that
// have not changed are kept, with focus, selection and half-filled forms.
"use strict";

const REFRESH_MS = 1000;
/** Fault kinds by label, or pairs of kind and stage. It is JSON, because a test parses it. */
const KINDS = {
  "drop the connection": "drop",
  "perform the operation, then drop the connection": ["drop", "after"],
  "hang": "hang",
  "one second slower": { "slow": { "ms": 1000 } },
  "500 InternalError": { "error": { "status": 500, "code": "InternalError" } },
  "503 ServiceUnavailable": { "error": { "status": 503, "code": "ServiceUnavailable" } },
  "400 Throttling.User": { "error": { "status": 400, "code": "Throttling.User" } },
  "403 Forbidden": { "error": { "status": 403, "code": "Forbidden" } },
  "HTML page of a proxy": { "response": { "content_type": "text/html", "body": "<html>" } },
  "wrong types": "wrong_types"
};
const ACTIONS = ["Create", "Get", "List", "Update", "Delete", "Start", "Stop"]
  .map((verb) => `${verb}EdgeTranscodeJob`)
  .concat(["GetEdgeTranscodeTemplate", "ListEdgeTranscodeTemplate", "DescribeLiveStreamState"]);
const SIGNATURES = { valid: ["✓ valid", "good"], invalid: ["✗ invalid", "bad"], not_checked: ["not checked", ""] };

const byId = (id) => document.getElementById(id);
const [state, pause, filter] = ["state", "pause", "filter"].map(byId);
let overview = { jobs: [], calls: [], faults: [], clusters: [] };
let shown = null;
let paused = false;

/** Returns a path of the control API, for the access key in the address of the page. */
const path = (below) => `/_mock/${below}${location.search}`;

/** Creates an element with a class and children (strings and elements). */
function element(name, className, ...children) {
  const created = document.createElement(name);
  if (className) created.className = className;
  created.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return created;
}

function button(text, label, onClick) {
  const created = element("button", "", text);
  created.type = "button";
  created.setAttribute("aria-label", label);
  created.addEventListener("click", onClick);
  return created;
}

const tag = (text, kind) => element("span", `tag ${kind}`, text);

/** Returns a count with its noun: `1 job`, `2 jobs`. */
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Renders `items` as the children of a list. Keeps the elements of items that have not changed. */
function fill(id, items, key, render, placeholder) {
  const list = byId(id);
  const before = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const children = items.map((item) => {
    const [name, text] = [String(key(item)), JSON.stringify(item)];
    const old = before.get(name);
    if (old && (old.dataset.text === text || old.querySelector("form:focus-within"))) return old;
    const created = render(item, old);
    created.dataset.key = name;
    created.dataset.text = text;
    return created;
  });
  if (children.length === 0) children.push(element("li", "note", placeholder));
  const same = children.length === list.children.length && children.every((child, at) => child === list.children[at]);
  if (same) return;
  const focused = document.activeElement?.id;
  list.replaceChildren(...children);
  if (focused) byId(focused)?.focus();
}

/** Sends a change and shows its result, or why it was rejected. */
async function change(method, where, body) {
  const headers = { "Content-Type": "application/json" };
  showStatus("Sending …");
  const response = await fetch(path(where), { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) {
    showStatus(`Rejected: ${(await response.json()).error}`);
    return false;
  }
  await refresh();
  return true;
}

function clusterItem(cluster) {
  const counts = ` ${plural(cluster.jobs, "job")}, ${cluster.running} running`;
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

/** Creates the form that edits a job. Empty fields stay as they are, because secrets in the shown URLs are masked. */
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

/** Returns the name of a fault kind, which is a string or an object with one member. */
const nameOf = (kind) => (typeof kind === "string" ? kind : Object.keys(kind)[0]);

function faultItem(rule) {
  const { action, kind, when, times, job_id: job } = rule.fault;
  const name = typeof kind === "string" ? kind : JSON.stringify(kind);
  const limits = [job && `job ${job}`, times && plural(times, "time"), when].filter(Boolean).join(", ");
  return element("li", "card",
    element("p", "", element("code", "", `${action}: ${name}`)),
    element("p", "small", limits, ` matched ${plural(rule.seen, "time")}, hit ${plural(rule.hits, "time")}`),
    button("Remove", `Remove the rule for ${action}`, () => change("DELETE", `faults/${rule.id}`)));
}

function callItem(call, old) {
  const response = call.status === null ? "no response" : `HTTP ${call.status}`;
  const time = element("time", "", new Date(call.time).toLocaleTimeString());
  time.dateTime = call.time;
  const summary = element("summary", "", time, tag(...SIGNATURES[call.signature]),
    element("strong", "", call.action ?? "(no action)"), " ",
    call.code === null ? response : tag(`${response} ${call.code}`, "bad"),
    call.committed ? " wrote" : null,
    call.faults.length ? ` fault: ${call.faults.map(nameOf).join(", ")}` : null);
  summary.id = `call-${call.number}`;
  const whole = element("div", "");
  const details = element("details", "", summary, whole);
  details.addEventListener("toggle", () => { if (details.open) load(call.number, whole); });
  details.open = Boolean(old?.querySelector("details")?.open);
  return element("li", "card", details);
}

/** Loads the details of a call, which the overview omits. */
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

function note(id, shown) {
  byId(id).textContent = `${shown}, the latest first. Secrets are masked.`;
}

/** Returns how many items the overview has, and of how many they are the latest. */
function latest(count, total, noun) {
  return count < total ? `The latest ${count} of ${plural(total, noun)}` : plural(total, noun);
}

function matches(call) {
  const { action, job, signature } = filter.elements;
  return (!action.value || call.action === action.value)
    && (!job.value || (call.job_id ?? "").includes(job.value.trim()))
    && (!signature.value || call.signature === signature.value);
}

function show() {
  fill("clusters", overview.clusters, (cluster) => cluster.ClusterId, clusterItem, "No clusters.");
  fill("jobs", overview.jobs, (job) => job.JobId, jobItem, "No jobs yet.");
  fill("faults", overview.faults, (rule) => rule.id, faultItem, "No rules.");
  // The filter does not see calls that the overview omits.
  const [listed, calls] = [overview.calls.length, overview.calls.filter(matches)];
  const searched = `of the latest ${plural(listed, "call")}`;
  const match = calls.length === 1 ? "matches" : "match";
  fill("calls", calls, (call) => call.number, callItem, listed ? `None ${searched} matches the filter.` : "No calls yet.");
  note("jobs-note", latest(overview.jobs.length, overview.total_jobs, "job"));
  note("calls-note", calls.length < listed ? `${calls.length} ${searched} ${match}` : latest(listed, overview.total_calls, "call"));
}

/** Adds the options that a select does not have yet. */
function options(select, texts) {
  const missing = texts.filter((text) => ![...select.options].some((option) => option.value === text));
  select.append(...missing.map((text) => new Option(text, text)));
}

/** Shows a status. Does not repeat it, because screen readers read each change. */
function showStatus(text) {
  if (state.textContent !== text) state.textContent = text;
}

async function refresh() {
  try {
    const response = await fetch(path("overview"));
    const text = await response.text();
    if (!response.ok) {
      showStatus(`Not refreshed: ${JSON.parse(text).error}. Retrying every second.`);
      return;
    }
    if (text !== shown) {
      overview = JSON.parse(text);
      shown = text;
      options(byId("new-job").TemplateId, overview.clusters.flatMap((cluster) => cluster.templates));
      show();
    }
    if (!state.textContent.startsWith("Rejected")) showStatus(paused ? "Paused." : "Refreshed every second.");
  } catch {
    showStatus("The mock does not respond. Retrying every second.");
  }
}

async function keepFresh() {
  if (!paused) await refresh();
  setTimeout(keepFresh, REFRESH_MS);
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  showStatus(paused ? "Paused." : "Refreshed every second.");
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
