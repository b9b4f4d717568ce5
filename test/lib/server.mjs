// server.mjs - the program under test: a real process on a fresh folder and a fresh database, and a small client for it.
//   const server = await startServer({ demo: true })       engine: option, else ANJU_TEST_ENGINE, else sqlite
//   const desk = client(server.url); await desk.login('desk', 'anju-demo')      journeys: checkedClient of openapi.mjs
//   const { status, body } = await desk.post('tickets', { … })    paths without '/' are below /api/v1/
//   after(() => server.stop())                                     fails when the program did not end cleanly
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { demoDatabase } from './demo.mjs'
import { createDatabase, dropDatabase, postgresUrl, stopOwnPostgres } from './postgres.mjs'
import { exited, ownChild, removeDir, tempDir } from './temp.mjs'

const START_MS = 120_000 // a demo under sanitizers on a busy machine
const STOP_MS = 30_000
const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..')
const program = () => resolve(root, process.env.ANJU_BIN ?? join(process.env.ANJU_BUILD ?? 'build', 'anju'))

export const engine = process.env.ANJU_TEST_ENGINE ?? 'sqlite'
let running = 0

const emptyDatabase = async (kind, dir) => (kind === 'postgres' ? createDatabase(await postgresUrl()) : `sqlite:${join(dir, 'anju.db')}`)

// `serve --demo` fills an empty database before it listens; ended again, the database is a template.
async function buildDemo(dir, db) {
  const child = ownChild(spawn(program(), ['serve', '--demo', '--db', db, '--listen', '127.0.0.1:0', '--data', dir], { stdio: ['ignore', 'pipe', 'pipe'] }))
  let log = ''
  await new Promise((ready, fail) => {
    const late = setTimeout(() => fail(new Error(`no demo after ${START_MS} ms:\n${log}`)), START_MS)
    const read = (text) => {
      if (!/http:\/\/127\.0\.0\.1:\d+/.test((log += text))) return
      clearTimeout(late)
      ready()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', fail)
    child.once('exit', (code, signal) => fail(new Error(`the demo ended (${signal ?? code}):\n${log}`)))
  })
  child.kill('SIGTERM')
  await exited(child)
  if (child.exitCode !== 0) throw new Error(`the demo ended with ${child.signalCode ?? child.exitCode}:\n${log}`)
}

// → { url, dir, db, log(), stop(), kill(), halt(), restart(), cli(args, input) }
// database: an existing one by its URL, not dropped at the end.
export async function startServer({ engine: kind = engine, demo = false, database, args = [], env = {} } = {}) {
  const dir = tempDir('anju')
  running++
  const db = database ?? (demo ? await demoDatabase(kind, dir, buildDemo) : await emptyDatabase(kind, dir))
  let child
  let log = ''
  let listen = '127.0.0.1:0'

  function start() {
    const all = ['serve', '--db', db, '--listen', listen, '--data', dir, ...args]
    child = ownChild(spawn(program(), all, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))
    return new Promise((ready, fail) => {
      const late = setTimeout(() => fail(new Error(`no server after ${START_MS} ms:\n${log}`)), START_MS)
      let seen = ''
      const read = (text) => {
        log = (log + text).slice(-200_000)
        const hit = listen && seen !== null && (seen += text).match(/http:\/\/127\.0\.0\.1:(\d+)/)
        if (!hit) return
        seen = null
        clearTimeout(late)
        listen = `127.0.0.1:${hit[1]}` // a restart comes back at the same address
        ready(hit[0])
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.once('error', fail)
      child.once('exit', (code, signal) => {
        clearTimeout(late)
        fail(new Error(`the server ended (${signal ?? code}):\n${log}`))
      })
    })
  }
  // SIGTERM must drain and end with 0; sanitizer reports and leaks end with something else.
  async function end() {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await exited(child)
    clearTimeout(late)
    return child.exitCode
  }

  const server = {
    url: await start(),
    dir,
    db,
    engine: kind,
    log: () => log,
    process: () => child,
    async kill() {
      child.kill('SIGKILL')
      await exited(child)
    },
    halt: end, // ended, its folder kept: restart() goes on
    async restart() {
      await end()
      server.url = await start()
    },
    async stop() {
      const killed = child.signalCode === 'SIGKILL'
      const code = await end()
      removeDir(dir)
      if (kind === 'postgres' && !database) await dropDatabase(db)
      if (--running === 0) await stopOwnPostgres()
      if (code !== 0 && !killed) throw new Error(`the server ended with ${child.signalCode ?? code}:\n${log}`)
    },
    cli: (words, input, options) => cli([...words, '--db', db, '--data', dir], input, options),
  }
  return server
}

// Runs the program to its end → { code, out, err }.
export async function cli(args, input = '', options = {}) {
  const child = ownChild(spawn(program(), args, { cwd: root, ...options }))
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (part) => (text[name] += part))
  child.stdin.on('error', () => {}) // it may end before it read everything
  child.stdin.end(input)
  const code = await new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', (c, signal) => done(c ?? signal))
  })
  return { code, out: text.stdout, err: text.stderr }
}

// observe(method, path, reply), when given, sees every reply.
export function client(url, observe) {
  let cookie
  let csrf
  const address = (path) => (path.startsWith('/') ? url + path : `${url}/api/v1/${path}`)

  async function request(method, path, body, headers = {}) {
    const plain = body === undefined || typeof body === 'string' || body instanceof FormData || ArrayBuffer.isView(body)
    const all = { ...headers }
    if (!plain) all['content-type'] ??= 'application/json'
    if (cookie) all.cookie ??= cookie
    if (csrf && method !== 'GET') all['x-csrf-token'] ??= csrf
    const reply = await fetch(address(path), { method, headers: all, body: plain ? body : JSON.stringify(body), redirect: 'manual' })
    const type = reply.headers.get('content-type') ?? ''
    const bytes = Buffer.from(await reply.arrayBuffer())
    let read = bytes
    if (/\bjson\b/.test(type) && bytes.length) read = JSON.parse(bytes.toString())
    else if (/^text\//.test(type)) read = bytes.toString()
    const answer = { status: reply.status, body: bytes.length ? read : null, headers: reply.headers, bytes }
    observe?.(method, address(path), answer)
    return answer
  }
  const ifMatch = (version, headers) => (version === undefined ? headers : { 'if-match': String(version), ...headers })

  return {
    request,
    get: (path, headers) => request('GET', path, undefined, headers),
    post: (path, body, headers) => request('POST', path, body, headers),
    patch: (path, body, version, headers) => request('PATCH', path, body, ifMatch(version, headers)),
    del: (path, version, headers) => request('DELETE', path, undefined, ifMatch(version, headers)),
    async login(login, password) {
      cookie = csrf = undefined
      const reply = await request('POST', 'session', { login, password })
      if (reply.status !== 201) throw new Error(`login ${login}: ${reply.status} ${JSON.stringify(reply.body)}`)
      cookie = reply.headers.get('set-cookie').split(';')[0] // one cookie; Debian's Node 18 has no getSetCookie
      csrf = reply.body.csrf
      return reply.body
    },
    session: () => ({ cookie, csrf }),
  }
}
