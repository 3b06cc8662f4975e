// Shows /_mock/overview and asks for it again every second. Everything comes in as text: nothing that a caller sent is
// ever read as HTML.
"use strict";

const REFRESH_MS = 1000;

const state = document.getElementById("state");
const pause = document.getElementById("pause");
// The calls whose parameters the reader has opened.
const opened = new Set();
let shown = null;
let paused = false;

/** An element with a class, holding texts and elements. */
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Puts rows of cells in the place of a table's body, or one row that says that there is nothing. */
function fill(id, rows, nothing) {
  const table = document.getElementById(id);
  const body = table.tBodies[0];
  if (rows.length === 0) {
    const cell = element("td", "note", nothing);
    cell.colSpan = table.tHead.rows[0].cells.length;
    body.replaceChildren(element("tr", "", cell));
    return;
  }
  body.replaceChildren(...rows.map((cells) => element("tr", "", ...cells.map((cell) => element("td", "", ...[cell].flat())))));
}

function tag(text, kind) {
  return element("span", `tag ${kind}`, text);
}

function small(text) {
  return element("span", "small", text);
}

/** The day, and below it the time of day. */
function time(text) {
  const [day, hours] = text.split("T");
  return [day, small(hours)];
}

function clusterRow(cluster) {
  return [element("code", "", cluster.ClusterId), String(cluster.jobs), String(cluster.running), cluster.templates.join(", ")];
}

function jobRow(job) {
  return [
    job.Name,
    job.Status === "1" ? tag("running", "good") : tag("not started", ""),
    [element("code", "", job.ClusterId), small(job.JobId)],
    [job.TemplateId, small(job.Type)],
    [element("code", "", job.StreamInput), small("to"), element("code", "", job.StreamOutput)],
    time(job.CreateTime),
  ];
}

const SIGNATURES = { valid: ["✓ valid", "good"], invalid: ["✗ wrong", "bad"], not_checked: ["not checked", ""] };

function callRow(call) {
  const answer = call.status === null ? "none" : `HTTP ${call.status}`;
  return [
    String(call.number),
    [call.action ?? "(none)", small(call.method)],
    tag(...SIGNATURES[call.signature]),
    [call.code === null ? answer : tag(`${answer} ${call.code}`, "bad"), small(call.request_id)],
    call.committed ? "yes" : "no",
    call.faults.map((fault) => JSON.stringify(fault)).join(", "),
    parameters(call),
  ];
}

function parameters(call) {
  const list = element("dl", "");
  for (const [name, value] of Object.entries(call.parameters)) {
    list.append(element("dt", "", name), element("dd", "", value));
  }
  const summary = element("summary", "", `${Object.keys(call.parameters).length} of them`);
  summary.id = `call-${call.request_id}`;
  const details = element("details", "", summary, list);
  details.open = opened.has(call.request_id);
  details.addEventListener("toggle", () => {
    if (details.open) opened.add(call.request_id);
    else opened.delete(call.request_id);
  });
  return details;
}

function note(id, count, total, what) {
  const text = count < total ? `The latest ${count} of ${total} ${what}.` : `${total} ${what}.`;
  document.getElementById(id).textContent = `${text} Secrets are masked.`;
}

function show(overview) {
  const focused = document.activeElement?.id;
  fill("clusters", overview.clusters.map(clusterRow), "No clusters.");
  fill("jobs", overview.jobs.map(jobRow), "No jobs yet.");
  fill("calls", overview.calls.map(callRow), "No calls yet.");
  note("jobs-note", overview.jobs.length, overview.total_jobs, "jobs, the latest first");
  note("calls-note", overview.calls.length, overview.total_calls, "calls, the latest first");
  if (focused) document.getElementById(focused)?.focus();
}

/** Says something new only, because screen readers read it out. */
function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

async function refresh() {
  if (!paused) {
    try {
      const text = await (await fetch("/_mock/overview")).text();
      // What is the same stays as it is, with the reader's selection and focus.
      if (text !== shown && !paused) {
        show(JSON.parse(text));
        shown = text;
      }
      say("Refreshed every second.");
    } catch {
      say("The mock does not answer. Trying again every second.");
    }
  }
  setTimeout(refresh, REFRESH_MS);
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  say(paused ? "Paused." : "Refreshed every second.");
});

refresh();
