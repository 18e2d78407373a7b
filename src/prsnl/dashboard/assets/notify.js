// Tells by the browser's own notification that work has ended, while nobody looks.
// Only who asked for it, by the button on the page of settings, and for all of it once.

import { all, one } from "./page.js";

const EVENTS = "/api/background/events";
const ACTIVE = "/api/background/tasks/active?limit=1";
const WISH = "prsnl-notifies";
/** So long nothing ends any more, before it is asked whether anything is under way. */
const QUIET_MS = 2000;
const ENDED = ["success", "failure", "dead", "revoked"];
const FAILED = ["failure", "dead"];
const OWN = "deliver_webhook_task";

let stream = null;
let timer = null;
/** How each task that ended meanwhile has ended. */
const ends = new Map();

const isPossible = "Notification" in window && window.isSecureContext;
const isWanted = () =>
  isPossible && Notification.permission === "granted" && localStorage.getItem(WISH) === "yes";

function watch() {
  forget();
  if (!document.hidden || !isWanted()) return;
  stream = new EventSource(EVENTS);
  stream.addEventListener("progress", (event) => heard(JSON.parse(event.data)));
}

function forget() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
  ends.clear();
}

function heard(now) {
  if (now.name === OWN) return;
  if (ENDED.includes(now.status)) ends.set(now.task_id, now.status);
  else ends.delete(now.task_id); // it is tried again
  clearTimeout(timer);
  if (ends.size) timer = setTimeout(tellIfAllEnded, QUIET_MS);
}

async function tellIfAllEnded() {
  const answer = await fetch(ACTIVE).catch(() => null);
  if (!answer?.ok || !document.hidden || !ends.size) return;
  const active = (await answer.json()).items.filter((task) => task.name !== OWN);
  if (active.length) return; // its end is heard, too
  const failed = [...ends.values()].filter((status) => FAILED.includes(status)).length;
  const done = [...ends.values()].filter((status) => status === "success").length;
  ends.clear();
  tell(done, failed);
}

function tell(done, failed) {
  const parts = [];
  if (done) parts.push(`${done} done`);
  if (failed) parts.push(`${failed} failed`);
  const told = new Notification("PRSNL has finished", {
    body: parts.join(", ") || "Cancelled",
    tag: "prsnl-work", // of several tabs one is shown
  });
  told.onclick = () => {
    window.focus();
    if (failed) location.assign("/failures");
    told.close();
  };
}

function show() {
  const button = one("[data-notify]");
  if (!button) return;
  const said = one("[data-notify-said]");
  button.hidden = !isPossible || Notification.permission === "denied";
  button.textContent = isWanted() ? "Tell me no more" : "Tell me when work ends";
  button.setAttribute("aria-pressed", String(isWanted()));
  if (!isPossible) said.textContent = "This browser notifies from an https address or this machine alone.";
  else if (Notification.permission === "denied")
    said.textContent = "You have forbidden it in this browser: allow notifications of this site there.";
  else said.textContent = isWanted() ? "On, in this browser, while a tab of PRSNL is open." : "";
}

for (const button of all("[data-notify]")) {
  button.addEventListener("click", async () => {
    if (isWanted()) localStorage.removeItem(WISH);
    else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(WISH, "yes");
    show();
  });
}

document.addEventListener("visibilitychange", watch);
show();
watch();
