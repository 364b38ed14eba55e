// Commands, each after a question.
import { $, h, say } from './dom.js'

let waiting // the timer of the toast

function toast(kind, text) {
  const node = $('toast')
  clearTimeout(waiting)
  node.replaceChildren(h('p', { class: `notice ${kind}` }, text))
  if (kind !== 'busy') waiting = setTimeout(() => node.replaceChildren(), kind === 'bad' ? 20000 : 5000)
}

// ask resolves to false, or to what was entered.
function ask({ title, text, yes, number }) {
  const box = $('ask')
  say($('ask-title'), title)
  say($('ask-text'), text)
  say($('ask-yes'), yes)
  $('ask-field').hidden = number === undefined
  $('ask-number').disabled = number === undefined
  if (number !== undefined) $('ask-number').value = number
  box.returnValue = ''
  box.showModal()
  if (number !== undefined) $('ask-number').select()
  return new Promise(done => box.addEventListener('close', () => done(box.returnValue === 'yes' && (number === undefined || $('ask-number').valueAsNumber)), { once: true }))
}

async function read(answer) {
  if (answer.status === 401) location.replace('login')
  const data = await answer.json()
  if (!answer.ok) throw new Error([data.detail, ...(data.failures ?? []).map(x => x.traceback)].filter(Boolean).join('\n'))
  return data
}

async function send(name, order, working, done) {
  toast('busy', working)
  try {
    const data = await read(await fetch(`api/${name}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(order) }))
    toast('good', done(data))
  } catch (e) {
    toast('bad', e.message)
  }
}

export async function reload(app) {
  const what = app || 'all apps and the configuration'
  if (await ask({ title: `Reload ${what}?`, text: 'Workers with the new code start and take over; the present ones finish their requests. Code that does not start changes nothing.', yes: 'Reload' })) {
    send('reload', app ? { app } : {}, `Reloading ${what} …`, d => `Reloaded: ${(d.apps ?? []).join(', ')}.`)
  }
}

export async function restart(worker) {
  if (await ask({ title: `Restart ${worker}?`, text: 'A new worker starts and takes its place; the present one finishes its requests.', yes: 'Restart' })) {
    send('restart', { worker }, `Restarting ${worker} …`, () => `${worker}: replaced.`)
  }
}

export async function scale(app) {
  const workers = await ask({ title: `Scale ${app.name}`, text: 'The number of workers, until the next reload that changes it.', yes: 'Scale', number: app.workers })
  if (workers) send('scale', { app: app.name, workers }, `Scaling ${app.name} …`, d => `${app.name}: from ${d.from} to ${d.to} workers.`)
}

let shown // the worker whose stacks are shown

async function dump() {
  say($('stacks-title'), `Stacks of ${shown}`)
  try {
    const d = await read(await fetch(`api/dump?worker=${encodeURIComponent(shown)}`))
    say($('stacks-title'), `Stacks of ${d.worker}, pid ${d.pid}, ${new Date().toLocaleTimeString('en-GB')}`)
    say($('stacks-text'), d.stacks.trimEnd())
  } catch (e) {
    say($('stacks-text'), e.message)
  }
}

export function stacks(worker) {
  shown = worker
  say($('stacks-text'), '…')
  $('stacks').showModal()
  dump()
}

$('stacks-again').addEventListener('click', dump)
$('stacks-copy').addEventListener('click', () => {
  navigator.clipboard?.writeText($('stacks-text').textContent).then(() => toast('good', 'Copied.'), () => {})
  getSelection().selectAllChildren($('stacks-text')) // where pages may not write the clipboard
})
