// Asking the service, and what its failures are called in a sentence.

const WORDS = {
  401: "You are no longer signed in: sign in first.", 403: "Your token does not allow this.", 404: "The service does not have that.",
  408: "The film did not arrive in time; send it again.", 413: "The film is larger than the service takes.",
  415: "This is no film that hilum reads: PNG, JPEG, BMP, TIFF or DICOM.", 422: "The film cannot be used.",
  429: "The service is busy; try again in a moment.", 500: "The service failed; its log says more.", 503: "The service is starting or stopping; try again in a moment.",
};
const TRIES = 5;
const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const sentence = (text) => /[.!?…]$/.test(text) ? text : `${text}.`;
const capital = (text) => text ? text[0].toUpperCase() + text.slice(1) : text;

/** A failure with words for people. */
export class Failed extends Error {
  constructor(words, status = 0) { super(words); this.status = status; }
}

/** What the service answers, from JSON or as a blob; where it is busy it is asked again. */
export const ask = async (address, { as = "json", ...options } = {}) => {
  for (let tried = 1; ; tried++) {
    let response;
    try { response = await fetch(address, { credentials: "same-origin", ...options, headers: { accept: "application/json", ...options.headers } }); } catch (e) {
      if (e.name === "AbortError") throw e;
      throw new Failed("The service cannot be reached. Is it still running?");
    }
    if ([429, 503].includes(response.status) && tried < TRIES) { await wait(Math.min(10, Number(response.headers.get("retry-after")) || tried)); continue; }
    if (response.ok && as === "blob") return response.blob();
    let value = null;
    try { value = await response.json(); } catch { /* a failure without words of its own */ }
    if (response.ok && value !== null) return value;
    const said = typeof value?.detail === "string" && response.status !== 401 ? sentence(capital(value.detail)) : "";
    throw new Failed(said || (WORDS[response.status] ?? `The service answered with status ${response.status}.`), response.status);
  }
};

export const send = (address, value) => ask(address, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value) });

/** An element with values and what is inside; texts are set as text. */
export const make = (tag, values = {}, ...inside) => { const e = document.createElement(tag); for (const [k, v] of Object.entries(values)) { if (k in e) e[k] = v; else e.setAttribute(k, v); } e.append(...inside); return e; };

/** What a script drives is sent disabled, so that nobody presses in vain; to be called when all of it listens. */
export const awake = () => { for (const e of document.querySelectorAll("[data-scripted]")) e.disabled = false; };

/** A bitmap of base64 PNG. */
export const bitmapOf = async (base64) => createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], { type: "image/png" }));
