// The list of queues: a reader's name, and a new queue.

import { Failed, awake, make, send } from "./asking.js";

const $ = (id) => document.getElementById(id);
const tell = (e) => { if (!(e instanceof Failed)) console.error(e); $("error").textContent = e instanceof Failed ? e.message : "Something went wrong in this page."; };

$("name-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try { await send("/review/name", { name: $("name").value }); location.reload(); } catch (e) { tell(e); }
});

const form = $("queue-form");
if (form) {
  const runs = JSON.parse(form.dataset.runs), fields = form.elements;
  fields.run.addEventListener("change", () => fields.cell.replaceChildren(...runs.find((r) => r.name === fields.run.value).cells.map(([name, label]) => make("option", { value: name }, label))));
  fields.kind.addEventListener("change", () => { const words = fields.kind.selectedOptions[0].title; $("kind-words").textContent = `${words[0].toUpperCase()}${words.slice(1)}.`; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = { name: fields.name.value.trim(), run: fields.run.value, cell: fields.cell.value, kind: fields.kind.value, films: Number(fields.films.value), seed: Number(fields.seed.value), blinded: fields.blinded.checked };
    try { location.assign((await send("/review/queues", asked)).address); } catch (e) { tell(e); }
  });
}
awake();
