(() => {
  "use strict"
  const script = document.currentScript
  const at = new URL(script.src)
  const url = "/-/dev/events" + at.search + "&live=1"
  let source, leaving = false
  const again = () => {
    if (leaving) return
    // A page that comes from a cache has an old version: it is loaded once more, and not for ever.
    const key = "standpipe-live " + location.pathname, now = at.search + " " + Math.floor(Date.now() / 2000)
    try {
      if (sessionStorage.getItem(key) === now) return
      sessionStorage.setItem(key, now)
    } catch {}
    leaving = true
    location.reload()
  }
  const restyle = () => {
    for (const link of document.querySelectorAll("link[rel~=stylesheet][href]")) {
      const href = new URL(link.href, location.href)
      if (href.origin !== location.origin) continue
      href.searchParams.set("standpipe-live", Date.now())
      const next = link.cloneNode()
      next.href = href
      next.onload = () => link.remove()
      next.onerror = () => next.remove()
      link.after(next)
    }
  }
  const open = () => {
    if (source || leaving || document.hidden) return
    source = new EventSource(url)
    source.addEventListener("reload", again)
    source.addEventListener("style", restyle)
  }
  const close = () => { source?.close(); source = null }
  document.addEventListener("visibilitychange", () => document.hidden ? close() : open())
  addEventListener("pagehide", close)
  addEventListener("pageshow", open)
  addEventListener("beforeunload", () => { leaving = true; setTimeout(() => { leaving = false }, 1000) })
  open()
})()
