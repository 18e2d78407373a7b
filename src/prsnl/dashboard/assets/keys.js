// Keys that move through rows, buttons that copy, and the menu that closes by itself.

import { all, one, say } from "./page.js";

const rows = () => all("main .row, main .family, main .hit");
const current = () => document.activeElement?.closest(".row, .family, .hit");

function step(by) {
  const found = rows();
  if (!found.length) return;
  const at = found.indexOf(current());
  const next = found[Math.min(found.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  const target = one("h3 a, h2 a, summary", next);
  target?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function press(wanted, none) {
  const row = current();
  if (!row) return say("Choose a row first: j is the next one.");
  const button = one(`form[data-does="${wanted}"] button`, row);
  if (!button) return say(none);
  button.click();
}

const KEYS = {
  "/": () => one(".find input").focus(),
  j: () => step(1),
  k: () => step(-1),
  r: () => press("retry", "This row has not failed: there is nothing to try again."),
  t: () => press("try-now", "This row does not wait for a time or a provider."),
  "?": () => one("#keyboard").showModal(),
};

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "Escape") closeMenu();
  if (target.closest("input, textarea, select, dialog")) return;
  if (!Object.hasOwn(KEYS, key)) return;
  event.preventDefault();
  KEYS[key]();
});

// The menu

const menu = one("details.menu");

function closeMenu() {
  if (!menu?.open) return;
  menu.open = false;
  if (menu.contains(document.activeElement)) one("summary", menu).focus();
}

document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
  if (event.target.closest("[data-help]")) {
    menu.open = false;
    one("#keyboard").showModal();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) copyFrom(copy);
});

// Copying. Without TLS a browser has no clipboard to write to: what is to be copied is
// then selected, so that Ctrl-C takes it.

async function copyFrom(button) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
    say("Copied");
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Selected: press Ctrl-C";
    say("Selected: press Ctrl-C");
  }
  setTimeout(() => (button.textContent = label), 2500);
}
