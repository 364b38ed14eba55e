// The head of the page, what needs attention, the apps, and the figures of one of them.
import { $, h, say, set, keyed, badge, Table } from './dom.js'
import * as f from './format.js'
import { spark } from './plots.js'

export const notApps = { static: 'static files', routes: 'routes', server: 'the server', others: 'further apps' }

// states of workers, with their words.
const states = [['busy', 'busy'], ['idle', 'idle'], ['booting', 'booting'], ['draining', 'draining'], ['backing_off', 'backing off']]

export const stateText = app => states.filter(([k]) => app[k]).map(([k, w]) => `${app[k]} ${w}`).join(', ') || 'no workers'

export function drawServer(status, now) {
  say($('server'), [status.version, `pid ${status.pid}`, `up ${f.span((now - f.ms(status.started)) / 1000)}`, ...status.addresses].join('  ·  '))
  document.title = `${status.apps.map(a => a.name).join(', ') || 'standpipe'} - standpipe`
  const more = []
  const requests = Object.entries(status.requests ?? {}).map(([v, n]) => `${v} ${f.count(n)}`)
  if (requests.length) more.push(`Requests by version: ${requests.join(', ')}`)
  if (status.tunnels) more.push(`${f.count(status.tunnels.open)} tunnels, the oldest ${f.span(status.tunnels.oldest_seconds)}`)
  if (status.scanned) more.push(`${f.count(status.scanned)} requests of scanners refused`)
  for (const c of status.clients?.refused ?? []) more.push(`${c.rule ?? c.kind ?? 'access'}: ${f.count(c.count ?? 0)} refused`)
  if (status.control) more.push(`Control socket ${status.control}`)
  say($('about'), more.join('  ·  '))
}

// notices is what needs attention, the worst first.
function notices(status) {
  const list = []
  const add = (kind, text, more) => list.push({ kind, text, more })
  const failed = (what, x) => add('bad', `${what}${x.at ? ` at ${f.clock(x.at)}` : ''}: ${x.sentence}`, [x.traceback, x.output].filter(Boolean).join('\n\n'))
  if (status.stopping) add('warn', 'The server is stopping.')
  if (status.last_failed_reload) failed('The last reload of the configuration failed', status.last_failed_reload)
  for (const a of status.apps) {
    if (a.failure) failed(`${a.name} did not start`, a.failure)
    if (a.last_failed_reload) failed(`${a.name} was not reloaded`, a.last_failed_reload)
    if (a.release_gone) add('bad', `${a.name}: its folder ${a.release} does not exist any more; a worker that exits cannot be replaced. A reload makes a generation of the present folder.`)
    if (a.paused) add('warn', `${a.name} is paused: requests wait in the queue until standpipe resume.`)
    if (a.reloading) add('busy', `${a.name} reloads.`)
    if (a.asleep) add('', `${a.name} is asleep: the next request starts it.`)
  }
  for (const m of status.maintenance ?? []) add('warn', `Maintenance of ${m.app || 'the server'}: clients get 503${m.until ? ` until ${f.clock(m.until)}` : ''}.`)
  for (const u of status.upstreams ?? []) if (u.state !== 'available' && u.state !== 'down') add('bad', `Upstream ${u.address} is ${u.state}${u.reason ? `: ${u.reason}` : ''}.`)
  if (status.cache_redis?.away) add('bad', `The Redis of the HTTP cache, ${status.cache_redis.address}, does not answer.`)
  return list
}

export function drawNotices(status) {
  keyed($('notices'), notices(status), n => n.text, n => h('div', { class: 'notice' }, n.more ? h('details', null, h('summary', null, n.text), h('pre', { tabindex: '0' }, n.more)) : h('p', null, n.text)), (node, n) => set(node, 'class', `notice ${n.kind}`))
}

// squares are the workers of an app by state.
function squares(td, app) {
  if (!app) { say(td, ''); return }
  if (!td.firstElementChild) td.append(h('span', { class: 'squares', 'aria-hidden': 'true' }), h('span', { class: 'count' }))
  const list = states.flatMap(([k]) => Array(app[k]).fill(k)).slice(0, 16)
  keyed(td.firstElementChild, list.map((state, i) => ({ state, i })), s => s.i, () => h('i'), (i, s) => set(i, 'data-state', s.state))
  say(td.lastElementChild, `${app.ready}/${app.workers}`)
  set(td, 'title', stateText(app))
}

export class Apps {
  // on has choose(name).
  constructor(place, on) {
    const fig = key => ({ num: true, value: s => s.figures[key], cell: (td, s) => say(td, f.rate(s.figures[key])) })
    const quantile = (id, label) => ({ id, label, num: true, value: s => s.figures.whole[id], cell: (td, s) => say(td, s.figures.requests ? f.seconds(s.figures.whole[id]) : '–') })
    this.table = new Table(place, {
      name: 'Apps', key: s => s.name, empty: 'No app, and no request yet.',
      columns: [
        { id: 'name', label: 'Name', value: s => s.name, cell: (td, s) => {
          if (!td.firstElementChild) td.append(h('button', { type: 'button', class: 'pick', on: { click: () => on.choose(s.name) } }))
          say(td.firstElementChild, notApps[s.name] && !s.app ? notApps[s.name] : s.name)
          set(td.firstElementChild, 'aria-pressed', s.chosen)
        } },
        { id: 'requests', label: 'Requests', ...fig('requests') },
        { id: 'spark', label: 'Trend', cell: (td, s) => spark(td, s.requests) },
        { id: 'failed', label: 'Errors', num: true, value: s => s.figures.failed, cell: (td, s) => {
          say(td, s.figures.failed ? f.percent(s.figures.failed, s.figures.requests) : '0 %')
          set(td, 'data-kind', s.figures.failed ? 'bad' : null)
        } },
        quantile('p50', 'p50'), quantile('p95', 'p95'), quantile('p99', 'p99'),
        { id: 'queue', label: 'Queue', num: true, value: s => s.app?.waiting ?? -1, cell: (td, s) => { say(td, s.app ? f.count(s.app.waiting) : ''); set(td, 'data-kind', s.app?.waiting ? 'warn' : null) } },
        { id: 'workers', label: 'Workers', value: s => s.app?.ready ?? -1, cell: (td, s) => squares(td, s.app) },
        { id: 'generation', label: 'Generation', num: true, value: s => s.app?.generation ?? -1, cell: (td, s) => say(td, s.app ? s.app.generation : '') }
      ],
      row: (tr, s) => set(tr, 'class', s.chosen ? 'chosen' : null)
    })
  }

  draw(sources) { this.table.draw(sources) }
}

// tiles are the figures of one source at present.
function tiles(source, workers) {
  const { figures: x, app } = source
  const list = [
    ['Requests', f.rate(x.requests), `${f.count(x.total)} since the start`],
    ['Errors', x.failed ? f.rate(x.failed) : '0', x.requests ? `${f.percent(x.failed, x.requests)} failed, ${f.percent(x.refused, x.requests)} with 4xx` : 'no request lately', x.failed ? 'bad' : ''],
    ['Sent', `${f.bytes(x.sent)}/s`, 'bodies of answers'],
    ['From the cache', x.requests ? f.percent(x.cached, x.requests) : '–', `${f.rate(x.cached)}`]
  ]
  if (!app) return list
  const own = app.processes.map(p => p.rss).filter(Boolean)
  const cpu = workers.filter(w => w.worker.slice(0, w.worker.lastIndexOf('/')) === app.name).reduce((sum, w) => sum + w.cpu, 0)
  return [...list,
    ['Queue', f.count(app.waiting), `${app.queue_limit ? `of ${f.count(app.queue_limit)}` : 'no limit'}${app.waiting ? `, the oldest ${f.seconds(app.oldest_seconds)}` : ''}`, app.waiting ? 'warn' : ''],
    ['Workers busy', `${app.busy} of ${app.workers}`, stateText(app), app.ready === 0 && !app.asleep ? 'bad' : ''],
    ['Memory', f.bytes(own.reduce((a, b) => a + b, 0)), own.length ? `RSS, ${f.bytes(own.reduce((a, b) => a + b, 0) / own.length)} a worker` : 'not known yet'],
    ['Processor', f.cores(cpu), cpu < 10 ? 'of one core' : 'all workers']]
}

export function drawTiles(source, workers) {
  keyed($('tiles'), tiles(source, workers), t => t[0], t => h('div', { class: 'tile' }, h('dt', null, t[0]), h('dd', { class: 'value' }), h('dd', { class: 'sub' })), (node, [, value, sub, kind]) => {
    set(node, 'data-kind', kind || null)
    say(node.children[1], value)
    say(node.children[2], sub)
  })
}

const parts = [['whole', 'whole request'], ['receiving', 'its body comes'], ['waiting', 'waits for a worker'], ['running', 'the app runs'], ['sending', 'answer is sent']]

// drawParts shows where the time goes.
export function drawParts(x) {
  const place = $('parts')
  if (!place.firstElementChild) {
    place.append(h('table', { class: 'parts' }, h('caption', null, 'Where the time goes'),
      h('thead', null, h('tr', null, h('td'), ...['p50', 'p95', 'p99', 'max'].map(q => h('th', { scope: 'col', class: 'num' }, q)))),
      h('tbody', null, parts.map(([k, words]) => h('tr', { 'data-part': k }, h('th', { scope: 'row' }, words, h('i', { 'aria-hidden': 'true' })), ...Array.from({ length: 4 }, () => h('td', { class: 'num' })))))))
  }
  const most = Math.max(x.whole.p95, 1e-9)
  parts.forEach(([k], i) => {
    const tr = place.querySelectorAll('tbody tr')[i]
    tr.querySelector('i').style.setProperty('--part', Math.min(1, x[k].p95 / most).toFixed(3))
    ;['p50', 'p95', 'p99', 'max'].forEach((q, j) => say(tr.children[j + 1], x.requests && x[k][q] ? f.seconds(x[k][q]) : '–'))
  })
}
