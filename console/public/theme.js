// Runs before the first paint, from a file of its own so that the content security policy needs no hash.
(function () {
  try {
    var root = document.documentElement;
    var theme = localStorage.getItem("em-theme") || "system";
    var dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.classList.toggle("dark", dark);
    root.dataset.density = localStorage.getItem("em-density") || "compact";
  } catch {
    // Storage may be forbidden: the light theme stays.
  }
})();
