// A film on a canvas: window and level, inversion, zoom, pan, a heat map over it, regions that a reader drew. Several viewers may share one
// view, so that films beside each other move together.

const STEP = 1.2;
const MOST_ZOOM = 24;

/** How a film is looked at: greys from `level - window / 2` to `level + window / 2` fill the range; `zoom` 1 fits the film. */
export class View extends EventTarget {
  constructor() { super(); this.reset(); }

  reset() { this.window = 256; this.level = 128; this.inverted = false; this.fit(); }

  fit() { Object.assign(this, { zoom: 1, x: 0, y: 0 }); this.changed(); }

  set(values) {
    Object.assign(this, values);
    this.window = Math.min(256, Math.max(2, Math.round(this.window)));
    this.level = Math.min(255, Math.max(0, Math.round(this.level)));
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom));
    const room = (this.zoom - 1) / 2;  // the film's centre stays on the screen
    this.x = Math.min(room, Math.max(-room, this.x));
    this.y = Math.min(room, Math.max(-room, this.y));
    this.changed();
  }

  changed() { this.dispatchEvent(new Event("change")); }
}

/** One canvas. Places on the film are shares of its sides, from 0 to 1. */
export class Viewer {
  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.film = null;  // {width, height, pixels}
    this.map = null;  // a bitmap that lies over the whole film
    this.opacity = 0.8;
    this.regions = [];
    this.drawn = null;  // of a region that is being drawn
    this.tool = null;  // gets pointer events in shares of the film; null moves the film
    view.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
    for (const theme of [matchMedia("(prefers-color-scheme: dark)")]) theme.addEventListener("change", () => this.draw());
    this.#listen();
  }

  /** Show a bitmap as the film, or nothing. */
  show(bitmap) {
    this.film = null;
    if (bitmap) {
      const own = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = own.getContext("2d", { willReadFrequently: true });
      context.drawImage(bitmap, 0, 0);
      const source = context.getImageData(0, 0, own.width, own.height);
      this.film = { canvas: own, context, source, made: context.createImageData(own.width, own.height), as: "" };
    }
    this.draw();
  }

  overlay(bitmap) { this.map = bitmap; this.draw(); }

  /** The film's rectangle on the canvas, in its pixels. */
  place() {
    const { width, height } = this.canvas, { zoom, x, y } = this.view;
    const film = this.film.canvas, scale = Math.min(width / film.width, height / film.height) * zoom;
    const w = film.width * scale, h = film.height * scale;
    const fitted = { w: w / zoom, h: h / zoom };
    return { left: (width - w) / 2 + x * fitted.w, top: (height - h) / 2 + y * fitted.h, w, h };
  }

  /** The place on the film under a pointer. */
  at(event) {
    const box = this.canvas.getBoundingClientRect(), ratio = this.canvas.width / box.width, p = this.place();
    return [((event.clientX - box.left) * ratio - p.left) / p.w, ((event.clientY - box.top) * ratio - p.top) / p.h];
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.#drawNow(); });
  }

  #drawNow() {
    const canvas = this.canvas, ratio = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    if (!this.film || !width || !height) return;
    this.#shade();
    const p = this.place();
    context.imageSmoothingEnabled = this.view.zoom * p.w / this.film.canvas.width < 6 * this.view.zoom;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.film.canvas, p.left, p.top, p.w, p.h);
    if (this.map) {
      context.globalAlpha = this.opacity;
      context.drawImage(this.map, p.left, p.top, p.w, p.h);
      context.globalAlpha = 1;
    }
    this.#outline(context, p, ratio);
  }

  /** Greys through window, level and inversion, once for each setting. */
  #shade() {
    const { window, level, inverted } = this.view, film = this.film, as = `${window}/${level}/${inverted}`;
    if (film.as === as) return;
    film.as = as;
    const table = new Uint8ClampedArray(256);
    for (let v = 0; v < 256; v++) {
      const grey = ((v - (level - window / 2)) / Math.max(1, window - 1)) * 255;
      table[v] = inverted ? 255 - Math.min(255, Math.max(0, grey)) : grey;
    }
    const from = film.source.data, to = film.made.data;
    for (let k = 0; k < from.length; k += 4) {
      to[k] = table[from[k]]; to[k + 1] = table[from[k + 1]]; to[k + 2] = table[from[k + 2]]; to[k + 3] = from[k + 3];
    }
    film.context.putImageData(film.made, 0, 0);
  }

  #outline(context, p, ratio) {
    const all = this.drawn ? [...this.regions, this.drawn] : this.regions;
    all.forEach((region, k) => {
      const points = corners(region);
      if (points.length < 2) return;
      context.beginPath();
      points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](p.left + x * p.w, p.top + y * p.h));
      if (region !== this.drawn || region.kind === "rectangle") context.closePath();
      for (const [colour, wide] of [["#000c", 4], [region === this.chosen ? "#ffd54a" : "#4fd1ff", 2]]) {
        Object.assign(context, { strokeStyle: colour, lineWidth: wide * ratio, lineJoin: "round" });
        context.stroke();
      }
      context.font = `${13 * ratio}px system-ui, sans-serif`;
      Object.assign(context, { fillStyle: "#fff", strokeStyle: "#000", lineWidth: 3 * ratio });
      const [x, y] = [p.left + points[0][0] * p.w + 4 * ratio, p.top + points[0][1] * p.h - 5 * ratio];
      context.strokeText(String(k + 1), x, y);
      context.fillText(String(k + 1), x, y);
    });
  }

  #listen() {
    const canvas = this.canvas, pointers = new Map();
    let from = null, apart = 0;
    canvas.addEventListener("pointerdown", (e) => {
      if (!this.film || e.button > 1) return;
      canvas.setPointerCapture(e.pointerId);
      pointers.set(e.pointerId, e);
      if (pointers.size === 2) { this.tool?.cancel?.(); apart = spread(pointers); from = null; return; }
      if (this.tool) { this.tool.down(this.at(e)); return; }
      const { x, y, window, level } = this.view;
      from = { e, x, y, window, level };
    });
    canvas.addEventListener("pointermove", (e) => {
      if (!pointers.has(e.pointerId)) return;
      pointers.set(e.pointerId, e);
      if (pointers.size === 2) {
        const now = spread(pointers);
        if (apart) this.zoomAt(now / apart, middle(pointers));
        apart = now;
      } else if (this.tool && !from) this.tool.move(this.at(e));
      else if (from) this.#dragged(from, e);
    });
    const up = (e) => {
      if (!pointers.delete(e.pointerId)) return;
      if (this.tool && !from && !apart) this.tool.up(this.film ? this.at(e) : [0, 0]);
      if (!pointers.size) { from = null; apart = 0; }
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("wheel", (e) => {
      if (!this.film) return;
      e.preventDefault();
      this.zoomAt(Math.exp(-e.deltaY / 400), e);
    }, { passive: false });
    canvas.addEventListener("dblclick", () => { if (!this.tool) this.view.fit(); });
    canvas.addEventListener("keydown", (e) => { if (!e.ctrlKey && !e.metaKey && !e.altKey && this.key(e.key, e.shiftKey)) e.preventDefault(); });
  }

  #dragged(from, e) {
    const box = this.canvas.getBoundingClientRect(), p = this.place(), ratio = this.canvas.width / box.width;
    const [dx, dy] = [e.clientX - from.e.clientX, e.clientY - from.e.clientY];
    if (e.shiftKey) this.view.set({ window: from.window + dx / 2, level: from.level - dy / 2 });
    else this.view.set({ x: from.x + dx * ratio * this.view.zoom / p.w, y: from.y + dy * ratio * this.view.zoom / p.h });
  }

  /** Zoom by a factor about a place on the screen. */
  zoomAt(by, point) {
    const before = this.at(point);
    this.view.set({ zoom: this.view.zoom * by });
    const after = this.at(point), { zoom, x, y } = this.view;
    this.view.set({ x: x + (after[0] - before[0]) * zoom, y: y + (after[1] - before[1]) * zoom });
  }

  /** What a key does; whether it did anything. */
  key(key) {
    const v = this.view;
    const moves = { ArrowLeft: [.08, 0], ArrowRight: [-.08, 0], ArrowUp: [0, .08], ArrowDown: [0, -.08] };
    if (moves[key]) v.set({ x: v.x + moves[key][0], y: v.y + moves[key][1] });
    else if (key === "+" || key === "=") v.set({ zoom: v.zoom * STEP });
    else if (key === "-") v.set({ zoom: v.zoom / STEP });
    else if (key === "0") v.fit();
    else if (key === "[") v.set({ window: v.window - 8 });
    else if (key === "]") v.set({ window: v.window + 8 });
    else if (key === ",") v.set({ level: v.level - 4 });
    else if (key === ".") v.set({ level: v.level + 4 });
    else if (key === "i") v.set({ inverted: !v.inverted });
    else if (key === "r") v.reset();
    else return false;
    return true;
  }
}

const spread = (pointers) => { const [a, b] = [...pointers.values()]; return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY); };
const middle = (pointers) => { const [a, b] = [...pointers.values()]; return { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }; };

/** The corners of a region: a rectangle is kept as two of them. */
export const corners = (region) => {
  if (region.kind !== "rectangle") return region.points;
  const [[x0, y0], [x1, y1]] = region.points;
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
};

/** Sliders and buttons of a view. */
export const tools = (view, $) => {
  const tell = () => {
    $("window").value = view.window; $("level").value = view.level;
    $("window-is").value = view.window; $("level-is").value = view.level;
    $("zoom-is").value = `${Math.round(view.zoom * 100)} %`;
    $("invert").setAttribute("aria-pressed", view.inverted);
  };
  $("window").addEventListener("input", () => view.set({ window: Number($("window").value) }));
  $("level").addEventListener("input", () => view.set({ level: Number($("level").value) }));
  $("invert").addEventListener("click", () => view.set({ inverted: !view.inverted }));
  $("zoom-in").addEventListener("click", () => view.set({ zoom: view.zoom * STEP }));
  $("zoom-out").addEventListener("click", () => view.set({ zoom: view.zoom / STEP }));
  $("fit").addEventListener("click", () => view.fit());
  view.addEventListener("change", tell);
  tell();
};
