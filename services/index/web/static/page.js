// What the pages can do beyond links and forms: keys, the theme button, and a word when the server is away.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);

  function changeTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("wireroom-theme", root.dataset.theme); } catch { /* kept for this page only */ }
  }

  const theme = byId("theme"), help = byId("help"), keys = byId("keys");
  theme.hidden = help.hidden = false;
  theme.addEventListener("click", changeTheme);
  help.addEventListener("click", () => keys.showModal());

  // The links that j and k walk through: one for each article of the list.
  const stops = () => [...document.querySelectorAll(".card h2 a, .wire li > a, .more li > a")];

  function step(by) {
    const all = stops();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
    all[next].focus({ focusVisible: true });
    all[next].scrollIntoView({ block: "nearest" });
  }

  const writes = (element) => element.matches("input, select, textarea") || element.isContentEditable;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.key === "Escape") {
      document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; });
      if (writes(event.target)) event.target.blur();
      return;
    }
    if (writes(event.target)) return;
    if (event.key === "/") { event.preventDefault(); byId("q").select(); byId("q").focus(); }
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "?") keys.showModal();
  });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  const toast = byId("toast");
  function say(text) { toast.textContent = text; toast.hidden = false; }
  const away = () => say("Wireroom does not answer. Is it running? Try again in a moment.");
  document.body.addEventListener("htmx:sendError", away);
  document.body.addEventListener("htmx:timeout", away);
  document.body.addEventListener("htmx:beforeRequest", () => { toast.hidden = true; });
  // The feeds of a search are named in the head, which htmx leaves as it is.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const next = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
    document.querySelectorAll("head link[rel=alternate]").forEach((link) => link.remove());
    document.head.append(...next.querySelectorAll("head link[rel=alternate]"));
  });
  // The results change without a new page: say how many there are, and let the search field go.
  document.body.addEventListener("htmx:afterSettle", () => {
    const total = document.querySelector(".total");
    if (total) { byId("told").textContent = total.textContent; }
    if (document.activeElement === byId("q")) byId("q").blur();
  });
})();
