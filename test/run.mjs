// run.mjs - runs the suites and counts what really ran.
//   node test/run.mjs                                 all: units, journeys and faults on both engines, e2e
//   node test/run.mjs units journeys-postgres         some suites (journeys, faults: both engines)
//   node test/run.mjs src/base/test/str_test.c test/journeys/login.test.mjs      some files
// A pass is one line a suite; a failure's output is printed in full. The last line is "N passed, N failed". A whole run
// with fewer tests than test/count.min fails: tests must not get lost silently. `make test` builds what is needed first.
// ANJU_TEST_TIMES=1 prints what each file took.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { createDatabase, dropDatabase, startPostgres } from './lib/postgres.mjs'
import { ownChild, removeDir, tempDir } from './lib/temp.mjs'

process.chdir(resolve(new URL('.', import.meta.url).pathname, '..'))
const BUILD = process.env.ANJU_BUILD ?? 'build'
const MODE = process.env.ANJU_TEST_MODE ?? 'asan'
const JOBS = Number(process.env.ANJU_TEST_JOBS ?? availableParallelism?.() ?? cpus().length)
const WAITING_JOBS = JOBS + 1 // journeys wait for servers, clocks and rate limits
const FILE_MS = 8 * 60_000
const BROWSER_MS = 25 * 60_000 // all specs in one call

const ALL_SUITES = ['units', 'fuzz', 'journeys-sqlite', 'journeys-postgres', 'faults-sqlite', 'faults-postgres', 'e2e']
const isUnit = (f) => /_test\.c$/.test(f)
const isFuzz = (f) => /_fuzz\.c$/.test(f)
const isJourney = (f) => /\.test\.mjs$/.test(f)
const isFaults = (f) => isJourney(f) && /(^|\/)test\/faults\//.test(f)
const isSpec = (f) => /\.spec\.mjs$/.test(f)

function find(folder, wanted) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((e) => e.name !== 'node_modules')
    .flatMap((e) => (e.isDirectory() ? find(join(folder, e.name), wanted) : wanted(e.name) ? [join(folder, e.name)] : []))
    .sort()
}
const inTestFolders = (wanted) => find('src', wanted).filter((f) => f.includes('/test/'))
const units = () => [...inTestFolders(isUnit), ...find('test/unit', isUnit)]
const faults = () => find('test/faults', isJourney)
const journeys = () => [...inTestFolders(isJourney), ...find('test/journeys', isJourney)]

// Runs a command to its end; a file that hangs is a failure, not a hanging build.
async function runCommand(command, args, env, ms = FILE_MS) {
  const child = ownChild(spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }), 'SIGTERM')
  let out = ''
  let all = ''
  child.stdout.setEncoding('utf8').on('data', (t) => ((out += t), (all += t)))
  child.stderr.setEncoding('utf8').on('data', (t) => (all += t))
  child.once('error', (e) => (all += e.message))
  const closed = new Promise((done) => child.once('close', done))
  const late = setTimeout(() => {
    all += `\nended by test/run.mjs after ${ms / 60_000} minutes\n`
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), 5000).unref()
  }, ms)
  await closed
  clearTimeout(late)
  return { ok: child.exitCode === 0, out, all }
}

// Both cmocka's TAP and node's: top lines for cmocka, the closing "# pass n" counts for node.
function countCmocka(out) {
  const results = out.split('\n').filter((l) => /^(not )?ok \d+/.test(l))
  const run = results.filter((l) => !/# SKIP/.test(l)) // cmocka says "not ok n # SKIP name"
  const passed = run.filter((l) => l.startsWith('ok')).length
  return { passed, failed: run.length - passed, skipped: results.length - run.length }
}
function countNode(out) {
  const n = (word) => Number(out.match(new RegExp(`^# ${word} (\\d+)$`, 'm'))?.[1] ?? 0)
  return { passed: n('pass'), failed: n('fail') + n('cancelled'), skipped: n('skipped') + n('todo') }
}

async function runUnit(file) {
  const binary = join(BUILD, MODE, file.replace(/\.c$/, ''))
  const database = await createDatabase(pg.url)
  const run = await runCommand(binary, [], { CMOCKA_MESSAGE_OUTPUT: 'TAP', ANJU_TEST_PG: database })
  await dropDatabase(database)
  return { ...run, ...countCmocka(run.out) }
}
// Every input a fuzz target ever learnt from, once: what was found stays found.
async function runFuzz(file) {
  const run = await runCommand(join(BUILD, MODE, file.replace(/\.c$/, '')), [file.replace(/([^/]+)_fuzz\.c$/, 'corpus/$1')], {})
  return { ...run, ...countCmocka(run.out) }
}
async function runJourney(file, engine) {
  const env = { ANJU_TEST_ENGINE: engine, ANJU_TEST_PG: pg.url, ANJU_BIN: process.env.ANJU_BIN ?? join(BUILD, MODE, 'anju') }
  const run = await runCommand(process.execPath, ['--test-reporter=tap', file], env)
  return { ...run, ...countNode(run.out) }
}
// The browser sees what ships: the release build. Chromium writes into HOME, so it gets one of its own.
async function runBrowser(where) {
  const home = tempDir('anju-home')
  const report = join(home, 'report.json')
  const run = await runCommand('test/node_modules/.bin/playwright', ['test', '-c', 'test/e2e', where], {
    HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, PLAYWRIGHT_JSON_OUTPUT_NAME: report,
    ANJU_TEST_PG: pg.url, ANJU_BIN: process.env.ANJU_BIN ?? join(BUILD, 'anju'),
  }, BROWSER_MS)
  const stats = existsSync(report) ? JSON.parse(readFileSync(report)).stats : {}
  removeDir(home)
  // A test that needs a second try is a failure here: nobody looks at it otherwise.
  return { ...run, passed: stats.expected ?? 0, failed: (stats.unexpected ?? 0) + (stats.flaky ?? 0), skipped: stats.skipped ?? 0 }
}

const total = { passed: 0, failed: 0, skipped: 0 }
async function runSuite(name, files, runFile, jobs) {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  const began = Date.now()
  const queue = [...files]
  const slow = []
  const worker = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const started = Date.now()
      const result = await runFile(file)
      slow.push([Date.now() - started, file])
      // A crash, a sanitizer report or a failing hook fails no test of its own: count the file.
      if (!result.ok && result.failed === 0) result.failed = 1
      for (const key of Object.keys(sum)) sum[key] += result[key]
      if (result.failed) console.log(`\n--- ${name}: ${file} ---\n${result.all.trimEnd()}\n---\n`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  for (const key of Object.keys(sum)) total[key] += sum[key]
  const skipped = sum.skipped ? `, ${sum.skipped} skipped` : ''
  const seconds = ((Date.now() - began) / 1000).toFixed(1)
  console.log(`${name}: ${sum.passed} passed, ${sum.failed} failed${skipped} (${files.length} files, ${seconds} s)`)
  if (process.env.ANJU_TEST_TIMES) for (const [ms, file] of slow.sort(([a], [b]) => b - a)) console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${file}`)
}

const asked = process.argv.slice(2).flatMap((a) => (['journeys', 'faults'].includes(a) ? [`${a}-sqlite`, `${a}-postgres`] : [a]))
const unknown = asked.filter((a) => !ALL_SUITES.includes(a) && !([isUnit, isFuzz, isJourney, isSpec].some((is) => is(a)) && existsSync(a)))
if (unknown.length) {
  console.error(`no suite or file: ${unknown.join(' ')}. Suites: ${ALL_SUITES.join(' ')}`)
  process.exit(2)
}
const files = asked.filter((a) => !ALL_SUITES.includes(a))
const suites = asked.length ? asked.filter((a) => ALL_SUITES.includes(a)) : ALL_SUITES
const pick = (suite, everything, wanted) => (suites.includes(suite) ? everything() : files.filter(wanted))

const pg = await startPostgres()
process.env.ANJU_TEST_SHARED = tempDir('anju-shared') // the demo community is made once for all files
const unitFiles = pick('units', units, isUnit)
if (unitFiles.length) await runSuite('units', unitFiles, runUnit, JOBS)
const fuzzFiles = pick('fuzz', () => find('test/fuzz', isFuzz), isFuzz)
if (fuzzFiles.length) await runSuite('fuzz', fuzzFiles, runFuzz, JOBS)
for (const engine of (process.env.ANJU_TEST_ENGINES ?? 'sqlite postgres').split(' ')) {
  const list = pick(`journeys-${engine}`, journeys, (f) => isJourney(f) && !isFaults(f))
  if (list.length) await runSuite(`journeys-${engine}`, list, (f) => runJourney(f, engine), WAITING_JOBS)
  const hurt = pick(`faults-${engine}`, faults, isFaults)
  if (hurt.length) await runSuite(`faults-${engine}`, hurt, (f) => runJourney(f, engine), JOBS)
}
const specs = pick('e2e', () => ['test/e2e'], isSpec) // all of them in one call: they share its windows and servers
if (specs.length) await runSuite('e2e', specs, runBrowser, 1)
await pg.stop()

if (!asked.length) {
  const floor = Number(readFileSync('test/count.min', 'utf8'))
  if (total.passed + total.failed < floor) {
    console.log(`only ${total.passed + total.failed} tests ran; test/count.min asks for ${floor}`)
    total.failed++
  }
}
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed ? 1 : 0
