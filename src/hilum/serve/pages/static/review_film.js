// One film of a queue: looked at, marked, answered. What is hidden in a blinded queue is not in this page; it comes with the answer to an answer.

import { Failed, awake, make, send } from "./asking.js";
import { View, Viewer, tools } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const state = JSON.parse($("desk").dataset.state);
const view = new View(), canvas = $("film"), viewer = new Viewer(canvas, view);
const MOST_POINTS = 400, LEAST = 0.004;
const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
let regions = [], dirty = false;
let sent = "", key = "";  // an answer that is sent again, unchanged, has its key again, so that it is kept once

tools(view, $);
const load = async () => {
  const response = await fetch(`${state.address}/film.png`);
  if (!response.ok) { $("on-film").textContent = (await response.json().catch(() => ({}))).detail ?? "This film cannot be shown."; return; }
  viewer.show(await createImageBitmap(await response.blob()));
  $("on-film").textContent = "";
  $("on-film").hidden = true;
};

// regions

const within = ([x, y]) => [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
const rounded = (points) => points.map((p) => within(p).map((v) => Number(v.toFixed(5))));
const listed = () => {
  viewer.regions = regions;
  $("n-regions").textContent = regions.length || "";
  $("regions").replaceChildren(...regions.map((region, k) => {
    const place = make("button", { type: "button", className: "plain", "aria-pressed": String(viewer.chosen === region) }, "Move by keys");
    place.addEventListener("click", () => { viewer.chosen = viewer.chosen === region ? null : region; listed(); if (viewer.chosen) canvas.focus(); });
    const away = make("button", { type: "button", className: "plain", "aria-label": `Remove region ${k + 1}` }, "Remove");
    away.addEventListener("click", () => { regions = regions.filter((r) => r !== region); dirty = true; listed(); });
    return make("li", {}, `${k + 1}. ${region.kind === "rectangle" ? "rectangle" : "outline"}`, place, away);
  }));
  viewer.draw();
};
const keep = (region) => {
  region.points = rounded(region.points);
  const xs = region.points.map((p) => p[0]), ys = region.points.map((p) => p[1]);
  const large = Math.max(...xs) - Math.min(...xs) > LEAST && Math.max(...ys) - Math.min(...ys) > LEAST;
  if (large && (region.kind === "rectangle" || region.points.length > 2)) { regions.push(region); dirty = true; }
  listed();
};
const tool = (kind) => ({
  kind,
  down(at) { viewer.drawn = { kind, points: kind === "rectangle" ? [within(at), within(at)] : [within(at)] }; },
  move(at) {
    const drawn = viewer.drawn;
    if (!drawn) return;
    if (kind === "rectangle") drawn.points[1] = within(at);
    else {
      const [x, y] = drawn.points.at(-1), [u, v] = within(at);
      if (Math.hypot(u - x, v - y) > LEAST) drawn.points.push([u, v]);
      if (drawn.points.length >= MOST_POINTS) drawn.points = drawn.points.filter((_, k) => k % 2 === 0);
    }
    viewer.draw();
  },
  up() { const drawn = viewer.drawn; viewer.drawn = null; if (drawn) keep(drawn); },
  cancel() { viewer.drawn = null; viewer.draw(); },
});
const choose = (kind) => {
  viewer.tool = viewer.tool?.kind === kind ? null : tool(kind);
  for (const k of ["rectangle", "polygon"]) $(`draw-${k}`).setAttribute("aria-pressed", String(viewer.tool?.kind === k));
  canvas.parentElement.classList.toggle("drawing", Boolean(viewer.tool));
};
for (const kind of ["rectangle", "polygon"]) $(`draw-${kind}`).addEventListener("click", () => choose(kind));
$("add-rectangle").addEventListener("click", () => {
  const region = { kind: "rectangle", points: [[0.35, 0.35], [0.65, 0.65]] };
  regions.push(region);
  viewer.chosen = region;
  dirty = true;
  listed();
  canvas.focus();
});
// arrows move the chosen region, with Shift its lower right corner
const MOVES = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, -0.01], ArrowDown: [0, 0.01] };
canvas.addEventListener("keydown", (e) => {
  const move = MOVES[e.key], region = viewer.chosen;
  if (!move || !region) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  const [dx, dy] = move, moved = e.shiftKey && region.kind === "rectangle" ? [region.points[0], [region.points[1][0] + dx, region.points[1][1] + dy]] : region.points.map(([x, y]) => [x + dx, y + dy]);
  if (moved.every(([x, y]) => x >= 0 && y >= 0 && x <= 1 && y <= 1) && (region.kind !== "rectangle" || (moved[1][0] - moved[0][0] > LEAST && moved[1][1] - moved[0][1] > LEAST))) region.points = rounded(moved);
  dirty = true;
  viewer.draw();
}, { capture: true });

// the answer

const reveal = (known) => {
  if (!known) return;
  const votes = Object.entries(known.votes), shares = Object.entries(known.probabilities).map(([c, p]) => `${c} ${p.toFixed(3)}`).join(", ");
  $("reveal").replaceChildren(
    make("p", {}, make("strong", {}, `The model says ${known.said}`), known.said === known.label ? ", as its label does." : `; its label is ${known.label}.`),
    make("p", { className: "small" }, `Probabilities: ${shares}.`),
    make("p", { className: "small" }, votes.length > 1 ? `Its trials differ: ${votes.map(([c, k]) => `${c} ${k}`).join(", ")}.` : votes[0][1] > 1 ? `All ${votes[0][1]} trials say so.` : "One trial."),
    make("p", { className: "small soft" }, "Film ", make("code", {}, known.image_id)));
  $("reveal").hidden = false;
};
const onward = (next) => {
  $("onward").href = next ? state.address.replace(/\d+$/, next) : state.address.replace(/\/\d+$/, "");
  $("onward").textContent = next ? "Next film" : "To the figures";
  $("onward").hidden = false;
};
const form = $("answer");
form.addEventListener("change", () => { dirty = true; });
$("comment").addEventListener("input", () => { dirty = true; });
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [verdict, label] = form.elements.said.value.startsWith("label:") ? ["label", form.elements.said.value.slice(6)] : [form.elements.said.value, ""];
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  $("error").textContent = "";
  try {
    const said = { verdict, label, regions: regions.map(({ kind, points }) => ({ kind, points })), comment: $("comment").value };
    if (JSON.stringify(said) !== sent) [sent, key] = [JSON.stringify(said), fresh()];
    const body = await send(state.address, { key, ...said });
    sent = "";
    dirty = false;
    $("kept").textContent = `Kept on ${body.kept.at.slice(0, 19).replace("T", " ")} UTC: ${body.kept.label || body.kept.verdict}.`;
    $("done").textContent = body.done;
    $("progress").value = body.done;
    reveal(body.revealed);
    onward(body.next);
    $("onward").focus();
  } catch (e) {
    if (!(e instanceof Failed)) console.error(e);
    $("error").textContent = `${e instanceof Failed ? e.message : "Something went wrong in this page."} The answer was not kept.`;
  }
  button.disabled = false;
});
addEventListener("beforeunload", (e) => { if (dirty) e.preventDefault(); });
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("textarea, input[type=text], input[type=number], input[type=range]")) return;
  const pick = { a: "agree", c: "cannot tell", u: "not usable" }[e.key] ?? (state.classes[Number(e.key) - 1] && e.key !== "0" ? `label:${state.classes[Number(e.key) - 1]}` : null);
  const option = pick && [...form.elements.said].find((o) => o.value === pick);
  if (option) { e.preventDefault(); option.checked = true; option.focus(); dirty = true; }
});

if (state.mine) {
  const was = state.mine.verdict === "label" ? `label:${state.mine.label}` : state.mine.verdict;
  for (const o of form.elements.said) o.checked = o.value === was;
  $("comment").value = state.mine.comment;
  regions = state.mine.regions.map((r) => ({ kind: r.kind, points: r.points }));
  onward(state.next);
}
listed();
reveal(state.known);
load();
awake();
