// Light or dark as chosen with the button, before anything is painted. Without a choice it is the system's.
(() => {
  try {
    const chosen = localStorage.getItem("wireroom-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* storage is switched off: the system's theme it is */ }
})();
