// The time axis: what happened, as marks with their causes, and a reading line that keys move.
import { h, say, set, keyed } from './dom.js'
import * as f from './format.js'
import { ticks } from './plots.js'

const words = {
  worker_exit: 'worker exited', boot_failed: 'start failed', request_timeout: 'request timed out', queue_full: 'queue was full', queue_timeout: 'waited too long in the queue',
  reloaded: 'reloaded', reload_failed: 'reload failed', restarted: 'worker restarted', scaled: 'scaled', started: 'server started', upgrade_failed: 'upgrade failed'
}

// kind is a mark's kind in words; there may be new ones.
export const kind = m => words[m.kind] ?? m.kind.replaceAll('_', ' ')

// sentence is a mark in one line.
export function sentence(m) {
  const of = m.worker || m.app
  return `${f.clock(m.at)} ${of ? `${of}: ` : ''}${kind(m)}${m.text ? `, ${m.text}` : ''}${m.repeated ? ` (and ${m.repeated} more like it)` : ''}`
}

// near is how many pixels two marks are apart at least; nearer ones are one button.
const near = 14

export class Timeline {
  // on has read(time).
  constructor(place, on) {
    this.on = on
    this.axis = h('div', { class: 'axis', 'aria-hidden': 'true' })
    this.track = h('div', { class: 'track', tabindex: '0', role: 'slider', 'aria-label': 'Time to read in all plots', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '100', 'aria-valuetext': 'now',
      on: { keydown: e => this.key(e), blur: () => this.move(null), pointermove: e => this.point(e), pointerdown: e => this.point(e), pointerleave: e => { if (e.pointerType === 'mouse') this.move(null) } } })
    this.buttons = h('div', { class: 'marks' })
    this.cursor = h('div', { class: 'cursor', hidden: true })
    this.box = h('div', { class: 'pop', id: 'pop', role: 'tooltip', hidden: true })
    this.none = h('span', { class: 'none' })
    this.node = h('div', { class: 'card timeline' }, this.track, this.cursor, this.buttons, this.axis, this.none, this.box)
    place.append(this.node)
    document.addEventListener('keydown', e => { if (e.key === 'Escape') this.hide() })
    document.addEventListener('pointerdown', e => { if (!this.node.contains(e.target)) this.hide() })
  }

  draw(marks, view) {
    this.view = view
    this.width = this.node.clientWidth || 600
    this.axis.replaceChildren(...ticks(view.from, view.to, Math.max(2, Math.floor(this.width / 110))).filter(t => Math.abs(this.part(t) - 0.5) < 0.5 - 22 / this.width).map(t => {
      const tick = h('span', null, f.minute(t))
      tick.style.left = `${this.part(t) * 100}%`
      return tick
    }))
    const groups = []
    for (const m of marks) {
      const x = this.part(m.time) * this.width
      const last = groups.at(-1)
      if (last && x - last.x < near) { last.marks.push(m); last.bad ||= m.bad } else groups.push({ x, marks: [m], bad: m.bad })
    }
    keyed(this.buttons, groups, g => g.marks[0].time + g.marks[0].kind, () => this.button(), (b, g) => {
      b.group = g
      b.style.left = `${g.x / this.width * 100}%`
      set(b, 'class', `mark ${g.bad ? 'bad' : 'good'}`)
      say(b, g.marks.length > 1 ? Math.min(g.marks.length, 99) : g.bad ? '!' : '')
      set(b, 'aria-label', g.marks.length > 1 ? `${g.marks.length}, the first: ${sentence(g.marks[0])}` : sentence(g.marks[0]))
    })
    say(this.none, marks.length ? '' : 'nothing happened in this time')
    if (this.shown && !this.shown.isConnected) this.hide()
    else if (this.shown) this.place()
  }

  button() {
    const b = h('button', { type: 'button', on: { pointerenter: () => this.show(b), focus: () => this.show(b), click: () => this.show(b), pointerleave: () => { if (document.activeElement !== b) this.hide() }, blur: () => this.hide() } })
    return b
  }

  part(t) { return (t - this.view.from) / (this.view.to - this.view.from) }

  show(b) {
    this.shown = b
    const list = b.group.marks
    this.box.replaceChildren(...list.slice(0, 6).map(m => h('p', { class: m.bad ? 'bad' : 'good' }, sentence(m))), ...(list.length > 6 ? [h('p', null, `and ${list.length - 6} more: see What happened`)] : []))
    this.box.hidden = false
    set(b, 'aria-describedby', 'pop')
    this.place()
    this.on.read(list[0].time)
  }

  // place keeps the box inside the page.
  place() {
    this.box.style.left = '0'
    const wide = this.box.offsetWidth
    this.box.style.left = `${Math.max(4, Math.min(this.width - wide - 4, this.shown.group.x - wide / 2))}px`
  }

  hide() {
    if (!this.shown) return
    this.shown.removeAttribute('aria-describedby')
    this.shown = null
    this.box.hidden = true
    this.on.read(null)
  }

  point(e) {
    const box = this.node.getBoundingClientRect()
    this.move(this.view.from + Math.min(1, Math.max(0, (e.clientX - box.left) / box.width)) * (this.view.to - this.view.from))
  }

  key(e) {
    const { from, to, at, step } = this.view
    let t = this.time ?? at
    switch (e.key) {
      case 'ArrowLeft': case 'ArrowDown': t -= step; break
      case 'ArrowRight': case 'ArrowUp': t += step; break
      case 'PageDown': t -= 12 * step; break
      case 'PageUp': t += 12 * step; break
      case 'Home': t = from; break
      case 'End': t = at; break
      case 'Escape': this.move(null); return
      default: return
    }
    e.preventDefault()
    this.move(Math.min(to, Math.max(from, t)))
  }

  move(time) { this.on.read(this.time = time) }

  // read moves the reading line; text says the values there.
  read(time, text) {
    this.cursor.hidden = time === null
    if (!this.view) return
    if (time !== null) this.cursor.style.left = `${this.part(time) * 100}%`
    set(this.track, 'aria-valuenow', time === null ? 100 : Math.round(this.part(time) * 100))
    set(this.track, 'aria-valuetext', time === null ? 'now' : text)
  }
}
