// A click on a heading sorts the rows of its table; the pointer over a curve tells its value; closed sections open before printing and
// when a link leads to them.
// Nothing else needs this script.
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
// a link into a folded section opens it
const unfold = () => {
  const at = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!at) return;
  for (let d = at.querySelector(":scope > details.fold") ?? at.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
  at.scrollIntoView();
};
addEventListener("hashchange", unfold);
unfold();
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

// Curves: each .plot holds its picture and, as JSON, the points of its panels (hilum.report.hover).
for (const plot of document.querySelectorAll(".plot")) {
  const kept = plot.querySelector('script[type="application/json"]');
  if (!kept) continue;
  const panels = JSON.parse(kept.textContent);
  const svg = plot.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
  const tip = plot.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.hidden = true;
  svg.setAttribute("aria-hidden", "true");
  const on = (value, [low, high], log) => log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  const text = (value) => Number(value.toPrecision(4)).toString();
  const hide = () => { tip.hidden = true; svg.replaceChildren(); };
  const draw = (tag, values) => {
    const mark = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", tag));
    for (const [name, value] of Object.entries(values)) mark.setAttribute(name, value);
  };
  plot.addEventListener("pointermove", (e) => {
    const all = plot.getBoundingClientRect();
    const x = (e.clientX - all.left) / all.width, y = (e.clientY - all.top) / all.height;
    const panel = panels.find(({ box: [l, t, r, b] }) => x >= l && x <= r && y >= t && y <= b);
    hide();
    if (!panel) return;
    const [left, top, right, bottom] = panel.box;
    const at = (x - left) / (right - left), height = (bottom - y) / (bottom - top);
    // of each line the point nearest along x; where several are (a step of a curve), the one nearest the pointer
    const found = panel.lines.map((line) => {
      let best = null;
      line.x.forEach((value, k) => {
        const across = on(value, panel.x, panel.log[0]), up = on(line.y[k], panel.y, panel.log[1]);
        const far = Math.abs(across - at) + Math.abs(up - height) * 1e-3;
        if (!best || far < best.far) best = { far, across, up, x: value, y: line.y[k] };
      });
      return { ...best, line };
    }).filter((p) => Math.abs(p.across - at) < 0.1);
    if (!found.length) return;
    found.sort((a, b) => Math.abs(a.up - height) - Math.abs(b.up - height));
    svg.setAttribute("viewBox", `0 0 ${all.width} ${all.height}`);
    const shown = found.slice(0, 12);
    for (const p of shown) {
      const cx = (left + p.across * (right - left)) * all.width, cy = (bottom - p.up * (bottom - top)) * all.height;
      if (p.up >= 0 && p.up <= 1) draw("circle", { cx, cy, r: 3.5, fill: "#fff", stroke: p.line.colour, "stroke-width": 1.6 });
    }
    const rows = [];
    const row = (words, colour) => {
      const line = document.createElement("div");
      if (colour) line.append(Object.assign(document.createElement("i"), { style: `background:${colour}` }));
      line.append(words);
      rows.push(line);
    };
    const same = shown.every((p) => p.x === shown[0].x);
    if (same) row(`${panel.along} ${text(shown[0].x)}`);
    for (const p of shown) row(`${p.line.name}: ${same ? "" : `${text(p.x)} → `}${text(p.y)}`, p.line.colour);
    tip.replaceChildren(...rows);
    tip.hidden = false;
    const wide = x > 0.6;
    tip.style.left = wide ? "" : `${x * all.width + 14}px`;
    tip.style.right = wide ? `${(1 - x) * all.width + 14}px` : "";
    tip.style.top = `${Math.max(0, y * all.height - 12)}px`;
  });
  plot.addEventListener("pointerleave", hide);
}
