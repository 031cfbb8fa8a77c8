// The films of a gallery: a list is chosen, a film enlarged, a comment kept in this browser and exported. Answers come from the page's
// JSON; every film stands in the page once and is moved, never copied.
const $ = (id) => document.getElementById(id);
const make = (tag, values, ...inside) => { const e = Object.assign(document.createElement(tag), values); e.append(...inside); return e; };
const data = JSON.parse($("data").textContent);
const figures = [...document.querySelectorAll(".film")];
const dialog = document.querySelector("dialog");
let model = 0, list = null, shown = [], at = -1;

// comments

let kept = {};
let keeps = true;
try { kept = JSON.parse(localStorage.getItem(data.key) ?? "{}"); } catch { keeps = false; }
const keep = () => {
  try { if (keeps) localStorage.setItem(data.key, JSON.stringify(kept)); } catch { keeps = false; }
  const n = Object.keys(kept).length;
  $("kept").textContent = `${n} film${n === 1 ? "" : "s"} read${!n ? "" : keeps ? ", kept in this browser." : ". This browser keeps nothing: export before you leave."}`;
  $("export").disabled = $("forget").disabled = !n;
};
figures.forEach((figure, k) => {
  const [reading, comment] = [figure.querySelector(".reading"), figure.querySelector("textarea")];
  const own = kept[data.films[k].id];
  if (own) [reading.value, comment.value] = [own.reading, own.comment];
  const changed = () => {
    const said = { reading: reading.value, comment: comment.value.trim() };
    if (said.reading || said.comment) kept[data.films[k].id] = said; else delete kept[data.films[k].id];
    keep();
  };
  reading.addEventListener("change", changed);
  comment.addEventListener("input", changed);
});
const field = (text) => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
// a spreadsheet takes a text that begins so for a formula
const plain = (text) => /^[=+\-@\t]/.test(text) ? `'${text}` : text;
// begun with the mark by which spreadsheets know UTF-8
const csv = () => {
  const rows = data.films.filter((f) => kept[f.id]).map((f) => {
    const { reading, comment } = kept[f.id];
    const label = data.classes.includes(reading) ? reading : "";
    return [f.id, label, reading === data.unusable ? reading : "", f.label, reading, plain(comment)];
  });
  return [["image_id", "label", "leave_out", "given_label", "reading", "comment"], ...rows].map((r) => r.map(field).join(",")).join("\r\n") + "\r\n";
};
$("export").addEventListener("click", () => {
  const url = URL.createObjectURL(new Blob(["\ufeff", csv()], { type: "text/csv" }));
  make("a", { href: url, download: `comments-${data.run}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
});
$("forget").addEventListener("click", () => {
  if (!confirm("Forget every comment and label typed into this page?")) return;
  kept = {};
  figures.forEach((f) => { f.querySelector(".reading").value = f.querySelector("textarea").value = ""; });
  keep();
});

// answers

const share = (thousandths) => (thousandths / 1000).toFixed(3);
const yes = (value) => ["no", "yes"][value] ?? "–";
const tell = (k) => {
  const film = data.films[k], said = film.models[model], answer = figures[k].querySelector(".answer");
  answer.textContent = "";
  if (said) {
    const votes = film.trials[model].filter(Boolean), calls = {};
    votes.forEach(([c]) => { calls[data.classes[c]] = (calls[data.classes[c]] ?? 0) + 1; });
    const of = votes.length > 1 ? `; trials: ${Object.entries(calls).map(([c, n]) => `${c} ${n}`).join(", ")}${said[2] < 0 ? "" : `, spread ${share(said[2])}`}` : "";
    answer.textContent = ` → ${data.classes[said[0]]} ${share(said[1])}${of}`;
    answer.classList.toggle("agrees", data.classes[said[0]] === film.label);
  } else answer.textContent = " not tested by this model";
};
// of each model what every trial said, the chosen one first
const trials = (k) => {
  const head = ["trial", "said", ...data.classes, "90 % set", "stranger", "at point"];
  const table = make("table", {}, make("tr", {}, ...head.map((h) => make("th", { scope: "col" }, h))));
  table.rows[0].lastChild.title = `Whether ${data.positive} reaches the trial’s operating point`;
  const order = [model, ...data.models.keys()].filter((m, i, all) => all.indexOf(m) === i && data.films[k].trials[m].some(Boolean));
  for (const m of order) {
    table.append(make("tr", {}, make("th", { scope: "rowgroup", colSpan: head.length }, data.models[m].name)));
    data.films[k].trials[m].forEach((row, t) => {
      if (!row) return;
      const [call, point, set, stranger, ...p] = row;
      const held = set < 0 ? "–" : data.classes.filter((_, c) => set >> c & 1).join(", ") || "none";
      const cells = [t + 1, data.classes[call], ...p.map(share), held, yes(stranger), yes(point)];
      table.append(make("tr", {}, ...cells.map((c) => make("td", {}, String(c)))));
    });
  }
  figures[k].querySelector(".trials").replaceChildren(table);
};

// lists

const lists = () => [...data.lists[model], ...data.shared];
const counts = (l) => `${l.films.length === l.n ? "" : `${l.films.length} of `}${l.n}`;
const open = (key) => {
  list = lists().find((l) => l.key === key) ?? lists()[0];
  location.replace(`#${model}/${list.key}`);
  $("title").textContent = list.title;
  $("words").textContent = `${list.words} ${list.films.length} of ${list.n} shown.`;
  shown = list.films;
  const here = new Set(shown);
  figures.forEach((f, k) => { f.hidden = !here.has(k); });
  shown.forEach((k) => { tell(k); $("films").append(figures[k]); });
  $("nothing").hidden = shown.length > 0;
  document.querySelectorAll("nav [data-key]").forEach((b) => b.setAttribute("aria-current", b.dataset.key === list.key));
  $("groups").value = list.key.startsWith("group-") ? list.key : "";
};
const opener = (l, ...inside) => {
  const button = make("button", { type: "button", title: `${l.title}: ${l.films.length} of ${l.n} shown` }, ...inside);
  button.dataset.key = l.key;
  button.addEventListener("click", () => open(l.key));
  return button;
};
const choose = (m, key) => {
  model = m;
  $("model").value = m;
  const own = lists(), cells = own.filter((l) => l.key.startsWith("cell-")), groups = own.filter((l) => l.key.startsWith("group-"));
  const pairs = cells.filter((l) => { const [, i, j] = l.key.split("-"); return i !== j && l.n; }).sort((a, b) => b.n - a.n).slice(0, 5);
  const first = own.filter((l) => !cells.includes(l) && !groups.includes(l));
  const entry = (l, title) => make("li", {}, opener(l, make("b", {}, counts(l)), title));
  const pair = (l) => { const [, i, j] = l.key.split("-"); return `${data.classes[i]} → ${data.classes[j]}`; };
  $("lists").replaceChildren(...first.map((l) => entry(l, l.title)), ...(pairs.length ? [make("li", { className: "soft" }, "Most confused pairs")] : []), ...pairs.map((l) => entry(l, pair(l))));
  $("groups").replaceChildren(make("option", { value: "" }), ...groups.map((l) => make("option", { value: l.key }, `${l.title.replace(/^Errors, /, "")} (${counts(l)})`)));
  const head = make("tr", {}, make("td", {}), ...data.classes.map((c) => make("th", { scope: "col", title: c }, c)));
  const rows = data.classes.map((c, i) => make("tr", {}, make("th", { scope: "row", title: c }, c), ...data.classes.map((_, j) => {
    const n = data.matrices[m][i][j], button = opener(own.find((l) => l.key === `cell-${i}-${j}`), String(n));
    button.disabled = !n;
    return make("td", { className: i === j ? "right" : "" }, button);
  })));
  $("matrix").replaceChildren($("matrix").caption, head, ...rows);
  open(key);
};

// one film

const enlarge = (k) => {
  back();
  at = shown.indexOf(k);
  trials(k);
  $("large").append(figures[k]);
  $("place").textContent = `${at + 1} of ${shown.length}`;
  if (!dialog.open) dialog.showModal();
  figures[k].focus({ preventScroll: true });
  dialog.scrollTop = 0;
};
// an enlarged film goes back to its place
const back = () => { const film = $("large").firstElementChild; if (film) { $("films").insertBefore(film, figures[shown[at + 1]] ?? null); } };
const step = (by) => {
  if (!shown.length) return;
  const from = dialog.open ? at : shown.findIndex((k) => figures[k].contains(document.activeElement));
  const to = from < 0 ? 0 : Math.min(Math.max(from + by, 0), shown.length - 1);
  if (dialog.open) enlarge(shown[to]); else figures[shown[to]].focus();
};
dialog.addEventListener("close", () => { back(); if (at >= 0) figures[shown[at]].focus(); });
$("before").addEventListener("click", () => step(-1));
$("after").addEventListener("click", () => step(1));
figures.forEach((f, k) => f.querySelector("img, .none").addEventListener("click", () => dialog.open ? dialog.close() : enlarge(k)));
const STEPS = { ArrowRight: 1, ArrowDown: 1, n: 1, ArrowLeft: -1, ArrowUp: -1, p: -1 };
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("select, textarea, input")) return;
  if (STEPS[e.key] && (dialog.open || !e.key.startsWith("Arrow") || e.target.closest(".film"))) { e.preventDefault(); step(STEPS[e.key]); }
  else if (e.key === "Enter" && !dialog.open && e.target.matches(".film")) { e.preventDefault(); enlarge(figures.indexOf(e.target)); }
});

data.models.forEach((m, k) => $("model").append(make("option", { value: k }, m.unsafe ? `${m.name} (unsafe)` : m.name)));
$("model").addEventListener("change", () => choose(Number($("model").value), list.key));
$("groups").addEventListener("change", () => open($("groups").value));
$("blind").addEventListener("change", () => document.body.classList.toggle("blind", $("blind").checked));
const [asked, key] = decodeURIComponent(location.hash.slice(1)).split("/");
document.querySelector("nav").hidden = false;
keep();
choose(data.models[asked] ? Number(asked) : 0, key);
