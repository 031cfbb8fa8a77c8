// The page Read: films in, answers of one or two bundles out. Films stay in this tab's memory and in the service's for the moment of asking.

import { Failed, ask, awake, bitmapOf, make, send } from "./asking.js";
import { View, Viewer, tools } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const MOST_FILMS = 300, AT_ONCE = 2, THUMB_PX = 96;
const films = [];
const bundles = new Map([...document.querySelectorAll("#bundle-a option")].map((o) => [o.value, { digest: o.dataset.digest, classes: JSON.parse(o.dataset.classes) }]));
const view = new View();
let selected = null, columns = [];
const mayExplain = Boolean($("workbench").dataset.mayExplain);

const say = (text) => { $("said").textContent = text; };
const three = (p) => p.toFixed(3);
const short = (v) => Math.abs(v) >= 100 ? String(Math.round(v)) : String(Number(v.toPrecision(3))).replace("-", "−");
const address = (path, values) => `${path}?${new URLSearchParams(values)}`;
const asked = () => [$("bundle-a").value, $("bundle-b")?.value].filter((b, k, all) => b && all.indexOf(b) === k);

// films

class Film {
  constructor(name, data) {
    Object.assign(this, { name, data, answers: new Map(), maps: new Map(), bitmap: null, thumbed: false, foreign: false, undrawn: "" });
    this.entry = make("button", { type: "button", className: "entry" }, this.picture = make("canvas", { width: THUMB_PX, height: THUMB_PX }),
      make("span", { className: "entry-words" }, make("span", { className: "name", title: name }, name), this.state = make("span", { className: "state soft" }, "waiting")));
    this.picture.setAttribute("aria-hidden", "true");
    this.entry.addEventListener("click", () => select(this));
  }

  /** Draw what a browser draws by itself. */
  async draw() {
    if (this.bitmap || this.foreign) return;
    let bitmap = null;
    try { bitmap = await createImageBitmap(this.data); } catch { this.foreign = true; }
    if (bitmap) this.#drawn(bitmap);
  }

  /** Draw TIFF and DICOM: the service decodes them. */
  async drawByService() {
    if (this.bitmap || !this.foreign) return;
    try {
      this.#drawn(await createImageBitmap(await ask("/pages/film.png", { method: "POST", body: this.data, headers: OCTETS, as: "blob" })));
    } catch (e) { this.undrawn = e instanceof Failed ? e.message : "This film cannot be drawn here."; }
  }

  /** Whole films are large: only the selected one is kept beside the small pictures. */
  #drawn(bitmap) {
    if (!this.thumbed) this.#thumb(bitmap);
    if (this === selected && !this.bitmap) this.bitmap = bitmap; else bitmap.close();
  }

  #thumb(from) {
    const context = this.picture.getContext("2d"), scale = THUMB_PX / Math.max(from.width, from.height);
    const [w, h] = [from.width * scale, from.height * scale];
    context.drawImage(from, (THUMB_PX - w) / 2, (THUMB_PX - h) / 2, w, h);
    this.thumbed = true;
  }

  putAway() { this.bitmap?.close(); this.bitmap = null; }

  tell() {
    const answer = this.answers.get(asked()[0]);
    const [words, kind] = !answer ? ["waiting", ""] : answer.failed ? [answer.failed, "bad"] : answer.busy ? ["reading …", ""]
      : answer.abstained ? [`do not rely on it · ${likely(answer)}`, "doubt"] : [called(answer) ? `called ${asks(answer)}` : several(answer) ? "no finding called" : `not called ${answer.positive} · ${answer.most_likely}`, called(answer) ? "called" : ""];
    this.state.textContent = words;
    this.state.className = `state soft ${kind}`;
  }
}
// a bundle of several findings asks each by itself: what it calls are those that reach their thresholds
const several = (answer) => Object.keys(answer.findings).length > 0;
const there = (answer) => Object.keys(answer.findings).filter((f) => answer.findings[f].present);
const called = (answer) => several(answer) ? there(answer).length > 0 : answer.called_positive;
const asks = (answer) => several(answer) ? there(answer).join(", ") : answer.positive;
const likely = (answer) => several(answer) ? asks(answer) || "no finding" : answer.most_likely;
const OCTETS = { "content-type": "application/octet-stream" };

const add = (list) => {
  const room = MOST_FILMS - films.length, taken = list.slice(0, room);
  if (list.length > room) say(`${list.length - room} films were left out: this page holds ${MOST_FILMS}.`);
  const fresh = taken.map(({ name, data }) => new Film(name, data));
  for (const film of fresh) { films.push(film); $("list").append(make("li", {}, film.entry)); }
  if (!fresh.length) return;
  $("listed").hidden = false;
  $("workbench").dataset.empty = "";
  count();
  if (!selected) select(fresh[0]); else say(`${fresh.length} more films.`);
  go();
};
const count = () => { $("how-many").textContent = films.length; };

// asking, a few at a time, the selected film first

let running = 0;
const next = () => {
  const wanted = selected ? [selected, ...films] : films;
  for (const film of wanted) for (const bundle of asked()) if (!film.answers.has(bundle)) return [film, bundle];
  return null;
};
const go = () => { while (running < AT_ONCE && next()) { const [film, bundle] = next(); running++; read(film, bundle).finally(() => { running--; go(); }); } };
const read = async (film, bundle) => {
  film.answers.set(bundle, { busy: true });
  film.tell();
  if (film === selected) fill();
  let found;
  try {
    const [body] = await Promise.all([ask(address("/v1/predict", { bundle }), { method: "POST", body: film.data, headers: OCTETS }), film.thumbed ? null : film.draw()]);
    const [answer] = body.answers;
    found = { ...answer, request: body.request_id, of: body.bundle };
    if (answer.error) found.failed = answer.error_words || answer.error;
    else if (film.foreign && !film.thumbed) await film.drawByService();
  } catch (e) {
    if (!(e instanceof Failed)) console.error(e);
    found = { failed: e instanceof Failed ? e.message : "Something went wrong in this page." };
  }
  if (!films.includes(film)) return;
  film.answers.set(bundle, found);
  film.tell();
  if (film === selected) { fill(); say(`${film.name}: ${film.state.textContent}`); }
};

const select = (film) => {
  if (film !== selected) selected?.putAway();
  selected = film;
  for (const f of films) { if (f === film) f.entry.setAttribute("aria-current", "true"); else f.entry.removeAttribute("aria-current"); }
  $("empty").hidden = Boolean(film);
  $("columns").hidden = $("tools").hidden = !film;
  $("print").disabled = !film;
  if (!film) return;
  view.reset();
  film.entry.scrollIntoView({ block: "nearest" });
  (film.thumbed ? film.draw().then(() => film.drawByService()) : film.draw()).then(fill);
  lay();
  fill();
  go();
};
const step = (by) => { const k = films.indexOf(selected); const to = films[Math.min(films.length - 1, Math.max(0, k + by))]; if (to && to !== selected) select(to); };

// a column: the film and the answer of one bundle

class Column {
  constructor(bundle) {
    this.bundle = bundle;
    this.root = $("column").content.firstElementChild.cloneNode(true);
    this.$ = (q) => this.root.querySelector(q);
    this.viewer = new Viewer(this.$("canvas"), view);
    this.shown = null;
    this.$(".map form").addEventListener("submit", (e) => { e.preventDefault(); this.explain(); });
    this.$(".method").addEventListener("change", () => this.describe());
    this.$(".hide-map").addEventListener("click", () => { selected.maps.delete(this.bundle); this.fill(); });
    this.$(".opacity").addEventListener("input", () => this.fade());
    this.$(".nearest button").addEventListener("click", () => this.nearest());
    this.$(".telling form").addEventListener("submit", (e) => { e.preventDefault(); this.tellService(); });
    const about = bundles.get(bundle);
    this.$("h2").textContent = bundle;
    this.$(".column-head p").textContent = `version ${about.digest.slice(0, 12)}`;
    this.$(".target").append(make("option", { value: "" }, "most likely"));
    for (const c of about.classes) this.$(".target").append(make("option", {}, c));
    for (const c of about.classes) this.$(".truth").append(make("option", {}, c));
    if (!mayExplain) this.$(".map").hidden = this.$(".nearest").hidden = true;
    this.describe();
  }

  describe() { this.$(".method-words").textContent = this.$(".method").selectedOptions[0].title; }

  fill() {
    const film = selected, answer = film.answers.get(this.bundle), map = film.maps.get(this.bundle);
    const shown = map?.film ?? film.bitmap;
    if (this.shown !== shown) { this.viewer.show(shown); this.shown = shown; }
    this.viewer.overlay(map?.map ?? null);
    this.fade();
    const size = shown && !map?.film && answer?.width_px > shown.width ? `, ${shown.width} of ${answer.width_px} px wide` : "";
    const drawn = map?.film ? "as the model saw it" : `${film.foreign ? "as the service decoded it" : "as it was sent"}${size}`;
    this.$(".on-film").textContent = shown ? `${film.name} · ${drawn}${map?.map ? ` · ${map.title} for ${map.target}` : ""}` : answer?.busy || !answer ? "reading …" : answer.failed ? "This film cannot be drawn here." : film.undrawn || "drawing …";
    this.$("canvas").setAttribute("aria-label", `Film ${film.name}, ${drawn}${map?.map ? `, with a heat map for ${map.target}` : ""}. Keys move and zoom it.`);
    if (answer?.of) this.$(".column-head p").textContent = `version ${answer.of.digest.slice(0, 12)} · ${answer.of.backbone} · ${answer.of.engine}`;
    this.#verdict(answer);
    const ready = Boolean(answer && !answer.busy && !answer.failed);
    for (const part of this.root.querySelectorAll(".part")) part.hidden = !ready || (!mayExplain && part.matches(".map, .nearest"));
    if (ready) { this.#bars(answer); this.#facts(answer); }
    this.#map(map);
    this.#near(film.near?.get(this.bundle));
    this.$(".telling .words").textContent = film.told?.get(this.bundle) ?? "It is kept with the film’s digest, for the running figures of Monitor.";
  }

  fade() { this.viewer.opacity = Number(this.$(".opacity").value) / 100; this.$(".shown output").value = `${this.$(".opacity").value} %`; this.viewer.draw(); }

  #verdict(answer) {
    const box = this.$(".verdict");
    box.className = "verdict";
    box.replaceChildren();
    if (!answer || answer.busy) { box.append(make("p", { className: "big" }, "Reading …")); return; }
    if (answer.failed) { box.classList.add("bad"); box.append(make("p", { className: "big" }, "No answer"), make("p", {}, answer.failed)); return; }
    const p = answer.probabilities[answer.positive], { threshold, positive } = answer;
    if (answer.abstained) {
      box.classList.add("doubt");
      box.append(make("p", { className: "big" }, "Do not rely on this answer"), ...answer.gate.reasons.map((r) => make("p", {}, r.words)));
    } else if (called(answer)) box.classList.add("called");
    if (several(answer)) {
      box.append(make("p", { className: answer.abstained ? "" : "big" }, called(answer) ? `Called ${asks(answer)}` : "No finding called"),
        make("p", {}, "A finding is called where its probability reaches its own threshold, which validation chose."));
      return;
    }
    box.append(make("p", { className: answer.abstained ? "" : "big" }, `${answer.called_positive ? "Called" : "Not called"} ${positive}`),
      make("p", {}, `Its probability of ${positive}, ${three(p)}, ${p >= threshold ? "reaches" : "is below"} the operating point ${three(threshold)}, which validation chose.`));
  }

  #bars(answer) {
    const names = Object.keys(answer.probabilities), calibrated = answer.calibrated, has = Object.keys(calibrated).length > 0;
    const rows = names.map((c) => {
      const bar = make("div", { className: "bar" }), fill = make("i");
      fill.style.width = `${100 * answer.probabilities[c]}%`;
      bar.append(fill);
      if (has) { const thin = make("b"); thin.style.width = `${100 * calibrated[c]}%`; bar.append(thin); }
      const point = answer.findings[c]?.threshold ?? (c === answer.positive ? answer.threshold : null);
      if (point !== null) { const mark = make("u"); mark.style.left = `${100 * point}%`; mark.title = `operating point ${three(point)}`; bar.append(mark); }
      bar.setAttribute("aria-hidden", "true");
      return make("tr", { className: c === answer.most_likely || answer.findings[c]?.present ? "first" : "" }, make("th", { scope: "row" }, c), make("td", { className: "wide-cell" }, bar), make("td", { className: "num" }, three(answer.probabilities[c])), ...has ? [make("td", { className: "num soft" }, three(calibrated[c]))] : []);
    });
    const head = make("tr", {}, make("th", { scope: "col" }, several(answer) ? "finding" : "class"), make("td"), make("th", { scope: "col", className: "num" }, "raw"), ...has ? [make("th", { scope: "col", className: "num" }, "calibrated")] : []);
    this.$(".bars").replaceChildren(make("table", {}, make("caption", { className: "unseen" }, several(answer) ? "Probabilities by finding" : "Probabilities by class"), make("thead", {}, head), make("tbody", {}, ...rows)));
    const points = several(answer) ? "The marks are the findings’ thresholds, of raw probabilities; findings do not add up to 1." : "The mark is the operating point; it and the sets below are of raw probabilities.";
    this.$(".probabilities .words").textContent = `${has ? "The thin bar is the calibrated probability. " : "This bundle has no calibration. "}${points}`;
  }

  #facts(answer) {
    const facts = several(answer) ? [] : [`Most likely: ${answer.most_likely}.`];
    for (const [level, set] of Object.entries(answer.sets)) {
      facts.push(set.length ? `${level} % set: ${set.join(" or ")}${set.length === 1 ? "" : ", it cannot tell which"}. Such sets hold the true class of ${level} in 100 films like those of its study.`
        : `${level} % set: none. No class fits well enough.`);
    }
    if (!Object.keys(answer.sets).length && !several(answer)) facts.push("This bundle has no conformal sets.");
    const { gate } = answer;
    if (gate.passed) facts.push(gate.score === null ? "It looks like a frontal chest film; how strange it is to the model is not known: the bundle has no gate." : `The gate passed it: its strangeness ${short(gate.score)} is${gate.limit === null ? " without a limit" : ` below the limit ${short(gate.limit)}`}.`);
    else facts.push(`The gate did not pass it${gate.score !== null && gate.limit !== null && gate.score > gate.limit ? `: its strangeness ${short(gate.score)} is above the limit ${short(gate.limit)}` : ""}.`);
    for (const q of answer.quality) facts.push(`Quality: ${q.words}`);
    if (!answer.quality.length) facts.push("Nothing odd was found about its quality.");
    facts.push(`${answer.width_px} × ${answer.height_px} px, ${answer.format.toUpperCase()}.`);
    this.$(".judged .facts").replaceChildren(...facts.map((f) => make("li", {}, f)));
  }

  async explain() {
    const film = selected, button = this.$(".map button"), error = this.$(".map .error");
    error.textContent = "";
    button.disabled = true;
    button.textContent = "Making …";
    try {
      const body = await ask(address("/v1/explain", { bundle: this.bundle, method: this.$(".method").value, target: this.$(".target").value, checks: "true" }), { method: "POST", body: film.data, headers: OCTETS });
      const m = body.map, [own, map] = await Promise.all([bitmapOf(m.film_png), bitmapOf(m.overlay_png)]);
      film.maps.set(this.bundle, { ...m, film: own, map, title: [...this.$(".method").options].find((o) => o.value === m.method)?.text ?? m.method });
      say(`Heat map for ${m.target}. ${verdict(m.verdict)[1]}`);
    } catch (e) {
      if (!(e instanceof Failed)) console.error(e);
      error.textContent = e instanceof Failed ? e.message : "Something went wrong in this page.";
    }
    button.disabled = false;
    button.textContent = "Show";
    if (selected === film) this.fill();
  }

  #map(map) {
    this.$(".shown").hidden = !map;
    if (!map) return;
    const [kind, words] = verdict(map.verdict);
    this.$(".map-verdict").textContent = words;
    this.$(".map-verdict").className = `map-verdict ${kind}`;
    const number = (v) => typeof v === "number" ? short(v) : "–";
    this.$(".checks tbody").replaceChildren(...map.checks.map((c) => make("tr", { title: c.words }, make("th", { scope: "row" }, c.title, c.required ? "" : make("span", { className: "soft" }, " (told only)")), make("td", { className: "num" }, number(c.value)), make("td", { className: "num" }, number(c.bound)), make("td", { className: c.passed === false ? "bad" : "" }, c.passed === null ? "–" : c.passed ? "yes" : "no"))));
  }

  async nearest() {
    const film = selected, words = this.$(".nearest .words");
    words.textContent = "Looking …";
    let found;
    try { found = await ask(address("/pages/nearest", { bundle: this.bundle }), { method: "POST", body: film.data, headers: OCTETS }); } catch (e) { found = { films: [], why: e instanceof Failed ? e.message : "something went wrong in this page" }; }
    (film.near ??= new Map()).set(this.bundle, found);
    if (selected === film) this.#near(found);
  }

  #near(found) {
    this.$(".nearest button").hidden = Boolean(found);
    this.$(".nearest .words").textContent = !found ? "" : found.films.length ? "To the backbone these training films look most like it (cosine distance of features)." : `None: ${found.why}.`.replace(/\.\.$/, ".");
    this.$(".nearest ol").replaceChildren(...(found?.films ?? []).map((f) => make("li", {}, make("code", {}, f.image_id), ` ${f.class}, ${f.source} `, make("span", { className: "soft" }, f.distance.toFixed(3)))));
  }

  async tellService() {
    const film = selected, answer = film.answers.get(this.bundle), words = this.$(".telling .words");
    let told;
    try {
      await send(address("/v1/feedback", { bundle: this.bundle }), { request_id: answer.request, sha256: answer.sha256, label: this.$(".truth").value });
      told = `Sent: ${this.$(".truth").value}.`;
    } catch (e) { told = e instanceof Failed ? e.message : "Something went wrong in this page."; }
    (film.told ??= new Map()).set(this.bundle, told);
    if (selected === film) words.textContent = told;
  }
}
const verdict = (said) => said === "passes" ? ["passes", "Its checks hold: the map depends on the model and marks what moves its answer. That is no proof that the model is right."]
  : said.startsWith("does not pass") ? ["fails", `It ${said}. Nothing that this map shows can be relied on.`]
    : ["", "Its checks could not be made; whether it shows the model is not known."];

const lay = () => {
  const wanted = asked();
  if (columns.map((c) => c.bundle).join("\n") !== wanted.join("\n")) {
    columns = wanted.map((b) => new Column(b));
    $("columns").replaceChildren(...columns.map((c) => c.root));
  }
  $("columns").className = `columns ${columns.length > 1 ? "two" : "one"}`;
};
const fill = () => { if (selected) for (const c of columns) c.fill(); };

// what the page is given

const entries = async (entry, path = "") => {
  if (entry.isFile) return [{ name: path + entry.name, data: await new Promise((done, failed) => entry.file(done, failed)) }];
  const reader = entry.createReader(), found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) break;
    for (const e of some) if (!e.name.startsWith(".") && found.length < MOST_FILMS) found.push(...await entries(e, `${path}${entry.name}/`));
  }
  return found;
};
const drop = $("drop");
for (const target of [drop, document.body]) {
  target.addEventListener("dragover", (e) => { e.preventDefault(); drop.classList.add("over"); });
  target.addEventListener("dragleave", () => drop.classList.remove("over"));
}
document.body.addEventListener("drop", async (e) => {
  e.preventDefault();
  drop.classList.remove("over");
  const items = [...e.dataTransfer.items].map((i) => i.webkitGetAsEntry?.()).filter(Boolean);
  const found = items.length ? (await Promise.all(items.map((i) => entries(i)))).flat() : [...e.dataTransfer.files].map((f) => ({ name: f.name, data: f }));
  add(found.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true })));
});
for (const [button, input] of [["choose-films", "files"], ["choose-folder", "folder"]]) {
  $(button).addEventListener("click", () => $(input).click());
  $(input).addEventListener("change", () => {
    add([...$(input).files].filter((f) => !f.name.startsWith(".")).map((f) => ({ name: f.webkitRelativePath || f.name, data: f })));
    $(input).value = "";
  });
}
let drawn = 0;
$("example").addEventListener("submit", async (e) => {
  e.preventDefault();
  const label = $("example-label").value, seed = drawn++;
  try {
    const response = await fetch(address("/pages/example.png", { label, seed }));
    if (!response.ok) throw new Failed("The example could not be drawn.");
    add([{ name: `synthetic ${label}, seed ${seed}.png`, data: await response.blob() }]);
    select(films.at(-1));
  } catch (error) { say(error instanceof Failed ? error.message : "The service cannot be reached."); }
});
$("forget").addEventListener("click", () => { films.length = 0; $("list").replaceChildren(); $("listed").hidden = true; $("workbench").dataset.empty = "yes"; select(null); count(); $("choose-films").focus(); });
$("print").addEventListener("click", () => print());
for (const id of ["bundle-a", "bundle-b"]) $(id)?.addEventListener("change", () => { for (const f of films) f.tell(); if (selected) { lay(); fill(); go(); } });
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || !selected || e.target.closest("input, select, textarea")) return;
  if (e.key === "n" || e.key === "p") { e.preventDefault(); step(e.key === "n" ? 1 : -1); }
  else if (!e.target.closest("canvas, button, summary, a") && columns[0].viewer.key(e.key)) e.preventDefault();
});

tools(view, $);
select(null);
awake();
