// The workers of one app.
import { $, h, say, set, badge, keyed, Table } from './dom.js'
import * as f from './format.js'
import { target } from './tables.js'

const kinds = { idle: 'good', busy: 'busy', booting: 'warn', draining: 'warn', 'backing off': 'bad' }

const stateOf = w => w.state !== 'serving' ? w.state : w.requests.length ? 'busy' : 'idle'

// requests shows what the worker runs.
function requests(td, w) {
  if (!td.firstElementChild) td.append(h('div', { class: 'running' }))
  const shown = w.requests.slice(0, 3)
  keyed(td.firstElementChild, shown, r => r.id, () => h('p', null, h('span'), ' ', h('time')), (p, r) => {
    target(p.firstElementChild, r.method, r.target)
    say(p.lastElementChild, f.seconds(r.seconds))
  })
  set(td, 'title', w.requests.length > 3 ? `and ${w.requests.length - 3} more` : null)
}

export class Workers {
  // on has stacks(worker) and restart(worker).
  constructor(on) {
    this.on = on
    const button = (words, call) => h('button', { type: 'button', class: 'small', on: { click: e => call(e.currentTarget.closest('tr').worker) } }, words)
    this.table = new Table($('workers'), { name: 'Workers', key: w => `${w.name} ${w.pid}`, empty: 'No workers.', sort: 'name', columns: [
      { id: 'name', label: 'Worker', value: w => w.name },
      { id: 'state', label: 'State', value: stateOf, cell: (td, w) => { badge(td, kinds[stateOf(w)] ?? '', stateOf(w)); set(td, 'title', w.due ? `to be replaced: ${w.due}` : null) } },
      { id: 'pid', label: 'PID', num: true, value: w => w.pid, cell: (td, w) => say(td, w.pid || '–') },
      { id: 'generation', label: 'Gen.', num: true, value: w => w.generation },
      { id: 'up', label: 'Up', num: true, value: w => w.up_seconds, cell: (td, w) => say(td, f.span(w.up_seconds)) },
      { id: 'served', label: 'Served', num: true, value: w => w.served, cell: (td, w) => say(td, f.count(w.served)) },
      { id: 'rss', label: 'RSS', num: true, value: w => w.rss, cell: (td, w) => say(td, w.rss ? f.bytes(w.rss) : '–') },
      { id: 'cpu', label: 'CPU', num: true, value: w => w.cpu, cell: (td, w) => say(td, f.cores(w.cpu)) },
      { id: 'requests', label: 'Runs', wide: true, value: w => w.requests[0]?.target ?? '', cell: requests },
      { id: 'acts', label: 'Actions', silent: true, cell: (td, w) => {
        if (!td.firstElementChild) {
          set(td, 'class', 'acts')
          td.append(button('Stacks', w => on.stacks(w.name)), button('Restart', w => on.restart(w.name)))
          set(td.children[0], 'aria-label', `Stacks of ${w.name}`)
          set(td.children[1], 'aria-label', `Restart ${w.name}`)
        }
        td.closest('tr').worker = w
      } }
    ] })
    this.more = h('p', { class: 'more' })
    $('workers').append(this.more)
  }

  draw(app, figures) {
    $('workers').hidden = !app
    if (!app) return
    say($('workers-title'), `Workers of ${app.name}`)
    const cpu = new Map(figures.map(w => [`${w.worker} ${w.pid}`, w.cpu]))
    this.table.draw(app.processes.map(w => ({ ...w, cpu: cpu.get(`${w.name} ${w.pid}`) ?? 0 })))
    say(this.more, (app.templates ?? []).map(t => `${t.name}: pid ${t.pid}, generation ${t.generation}, ${t.ready ? 'ready' : 'importing'}, ${t.forks} forks`).join('  ·  '))
  }
}
