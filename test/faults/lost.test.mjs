// lost.test.mjs - the database locked, gone, replaced, cut off, restarted: the program says 503, never crashes, comes back by
// itself; told to stop, it finishes what has begun.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, openHouse, PASSWORD } from '../lib/house.mjs'
import { checkedClient } from '../lib/openapi.mjs'
import { createDatabase, sql, startPostgres } from '../lib/postgres.mjs'
import { engine, startServer } from '../lib/server.mjs'
import { exited, ownChild } from '../lib/temp.mjs'

const ticket = (house, title = '故障演练') => ({
  community_id: house.community,
  kind: 'repair',
  title,
  channel: 'phone',
})

function busy(reply) {
  assert.equal(reply.status, 503, JSON.stringify(reply.body))
  assert.ok(Number(reply.headers.get('retry-after')) >= 1)
  assert.equal(reply.body.code, 'busy')
}
// Asks again until the answer is the wanted one; recovery is the product's own doing.
async function eventually(ask, status, ms = 30_000) {
  const until = Date.now() + ms
  for (;;) {
    const reply = await ask()
    if (reply.status === status) return reply
    assert.ok(Date.now() < until, `no ${status} after ${ms} ms, still ${reply.status}`)
    await pause(100)
  }
}
async function withHouse(run) {
  const house = await openHouse()
  try {
    await run(house, await house.as('desk'), await house.anyone())
  } finally {
    await house.stop()
  }
}

if (engine === 'sqlite') {
  test('a database file that another process has locked: 503 in time, then all is well', () =>
    withHouse(async (house, desk) => {
      const script =
        'import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\ndb.execute("BEGIN EXCLUSIVE")\nprint("locked", flush=True)\nsys.stdin.read()'
      const locker = ownChild(
        spawn('python3', ['-c', script, house.server.db.slice('sqlite:'.length)], {
          stdio: ['pipe', 'pipe', 'inherit'],
        }),
      )
      await new Promise((locked) => locker.stdout.once('data', locked))
      try {
        const [write, read] = await Promise.all([desk.post('tickets', ticket(house)), desk.get('tickets?limit=1')])
        busy(write)
        expect(read, 200)
      } finally {
        locker.stdin.end()
      }
      await exited(locker)
      expect(await desk.post('tickets', ticket(house)), 201)
    }))

  test('a database file that is gone: not ready, 503, no new empty file; back again: ready', () =>
    withHouse(async (house, desk, anyone) => {
      const file = house.server.db.slice('sqlite:'.length)
      const kept = expect(await desk.post('tickets', ticket(house)), 201)
      for (const end of ['', '-wal', '-shm']) if (existsSync(file + end)) renameSync(file + end, `${file}.away${end}`)
      busy(await eventually(() => anyone.get('/readyz'), 503))
      expect(await anyone.get('/healthz'), 200)
      busy(await eventually(() => desk.get('tickets?limit=1'), 503))
      busy(await desk.post('tickets', ticket(house)))
      assert.ok(!existsSync(file), 'nothing makes an empty database in its place')
      for (const end of ['', '-wal', '-shm'])
        if (existsSync(`${file}.away${end}`)) renameSync(`${file}.away${end}`, file + end)
      await eventually(() => anyone.get('/readyz'), 200)
      await eventually(() => desk.get(`tickets/${kept.id}`), 200)
      expect(await desk.post('tickets', ticket(house)), 201)
    }))

  test('a database file put back from a copy is taken up', () =>
    withHouse(async (house, desk) => {
      const file = house.server.db.slice('sqlite:'.length)
      await house.server.restart() // closes cleanly: the copy is whole
      copyFileSync(file, `${file}.copy`)
      expect(await desk.post('tickets', ticket(house)), 201)
      const lost = expect(await desk.post('tickets', ticket(house)), 201)
      for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true })
      renameSync(`${file}.copy`, file)
      await eventually(() => desk.get(`tickets/${lost.id}`), 404)
      expect(await eventually(() => desk.post('tickets', ticket(house)), 201), 201)
    }))
} else {
  test('PostgreSQL: a connection cut, the server gone and back', async () => {
    const pg = await startPostgres()
    const database = await createDatabase(pg.url)
    const server = await startServer({ database, args: ['--demo'] })
    try {
      const desk = await checkedClient(server.url)
      await desk.login('desk', PASSWORD)
      const house = { community: expect(await desk.get('meta'), 200).communities[0].id }
      const make = () => desk.post('tickets', ticket(house))
      expect(await make(), 201)
      await sql(
        pg.url,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${new URL(database).pathname.slice(1)}'`,
      )
      const cut = await Promise.all(Array.from({ length: 8 }, (_, i) => (i % 2 ? make() : desk.get('tickets?limit=1'))))
      for (const r of cut) assert.ok([200, 201, 503].includes(r.status), `${r.status}`)
      expect(await eventually(make, 201), 201)

      await pg.halt()
      busy(await desk.get('/readyz'))
      expect(await desk.get('/healthz'), 200)
      for (const r of await Promise.all([make(), desk.get('tickets?limit=1'), make()])) busy(r)
      await pg.start()
      await eventually(() => desk.get('/readyz'), 200)
      const made = expect(await eventually(make, 201), 201)
      expect(await desk.get(`tickets/${made.id}`), 200)
      expect(await desk.get('tickets?count=1&limit=1'), 200)
    } finally {
      await server.stop()
      await pg.stop()
    }
  })
}

test('SIGTERM: what has begun is finished, nothing new is taken, the end is 0', async () => {
  const house = await openHouse()
  const desk = await house.as('desk')
  const { cookie, csrf } = desk.session()
  const body = JSON.stringify(ticket(house, '停机时的请求'))
  // The head and half the body are with the server when the signal comes.
  const { hostname, port } = new URL(house.url)
  const answer = new Promise((done, fail) => {
    let text = ''
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nCookie: ${cookie}\r\nX-CSRF-Token: ${csrf}\r\nExpect: 100-continue\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
    )
    socket.on('data', (part) => {
      text += part
      if (/^HTTP\/1\.1 100[\s\S]*?\r\n\r\n$/.test(text)) {
        socket.write(body.slice(0, 20))
        setImmediate(() => {
          house.server.process().kill('SIGTERM')
          stopped()
        })
      }
    })
    const stopped = async () => {
      // The door is shut when connecting fails.
      for (const until = Date.now() + 10_000; Date.now() < until; await pause(20)) {
        const open = await new Promise((yes) => {
          const probe = connect(Number(port), hostname, () => (probe.destroy(), yes(true)))
          probe.on('error', () => yes(false))
        })
        if (!open) break
      }
      socket.write(body.slice(20))
    }
    socket.on('close', () => done(text))
    socket.on('error', fail)
  })
  assert.match(await answer, /HTTP\/1\.1 201 /)
  await exited(house.server.process())
  assert.equal(house.server.process().exitCode, 0, house.server.log())
  await house.server.restart()
  assert.equal(expect(await desk.get(`tickets?q=${encodeURIComponent('停机时的请求')}&count=1`), 200).total, 1)
  await house.stop()
})
