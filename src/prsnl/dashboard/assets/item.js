// A recording's words follow its sound, and a click on them plays from there; a text
// stands beside its pages, or alone.

import { all, one } from "./page.js";

const player = () => one("#player audio, #player video");
/** A reader who scrolls is left alone for so long. */
const READS_MS = 4000;
let scrolledAt = 0;
let line = null;
let word = null;

function jump(seconds) {
  const sound = player();
  if (!sound) return false;
  sound.currentTime = seconds;
  sound.play().catch(() => {}); // what cannot be played says so by itself
  return true;
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const target = event.target.closest("[data-at]");
  if (!target || getSelection()?.toString()) return;
  if (jump(Number(target.dataset.at)) && one(".said")) event.preventDefault();
});

/** The last of some elements that begins before a time. */
function lastBefore(elements, seconds, name) {
  let first = 0;
  let end = elements.length;
  while (first < end) {
    const middle = (first + end) >> 1;
    if (Number(elements[middle].dataset[name]) <= seconds) first = middle + 1;
    else end = middle;
  }
  return elements[first - 1] ?? null;
}

function follow() {
  const seconds = player().currentTime + 0.05;
  const here = lastBefore(all(".said .line"), seconds, "from");
  if (here !== line) {
    line?.classList.remove("now");
    here?.classList.add("now");
    line = here;
    const follows = one("#follow")?.checked && Date.now() - scrolledAt > READS_MS;
    if (here && follows && !player().paused) here.scrollIntoView({ block: "center" });
  }
  const said = here ? lastBefore(all(".words [data-at]", here), seconds, "at") : null;
  if (said !== word) {
    word?.classList.remove("now");
    said?.classList.add("now");
    word = said;
  }
}

for (const name of ["wheel", "touchmove", "keydown"]) {
  addEventListener(name, () => (scrolledAt = Date.now()), { passive: true });
}

// The player may be replaced: these events do not bubble, so they are caught.
document.addEventListener("timeupdate", follow, true);
document.addEventListener("seeked", follow, true);
document.addEventListener(
  "error",
  (event) => {
    if (event.target === player()) one("#unplayable").hidden = false;
    if (event.target.matches?.(".picture img")) {
      event.target.closest(".page").classList.remove("beside");
      event.target.closest(".picture").remove();
    }
  },
  true,
);

document.addEventListener("change", (event) => {
  if (event.target.id !== "beside") return;
  document.documentElement.classList.toggle("alone", !event.target.checked);
  try {
    localStorage.setItem("alone", event.target.checked ? "" : "yes");
  } catch {
    // A browser that keeps nothing shows both again.
  }
});
try {
  if (localStorage.getItem("alone")) {
    document.documentElement.classList.add("alone");
    const box = one("#beside");
    if (box) box.checked = false;
  }
} catch {
  // As above.
}
