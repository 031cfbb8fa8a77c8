// A click on a heading sorts the rows of its table; closed sections open before printing. Nothing else needs this script.
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead tr:last-child th").forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const body = table.tBodies[0];
      const key = (row) => row.cells[column].dataset.v ?? "";
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const byNumber = Number(x) - Number(y);
        return (Number.isNaN(byNumber) ? x.localeCompare(y) : byNumber) * (up ? 1 : -1);
      });
      rows.forEach((row) => { row.classList.remove("break"); body.append(row); });
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); sort(); } });
  });
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
