// upgrade.test.mjs - a house of release 0.1.0 (test/data/release-0.1.0) comes up with this program: a verified backup first,
// nothing lost, the old state can be had back.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Database } from '../lib/database.mjs'
import { expect, PASSWORD, PNG } from '../lib/house.mjs'
import { checkedClient } from '../lib/openapi.mjs'
import { createDatabase, dropDatabase, postgresUrl } from '../lib/postgres.mjs'
import { cli, engine, startServer } from '../lib/server.mjs'
import { removeDir, tempDir } from '../lib/temp.mjs'

const old = gunzipSync(readFileSync(new URL('../data/release-0.1.0/anju.db.gz', import.meta.url)))
const dir = tempDir('anju-upgrade')
const made = []
after(async () => {
  for (const url of made) await dropDatabase(url)
  removeDir(dir)
})
const run = async (status, ...words) => {
  const { code, out, err } = await cli(words)
  assert.equal(code, status, `anju ${words.join(' ')}: ${code}\n${out}${err}`)
  return out + err
}
const emptyDatabase = async (name) => {
  if (engine === 'sqlite') return `sqlite:${join(dir, name)}`
  made.push(await createDatabase(await postgresUrl()))
  return made.at(-1)
}
const data = join(dir, 'data')
mkdirSync(join(data, 'files', '6b'), { recursive: true })
writeFileSync(join(data, 'files', '6b', '7fa434f92a8b80aab02d9bf1a12e49ffcae424e4013a1c4f68b67e3d2bbcd0'), PNG)
const count = async (db, table) => Number((await new Database({ db }).run(`SELECT count(*) FROM ${table}`))[0])

let db
test('the old house as it was, also on the other engine', async () => {
  writeFileSync(join(dir, 'old.db'), old)
  db = `sqlite:${join(dir, 'old.db')}`
  if (engine === 'postgres') {
    const to = await emptyDatabase()
    assert.match(await run(0, 'db', 'copy', db, to, '--data', data), /older program: run anju upgrade/)
    db = to
  }
  assert.equal(await count(db, 'ticket'), 978)
})

test('an upgrade whose backup fails changes nothing', async () => {
  await run(1, 'upgrade', '--backup', '/nowhere/old.backup', '--db', db, '--data', data)
  if (engine === 'sqlite') assert.ok(readFileSync(join(dir, 'old.db')).equals(old) || (await count(db, 'ticket')) === 978)
  await assert.rejects(new Database({ db }).run('SELECT position FROM event LIMIT 1'), 'no column was added')
})

test('anju upgrade --backup: kept, brought up, checked', async () => {
  const told = await run(0, 'upgrade', '--backup', join(dir, 'old.backup'), '--db', db, '--data', data)
  assert.match(told, /1 uploads \(70 bytes\), read back and compared/)
  assert.match(told, /upgraded/)
  assert.match(told, /checks, 0 faults/)
  assert.match(await run(0, 'upgrade', '--db', db, '--data', data), /already/)
  for (const [table, n] of [['ticket', 978], ['person', 968], ['rating', 285]]) assert.equal(await count(db, table), n)
  assert.ok((await count(db, 'event')) >= 7081) // new roles and policies are events too
})

test('people log in, old tickets and photos are there, new numbers go on', async () => {
  const server = await startServer({ database: db, args: ['--data', data] })
  try {
    const desk = await checkedClient(server.url)
    await desk.login('desk', PASSWORD)
    const ticket = expect(await desk.get(`tickets?q=${encodeURIComponent('第一版的工单')}`), 200).items[0]
    assert.equal(ticket.code, 'WX-2026-000512')
    const photo = expect(await desk.get(`tickets/${ticket.id}/files`), 200).items[0]
    assert.deepEqual((await desk.get(`files/${photo.id}`)).bytes, PNG)
    const next = expect(await desk.post('tickets', { community_id: ticket.community_id, kind: 'repair', title: '升级后', channel: 'phone' }), 201)
    assert.ok(Number(next.code.slice(-6)) > 512 || next.code.slice(3, 7) !== '2026', next.code)
    expect(await desk.post(`tickets/${ticket.id}/actions/accept`, {}), 200)
  } finally {
    await server.stop()
  }
  await run(0, 'check', '--db', db, '--data', data)
})

test('the backup of the old house comes back under the new program', async () => {
  const to = await emptyDatabase('back.db')
  await run(0, 'restore', join(dir, 'old.backup'), '--db', to, '--data', join(dir, 'back'))
  assert.equal(await count(to, 'ticket'), 978)
  assert.ok(existsSync(join(dir, 'back', 'files', '6b', '7fa434f92a8b80aab02d9bf1a12e49ffcae424e4013a1c4f68b67e3d2bbcd0')))
  await run(0, 'upgrade', '--db', to, '--data', join(dir, 'back'))
})
