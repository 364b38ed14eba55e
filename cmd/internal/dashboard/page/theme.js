// Runs before anything is drawn: a choice of light or dark from an earlier visit.
try {
  const theme = localStorage.getItem('standpipe-theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch { /* storage is off: the system decides */ }
