// The tables below the plots.
import { $, h, say, set, badge, Table } from './dom.js'
import * as f from './format.js'
import { kind } from './marks.js'

const text = (id, label, value = x => x[id] ?? '') => ({ id, label, value })
const number = (id, label, form = f.count, value = x => x[id] ?? 0) => ({ id, label, num: true, value, cell: (td, x) => say(td, form(value(x))) })

// target is a method and a URL; the whole of it is in its title.
export function target(node, method, url) {
  if (!node.firstElementChild) node.append(h('b'), ' ', h('span', { class: 'target' }))
  const [name, text] = node.children
  say(name, method)
  say(text, url)
  set(text, 'title', url)
}

function stateOf(td, x) {
  const good = { available: 'good', served: 'good' }
  badge(td, good[x.state] ?? (x.state === 'down' ? '' : 'bad'), x.state)
  set(td, 'title', x.reason)
}

function daysLeft(td, x) {
  if (!x.not_after || x.not_after.startsWith('0001')) { badge(td, 'bad', 'none yet'); return }
  const days = Math.floor((f.ms(x.not_after) - Date.now()) / 86400000)
  badge(td, days < 7 ? 'bad' : days < 21 ? 'warn' : 'good', days < 0 ? 'expired' : `${days} days`)
}

function slowState(td, x) {
  if (x.runs) badge(td, 'busy', x.running_seconds ? 'runs' : 'waits')
  else badge(td, x.status >= 500 || !x.status ? 'bad' : x.status >= 400 ? 'warn' : 'good', x.status || 'cut')
}

// slowTarget is the request, and the Python line that it was seen at, if that is known.
function slowTarget(td, x) {
  target(td, x.method, x.target)
  if (x.line && !td.querySelector('p')) td.append(h('p', { class: 'code' }))
  const line = td.querySelector('p')
  if (line) say(line, x.line ?? '')
}

export class Tables {
  constructor() {
    this.slow = new Table($('slow'), { name: 'Slow requests', key: x => x.id + x.started, empty: 'None.', most: 10, columns: [
      { id: 'started', label: 'Began', value: x => f.ms(x.started), cell: (td, x) => say(td, f.clock(x.started)) },
      { id: 'status', label: 'Status', value: x => x.status ?? 0, cell: slowState },
      number('seconds', 'Took', f.seconds),
      { id: 'target', label: 'Request', wide: true, value: x => x.target, cell: slowTarget },
      { id: 'worker', label: 'Worker', value: x => x.worker || x.upstream || x.app, cell: (td, x) => say(td, x.worker || x.upstream || x.app) },
      number('waiting', 'Waited', f.seconds, x => x.waiting_seconds), number('running', 'App', f.seconds, x => x.running_seconds), number('sending', 'Sent', f.seconds, x => x.sending_seconds)
    ] })
    this.upstreams = new Table($('upstreams'), { name: 'Upstreams', key: x => `${x.route} ${x.address}`, columns: [
      text('route', 'Route'), text('address', 'Address'), { id: 'state', label: 'State', value: x => x.state, cell: stateOf },
      { id: 'in_flight', label: 'In flight', num: true, value: x => x.in_flight, cell: (td, x) => say(td, x.max_conns ? `${x.in_flight}/${x.max_conns}` : x.in_flight) },
      number('latency_seconds', 'Latency', v => v ? f.seconds(v) : '–'), number('requests', 'Requests'), number('failures', 'Failures'), number('retries', 'Retries'), number('ejections', 'Ejections'),
      { id: 'check', label: 'Last check', value: x => x.last_check?.at ?? '', cell: (td, x) => { say(td, x.last_check ? `${f.clock(x.last_check.at)} ${x.last_check.error || 'passed'}` : '–') } }
    ] })
    this.cache = new Table($('cache'), { name: 'HTTP cache', key: x => x.app, columns: [
      text('app', 'Of'), { id: 'rate', label: 'Hit rate', num: true, value: x => x.hits / Math.max(1, x.hits + x.misses), cell: (td, x) => say(td, f.percent(x.hits, x.hits + x.misses)) },
      number('hits', 'Hits'), number('misses', 'Misses'), number('stale', 'Stale'), number('revalidated', 'Revalidated'), number('collapsed', 'Collapsed'), number('passed', 'Passed'),
      number('entries', 'Entries'), number('bytes', 'Memory', f.bytes), number('evicted', 'Evicted')
    ] })
    this.cacheMore = h('p', { class: 'more' })
    $('cache').append(this.cacheMore)
    this.certificates = new Table($('certificates'), { name: 'Certificates', key: x => (x.names ?? []).join() + x.source, columns: [
      { id: 'names', label: 'Names', value: x => (x.names ?? []).join(', ') }, { id: 'days', label: 'Left', value: x => x.not_after ?? '', cell: daysLeft },
      text('issuer', 'Issuer'), text('source', 'Source'), { id: 'error', label: 'Problem', wide: true, value: x => x.error ?? '' }
    ] })
    this.limits = new Table($('limits'), { name: 'Limits', key: x => x.name, columns: [
      text('name', 'Limit'), number('allowed', 'Allowed'), number('delayed', 'Delayed'), { ...number('refused', 'Refused'), cell: (td, x) => { say(td, f.count(x.refused)); set(td, 'data-kind', x.refused ? 'warn' : null) } },
      number('keys', 'Keys'), number('running', 'Running'), number('waiting', 'Waiting'), text('store', 'Store')
    ] })
    this.events = new Table($('events'), { name: 'What happened', key: x => x.at + x.kind + x.worker, empty: 'Nothing, in the last hour.', most: 10, columns: [
      { id: 'at', label: 'Time', value: x => f.ms(x.at), cell: (td, x) => say(td, f.clock(x.at)) },
      { id: 'kind', label: 'What', value: kind, cell: (td, x) => badge(td, x.bad ? 'bad' : 'good', kind(x)) },
      { id: 'who', label: 'Of', value: x => x.worker || x.app || 'the server' },
      { id: 'text', label: 'Cause', wide: true, value: x => (x.text ?? '') + (x.repeated ? ` (and ${x.repeated} more like it)` : '') }
    ] })
  }

  draw({ status, figures }, wanted) {
    const has = x => !wanted || JSON.stringify(x).toLowerCase().includes(wanted)
    this.slow.none.textContent = !figures.slow_seconds ? 'Off: slow_request is 0.' : wanted ? 'None that has this text.' : `None took longer than ${f.seconds(figures.slow_seconds)}.`
    this.slow.draw((figures.slow ?? []).filter(has))
    this.some('upstreams', this.upstreams, status.upstreams)
    this.some('cache', this.cache, status.cache)
    const files = status.cache_files
    const redis = status.cache_redis
    say(this.cacheMore, [files && `Files: ${files.state}, ${f.count(files.files)} with ${f.bytes(files.bytes)} of ${f.bytes(files.limit)}`,
      redis && `Redis ${redis.address}: ${redis.away ? 'away' : 'answers'}, found ${f.count(redis.found)} of ${f.count(redis.loads)}`].filter(Boolean).join('  ·  '))
    this.some('certificates', this.certificates, status.certificates)
    this.some('limits', this.limits, status.limits)
    this.events.draw([...(figures.marks ?? [])].reverse())
  }

  some(id, table, list) {
    $(id).hidden = !list?.length
    if (list?.length) table.draw(list)
  }
}
