// postgres.mjs - a throw-away PostgreSQL for the tests: own folder, own port, gone at the end. It runs as the user postgres
// when we are root, because PostgreSQL refuses root. fsync is off here: tests of durability must ask for { fsync: true }.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exited, ownChild, removeDir, tempDir } from './temp.mjs'

const run = promisify(execFile)
const USER = 'anju_test'

// Debian keeps the server's programs out of PATH, one folder a version; 15 is the one we promise to run on.
function bin(name) {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => (b === '15') - (a === '15') || b - a) : []
  return versions.map((v) => join(root, v, 'bin', name)).find(existsSync) ?? name
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function notRoot() {
  if (process.getuid() !== 0) return {}
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres']))
  return { uid: id('-u'), gid: id('-g') }
}

// → { url, stop(), halt(), start() }; url is a superuser's, of the database postgres.
export async function startPostgres({ fsync = false } = {}) {
  const dir = tempDir('anju-pg')
  const as = { ...notRoot(), cwd: dir, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } }
  if (as.uid !== undefined) chownSync(dir, as.uid, as.gid)
  const data = join(dir, 'data')
  await run(bin('initdb'), ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], as)
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1', port, unix_socket_directories: dir, max_connections: 200,
    fsync: fsync ? 'on' : 'off', synchronous_commit: 'on',
  }
  const args = Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])
  let child
  async function start() {
    child = ownChild(spawn(bin('postgres'), ['-D', data, ...args], { ...as, stdio: ['ignore', 'ignore', 'pipe'] }), 'SIGQUIT')
    await new Promise((resolve, reject) => {
      let log = ''
      child.stderr.on('data', (text) => {
        if (log.length < 10000 && /ready to accept connections/.test((log += text))) resolve()
      })
      child.once('exit', (code) => reject(new Error(`PostgreSQL ended (${code}):\n${log}`)))
      child.once('error', reject)
    })
  }
  // For tests of a lost server: the same data, the same address.
  async function halt() {
    child.kill('SIGINT')
    await exited(child)
  }
  await start()
  return {
    url: `postgres://${USER}@127.0.0.1:${port}/postgres`,
    start,
    halt,
    async stop() {
      await halt()
      removeDir(dir)
    },
  }
}

export async function sql(url, text) {
  const { stdout } = await run(bin('psql'), ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', text])
  return stdout.trim()
}

// A new database on the server of url, empty or a copy of a template → its url.
let count = 0
export async function createDatabase(url, name = `t_${process.pid}_${Date.now().toString(36)}_${++count}`, template) {
  await sql(url, `CREATE DATABASE ${name}${template ? ` TEMPLATE ${template}` : ''}`)
  const made = new URL(url)
  made.pathname = `/${name}`
  return made.href
}

export async function dropDatabase(url) {
  const base = new URL(url)
  const name = base.pathname.slice(1)
  base.pathname = '/postgres'
  await sql(base.href, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
}

// The suite's server when test/run.mjs started one, else one of our own for this process.
let own
export async function postgresUrl() {
  if (process.env.ANJU_TEST_PG) return process.env.ANJU_TEST_PG
  own ??= startPostgres()
  return (await own).url
}
export async function stopOwnPostgres() {
  if (own) await (await own).stop()
  own = undefined
}
