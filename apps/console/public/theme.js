// Runs before the first paint so that a chosen theme does not flash. A file of its own: the policy allows no inline code.
try {
  const theme = localStorage.getItem('mcp.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is refused (private window): the system's theme stays.
}
