// What curves say at a place: under the pointer, or moved by the arrow keys.

const at = (curve, x) => {
  const k = curve.x.findIndex((v) => v >= x);
  if (k < 0) return curve.y.at(-1);
  if (k === 0 || curve.x[k] === x) return curve.y[k];
  const [x0, x1] = [curve.x[k - 1], curve.x[k]];
  return curve.y[k - 1] + (curve.y[k] - curve.y[k - 1]) * (x - x0) / (x1 - x0);
};
for (const figure of document.querySelectorAll(".plot")) {
  const curves = JSON.parse(figure.dataset.curves), [left, top, right, bottom] = JSON.parse(figure.dataset.box);
  const svg = figure.querySelector("svg"), tip = figure.querySelector(".tip"), dots = [...figure.querySelectorAll(".dot")], first = tip.textContent;
  let now = 0.5;
  const tell = (x) => {
    now = Math.min(1, Math.max(0, x));
    const values = curves.map((c) => at(c, now));
    values.forEach((y, k) => { dots[k].setAttribute("cx", left + now * (right - left)); dots[k].setAttribute("cy", bottom - y * (bottom - top)); });
    tip.textContent = `${figure.dataset.x} ${now.toFixed(2)}: ${figure.dataset.y} ${curves.map((c, k) => `${curves.length > 1 ? `${c.name} ` : ""}${values[k].toFixed(3)}`).join(", ")}`;
  };
  const forget = () => { for (const d of dots) { d.setAttribute("cx", -20); d.setAttribute("cy", -20); } tip.textContent = first; };
  svg.addEventListener("pointermove", (e) => { const box = svg.getBoundingClientRect(); tell(((e.clientX - box.left) * svg.viewBox.baseVal.width / box.width - left) / (right - left)); });
  svg.addEventListener("pointerleave", forget);
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) tell(now); });
  svg.addEventListener("blur", forget);
  svg.addEventListener("keydown", (e) => { const by = { ArrowLeft: -0.01, ArrowRight: 0.01, Home: -1, End: 1 }[e.key]; if (by) { e.preventDefault(); tell(now + by); } });
}
