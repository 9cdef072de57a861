"use strict";

// Text is compared as a person orders it: bundle_2 before bundle_10.
const collator = new Intl.Collator("en", { numeric: true });

function makeButton(text, className) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  if (className) button.className = className;
  return button;
}

/** Order two cells; one without a value comes last, whichever the direction. */
function compareCells(first, second, isNumeric, sign) {
  const [a, b] = [first.dataset.value, second.dataset.value];
  if (a === undefined || b === undefined) {
    return (a === undefined) - (b === undefined);
  }
  return sign * (isNumeric ? Number(a) - Number(b) : collator.compare(a, b));
}

function sortTable(table, column) {
  const heading = table.tHead.rows[0].cells[column];
  const isNumeric = heading.classList.contains("number");
  // Numbers begin with the largest, names with the first letter.
  const directions = isNumeric
    ? ["descending", "ascending"]
    : ["ascending", "descending"];
  const isSorted = heading.getAttribute("aria-sort") === directions[0];
  const direction = directions[isSorted ? 1 : 0];
  for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) =>
    compareCells(a.cells[column], b.cells[column], isNumeric, sign));
  table.tBodies[0].append(...rows);
  fold(table);
}

/** Hide all rows but the first, as many as the table says. */
function fold(table) {
  const shown = Number(table.dataset.shown ?? Infinity);
  [...table.tBodies[0].rows].forEach((row, place) => { row.hidden = place >= shown; });
}

function unfold(table) {
  delete table.dataset.shown;
  fold(table);
}

function makeFoldable(table) {
  fold(table);
  const button = makeButton(`Show all ${table.tBodies[0].rows.length} rows`, "tool");
  button.addEventListener("click", () => {
    unfold(table);
    button.remove();
  });
  table.parentElement.after(button);
}

/** Show that a table goes on behind the right edge. */
function markEdge(area) {
  const mark = () => {
    const left = area.scrollWidth - area.clientWidth - area.scrollLeft;
    area.classList.toggle("goes-on", left > 1);
  };
  area.addEventListener("scroll", mark, { passive: true });
  new ResizeObserver(mark).observe(area);
}

/** Have a click on a picture show it in its own size. */
function makeLarge(image, dialog) {
  const button = makeButton("", "large");
  button.setAttribute("aria-label", `Open large: ${image.alt}`);
  button.addEventListener("click", () => {
    dialog.replaceChildren(image.cloneNode());
    dialog.showModal();
  });
  image.replaceWith(button);
  button.append(image);
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = makeButton(heading.textContent);
    button.addEventListener("click", () => sortTable(table, column));
    heading.replaceChildren(button);
  });
}

/** Copy a command, or select it where that is not allowed. */
async function copy(code, status) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    status.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(code);
    status.textContent = "Selected: press Ctrl+C to copy.";
  }
}

function makeCopyable(command) {
  const button = makeButton("Copy", "tool");
  const name = command.querySelector("h3").textContent;
  button.setAttribute("aria-label", `Copy: ${name}`);
  const status = document.getElementById("copied");
  button.addEventListener("click", async () => {
    await copy(command.querySelector("code"), status);
    button.textContent = status.textContent;
  });
  command.append(button);
}

const system = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");

function makeSwitch(place) {
  const button = makeButton("", "tool");
  const other = () => (theme() === "dark" ? "light" : "dark");
  const name = () => { button.textContent = other() === "light" ? "Light colours" : "Dark colours"; };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = other();
    name();
  });
  system.addEventListener("change", name);
  name();
  place.append(button);
}

/** Offer to turn streamlines: a page in the page, which runs when it is asked for. */
function makeScene(figure) {
  figure.hidden = false;
  if (!document.createElement("canvas").getContext("webgl2")) {
    figure.textContent = "This browser has no WebGL, so the streamlines cannot be turned here.";
    return;
  }
  const button = makeButton("Turn the streamlines", "tool");
  button.addEventListener("click", () => {
    const frame = document.createElement("iframe");
    frame.title = "Streamlines in three dimensions";
    frame.sandbox = "allow-scripts";
    frame.srcdoc = figure.dataset.page;
    const paint = () => frame.contentWindow.postMessage(theme(), "*");
    frame.addEventListener("load", paint);
    new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    button.replaceWith(frame);
    frame.focus();
  });
  figure.prepend(button);
}

document.querySelectorAll("table").forEach(makeSortable);
document.querySelectorAll("table[data-shown]").forEach(makeFoldable);
document.querySelectorAll(".scroll").forEach(markEdge);
const dialog = document.createElement("dialog");
dialog.addEventListener("click", () => dialog.close());
document.body.append(dialog);
document.querySelectorAll("figure img:not(.moves)").forEach((image) => makeLarge(image, dialog));
document.querySelectorAll(".command").forEach(makeCopyable);
makeSwitch(document.getElementById("tools"));
document.querySelectorAll("#scene").forEach(makeScene);
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
  document.querySelectorAll("table[data-shown]").forEach(unfold);
});
