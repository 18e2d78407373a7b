// Tells a person who looks elsewhere that work has ended: one notice for all of it.

import { one, say, wantsNews } from "./page.js";

const GATHER_MS = 3000;
const GOOD = ["success"];
const BAD = ["failure", "dead"];
const button = one("[data-notify]");
let ended = [];

function show() {
  const isOn = wantsNews();
  button.hidden = !("Notification" in window);
  button.setAttribute("aria-pressed", String(isOn));
  button.textContent = isOn ? "You are told when work ends" : "Tell me when work ends";
}

async function toggle() {
  if (wantsNews()) localStorage.removeItem("notify");
  else if ((await Notification.requestPermission()) === "granted")
    localStorage.setItem("notify", "yes");
  else say("This browser does not let the page tell you: its settings say so.");
  show();
}

function tell() {
  const count = (states) => ended.filter((status) => states.includes(status)).length;
  const [done, failed] = [count(GOOD), count(BAD)];
  ended = [];
  if (!done && !failed) return;
  const notice = new Notification("PRSNL", {
    body: failed ? `${done} done, ${failed} failed` : `${done} done`,
    tag: "work",
  });
  notice.onclick = () => {
    window.focus();
    location.assign(failed ? "/failures" : "/tasks");
  };
}

document.addEventListener("work-ended", (event) => {
  if (!document.hidden || !wantsNews()) return;
  if (!ended.length) setTimeout(tell, GATHER_MS);
  ended.push(event.detail);
});

if (button) {
  button.addEventListener("click", toggle);
  show();
}
