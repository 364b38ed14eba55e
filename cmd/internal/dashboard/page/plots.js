// Plots of the history: SVG, one time axis for all, one reading line for all.
import { h, svg, say, set } from './dom.js'
import * as f from './format.js'

const height = 112
const top = 8
const bottom = 18

// What is plotted. of names the list in the history; gap: there is nothing to draw in a step without requests;
// pool: apps alone have it; upward: the first series is drawn first and read last; log: the axis is logarithmic.
export const figures = [
  { title: 'Requests', form: f.rate, series: [{ of: 'requests', name: 'all', fill: true }, { of: 'cached', name: 'from the cache', optional: true }] },
  { title: 'Errors', form: f.rate, series: [{ of: 'failed', name: '5xx and cut', fill: true, bad: true, peak: true }] },
  { title: 'Latency', form: f.seconds, gap: true, log: true, series: [{ of: 'p99', name: 'p99', peak: true }, { of: 'p95', name: 'p95' }, { of: 'p50', name: 'p50' }], upward: true },
  { title: 'Wait for a worker, p95', form: f.seconds, gap: true, pool: true, series: [{ of: 'waiting', name: 'p95', fill: true, peak: true }] },
  { title: 'Queue', form: v => f.count(Math.round(v)), pool: true, whole: true, series: [{ of: 'queue', name: 'requests', fill: true, peak: true }] },
  { title: 'Workers', form: v => f.count(Math.round(v)), pool: true, whole: true, series: [{ of: 'busy', name: 'busy', fill: true }, { of: 'workers', name: 'up' }] },
  { title: 'Memory of the workers', form: f.bytes, pool: true, binary: true, series: [{ of: 'rss', name: 'RSS', fill: true }] },
  { title: 'Processor, of one core', form: f.cores, pool: true, series: [{ of: 'cpu', name: 'CPU', fill: true }] }
]

// nice is the next round number, and its part for the lines of the grid.
function nice(v, { whole, binary }) {
  if (!(v > 0)) return whole ? [1, 1] : [1, 0.5]
  const base = binary ? 2 ** (10 * Math.floor(Math.log2(v) / 10)) : 1
  v /= base
  const power = 10 ** Math.floor(Math.log10(v))
  let limit = [1, 2, 4, 5, 6, 8, 10].find(m => v <= m * power * 1.0001) * power
  if (whole) limit = Math.max(1, Math.ceil(limit))
  const parts = whole && limit % 2 ? 1 : 2
  return [limit * base, limit * base / parts]
}

const steps = [60, 120, 300, 600, 900, 1200, 1800, 3600].map(s => s * 1000)

// ticks are round times of the axis, at most n.
export function ticks(from, to, n) {
  const step = steps.find(s => (to - from) / s <= n) ?? 3600000
  const zone = new Date(to).getTimezoneOffset() * 60000
  const list = []
  for (let t = Math.ceil((from - zone) / step) * step + zone; t <= to; t += step) list.push(t)
  return list
}

export class Plot {
  // on has read(time) for the reading line; null: none.
  constructor(place, figure, on) {
    this.figure = figure
    this.values = h('span', { class: 'reading' })
    const keys = figure.series.map((s, i) => h('span', { class: `key s${i}${s.bad ? ' bad' : ''}` }, s.name))
    if (figure.upward) keys.reverse()
    this.legend = h('p', { class: 'legend' }, keys)
    this.grid = svg('g', { class: 'grid' })
    this.lines = svg('g')
    this.marks = svg('g', { class: 'marks' })
    this.line = svg('line', { class: 'cursor', y1: top, y2: height - bottom, visibility: 'hidden' })
    this.dots = svg('g')
    this.words = svg('g', { class: 'words' })
    this.svg = svg('svg', { 'aria-hidden': 'true', height }, this.grid, this.marks, this.lines, this.words, this.line, this.dots)
    this.figureNode = h('figure', { class: 'card plot' }, h('figcaption', null, h('span', { class: 'title' }, figure.title), this.values, this.legend), this.svg)
    place.append(this.figureNode)
    const read = e => on.read(this.timeAt(e.clientX))
    this.svg.addEventListener('pointermove', read)
    this.svg.addEventListener('pointerdown', read)
    this.svg.addEventListener('pointerleave', e => { if (e.pointerType === 'mouse') on.read(null) })
  }

  timeAt(x) {
    if (!this.view) return null
    const box = this.svg.getBoundingClientRect()
    const part = Math.min(1, Math.max(0, (x - box.left) / box.width))
    return this.view.from + part * (this.view.to - this.view.from)
  }

  // draw shows data (lists of one app) for a view {from, to, at, step}: at is the time of the newest value.
  draw(data, view, marks) {
    const width = Math.max(120, Math.round(this.svg.getBoundingClientRect().width))
    Object.assign(this, { data, view, width })
    set(this.svg, 'viewBox', `0 0 ${width} ${height}`)
    const n = data?.requests?.length ?? 0
    const series = this.figure.series.map(s => data?.[s.of] ?? [])
    const first = Math.max(0, n - 1 - Math.ceil((view.at - view.from) / view.step))
    let most = 0
    let least = Infinity
    for (const list of series) {
      for (let i = first; i < n; i++) {
        if (list[i] > most) most = list[i]
        if (list[i] > 0 && list[i] < least) least = list[i]
      }
    }
    const room = height - top - bottom
    let lines = []
    if (this.figure.log) {
      const [low, high] = most > 0 ? [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))] : [-3, 0]
      const span = Math.max(1, high - low)
      this.y = v => top + (1 - Math.max(0, Math.min(1, (Math.log10(Math.max(v, 1e-9)) - low) / span))) * room
      for (let i = 0; i <= span; i += Math.ceil(span / 4)) lines.push(10 ** (low + i))
    } else {
      const [limit, part] = nice(most, this.figure)
      this.y = v => top + (1 - v / limit) * room
      for (let v = 0; v <= limit * 1.001; v += part) lines.push(v)
    }
    this.x = t => (t - view.from) / (view.to - view.from) * width
    this.drawGrid(lines, view)
    this.lines.replaceChildren()
    series.forEach((list, i) => this.drawSeries(i, list, first, n))
    this.marks.replaceChildren(...marks.map(m => svg('line', { class: m.bad ? 'bad' : 'good', x1: this.x(m.time).toFixed(1), x2: this.x(m.time).toFixed(1), y1: top, y2: height - bottom })))
    this.most = most
    this.read(null)
  }

  drawGrid(lines, view) {
    const nodes = []
    const words = []
    lines.forEach((v, i) => {
      const y = Math.round(this.y(v)) + 0.5
      nodes.push(svg('line', { x1: 0, x2: this.width, y1: y, y2: y }))
      if (i > 0) words.push(svg('text', { x: 2, y: y + 11 }, this.figure.log ? (v >= 1 ? `${v} s` : f.seconds(v).replace(/\.0+(?= )/, '')) : this.figure.form(v)))
    })
    for (const t of ticks(view.from, view.to, Math.max(2, Math.floor(this.width / 70)))) {
      const x = this.x(t)
      if (x < 14 || x > this.width - 14) continue
      words.push(svg('text', { x: x.toFixed(1), y: height - 4, 'text-anchor': 'middle' }, f.minute(t)))
    }
    this.grid.replaceChildren(...nodes)
    this.words.replaceChildren(...words)
  }

  // drawSeries draws one list; a step without requests is a gap where the figure says so. Where there are more steps than pixels, some become
  // one point: their mean, or their largest value where peaks are what counts. Points keep their steps while time goes on.
  drawSeries(i, list, first, n) {
    const { step, at } = this.view
    const s = this.figure.series[i]
    const group = Math.max(1, Math.ceil((n - first) / (this.width / 1.6)))
    const latest = Math.round(at / step)
    let line = ''
    let area = ''
    let start = null
    let last = null
    const close = () => {
      if (s.fill && start !== null && last !== start) area += `V${this.y(0).toFixed(1)}H${start}Z`
      else if (start !== null && last === start) line += 'h0.01'
      start = null
    }
    for (let k = first; k < n;) {
      const end = Math.min(n, k + group - (latest - (n - 1 - k)) % group)
      let sum = 0
      let most = 0
      let have = 0
      for (let j = k; j < end; j++) {
        if (this.figure.gap && !this.data.requests[j]) continue
        sum += list[j] ?? 0
        most = Math.max(most, list[j] ?? 0)
        have++
      }
      const x = this.x(at - (n - 1 - (k + end - 1) / 2) * step).toFixed(1)
      k = end
      if (!have) { close(); continue }
      const y = this.y(s.peak ? most : sum / have).toFixed(1)
      const command = `${start === null ? 'M' : 'L'}${x} ${y}`
      line += command
      area += command
      if (start === null) start = x
      last = x
    }
    close()
    const of = `s${i}${s.bad ? ' bad' : ''}`
    if (s.fill) this.lines.append(svg('path', { class: `area ${of}`, d: area }))
    this.lines.append(svg('path', { class: `line ${of}`, d: line }))
  }

  // read shows the values at a time; null: the newest.
  read(time) {
    if (!this.view) return
    const n = this.data?.requests?.length ?? 0
    const { step, at } = this.view
    const k = time === null ? n - 1 : n - 1 - Math.round((at - time) / step)
    const has = k >= 0 && k < n
    const lists = this.figure.series.map(s => this.data?.[s.of])
    const empty = has && this.figure.gap && !this.data.requests[k]
    const shown = this.figure.upward ? [...this.figure.series].reverse() : this.figure.series.filter(s => !s.optional)
    say(this.values, !has || empty ? '–' : shown.map(s => this.figure.form(this.data[s.of]?.[k] ?? 0)).join(shown.length > 2 ? ' · ' : ' / '))
    this.dots.replaceChildren()
    set(this.line, 'visibility', time === null || !has ? 'hidden' : 'visible')
    if (time === null || !has) return
    const x = this.x(at - (n - 1 - k) * step)
    set(this.line, 'x1', x.toFixed(1))
    set(this.line, 'x2', x.toFixed(1))
    if (empty) return
    lists.forEach((list, i) => {
      if (list) this.dots.append(svg('circle', { class: `dot s${i}${this.figure.series[i].bad ? ' bad' : ''}`, cx: x.toFixed(1), cy: this.y(list[k] ?? 0).toFixed(1), r: 3 }))
    })
  }
}

// spark is a small line without axes.
export function spark(node, list) {
  const width = 96
  const high = 22
  if (!node.firstElementChild) node.append(svg('svg', { class: 'spark', width, height: high, viewBox: `0 0 ${width} ${high}`, 'aria-hidden': 'true' }, svg('path', { class: 'area s0' }), svg('path', { class: 'line s0' })))
  const n = list.length
  const most = Math.max(...list, 0.001)
  // As many points as there are pixels: each is the largest of its steps.
  const points = []
  for (let i = 0; i < width; i++) {
    const a = Math.floor(i * n / width)
    const b = Math.max(a + 1, Math.floor((i + 1) * n / width))
    let v = 0
    for (let k = a; k < b && k < n; k++) v = Math.max(v, list[k])
    points.push(`${i} ${(high - 1 - v / most * (high - 3)).toFixed(1)}`)
  }
  const [area, line] = node.firstElementChild.children
  set(line, 'd', n > 1 ? `M${points.join('L')}` : '')
  set(area, 'd', n > 1 ? `M${points.join('L')}V${high}H0Z` : '')
}
