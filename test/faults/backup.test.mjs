// backup.test.mjs - backup while people write, restore, damage of every kind found, copies between the engines.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { expect, openHouse, PASSWORD, PNG, upload } from '../lib/house.mjs'
import { checkedClient } from '../lib/openapi.mjs'
import { createDatabase, dropDatabase, postgresUrl } from '../lib/postgres.mjs'
import { cli, engine, startServer } from '../lib/server.mjs'
import { removeDir, tempDir } from '../lib/temp.mjs'

const dir = tempDir('anju-backup')
const house = await openHouse()
const desk = await house.as('desk')
const made = [] // databases of ours on the PostgreSQL server
after(async () => {
  await house.stop()
  for (const url of made) await dropDatabase(url)
  removeDir(dir)
})
const file = (name) => join(dir, name)
const run = async (status, ...words) => {
  const { code, out, err } = await cli(words)
  assert.equal(code, status, `anju ${words.join(' ')}: ${code}\n${out}${err}`)
  return out + err
}
async function emptyDatabase(kind, name) {
  if (kind === 'sqlite') return `sqlite:${file(name)}`
  made.push(await createDatabase(await postgresUrl()))
  return made.at(-1)
}
const token = (await house.server.cli(['token', 'create', 'desk', '--rate', '0'])).out.trim()
const fast = await house.anyone()
const create = async (title) =>
  expect(await fast.post('tickets', { community_id: house.community, kind: 'repair', title, channel: 'phone' }, { authorization: `Bearer ${token}` }), 201)

const photo = await house.register(desk, { title: '有照片的工单' })
const kept = expect(await desk.request('POST', `tickets/${photo.id}/files`, upload(PNG, '现场.png', 'before')), 201)

test('a backup made while people write holds all that was acknowledged before it, and nothing half', async () => {
  const before = []
  const during = []
  for (let i = 0; i < 20; i++) before.push(await create('备份前'))
  let going = true
  const writer = async () => {
    while (going) during.push(await create('备份中'))
  }
  const writers = Array.from({ length: 4 }, writer)
  const told = await run(0, 'backup', file('a.backup'), '--db', house.server.db, '--data', house.server.dir)
  going = false
  await Promise.all(writers)
  assert.match(told, /\d+ tables, \d+ rows, 1 uploads \(70 bytes\), read back and compared/)
  assert.ok(during.length > 0, 'somebody wrote meanwhile')
  assert.deepEqual(readdirSync(dir), ['a.backup'], 'one file, nothing beside it')
  assert.equal(statSync(file('a.backup')).mode & 0o777, 0o600)

  const to = await emptyDatabase(engine, 'a.db')
  const data = file('a-data')
  mkdirSync(data)
  copyFileSync(join(house.server.dir, 'anju.key'), join(data, 'anju.key'))
  assert.match(await run(0, 'restore', file('a.backup'), '--db', to, '--data', data), /checks, 0 faults/)
  await run(0, 'check', '--db', to, '--data', data)
  const server = await startServer({ database: to, args: ['--data', data] })
  try {
    const again = await checkedClient(server.url)
    await again.login('desk', PASSWORD)
    for (const t of before) assert.equal(expect(await again.get(`tickets/${t.id}`), 200).code, t.code)
    const codes = new Set([...before, ...during].map((t) => t.code))
    const next = expect(await again.post('tickets', { community_id: house.community, kind: 'repair', title: '恢复后', channel: 'phone' }), 201)
    const inBackup = []
    const authorization = `Bearer ${token}` // it was copied too, and has no rate
    const anyone = await checkedClient(server.url)
    for (const t of during) if ((await anyone.get(`tickets/${t.id}`, { authorization })).status === 200) inBackup.push(t.code)
    assert.ok(![...before.map((t) => t.code), ...inBackup].includes(next.code), 'numbers go on where the backup ends')
    assert.equal(codes.size, before.length + during.length)
    const bytes = await again.get(`files/${kept.id}`)
    assert.equal(bytes.status, 200)
    assert.deepEqual(bytes.bytes, PNG)
  } finally {
    await server.stop()
  }
})

test('the key is not in a backup', () => {
  const keys = readFileSync(join(house.server.dir, 'anju.key'), 'utf8').split('\n').filter((l) => l && !l.startsWith('#'))
  const backup = readFileSync(file('a.backup'))
  assert.ok(keys.length)
  for (const line of keys) {
    const hex = line.split(' ')[1]
    assert.ok(!backup.includes(hex) && !backup.includes(Buffer.from(hex, 'hex')))
  }
})

test('any changed byte of a row, an upload or the manifest is found, and nothing is restored', async () => {
  const good = readFileSync(file('a.backup'))
  const places = []
  for (const text of ['有照片的工单', '备份前', '现场.png', '和安苑', 'read back?']) {
    const at = good.indexOf(Buffer.from(text))
    if (at >= 0) places.push(at + 1)
  }
  places.push(good.indexOf(PNG.subarray(20)) + 3) // inside the upload
  places.push(good.lastIndexOf(Buffer.from('sla_policy')) + 1) // the manifest's line
  assert.ok(places.length >= 5)
  for (const [i, at] of places.entries()) {
    const bad = Buffer.from(good)
    bad[at] ^= 1
    writeFileSync(file('bad.backup'), bad)
    const words = await run(1, 'restore', file('bad.backup'), '--db', `sqlite:${file('bad.db')}`, '--data', file('bad-data'))
    assert.match(words, /damaged/, `place ${i}`)
    assert.ok(!existsSync(file('bad.db')))
  }
  for (const [name, bytes] of [['short', good.subarray(0, good.length >> 1)], ['empty', Buffer.alloc(0)], ['text', Buffer.from('hello\n'.repeat(1000))]]) {
    writeFileSync(file('bad.backup'), bytes)
    assert.match(await run(1, 'restore', file('bad.backup'), '--db', `sqlite:${file('bad.db')}`, '--data', file('bad-data')), /damaged|not a backup/, name)
    assert.ok(!existsSync(file('bad.db')))
  }
})

test('nothing is overwritten unless it is asked for; a running house is never replaced', async () => {
  const where = ['--db', house.server.db, '--data', house.server.dir]
  const first = readFileSync(file('a.backup'))
  assert.match(await run(1, 'backup', file('a.backup'), ...where), /--replace/)
  assert.deepEqual(readFileSync(file('a.backup')), first)
  await run(0, 'backup', file('b.backup'), ...where)
  await run(0, 'backup', file('b.backup'), '--replace', ...where)
  assert.match(await run(1, 'restore', file('a.backup'), ...where), /in use|not empty|holds a house/)
  assert.match(await run(1, 'restore', file('a.backup'), '--replace', ...where), /stop the service/)
  expect(await desk.get(`tickets/${photo.id}`), 200)
  const later = await create('备份后')
  await house.server.halt()
  assert.match(await run(1, 'restore', file('b.backup'), ...where), /not empty|--replace/)
  await run(0, 'restore', file('b.backup'), '--replace', ...where)
  await house.server.restart()
  expect(await desk.get(`tickets/${photo.id}`), 200)
  expect(await desk.get(`tickets/${later.id}`), 404)
  await run(0, 'check', ...where)
  assert.match(await run(1, 'backup', file('c.backup'), '--db', 'sqlite:/nowhere/x.db', '--data', dir), /no database|does not exist/)
  assert.ok(!existsSync(file('c.backup')))
  assert.match(await run(1, 'backup', '/nowhere/c.backup', ...where), /not kept/)
})

test('a lost or damaged upload is told by check and backup, and the rest is kept', async () => {
  const where = ['--db', house.server.db, '--data', house.server.dir]
  const folder = join(house.server.dir, 'files')
  const path = join(folder, readdirSync(folder)[0])
  const upload = join(path, readdirSync(path)[0])
  const bytes = readFileSync(upload)
  writeFileSync(upload, Buffer.concat([bytes, Buffer.from('x')]))
  assert.match(await run(1, 'check', ...where), /uploads: id \d+ the upload was changed/)
  assert.match(await run(0, 'backup', file('d.backup'), ...where), /1 uploads are lost or damaged/)
  writeFileSync(upload, bytes)
  await run(0, 'check', ...where)
})

test('a copy into the other engine and back is row for row the same', async () => {
  const other = engine === 'sqlite' ? 'postgres' : 'sqlite'
  await run(0, 'backup', file('e.backup'), '--db', house.server.db, '--data', house.server.dir)
  const a = await emptyDatabase(engine, 'e1.db')
  await run(0, 'restore', file('e.backup'), '--db', a, '--data', house.server.dir)
  const b = await emptyDatabase(other, 'e2.db')
  const c = await emptyDatabase(engine, 'e3.db')
  await run(0, 'db', 'copy', a, b, '--data', house.server.dir)
  await run(0, 'db', 'copy', b, c, '--data', house.server.dir)
  assert.match(await run(1, 'db', 'copy', a, c, '--data', house.server.dir), /not empty/)
  for (const db of [b, c]) await run(0, 'check', '--db', db, '--data', house.server.dir)
  // Judged by another program than the one that copied: every row of every table as Python or psql reads it.
  const rows = (url) =>
    url.startsWith('sqlite:')
      ? execFileSync('python3', ['-c', "import sqlite3,sys\nd=sqlite3.connect(sys.argv[1])\nfor (t,) in d.execute(\"select name from sqlite_schema where type='table' and name<>'schema_mark' order by 1\").fetchall():\n  print(t)\n  for r in sorted(map(repr,d.execute('select * from '+t))): print(r)", url.slice(7)], { maxBuffer: 1 << 28 }).toString()
      : execFileSync('sh', ['-c', `for t in $(psql -XAtd "$1" -c "select tablename from pg_tables where schemaname='public' and tablename<>'schema_mark' order by 1"); do echo $t; psql -XAtd "$1" -c "copy (select * from $t order by 1, 2) to stdout" | sort; done`, 'sh', url], { maxBuffer: 1 << 28 }).toString()
  assert.ok(rows(a).length > 100_000)
  assert.equal(rows(a) === rows(c), true, 'the round trip')
  const server = await startServer({ engine: other, database: b, args: ['--data', house.server.dir] })
  try {
    const there = await checkedClient(server.url)
    await there.login('desk', PASSWORD)
    expect(await there.get(`tickets/${photo.id}`), 200)
    expect(await there.post('tickets', { community_id: house.community, kind: 'repair', title: '搬家后', channel: 'phone' }), 201)
  } finally {
    await server.stop()
  }
})

test('the nightly script with the real program: one good backup, the older one gone', async () => {
  const folder = file('nightly')
  const config = file('anju.conf')
  writeFileSync(config, `db = ${house.server.db}\ndata = ${house.server.dir}\n`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'anju-20260101T000000Z.backup'), 'old')
  const env = { PATH: process.env.PATH, ANJU_BIN: process.env.ANJU_BIN ?? join(process.env.ANJU_BUILD ?? 'build', 'anju'), ANJU_CONFIG: config, ANJU_BACKUP_DIR: folder, ANJU_BACKUP_KEEP: '1' }
  execFileSync('packaging/backup.sh', { env, stdio: 'pipe' })
  const [name, ...others] = readdirSync(folder)
  assert.deepEqual(others, [])
  assert.notEqual(name, 'anju-20260101T000000Z.backup')
  await run(0, 'restore', join(folder, name), '--db', await emptyDatabase(engine, 'n.db'), '--data', house.server.dir)
})
