// Numbers, sizes and times for people.

const grouped = new Intl.NumberFormat('en')

// digits has about three digits that count.
function digits(v) {
  if (v >= 100) return grouped.format(Math.round(v))
  if (v >= 10) return v.toFixed(1).replace(/\.0$/, '')
  if (v === 0) return '0'
  return v < 0.01 ? '<0.01' : v.toFixed(2).replace(/\.?0+$/, '')
}

export const count = v => grouped.format(v)
export const rate = v => `${digits(v)}/s`

export function seconds(v) {
  if (!v) return '0'
  if (v < 0.001) return `${Math.round(v * 1e6)} µs`
  if (v < 0.00995) return `${(v * 1e3).toFixed(1)} ms`
  if (v < 1) return `${Math.round(v * 1e3)} ms`
  if (v < 60) return `${v.toFixed(v < 10 ? 2 : 1)} s`
  return span(v)
}

// span is a longer time: 2 h 11 min.
export function span(v) {
  const s = Math.max(0, Math.floor(v))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`
}

export function bytes(v) {
  if (!v) return '0 B'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let i = 0
  while (v >= 1024 && i < units.length - 1) { v /= 1024; i++ }
  return `${i === 0 || v >= 100 ? Math.round(v) : v.toFixed(1).replace(/\.0$/, '')} ${units[i]}`
}

export function percent(part, whole) {
  if (!whole) return '0 %'
  const p = part / whole * 100
  if (p > 0 && p < 0.1) return '<0.1 %'
  return `${p >= 10 || p === 0 ? Math.round(p) : p.toFixed(1)} %`
}

export const cores = v => v < 10 ? `${Math.round(v * 100)} %` : `${v.toFixed(1)} cores`

export const ms = date => typeof date === 'string' ? Date.parse(date) : date

const clockForm = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const minuteForm = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

export const clock = date => clockForm.format(ms(date))
export const minute = date => minuteForm.format(ms(date))
