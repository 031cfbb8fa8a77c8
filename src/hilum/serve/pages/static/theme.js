// Light or dark: as the system has it, or as the reader chose, kept in this browser; runs before the page is drawn. And what scrolls sideways
// can be reached by keyboard.
(() => {
  const NAMES = { "": "as the system has them", light: "light", dark: "dark" };
  const SIGNS = { "": "◐", light: "○", dark: "●" };
  let kept = "";
  try { kept = localStorage.getItem("hilum-theme") ?? ""; } catch { /* this browser keeps nothing */ }
  if (!(kept in NAMES)) kept = "";
  const set = () => { if (kept) document.documentElement.dataset.theme = kept; else delete document.documentElement.dataset.theme; };
  set();
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const tell = () => { button.textContent = SIGNS[kept]; button.setAttribute("aria-label", `Colours: ${NAMES[kept]}`); button.title = `Colours: ${NAMES[kept]}`; };
    button.hidden = false;
    tell();
    button.addEventListener("click", () => {
      const order = Object.keys(NAMES);
      kept = order[(order.indexOf(kept) + 1) % order.length];
      try { localStorage.setItem("hilum-theme", kept); } catch { /* this browser keeps nothing */ }
      set();
      tell();
    });
    for (const wide of document.querySelectorAll(".wide:not([tabindex])")) {
      const name = wide.querySelector("caption, thead") ?? wide;
      wide.tabIndex = 0;
      wide.setAttribute("role", "region");
      wide.setAttribute("aria-label", name.textContent.trim().replace(/\s+/g, " ").slice(0, 120));
    }
  });
})();
