// The page: what it knows, and what is drawn when something changes.
import { $, h, say, set } from './dom.js'
import * as f from './format.js'
import { Live } from './live.js'
import { Plot, figures as plotted } from './plots.js'
import { Timeline } from './marks.js'
import { Apps, drawServer, drawNotices, drawTiles, drawParts, notApps } from './overview.js'
import { Workers } from './workers.js'
import { Tables } from './tables.js'
import * as actions from './actions.js'

const known = {
  top: null, history: new Map(), at: 0, step: 5000, // the history by app; at: of its newest value
  chosen: '', range: 0, reading: null, paused: false, acts: false, fetched: 0
}

const quantiles = { p50: 0, p95: 0, p99: 0, max: 0 }
const nothing = { requests: 0, failed: 0, refused: 0, sent: 0, cached: 0, total: 0, whole: quantiles, receiving: quantiles, waiting: quantiles, running: quantiles, sending: quantiles }

const apps = new Apps($('apps'), { choose: name => { known.chosen = name; draw() } })
const timeline = new Timeline($('timeline'), { read })
const plots = plotted.map(figure => new Plot($('plots'), figure, { read }))
const workers = new Workers(actions)
const tables = new Tables()

// sources are the apps, and what else answers requests.
function sources() {
  const { status, figures } = known.top
  const by = new Map(figures.apps.map(x => [x.app, x]))
  const names = [...status.apps.map(a => a.name), ...figures.apps.map(x => x.app).filter(n => !status.apps.some(a => a.name === n))]
  if (!names.includes(known.chosen)) known.chosen = names[0] ?? ''
  return names.map(name => ({
    name, app: status.apps.find(a => a.name === name), figures: by.get(name) ?? nothing, chosen: name === known.chosen,
    requests: (known.history.get(name)?.requests ?? []).slice(-Math.round(view().to - view().from) / known.step)
  }))
}

// view is the time that the plots show: the chosen range, or as much as there is.
function view() {
  const longest = Math.max(0, ...[...known.history.values()].map(x => x.requests.length)) * known.step
  const range = known.range || [300000, 900000, 1800000].find(r => longest <= r) || 3600000
  const to = known.at || Date.now()
  return { from: to - range, to, at: known.at, step: known.step, range }
}

function marks(v) {
  return (known.top?.figures.marks ?? []).map(m => ({ ...m, time: f.ms(m.at) })).filter(m => m.time >= v.from && m.time <= v.to + 5000 && (!m.app || m.app === known.chosen || notApps[known.chosen]))
    .map(m => ({ ...m, time: Math.min(m.time, v.to) }))
}

// read moves the reading line of all plots.
function read(time) {
  known.reading = time
  for (const p of plots) p.read(time)
  const values = () => plots.filter(p => !p.figureNode.hidden).map(p => `${p.figure.title} ${p.values.textContent}`).join(', ')
  timeline.read(time, time === null ? '' : `${f.clock(time)}: ${values()}`)
  drawTitle()
}

function drawTitle() {
  const v = view()
  const all = { 300000: '5 minutes', 900000: '15 minutes', 1800000: '30 minutes', 3600000: 'hour' }[v.range]
  say($('hour-title'), known.reading === null ? `The last ${all}` : `At ${f.clock(known.reading)}`)
}

function drawPlots() {
  const v = view()
  const list = marks(v)
  const data = known.history.get(known.chosen)
  const pool = known.top?.status.apps.some(a => a.name === known.chosen)
  for (const p of plots) {
    p.figureNode.hidden = !!p.figure.pool && !pool
    if (!p.figureNode.hidden) p.draw(data, v, list)
  }
  timeline.draw(list, v)
  for (const b of $('ranges').children) set(b, 'aria-pressed', Number(b.value) === v.range)
  read(known.reading)
}

function draw() {
  if (!known.top) return
  const { status, figures } = known.top
  const list = sources()
  const source = list.find(s => s.chosen) ?? { name: '', figures: nothing }
  drawServer(status, f.ms(figures.at))
  drawNotices(status)
  apps.draw(list)
  say($('now-title'), `${notApps[source.name] && !source.app ? notApps[source.name] : source.name || 'Requests'}, last ${Math.round(figures.span_seconds) || 10} seconds`)
  drawTiles(source, figures.workers ?? [])
  drawParts(source.figures)
  drawActs(source)
  workers.draw(source.app, figures.workers ?? [])
  tables.draw(known.top, $('filter').value.trim().toLowerCase())
  drawPlots()
}

const button = (words, call) => h('button', { type: 'button', class: 'small', on: { click: call } }, words)
const buttons = {
  all: button('Reload all', () => actions.reload('')),
  reload: button('Reload', () => actions.reload(known.chosen)),
  scale: button('Scale', () => actions.scale(known.top.status.apps.find(a => a.name === known.chosen)))
}
$('server-acts').append(buttons.all)
$('app-acts').append(buttons.scale, buttons.reload)

function drawActs(source) {
  set(document.body, 'data-acts', known.acts ? 'yes' : 'no')
  $('server-acts').hidden = !known.acts
  $('app-acts').hidden = !known.acts || !source.app
  $('logout').hidden = !known.acts
}

// merge puts lists of the history behind those that are known; both end at a time.
function merge(data) {
  const at = f.ms(data.at)
  const step = data.step_seconds * 1000
  const most = Math.round(3600000 / step)
  const fresh = step !== known.step || at < known.at // of another process
  const moved = Math.round((at - known.at) / step)
  for (const one of data.apps) {
    const old = fresh ? undefined : known.history.get(one.app)
    const join = {}
    for (const [name, list] of Object.entries(one)) {
      if (!Array.isArray(list)) continue
      const keep = old && moved <= list.length ? old[name].slice(0, Math.max(0, old[name].length - (list.length - moved))) : []
      join[name] = [...keep, ...list].slice(-most)
    }
    known.history.set(one.app, join)
  }
  for (const name of known.history.keys()) if (!data.apps.some(x => x.app === name)) known.history.delete(name)
  Object.assign(known, { at, step })
}

async function fetchHistory() {
  const gap = known.at ? Math.ceil((Date.now() - known.fetched) / known.step) + 2 : 0
  known.fetched = Date.now()
  const answer = await fetch(`api/history${gap ? `?last=${gap}` : ''}`)
  if (!answer.ok) return
  merge(await answer.json())
  draw()
}

const live = new Live({
  hello: data => {
    known.acts = data.acts
    known.at = 0
    known.history.clear()
    fetchHistory().catch(() => {})
  },
  top: data => {
    if (known.paused) return
    if (known.top && known.top.status.version !== data.status.version) location.reload() // another release, perhaps with another page
    known.top = data
    draw()
    if (Date.now() - known.fetched >= known.step) fetchHistory().catch(() => {})
  },
  state: (name, text) => {
    set($('link'), 'data-state', known.paused && name === 'live' ? 'paused' : name)
    say($('link-text'), known.paused && name === 'live' ? 'paused' : text)
    set(document.body, 'data-link', name)
  }
})

for (const [label, minutes] of [['5 min', 5], ['15 min', 15], ['30 min', 30], ['1 h', 60]]) {
  $('ranges').append(h('button', { type: 'button', value: minutes * 60000, 'aria-pressed': 'false', on: { click: () => { known.range = minutes * 60000; draw() } } }, label))
}

$('pause').addEventListener('click', e => {
  known.paused = !known.paused
  set(e.currentTarget, 'aria-pressed', known.paused)
  say(e.currentTarget, known.paused ? 'Go on' : 'Pause')
  if (known.paused) { say($('link-text'), 'paused'); set($('link'), 'data-state', 'paused') }
})

const themes = ['', 'light', 'dark']
function showTheme() {
  const theme = document.documentElement.dataset.theme ?? ''
  say($('theme'), { '': 'Theme: system', light: 'Theme: light', dark: 'Theme: dark' }[theme])
}
$('theme').addEventListener('click', () => {
  const theme = themes[(themes.indexOf(document.documentElement.dataset.theme ?? '') + 1) % themes.length]
  if (theme) document.documentElement.dataset.theme = theme
  else delete document.documentElement.dataset.theme
  try { localStorage.setItem('standpipe-theme', theme) } catch { /* storage is off: it lasts as long as the page */ }
  showTheme()
})
showTheme()

$('filter').addEventListener('input', draw)
document.addEventListener('keydown', e => {
  if (e.key === '/' && !e.target.closest?.('input, dialog')) { e.preventDefault(); $('filter').focus() }
})
new ResizeObserver(() => drawPlots()).observe($('plots'))
live.start()
