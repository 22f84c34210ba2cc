// Before the page is drawn, so that it does not change its colours after that.
try {
  const theme = localStorage.getItem("strandline-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the colours are those of the system.
}
