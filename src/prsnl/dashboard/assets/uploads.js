// Files that are chosen or dropped: sent one by one, each with a line of its own.

import { all, arriving, element, here, list, newKey, one, problem, refreshSoon, say } from "./page.js";

const UPLOADS_SHOWN = 5;
/** So often a server that says when to come again is believed. */
const MOST_WAITS = 20;
const LOST =
  "This did not get through. Is PRSNL still running, and the file still in its place?";

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

/** Without the characters that turn the direction of what follows them. */
const nameOf = (file) => file.name.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");

function add(files) {
  for (const file of files) waiting.push({ file, key: newKey(), line: null, waits: 0 });
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
  const name = element("bdi", nameOf(upload.file), "file-name");
  const bar = element("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Upload of ${nameOf(upload.file)}`);
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
  request.addEventListener("error", () => ended(upload, LOST, true));
  request.addEventListener("abort", () => {
    drop(upload);
    sendNext();
  });
  upload.press = () => request.abort();
  const form = new FormData();
  form.append("file", file);
  request.send(form);
}

/** The server has its hands full: it says when to come again. */
function waitThenSend(upload, seconds) {
  upload.waits += 1;
  one("progress", upload.line).removeAttribute("value");
  one(".step", upload.line).textContent =
    `The server is busy; sent again in ${Math.ceil(seconds)} s`;
  const timer = setTimeout(() => send(upload), seconds * 1000);
  upload.press = () => {
    clearTimeout(timer);
    drop(upload);
    sendNext();
  };
}

function answered(upload, request) {
  if (request.status === 401) location.reload();
  if ([429, 503].includes(request.status)) {
    const seconds = Number(request.getResponseHeader("Retry-After"));
    if (seconds && upload.waits < MOST_WAITS) return waitThenSend(upload, seconds);
  }
  if (request.status < 200 || request.status > 299) {
    return ended(upload, problem(request.responseText), request.status >= 500);
  }
  const told = JSON.parse(request.responseText);
  say(`${nameOf(upload.file)} is uploaded`);
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
  link.append(element("bdi", nameOf({ name: told.attachment.file_name })));
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
  say(`${nameOf(upload.file)}: ${text}`);
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

for (const input of all("#drop input[type=file]")) {
  input.multiple = input.id === "file";
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
}

// A note: the same press twice is one note; a text that is pasted becomes its draft.

const note = one("#write form");
if (note) note.elements.key.value = newKey();

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]");

/** A picture from the clipboard has no name of its own. */
function named(file) {
  if (file.name && file.name !== "image.png") return file;
  const moment = new Date().toLocaleString("sv").replace(/[:]/g, ".");
  return new File([file], `Pasted ${moment}.png`, { type: file.type });
}

document.addEventListener("paste", (event) => {
  if (isTyping(event.target)) return;
  const files = [...event.clipboardData.files];
  if (files.length) {
    event.preventDefault();
    return add(files.map(named));
  }
  const text = event.clipboardData.getData("text/plain");
  if (!note || !text.trim()) return;
  event.preventDefault();
  one("#write").open = true;
  const { text: area } = note.elements;
  area.value += (area.value && "\n") + text;
  area.focus();
});

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
  if (current || waiting.length) event.preventDefault();
});
