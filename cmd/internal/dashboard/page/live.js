// The connection: Server-Sent Events, read by fetch, which tells the status of a refusal.

const silence = 12000 // ms without an event: the connection is dead
const hiddenFor = 20000 // ms in the background until the stream is closed: a browser has few connections for one server

export class Live {
  // on has hello(data), top(data), state(name, text).
  constructor(on) {
    this.on = on
    this.tries = 0
    document.addEventListener('visibilitychange', () => {
      clearTimeout(this.hiding)
      if (document.hidden) this.hiding = setTimeout(() => this.stop('asleep', 'asleep in the background'), hiddenFor)
      else if (!this.running) this.start()
    })
  }

  start() {
    clearTimeout(this.retry)
    clearInterval(this.counting)
    this.running = true
    this.run().catch(() => {}).finally(() => {
      if (this.running) this.again()
    })
  }

  stop(state, text) {
    this.running = false
    clearTimeout(this.retry)
    clearInterval(this.counting)
    this.abort?.abort()
    this.on.state(state, text)
  }

  again() {
    this.tries++
    let left = Math.min(15, 2 ** (this.tries - 1))
    const tell = () => this.on.state(this.full ? 'full' : 'lost', `${this.full ? 'too many pages are open' : 'server not reached'}, next try in ${left} s`)
    tell()
    this.counting = setInterval(() => { if (--left > 0) tell() }, 1000)
    this.retry = setTimeout(() => this.start(), left * 1000)
  }

  async run() {
    this.abort = new AbortController()
    const { signal } = this.abort
    let alarm
    const alive = () => {
      clearTimeout(alarm)
      alarm = setTimeout(() => this.abort.abort(), silence)
    }
    alive()
    try {
      const answer = await fetch('api/stream', { signal, headers: { Accept: 'text/event-stream' } })
      if (answer.status === 401) { location.replace('login'); return }
      this.full = answer.status === 503
      if (!answer.ok) return
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        alive()
        text += value
        let end
        while ((end = text.indexOf('\n\n')) >= 0) {
          this.event(text.slice(0, end))
          text = text.slice(end + 2)
        }
      }
    } finally {
      clearTimeout(alarm)
    }
  }

  event(block) {
    const field = name => block.split('\n').filter(l => l.startsWith(`${name}: `)).map(l => l.slice(name.length + 2)).join('\n')
    const data = JSON.parse(field('data') || 'null')
    switch (field('event')) {
      case 'hello': this.on.hello(data); break
      case 'login': location.replace('login'); break
      case 'gone': this.on.state('gone', `server gone: ${data?.detail ?? 'no answer'}`); break
      case 'top':
        this.tries = 0
        this.on.state('live', 'live')
        this.on.top(data)
    }
  }
}
