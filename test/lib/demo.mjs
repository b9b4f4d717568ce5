// demo.mjs - the demo community, made once per run (folder ANJU_TEST_SHARED of test/run.mjs, else per process) and then
// copied: a folder for SQLite, CREATE DATABASE … TEMPLATE for PostgreSQL. Test files run side by side: the first one builds.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createDatabase, postgresUrl } from './postgres.mjs'
import { tempDir } from './temp.mjs'

const WAIT_MS = 180_000
let own // this process's folder when no run gives one

// build(dir, db) must leave a finished demo and nobody connected.
export async function demoDatabase(kind, dir, build) {
  const shared = process.env.ANJU_TEST_SHARED ?? (own ??= tempDir('anju-shared'))
  const server = kind === 'postgres' ? await postgresUrl() : ''
  const place = join(shared, `demo-${kind}-${server.match(/:(\d+)\//)?.[1] ?? ''}`)
  const template = `demo_template_${process.pid}`
  const ready = join(place, 'ready')
  let first = true
  try {
    mkdirSync(place)
  } catch (e) {
    if (e.code !== 'EEXIST') throw e
    first = false
  }
  if (first) {
    try {
      mkdirSync(join(place, 'data'))
      const db =
        kind === 'postgres' ? await createDatabase(server, template) : `sqlite:${join(place, 'data', 'anju.db')}`
      await build(join(place, 'data'), db)
      writeFileSync(`${ready}.new`, template)
      renameSync(`${ready}.new`, ready)
    } catch (e) {
      writeFileSync(join(place, 'failed'), String(e.stack))
      throw e
    }
  }
  for (const until = Date.now() + WAIT_MS; !existsSync(ready); await pause(50)) {
    if (existsSync(join(place, 'failed')))
      throw new Error(`the demo was not built: ${readFileSync(join(place, 'failed'))}`)
    if (Date.now() > until) throw new Error(`no demo after ${WAIT_MS} ms`)
  }
  cpSync(join(place, 'data'), dir, { recursive: true })
  return kind === 'postgres'
    ? createDatabase(server, undefined, readFileSync(ready, 'utf8'))
    : `sqlite:${join(dir, 'anju.db')}`
}
