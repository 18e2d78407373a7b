// Moves what the server has rendered: progress as it is told, rows as they change,
// files as they are dropped. What a page says is written in one place, its template:
// a changed part is fetched as HTML and put in the old one's place.
"use strict";

(() => {
  const EVENTS = "/api/background/events";
  const LEAST_PAUSE_MS = 1000;
  const MOST_ROWS = 300;
  const UPLOADS_SHOWN = 10;
  const AWAY = "The server does not answer. Is PRSNL still running? It is tried again.";

  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const byKey = (key) => one(`[data-key="${CSS.escape(key)}"]`);
  const here = location.pathname + location.search;
  const list = one("[data-list]");
  const ENDED = ["success", "failure", "dead", "revoked"];
  const isOpen = (part) => !ENDED.includes(part.dataset.status);

  document.documentElement.classList.add("scripted");

  function say(text) {
    one("#said").textContent = text;
  }

  function element(name, text = "", className = "") {
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

  function tellTimes(from = document) {
    for (const time of all("time[datetime]", from)) {
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
  const arriving = [];
  const sourceOf = (part) => sources.get(part) ?? here;
  let timer = null;
  let refreshedAt = Date.now();
  let stale = new Set();

  function refreshSoon(part = null) {
    stale.add(part ? sourceOf(part) : here);
    const pause = Math.max(50, refreshedAt + LEAST_PAUSE_MS - Date.now());
    timer ??= setTimeout(refresh, pause);
  }

  async function refresh() {
    const wanted = stale;
    stale = new Set();
    for (const source of wanted) {
      const fresh = await load(source);
      if (fresh) merge(fresh, source);
    }
    refreshedAt = Date.now();
    timer = null;
    if (stale.size) refreshSoon();
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
    for (const part of all("[data-key]", fresh)) {
      const old = byKey(part.dataset.key);
      if (!old && list && part.matches(".row")) insert(part, source);
      else if (old && old.dataset.version !== part.dataset.version) replace(old, part, source);
    }
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

  function replace(old, part, source) {
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const before = old.dataset.status;
    const row = arrived(part);
    if (source !== here) sources.set(row, source);
    old.replaceWith(row);
    if (focused && focused !== document.body) {
      const same = all("a[href], button", row).find(
        (each) => each.textContent === focused.textContent,
      );
      (same ?? one("h3 a, h1, a[href], button", row))?.focus();
    }
    if (before && before !== row.dataset.status && !isOpen(row)) {
      const title = one("h1, h3", row)?.textContent ?? document.title;
      say(`${title.trim()}: ${one(".state", row).textContent}`);
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
      stream.addEventListener(name, () => refreshSoon());
    }
  }

  function told(now) {
    const parts = all(`[data-task="${CSS.escape(now.task_id)}"]`);
    if (!parts.length && list?.hasAttribute("data-grows")) refreshSoon();
    for (const part of parts) {
      if (now.seq <= Number(part.dataset.seq)) continue;
      part.dataset.seq = now.seq;
      if (now.status !== part.dataset.status) refreshSoon(part);
      else tellProgress(part, now);
    }
  }

  function tellProgress(part, now) {
    const { percentage, message } = now.progress;
    const bar = one("progress", part);
    if (!bar) return;
    if (percentage === null) bar.removeAttribute("value");
    else bar.value = percentage;
    one('[data-told="percentage"]', part).textContent =
      percentage === null ? "" : `${Math.round(percentage)} %`;
    one('[data-told="message"]', part).textContent = message;
    const why = one('[data-told="why"]', part);
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
    refreshSoon();
    for (const part of all("[data-task]")) if (isOpen(part)) refreshSoon(part);
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
    return answer.ok ? null : problem(await answer.text());
  }

  function problem(text) {
    try {
      return JSON.parse(text).detail;
    } catch {
      return "The server gave an answer that makes no sense. Try again in a moment.";
    }
  }

  /** The same click twice is the same task. */
  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return "page " + [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
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

  // Uploads: one by one, so that each gets the whole line.

  const box = one("#uploads");
  const waiting = [];
  let current = null;

  function sizeOf(bytes) {
    const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (bytes >= 1024 && unit < units.length - 1) {
      bytes /= 1024;
      unit += 1;
    }
    return unit ? `${bytes.toFixed(1)} ${units[unit]}` : `${bytes} bytes`;
  }

  function add(files) {
    for (const file of files) waiting.push({ file, key: newKey(), line: null });
    showWaiting();
    if (!current) sendNext();
  }

  function showWaiting() {
    for (const upload of waiting.slice(0, UPLOADS_SHOWN)) upload.line ??= lineOf(upload);
    const left = waiting.length - Math.min(waiting.length, UPLOADS_SHOWN);
    one("#left").textContent = left ? `and ${left.toLocaleString("en")} more` : "";
    box.hidden = !one("ul", box).children.length && one("#known").hidden;
  }

  function lineOf(upload) {
    const line = element("li");
    const head = element("div", "", "line");
    const name = element("bdi", upload.file.name, "file-name");
    const bar = element("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Upload of ${upload.file.name}`);
    const step = element("p", `Waits for its turn · ${sizeOf(upload.file.size)}`, "step");
    const button = element("button", "Stop", "plain");
    button.type = "button";
    button.addEventListener("click", () => upload.press());
    upload.press = () => drop(upload);
    head.append(name, button);
    line.append(head, bar, step);
    one("ul", box).append(line);
    return line;
  }

  function drop(upload) {
    const place = waiting.indexOf(upload);
    if (place >= 0) waiting.splice(place, 1);
    upload.line.remove();
    showWaiting();
  }

  function sendNext() {
    current = waiting.shift() ?? null;
    if (!current) return showWaiting();
    current.line ??= lineOf(current);
    showWaiting();
    const most = Number(box.dataset.maxBytes);
    if (current.file.size > most) {
      ended(current, `This file is larger than ${sizeOf(most)}, the most this server takes.`);
    } else {
      send(current);
    }
  }

  function send(upload) {
    const { file, line } = upload;
    const request = new XMLHttpRequest();
    request.open("POST", "/api/attachments");
    request.setRequestHeader("Idempotency-Key", upload.key);
    request.upload.addEventListener("progress", (event) => {
      const part = event.total ? event.loaded / event.total : 1;
      one("progress", line).value = part;
      one(".step", line).textContent =
        part < 1
          ? `${Math.floor(part * 100)} % of ${sizeOf(file.size)} sent`
          : "Sent; it is being kept";
    });
    request.addEventListener("load", () => answered(upload, request));
    request.addEventListener("error", () => ended(upload, AWAY, true));
    request.addEventListener("abort", () => {
      drop(upload);
      sendNext();
    });
    upload.press = () => request.abort();
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  }

  function answered(upload, request) {
    if (request.status === 401) location.reload();
    if (request.status < 200 || request.status > 299) {
      return ended(upload, problem(request.responseText), request.status >= 500);
    }
    const told = JSON.parse(request.responseText);
    say(`${upload.file.name} is uploaded`);
    if (told.duplicate_of && !told.is_new_task) {
      known(upload, told);
    } else {
      // The row takes the line's place as soon as it is there.
      if (here === "/") {
        one("button", upload.line).remove();
        arriving.push(upload.line);
      } else {
        linked(upload, told);
      }
    }
    refreshSoon();
    sendNext();
  }

  /** The same bytes are there: say where, in one line for all of them. */
  function known(upload, told) {
    upload.line.remove();
    const line = one("#known");
    line.hidden = false;
    const text = one(".step", line);
    text.append(text.children.length ? ", " : "Already in your library: ", linkTo(told));
  }

  /** On a page without the library's list the new item is a link. */
  function linked(upload, told) {
    one("ul", box).append(upload.line);
    closeLine(upload, "Kept; it is being read: ", "step");
    one(".step", upload.line).append(linkTo(told));
  }

  function linkTo(told) {
    const link = element("a");
    link.append(element("bdi", told.attachment.file_name));
    link.href = `/items/${encodeURIComponent(told.item_id)}`;
    return link;
  }

  function closeLine(upload, text, className) {
    one("progress", upload.line)?.remove();
    const step = one(".step, .wrong", upload.line);
    step.textContent = text;
    step.className = className;
    one("button", upload.line).textContent = "Dismiss";
    upload.press = () => drop(upload);
  }

  function ended(upload, text, mayHelp = false) {
    closeLine(upload, text, "wrong");
    say(`${upload.file.name}: ${text}`);
    if (mayHelp) {
      const again = element("button", "Try again");
      again.type = "button";
      again.addEventListener("click", () => {
        upload.line.remove();
        upload.line = null;
        waiting.push(upload);
        showWaiting();
        if (!current) sendNext();
      });
      one(".line", upload.line).append(again);
    }
    sendNext();
  }

  one("#known button").addEventListener("click", () => {
    one("#known").hidden = true;
    one("#known .step").replaceChildren();
    showWaiting();
  });

  const input = one("#file");
  if (input) {
    input.multiple = true;
    input.addEventListener("change", () => {
      add(input.files);
      input.value = "";
    });
  }

  async function filesOf(entry) {
    if (entry.isFile) return [await new Promise((take, fail) => entry.file(take, fail))];
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((take, fail) => reader.readEntries(take, fail));
      if (!some.length) return found;
      for (const each of some) found.push(...(await filesOf(each)));
    }
  }

  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const showDropping = (is) => document.documentElement.classList.toggle("dropping", is);

  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    showDropping(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) showDropping(false);
  });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    showDropping(false);
    const files = [...event.dataTransfer.files];
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
    if (!entries.some((entry) => entry?.isDirectory)) return add(files);
    for (const entry of entries.filter(Boolean)) {
      try {
        add(await filesOf(entry));
      } catch {
        say(`${entry.name} could not be read`);
      }
    }
  });

  addEventListener("beforeunload", (event) => {
    if (current) event.preventDefault();
  });

  tellTimes();
  setInterval(tellTimes, 30000);
  setInterval(look, 500);
  if (!document.hidden) listen();
})();
