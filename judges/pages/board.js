"use strict";
// Sorting by any column, filters, and the command behind a cell. Without it the page is a table.
const table = document.getElementById("board");
const body = table.tBodies[0];
const rows = [...body.rows];
const said = document.getElementById("said");

function value(row, column) {
  const cell = row.cells[column];
  const given = cell.dataset.v;
  return given === undefined ? cell.textContent.trim().toLowerCase() : given === "" ? null : Number(given);
}

function sort(header) {
  const up = header.getAttribute("aria-sort") === "descending";
  const column = header.cellIndex;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const keyed = rows.map((row, place) => [value(row, column), place, row]);
  keyed.sort(([a, i], [b, j]) => {
    if (a === null || b === null) return (a === null) - (b === null) || i - j;
    const order = a < b ? -1 : a > b ? 1 : 0;
    return (up ? order : -order) || i - j;
  });
  body.append(...keyed.map(([, , row]) => row));
}

for (const header of table.tHead.rows[0].cells) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sort(header));
  header.append(button);
}

const filters = [...document.querySelectorAll("#filters select")];
const search = document.querySelector("#filters input");

function filter() {
  const text = search.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = filters.every((one) => !one.value || row.dataset[one.name] === one.value.slice(1));
    row.hidden = !(fits && row.dataset.model.toLowerCase().includes(text));
    shown += !row.hidden;
  }
  document.getElementById("count").textContent = `${shown} of ${rows.length} shown`;
}

for (const one of filters) one.addEventListener("change", filter);
search.addEventListener("input", filter);
document.getElementById("filters").hidden = false;

const quoted = (word) => (/^[\w.@%+=:,/][\w.@%+=:,/-]*$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function command(row, task) {
  const words = ["benchwarrant", "export", "cell", quoted(row.dataset.model), quoted(task)];
  if (row.dataset.strategy) words.push("--strategy", quoted(row.dataset.strategy));
  return [...words, "--out", "cell.jsonl"].join(" ");
}

function cellOf(event) {
  const cell = event.target.closest("td");
  const task = cell && table.tHead.rows[0].cells[cell.cellIndex].dataset.task;
  return task && cell.dataset.v ? [cell, command(cell.parentElement, task)] : null;
}

body.addEventListener("mouseover", (event) => {
  const found = cellOf(event);
  if (found) found[0].title = found[1];
});
body.addEventListener("click", (event) => {
  const head = event.target.closest("button.model");
  const found = cellOf(event);
  if (found) said.textContent = found[1];
  if (head) {
    const row = head.closest("tr");
    const tasks = [...table.tHead.rows[0].cells].map((one) => one.dataset.task).filter(Boolean);
    said.textContent = tasks.map((task) => command(row, task)).join("\n");
  }
});
document.documentElement.dataset.ready = "yes";
