// Runs the public test suite for HTTP caches (npm http-cache-tests) through a cache.
//
// usage: node run.mjs FOLDER
//
// FOLDER holds http-cache-tests, as install.sh puts it there. The first line of stdout is the address of the suite's
// origin, which listens on 127.0.0.1; the first line of stdin is the URL of the cache in front of it. Then the rest of
// stdout is one JSON object: for each test its suite, its kind (required, optimal, check), the suite's own verdict, and
// the reason.
import http from 'node:http'
import path from 'node:path'
import process from 'node:process'
import readline from 'node:readline'
import { pathToFileURL } from 'node:url'

const folder = path.resolve(process.argv[2], 'node_modules/http-cache-tests')
const load = name => import(pathToFileURL(path.join(folder, name)))

const [handleConfig, handleState, handleTest] = await Promise.all(
  ['config', 'state', 'test'].map(async name => (await load(`server/handle-${name}.mjs`)).default))
const { runTests, getResults } = await load('client/runner.mjs')
const { determineTestResult } = await load('lib/display.mjs')
const suites = (await load('tests/index.mjs')).default
const fetch = (await import(pathToFileURL(path.join(process.argv[2], 'node_modules/node-fetch/lib/index.mjs')))).default

const handlers = { config: handleConfig, state: handleState, test: handleTest }
const origin = http.createServer((request, response) => {
  const segments = new URL(request.url, 'http://localhost').pathname.split('/').slice(1)
  const handler = handlers[segments.shift()]
  if (handler === undefined) {
    response.writeHead(404).end()
    return
  }
  handler(segments, request, response)
})
origin.listen(0, '127.0.0.1')
await new Promise(resolve => origin.once('listening', resolve))
console.log(`http://127.0.0.1:${origin.address().port}`)

const base = await new Promise(resolve => readline.createInterface({ input: process.stdin }).once('line', resolve))
const only = process.argv.slice(3)
for (const suite of suites) {
  suite.tests = suite.tests.filter(test => test.browser_only !== true && (only.length === 0 || only.includes(test.id)))
  for (const test of suite.tests) test.dump = only.length > 0
}
console.log = console.error // the suite's own reports
await runTests(suites, fetch, false, base)
const results = getResults()
const verdicts = { '✅': 'pass', '⛔️': 'fail', '⚠️': 'not optimal', Y: 'yes', N: 'no', '🔹': 'setup', '⁉️': 'harness', '⚪️': 'dependency', '↻': 'retry', '-': 'untested' }
const out = {}
for (const suite of suites) {
  for (const test of suite.tests) {
    const verdict = determineTestResult(suites, test.id, results, only.length === 0)
    out[test.id] = {
      suite: suite.id,
      kind: test.kind ?? 'required',
      name: test.name,
      verdict: verdicts[verdict[2]] ?? verdict[2],
      reason: results[test.id] === true ? '' : results[test.id].join(': ')
    }
  }
}
process.stdout.write(JSON.stringify(out), () => process.exit(0))
