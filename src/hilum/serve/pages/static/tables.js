// Tables whose columns sort: by number where cells have one in data-sort, else by text; cells without a value stand last.

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const value = (row, k) => { const cell = row.cells[k], own = cell.dataset.sort; return own === undefined ? cell.textContent.trim() : own === "" ? null : Number(own); };
  heads.forEach((head, k) => head.querySelector("button.sort")?.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending" || (!head.hasAttribute("aria-sort") && head.classList.contains("num"));
    for (const h of heads) h.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const order = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
    const rows = [...body.rows].map((row) => [value(row, k), row]);
    rows.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : order(a, b) * (down ? -1 : 1)));
    body.append(...rows.map(([, row]) => row));
  }));
  for (const button of table.tHead.querySelectorAll("button.sort")) button.disabled = false;
}
