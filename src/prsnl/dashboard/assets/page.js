// Moves what the server has rendered: progress as it is told, rows as they change.
// What a page says is written in one place, its template: a changed part is fetched as
// HTML and put in the old one's place.

const EVENTS = "/api/background/events";
const LEAST_PAUSE_MS = 1000;
const MOST_ROWS = 300;
const ROW_PAUSE_MS = 3000;
const AWAY = "The server does not answer. Is PRSNL still running?";

export const one = (selector, from = document) => from.querySelector(selector);
export const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const byKey = (key) => one(`[data-key="${CSS.escape(key)}"]`);
export const here = location.pathname + location.search;
export const list = one("[data-list]");
const ENDED = ["success", "failure", "dead", "revoked"];
const isOpen = (part) => !ENDED.includes(part.dataset.status);

document.documentElement.classList.add("scripted");

export function say(text) {
  one("#said").textContent = text;
}

export function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

// Times

function ago(seconds) {
  for (const [unit, size, limit] of [
    ["minute", 60, 3600],
    ["hour", 3600, 86400],
    ["day", 86400, 2592000],
  ]) {
    if (seconds < size) return "just now";
    const count = Math.floor(seconds / size);
    if (seconds < limit) return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return null;
}

/** "12 s", "3 min 20 s", as `words.seconds_words` says it. */
function lasting(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function tellSince(from = document) {
  for (const time of all("time.since", from)) {
    const seconds = Math.round((Date.now() - new Date(time.dateTime)) / 1000);
    time.textContent = lasting(Math.max(0, seconds));
  }
}

function tellTimes(from = document) {
  tellSince(from);
  // Below a picture: hours in the reader's own zone, days as they are.
  for (const text of all("text[data-at]", from)) {
    if (!text.textContent.includes(":")) continue;
    const moment = new Date(text.dataset.at);
    text.textContent = moment.toLocaleTimeString("en-GB", { timeStyle: "short" });
  }
  for (const time of all("time[datetime]:not(.since)", from)) {
    const moment = new Date(time.dateTime);
    time.title = moment.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
    time.textContent = time.matches(".exact")
      ? time.title
      : (ago((Date.now() - moment) / 1000) ?? time.textContent);
  }
}

// Refreshing: the page is asked for again, and its changed parts take their places.

/** Where a row of a later part of the list came from. */
const sources = new WeakMap();
/** Lines of uploads that the server has; their rows come with the next refresh. */
export const arriving = [];
const sourceOf = (part) => sources.get(part) ?? here;
let timer = null;
let refreshedAt = Date.now();
let stale = new Set();

export function refreshSoon(part = null) {
  stale.add(part ? sourceOf(part) : here);
  const pause = Math.max(50, refreshedAt + LEAST_PAUSE_MS - Date.now());
  timer ??= setTimeout(refresh, pause);
}

async function refresh() {
  const wanted = stale;
  stale = new Set();
  try {
    for (const source of wanted) {
      const fresh = await load(source);
      if (fresh) merge(fresh, source);
    }
  } finally {
    refreshedAt = Date.now();
    timer = null;
  }
  if (stale.size) refreshSoon();
}

/** Everything that may have changed unseen. */
function refreshAll() {
  refreshSoon();
  for (const part of all("[data-task]")) if (isOpen(part)) refreshSoon(part);
}

async function load(source) {
  let answer;
  try {
    answer = await fetch(source, { headers: { Accept: "text/html" } });
  } catch {
    one("#away").hidden = false;
    return null;
  }
  if (answer.status === 401 || answer.status === 404) {
    location.reload();
    return null;
  }
  one("#away").hidden = answer.ok;
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function merge(fresh, source) {
  const keys = all(".row", fresh).map((row) => row.dataset.key);
  const groups = all("[data-group]", fresh).map((group) => [
    group.dataset.group,
    all(".row", group),
  ]);
  for (const part of all("[data-key]", fresh)) {
    const old = byKey(part.dataset.key);
    if (!old && list && part.matches(".row")) insert(part, source);
    else if (old && old.dataset.version !== part.dataset.version) replace(old, part, source);
  }
  if (groups.length) arrange(groups);
  if (source === here) for (const line of arriving.splice(0)) line.remove();
  if (list && one("[data-list]", fresh)) removeGone(fresh, source, keys);
}

function arrived(part) {
  const made = document.adoptNode(part);
  tellTimes(made);
  return made;
}

// Ids sort by their time: a newer row stands above an older one.
function insert(part, source) {
  const row = arrived(part);
  row.classList.add("new");
  if (source !== here) sources.set(row, source);
  const older = [...list.children].find((each) => each.dataset.key < row.dataset.key);
  list.insertBefore(row, older ?? null);
}

/** Each group's rows in its order, whichever group they were in before. */
function arrange(groups) {
  for (const [name, rows] of groups) {
    const group = one(`[data-group="${name}"]`);
    let place = null;
    for (const fresh of rows) {
      const row = byKey(fresh.dataset.key) ?? arrived(fresh);
      const next = place ? place.nextElementSibling : group.firstElementChild;
      if (row !== next) group.insertBefore(row, next);
      place = row;
    }
  }
  const known = new Set(groups.flatMap(([, rows]) => rows.map((row) => row.dataset.key)));
  for (const row of all("[data-group] .row")) if (!known.has(row.dataset.key)) row.remove();
}

/** Words and numbers of a part whose shape is the same: nothing of it moves. */
function retell(old, part) {
  const shape = (from) =>
    [...all("[data-told], form, a[href], progress", from)]
      .map((each) => each.dataset.told ?? each.action ?? each.href ?? each.className)
      .join();
  if (!old.dataset.task || old.dataset.status !== part.dataset.status) return false;
  if (!isOpen(old) || shape(old) !== shape(part)) return false;
  for (const fresh of all("[data-told]", part)) {
    const told = one(`[data-told="${fresh.dataset.told}"]`, old);
    told.textContent = fresh.textContent;
    told.hidden = fresh.hidden;
  }
  const bar = one("progress", old);
  if (bar) bar.value = one("progress", part).value;
  old.dataset.version = part.dataset.version;
  old.dataset.seq = Math.max(Number(old.dataset.seq), Number(part.dataset.seq));
  return true;
}

function replace(old, part, source) {
  if (retell(old, part)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const before = old.dataset.status;
  const row = arrived(part);
  if (source !== here) sources.set(row, source);
  const folds = all("details", old);
  all("details", row).forEach((fold, place) => (fold.open = folds[place]?.open ?? fold.open));
  old.replaceWith(row);
  if (focused && focused !== document.body) {
    const same = all("a[href], button", row).find(
      (each) => each.textContent === focused.textContent,
    );
    (same ?? one("h3 a, h1, a[href], button", row))?.focus();
  }
  if (before && before !== row.dataset.status && !isOpen(row)) {
    const title = one("h1, h2, h3", row)?.textContent ?? document.title;
    const state = one("[data-says]", row) ?? one(".state", row);
    say(`${title.trim()}: ${state.textContent}`);
  }
}

function removeGone(fresh, source, keys) {
  const isLast = !one("[data-more]", fresh);
  const least = keys.at(-1) ?? "";
  for (const row of all(".row", list)) {
    if (sourceOf(row) !== source || keys.includes(row.dataset.key)) continue;
    if (isLast || row.dataset.key > least) row.remove();
  }
  if (source === here) trim(fresh);
}

/** A tab that stays open for weeks must not hold a row for each file of them. */
function trim(fresh) {
  const more = one("[data-more]", fresh)?.closest("p");
  const rows = all(".row", list);
  if (rows.length <= MOST_ROWS || !more) return;
  for (const row of rows.slice(MOST_ROWS)) row.remove();
  one(".more")?.remove();
  const id = rows[MOST_ROWS - 1].dataset.key.replace(/^[a-z]+-/, "");
  const link = one("a", more);
  link.href = link.href.replace(/before=[^&]*/, `before=${id}`);
  list.after(document.adoptNode(more));
}

async function showMore(link) {
  const source = link.pathname + link.search;
  link.setAttribute("aria-disabled", "true");
  const fresh = await load(source);
  if (!fresh) return link.removeAttribute("aria-disabled");
  const rows = all(".row", fresh).filter((row) => !byKey(row.dataset.key));
  for (const row of rows) insert(row, source);
  const next = one("[data-more]", fresh)?.closest("p");
  const place = link.closest("p");
  if (next) place.replaceWith(document.adoptNode(next));
  else place.remove();
  one("h3 a", rows[0])?.focus();
  say(`${rows.length} more shown`);
}

// What the server tells by itself

let stream = null;

function listen() {
  stream?.close();
  stream = new EventSource(EVENTS);
  stream.addEventListener("progress", (event) => told(JSON.parse(event.data)));
  for (const name of ["ready", "gap"]) {
    stream.addEventListener(name, refreshAll);
  }
}

/** Pages of many numbers are asked for again at most so often while work goes on. */
const FOLLOW_MS = 5000;

function told(now) {
  if (one("[data-follows]") && Date.now() - refreshedAt > FOLLOW_MS) refreshSoon();
  const parts = all(`[data-task="${CSS.escape(now.task_id)}"]`);
  if (!parts.length && (list?.hasAttribute("data-grows") || one("[data-group]")))
    refreshSoon();
  for (const part of parts) {
    if (now.seq <= Number(part.dataset.seq)) continue;
    part.dataset.seq = now.seq;
    if (now.status !== part.dataset.status) refreshSoon(part);
    else tellProgress(part, now);
  }
}

/** When a row was last asked for by itself. */
const asked = new WeakMap();

/** Its steps, pages and end: the same fragment as of the first rendering. */
async function refreshRow(row, isUrgent) {
  const pause = isUrgent ? LEAST_PAUSE_MS / 2 : ROW_PAUSE_MS;
  if (Date.now() - (asked.get(row) ?? 0) < pause) return;
  asked.set(row, Date.now());
  const by = row.dataset.key.split("-")[0];
  const fresh = await load(`/tasks/${row.dataset.task}/row?by=${by}`);
  const part = fresh && one(".row", fresh);
  const old = part && byKey(part.dataset.key);
  if (!old || Number(part.dataset.seq) < Number(old.dataset.seq)) return;
  if (old.dataset.version !== part.dataset.version) replace(old, part, sourceOf(old));
  asked.set(byKey(part.dataset.key), Date.now());
}

function tellProgress(part, now) {
  const { percentage, message } = now.progress;
  const bar = one("progress", part);
  const isNew = message !== part.dataset.message || (!bar && percentage !== null);
  part.dataset.message = message;
  if (part.matches(".row")) refreshRow(part, isNew);
  else if (isNew) refreshSoon(part);
  const number = one('[data-told="percentage"]', part);
  if (bar && number && percentage !== null) {
    bar.value = percentage;
    // What goes on is not done, however near it is.
    number.textContent = `${Math.min(99, Math.round(percentage))} %`;
  }
  const said = one('[data-told="message"]', part);
  if (said && message) said.textContent = message;
  const why = one('[data-told="why"]', part);
  if (!why) return;
  why.textContent = now.waiting_because ?? "";
  why.hidden = !now.waiting_because;
}

// Reasons to wait change without an event; without the stream everything does.
function look() {
  if (document.hidden) return;
  const isMoving = all("[data-task]").some(isOpen);
  const isLive = stream?.readyState === EventSource.OPEN;
  const pause = isLive ? (isMoving ? 10 : 60) : isMoving ? 2 : 10;
  if (Date.now() - refreshedAt < pause * 1000) return;
  if (stream?.readyState === EventSource.CLOSED) listen();
  refreshAll();
}

// Browsers allow few connections to one server: a tab that nobody sees needs none.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stream?.close();
  else listen();
});

// Buttons

async function ask(method, path, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      body,
      headers: body ? { "Content-Type": "application/json", ...headers } : headers,
    });
  } catch {
    return AWAY;
  }
  if (answer.status === 401) location.reload();
  const told = await answer.text();
  return answer.ok ? null : problem(told);
}

export function problem(text) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return "The server gave an answer that makes no sense. Try again in a moment.";
  }
}

/** The same click twice is the same task. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return "page " + [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.dataset.sure && !confirm(form.dataset.sure)) return event.preventDefault();
  if (!form.dataset.api) return;
  event.preventDefault();
  const button = one("button", form);
  const [method, path] = form.dataset.api.split(" ");
  form.dataset.once ??= newKey();
  button.disabled = true;
  const wrong = await ask(method, path, form.dataset.body, {
    "Idempotency-Key": form.dataset.once,
  });
  button.disabled = false;
  one(".wrong", form)?.remove();
  if (wrong) {
    const told = element("p", wrong, "wrong");
    told.role = "alert";
    form.append(told);
  } else {
    refreshSoon(form.closest("[data-key]"));
    refreshSoon();
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-more]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!link.hasAttribute("aria-disabled")) showMore(link);
});

tellTimes();
setInterval(() => tellTimes(), 30000);
setInterval(() => tellSince(), 1000);
setInterval(look, 500);
if (!document.hidden) listen();
