// The light and the dark half of the theme: what the system prefers, until somebody has
// chosen. (Debian's furo has its own script for this in parts that browsers do not join.)
(function () {
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  function show() {
    document.body.dataset.theme =
      localStorage.getItem("theme") || (prefersDark.matches ? "dark" : "light");
  }
  show();
  prefersDark.addEventListener("change", show);
  document.documentElement.classList.remove("no-js");
  for (const button of document.getElementsByClassName("theme-toggle")) {
    button.addEventListener("click", function () {
      localStorage.setItem("theme", document.body.dataset.theme === "dark" ? "light" : "dark");
      show();
    });
  }
})();
