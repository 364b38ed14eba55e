(() => {
  "use strict"
  const $ = id => document.getElementById(id)
  const state = $("state"), copy = $("copy"), all = $("all")
  const say = (text, kind) => { state.textContent = text; state.className = kind || "" }

  copy.onclick = async () => {
    try {
      await navigator.clipboard.writeText($("text").textContent)
    } catch { // an address without HTTPS that is not this machine
      const area = document.createElement("textarea")
      area.value = $("text").textContent
      document.body.append(area)
      area.select()
      document.execCommand("copy")
      area.remove()
    }
    copy.textContent = "Copied"
    setTimeout(() => { copy.textContent = "Copy as text" }, 1500)
  }
  all.onclick = () => {
    const open = all.getAttribute("aria-pressed") !== "true"
    for (const d of document.querySelectorAll(".exception details")) d.open = open
    all.setAttribute("aria-pressed", open)
    all.textContent = open ? "Close all frames" : "Open all frames"
  }
  addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return
    const frames = [...document.querySelectorAll(".exception .frame > summary, .exception .library > summary")].filter(s => s.offsetParent)
    const at = frames.indexOf(document.activeElement)
    if (e.key === "j") frames[Math.min(at + 1, frames.length - 1)]?.focus()
    else if (e.key === "k") frames[Math.max(at - 1, 0)]?.focus()
    else if (e.key === "e") all.click()
    else if (e.key === "c") copy.click()
  })

  const url = document.body.dataset.events, again = document.body.dataset.again === "true"
  if (!url) return
  let source, over = false
  const watching = again ? "Loads again when the code changes" : "Watches the code"
  const open = () => {
    if (source || over || document.hidden) return
    source = new EventSource(url)
    source.onopen = () => say(watching)
    source.onerror = () => say("standpipe does not answer", "lost")
    source.addEventListener("waits", () => say("Loading the changed code …", "busy"))
    source.addEventListener("reload", () => {
      if (again) { location.reload(); return }
      over = true
      close()
      say("The code has changed: send the form again", "busy")
    })
  }
  const close = () => { source?.close(); source = null }
  // Browsers open six connections to a host: a page that is not seen holds none of them.
  document.addEventListener("visibilitychange", () => document.hidden ? close() : open())
  addEventListener("pagehide", close)
  addEventListener("pageshow", open)
  open()
})()
