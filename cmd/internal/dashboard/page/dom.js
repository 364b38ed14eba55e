// Elements. Text comes from clients and apps: it gets into the page as text, never as markup.

const svgSpace = 'http://www.w3.org/2000/svg'

export const $ = id => document.getElementById(id)

function fill(node, props, kids) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (name === 'on') {
      for (const [event, call] of Object.entries(value)) node.addEventListener(event, call)
    } else {
      node.setAttribute(name, value === true ? '' : value)
    }
  }
  node.append(...kids.flat().filter(k => k !== null && k !== undefined && k !== false))
  return node
}

export const h = (tag, props, ...kids) => fill(document.createElement(tag), props, kids)
export const svg = (tag, props, ...kids) => fill(document.createElementNS(svgSpace, tag), props, kids)

// say changes a text that is another one.
export function say(node, text) {
  text = String(text)
  if (node.textContent !== text) node.textContent = text
}

export function set(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name)
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value)
}

// keyed makes the children of a node those of a list, in its order; nodes of known keys stay, with their focus.
export function keyed(node, items, key, make, draw) {
  const known = node.known ??= new Map()
  const seen = new Set()
  let at = node.firstChild
  for (const item of items) {
    let k = String(key(item))
    while (seen.has(k)) k += ' '
    seen.add(k)
    let child = known.get(k)
    if (!child) known.set(k, child = make(item))
    draw(child, item)
    if (child === at) at = at.nextSibling
    else node.insertBefore(child, at)
  }
  for (const [k, child] of known) {
    if (!seen.has(k)) { child.remove(); known.delete(k) }
  }
}

// badge is a word with a colour; kind is good, bad, warn, busy or nothing.
export function badge(node, kind, text) {
  if (!node.firstElementChild) node.append(h('span', { class: 'badge' }))
  set(node.firstElementChild, 'data-kind', kind)
  say(node.firstElementChild, text)
}

// Table is a table that people can sort. A column has id, label, num (a number: right), value(item) for the order, and
// cell(td, item) if that is not simply text. most is how many rows
// are shown until people ask for all.
export class Table {
  constructor(place, { name, columns, key, empty = '', sort = '', most = Infinity, row = () => {} }) {
    Object.assign(this, { columns, key, sort, row, most, few: most, down: false })
    this.heads = new Map(columns.map(c => [c.id, h('th', { scope: 'col', class: c.num ? 'num' : null }, c.value
      ? h('button', { type: 'button', on: { click: () => this.order(c.id) } }, c.label)
      : h('span', { class: c.silent ? 'sr' : null }, c.label))]))
    this.body = h('tbody')
    this.none = h('p', { class: 'none', hidden: true }, empty)
    this.box = h('div', { class: 'scroll' }, h('table', { 'aria-label': name }, h('thead', null, h('tr', null, ...this.heads.values())), this.body))
    this.all = h('button', { type: 'button', class: 'small all', hidden: true, on: { click: () => { this.most = this.most === this.few ? Infinity : this.few; this.draw(this.items) } } })
    place.append(this.box, this.none, this.all)
    this.mark()
  }

  // order goes from the usual direction to the other one, and back to no order.
  order(id) {
    const first = !!this.columns.find(c => c.id === id).num
    if (this.sort !== id) { this.sort = id; this.down = first } else if (this.down === first) this.down = !first
    else { this.sort = ''; this.down = false }
    this.mark()
    this.draw(this.items ?? [])
  }

  mark() {
    for (const [id, th] of this.heads) set(th, 'aria-sort', id === this.sort ? (this.down ? 'descending' : 'ascending') : null)
  }

  draw(items) {
    this.items = items
    const by = this.columns.find(c => c.id === this.sort)
    if (by) {
      const sign = this.down ? -1 : 1
      items = [...items].sort((a, b) => {
        const x = by.value(a)
        const y = by.value(b)
        return sign * (typeof x === 'string' ? x.localeCompare(y, 'en', { numeric: true }) : x - y)
      })
    }
    this.all.hidden = items.length <= this.few
    say(this.all, this.most === this.few ? `Show all ${items.length}` : `Show ${this.few}`)
    items = items.slice(0, this.most)
    this.box.hidden = items.length === 0
    this.none.hidden = items.length > 0
    keyed(this.body, items, this.key, () => h('tr', null, ...this.columns.map(c => h('td', { class: c.num ? 'num' : c.wide ? 'wide' : null, 'data-label': c.label }))), (tr, item) => {
      this.columns.forEach((c, i) => c.cell ? c.cell(tr.children[i], item) : say(tr.children[i], c.value(item)))
      this.row(tr, item)
    })
  }
}
