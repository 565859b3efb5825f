// The console: what the playground answers, shown as it comes.

const $ = id => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const draw = (tag, attributes, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const say = (panel, text, isError = false) => {
  $(`said-${panel}`).textContent = text;
  $(`said-${panel}`).classList.toggle("error", isError);
};

// Sends a request. The words of an error are those of the answer, or the browser's if nothing was answered.
async function send(path, options) {
  try {
    const response = await fetch(path, options);
    const { status, headers } = response;
    const body = await response.json();
    const words = response.ok ? "" : `${status} ${body.error.code}: ${body.error.message}`;
    return { status, headers, body, words };
  } catch (error) {
    return { status: 0, headers: new Headers(), body: null, words: `no answer: ${error.message}` };
  }
}

// ---- Limits: a row for each, with gauges and a strip of time.

const SPAN = 30_000; // milliseconds on the axis
const rows = new Map();

function addRow({ name, about }) {
  const row = {
    gauges: make("div"), strip: draw("svg", { role: "img" }), answers: [], isRefusing: false,
  };
  const button = (label, times) => make(
    "button", { onclick: () => press([name], times) }, label, make("span", { className: "unseen" }, ` of /${name}`));
  const title = make("div", {}, make("b", {}, `/${name}`), make("small", {}, about));
  const buttons = make("div", { className: "buttons" }, button("Press", 1), button("Burst of 20", 20));
  $("rows").append(make("div", { className: "row", id: `row-${name}` }, title, row.gauges, row.strip, buttons));
  rows.set(name, row);
}

// Sends requests to limits, all at once, and sums up the answers.
async function press(names, times) {
  const sums = await Promise.all(names.map(async name => {
    const answers = await Promise.all(Array.from({ length: times }, () => ask(name)));
    return `/${name}: ${sumUp(answers)}`;
  }));
  say("limits", sums.join("\n"));
  await measure();
}

async function ask(name) {
  const answer = await send(`/${name}`);
  const row = rows.get(name);
  answer.kind = { 200: "admitted", 429: "refused" }[answer.status] ?? "failed";
  row.answers.push({ at: performance.now(), kind: answer.kind });
  row.isRefusing ||= answer.kind === "refused";
  drawStrip(name);
  return answer;
}

function sumUp(answers) {
  const of = kind => answers.filter(answer => answer.kind === kind);
  const parts = ["admitted", "refused", "failed"].filter(kind => of(kind).length > 0).map(kind => {
    const last = of(kind).at(-1);
    const wait = last.headers.get("retry-after");
    const why = last.words && ` (${last.words}${wait ? `; again in ${wait} s` : ""})`;
    return `${of(kind).length} ${kind}${why}`;
  });
  return parts.join(", ");
}

// Asks what is used of every limit, and which fault is on: other clients may change both.
async function measure() {
  const [{ body, words }, { body: present }] = await Promise.all([send("/gauges"), send("/fault")]);
  warn(present?.fault, words);
  const news = [];
  for (const { name, about, windows } of body ?? []) {
    if (!rows.has(name)) addRow({ name, about });
    const row = rows.get(name);
    row.gauges.replaceChildren(...windows.map(({ limit, used }) => gauge(name, limit, used)));
    if (row.isRefusing && windows.every(({ limit, used }) => used < limit)) {
      row.isRefusing = false;
      news.push(`/${name} has room again`);
    }
  }
  if (news.length > 0) say("limits", news.join("\n"));
}

function gauge(name, limit, used) {
  const bar = make("span");
  bar.style.width = `${Math.min(100, 100 * used / limit)}%`;
  const gauge = make("div", { className: "gauge" }, `${used} of ${limit} used`, make("span", {}, bar));
  gauge.classList.toggle("full", used >= limit);
  const [min, max, now] = [0, Math.max(limit, used), used];
  const state = { role: "meter", ariaLabel: `/${name}`, ariaValueMin: min, ariaValueMax: max, ariaValueNow: now };
  return Object.assign(gauge, state);
}

// Draws what a limit answered, newest on the right. Simultaneous answers are stacked, up to three in a column.
function drawStrip(name) {
  const { strip, answers } = rows.get(name);
  const [now, size] = [performance.now(), 10];
  const duration = SPAN * size / strip.clientWidth; // of a column
  while (answers.length > 0 && now - answers[0].at > SPAN) answers.shift();
  const heights = new Map();
  strip.replaceChildren(...answers.map(({ at, kind }) => {
    let column = Math.floor(at / duration);
    while (heights.get(column) === 3) column -= 1;
    const height = heights.get(column) ?? 0;
    heights.set(column, height + 1);
    const x = strip.clientWidth - (now / duration - column) * size;
    const y = 29 - 11 * height;
    return kind === "failed"
      ? draw("rect", { class: kind, x: x - 4, y: y - 4, width: 8, height: 8 })
      : draw("circle", { class: kind, cx: x, cy: y, r: 4 });
  }));
  const sums = ["admitted", "refused", "failed"].map(kind =>
    `${answers.filter(answer => answer.kind === kind).length} ${kind}`);
  strip.setAttribute("aria-label", `/${name} in the last 30 seconds: ${sums.join(", ")}`);
}

$("press-all").onclick = () => press([...rows.keys()], 1);
$("burst-all").onclick = () => press([...rows.keys()], 20);

// ---- Faults.

const wordsOf = radio => `The store ${radio.parentElement.textContent.trim()}.`;

function warn(fault, words) {
  let warning = words;
  for (const radio of document.querySelectorAll("[name=fault]")) {
    radio.checked = radio.value === fault;
    if (radio.checked && fault !== "none") warning ||= `A fault is on. ${wordsOf(radio)}`;
  }
  if ($("warning").textContent !== warning) $("warning").textContent = warning;
}

for (const radio of document.querySelectorAll("[name=fault]")) {
  radio.onchange = async () => {
    const { words } = await send(`/fault/${radio.value}`, { method: "PUT" });
    say("faults", words || wordsOf(radio), Boolean(words));
    await measure();
  };
}

$("ask-all").onclick = async () => {
  const lines = await Promise.all([...rows.keys()].map(async name => {
    const { status, headers, words } = await ask(name);
    const fields = ["retry-after", "x-rate-limit-fail-closed", "x-rate-limit-fail-open", "x-ratelimit-remaining"]
      .filter(field => headers.has(field)).map(field => `\n${field}: ${headers.get(field)}`);
    return make("li", {}, `/${name} ${words || status}${fields.join("")}`);
  }));
  $("answers").replaceChildren(...lines);
  say("faults", `${lines.length} limits have answered.`);
};

// ---- Events.

let nextCursor = null;

$("publish").onsubmit = async event => {
  event.preventDefault();
  const text = id => JSON.stringify($(id).value);
  // The payload is sent as it is typed: the playground answers what is wrong with it.
  const body = `{"tenant_id": ${text("tenant")}, "event_type": ${text("type")}, "payload": ${$("payload").value}}`;
  const { body: published, words } = await send("/events", { method: "POST", body });
  if (words) return say("events", words, true);
  await showPage("");
  say("events", `Published ${published.event_type} ${published.id}.`);
};

$("first-page").onclick = () => showPage("");
$("next-page").onclick = () => showPage(nextCursor);

async function showPage(cursor) {
  const query = new URLSearchParams({ tenant: $("tenant").value, limit: 3, ...(cursor && { cursor }) });
  const { body, words } = await send(`/events?${query}`);
  if (words) return say("events", words, true);
  const line = ({ published_at, event_type, id, payload }) =>
    make("li", {}, `${published_at} ${event_type} ${JSON.stringify(payload)}\n${id}`);
  $("page").replaceChildren(...body.events.map(line));
  nextCursor = body.next_key?.cursor;
  $("next-page").disabled = !nextCursor;
  say("events", `${body.events.length} events, newest first.`);
  const contents = nextCursor && await send(`/cursors/${encodeURIComponent(nextCursor)}`);
  $("cursor").textContent = contents ? JSON.stringify(contents.body, null, 2) : "nothing: there is no next page";
}

// ---- Streams: each piece with the time of its arrival.

async function arrive(path, options) {
  const begun = performance.now();
  const piece = text => {
    const line = make("li", {}, `${Math.round(performance.now() - begun)} ms: ${text.trim()}`);
    $("pieces").append(line);
    line.scrollIntoView({ block: "nearest" });
  };
  const response = await fetch(path, options);
  if (!response.ok) return say("streams", `${response.status} ${await response.text()}`, true);
  say("streams", `${path} has begun.`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    lastEventId = read.value.match(/^id: ?(.+)$/m)?.[1] ?? lastEventId;
    if (read.value.trim()) piece(read.value);
  }
  say("streams", `${path} has ended.`);
}

let lastEventId = "";
let following = null;

$("follow").onclick = async () => {
  if (following) return following.abort();
  following = new AbortController();
  $("follow").ariaPressed = "true";
  $("pieces").replaceChildren();
  // A reader that returns sends the id of the last event that it saw.
  const headers = { accept: "text/event-stream", ...(lastEventId && { "last-event-id": lastEventId }) };
  try {
    await arrive(`/events?${new URLSearchParams({ tenant: $("tenant").value })}`, { headers, signal: following.signal });
  } catch (error) {
    say("streams", following.signal.aborted ? "Stopped. The next start continues after the last event." : error.message);
  }
  following = null;
  $("follow").ariaPressed = "false";
};

$("load-page").onclick = () => {
  $("pieces").replaceChildren();
  arrive("/page").catch(error => say("streams", error.message, true));
};

// ---- The store: its calls as they are made, and its tables.

const total = { calls: 0, write: 0, read: 0 };

new EventSource("/effects").onmessage = ({ data }) => {
  const { operation, table, outcome, write_units, read_units, millis } = JSON.parse(data);
  const cells = [operation, table, outcome, write_units, read_units, millis];
  $("calls").prepend(make("tr", {}, ...cells.map(cell => make("td", {}, String(cell)))));
  while ($("calls").rows.length > 50) $("calls").lastChild.remove();
  total.calls += 1;
  total.write += write_units;
  total.read += read_units;
  $("total").textContent = `${total.calls} calls, ${total.write} write units, ${total.read} read units since this page was opened.`;
};

$("look").onclick = async () => {
  const { body, words } = await send("/tables");
  if (words) return say("store", words, true);
  say("store", `${body.length} tables.`);
  $("tables").replaceChildren(...body.map(({ name, count, has_more, items }) => {
    const lines = items.map(item => JSON.stringify(item)).join("\n");
    const shown = make("pre", { tabIndex: 0, ariaLabel: `Items of ${name}` }, lines || "empty");
    const title = `${name}: ${has_more ? "more than " : ""}${count} items`;
    return make("details", {}, make("summary", {}, title), shown);
  }));
};

// ---- What is shown from the beginning, and what is repeated.

for (const pre of document.querySelectorAll("[data-curl]")) {
  pre.textContent = pre.textContent.replaceAll("ADDRESS", location.origin);
}
for (const pre of document.querySelectorAll("[data-source]")) {
  fetch(`/source/${pre.dataset.source}`).then(async source => { pre.textContent = await source.text(); });
}
await measure();
await showPage("");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
setInterval(() => rows.forEach((_, name) => drawStrip(name)), isCalm ? 5_000 : 500);
setInterval(() => document.hidden || measure(), 1_000);
document.documentElement.dataset.ready = "yes";
