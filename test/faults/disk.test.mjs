// disk.test.mjs - the disk full, the disk read-only, the clock set back: real file systems where the machine lets us mount one.
// Clear words, recovery by itself, nothing acknowledged lost.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, openHouse, PASSWORD, PNG, upload } from '../lib/house.mjs'
import { checkedClient } from '../lib/openapi.mjs'
import { createDatabase, dropDatabase, sql, startPostgres } from '../lib/postgres.mjs'
import { cli, engine, startServer } from '../lib/server.mjs'
import { removeDir, tempDir } from '../lib/temp.mjs'

const dir = tempDir('anju-disk')
const place = join(dir, 'disk')
mkdirSync(place)
const mount = (...words) => spawnSync('mount', words).status === 0
const mounted = mount('-t', 'tmpfs', '-o', 'size=48m,mode=0700', 'tmpfs', place)
const skip = mounted ? false : 'this machine does not let us mount a tmpfs (root is needed)'
after(() => {
  if (mounted) spawnSync('umount', ['-l', place])
  removeDir(dir)
})
async function eventually(ask, status, ms = 30_000) {
  const until = Date.now() + ms
  for (;;) {
    const reply = await ask()
    if (reply.status === status) return reply
    assert.ok(Date.now() < until, `no ${status} after ${ms} ms, still ${reply.status} ${JSON.stringify(reply.body)}`)
    await pause(100)
  }
}
const fill = () => spawnSync('sh', ['-c', 'cat /dev/zero > "$1/ballast" 2>/dev/null', 'sh', place])
const empty = () => rmSync(join(place, 'ballast'), { force: true })

// A house whose data folder (and SQLite file) lies on the small disk.
const demo = mounted ? await openHouse() : null
let server, desk, community
if (mounted) {
  community = demo.community
  await demo.server.halt()
  cpSync(demo.server.dir, place, { recursive: true })
  const db = engine === 'sqlite' ? `sqlite:${join(place, 'anju.db')}` : demo.server.db
  server = await startServer({ database: db, args: ['--data', place] })
  desk = await checkedClient(server.url)
  await desk.login('desk', PASSWORD)
  after(async () => {
    await server.stop()
    await demo.server.stop()
  })
}
const create = (title) => desk.post('tickets', { community_id: community, kind: 'repair', title, channel: 'phone' })
const attach = (id, name, bytes = PNG) => desk.request('POST', `tickets/${id}/files`, upload(bytes, name, 'before'))
const big = (tail) => Buffer.concat([PNG, Buffer.alloc(1 << 20, tail)])
const check = async () => {
  const { code, out, err } = await cli(['check', '--db', server.db, '--data', place])
  assert.equal(code, 0, out + err)
}

test('a full disk: 507 with what to do, reading goes on, space freed is enough', { skip }, async (t) => {
  t.after(empty)
  const kept = []
  for (let i = 0; i < 5; i++) kept.push(expect(await create(`满盘前${i}`), 201).id)
  fill()
  const refused = await attach(kept[0], '满.png', big('满'))
  expect(refused, 507, 'storage_full')
  assert.match(refused.body.title, /腾出空间|free some space/)
  if (engine === 'sqlite') {
    // The log of the database may have room for a few more; each answer is kept to.
    let full = null
    for (let i = 0; i < 400 && !full; i++) {
      const reply = await create(`满盘${i}`)
      if (reply.status === 201) kept.push(reply.body.id)
      else if (reply.status !== 429) full = reply
      else await pause(200)
    }
    expect(full, 507, 'storage_full')
    assert.match(full.body.detail, /没有做任何更改.*空间/)
  } else kept.push(expect(await create('库在别处'), 201).id)
  expect(await desk.get('tickets?limit=5'), 200)
  expect(await desk.get('/healthz'), 200)
  const backup = await cli(['backup', join(place, 'x.backup'), '--db', server.db, '--data', place])
  assert.equal(backup.code, 1, 'a backup onto the full disk fails')
  assert.deepEqual(readdirSync(place).filter((f) => f.includes('backup')), [], 'and leaves nothing')
  empty()
  await eventually(() => create('有空间了'), 201)
  expect(await attach(kept[0], '不满.png', big('空')), 201)
  for (const id of kept) expect(await eventually(() => desk.get(`tickets/${id}`), 200), 200)
  assert.deepEqual(readdirSync(join(place, 'tmp')), [], 'no half upload is left')
  await check()
})

test('a disk that became read-only: 503 with what to do, reading goes on, back by itself', { skip }, async () => {
  const kept = expect(await create('只读前'), 201).id
  // Files that are open for writing forbid a remount; a read-only bind mount over the folder of uploads does not ask.
  for (const name of ['tmp', 'files']) {
    mkdirSync(join(place, name), { recursive: true })
    execFileSync('mount', ['--bind', join(place, name), join(place, name)])
    execFileSync('mount', ['-o', 'remount,ro,bind', join(place, name)])
  }
  try {
    const refused = await attach(kept, '只读.png', big('只'))
    assert.equal(refused.status, 503, JSON.stringify(refused.body))
    assert.ok(Number(refused.headers.get('retry-after')) >= 1)
    expect(await desk.get(`tickets/${kept}`), 200)
    expect(await create('库还能写'), 201)
  } finally {
    for (const name of ['tmp', 'files']) execFileSync('umount', [join(place, name)])
  }
  expect(await attach(kept, '只读.png', big('写')), 201)
  await check()
})

test('an SQLite file on a read-only disk: refused at the start and in words', { skip: skip || engine !== 'sqlite' }, async () => {
  const ro = join(dir, 'ro')
  mkdirSync(ro)
  cpSync(join(demo.server.dir, 'anju.db'), join(ro, 'anju.db'))
  execFileSync('mount', ['--bind', ro, ro])
  execFileSync('mount', ['-o', 'remount,ro,bind', ro])
  try {
    const { code, err } = await cli(['check', '--db', `sqlite:${join(ro, 'anju.db')}`, '--data', ro])
    assert.equal(code, 1)
    assert.match(err, /Read-only file system|cannot open/)
  } finally {
    execFileSync('umount', [ro])
  }
})

test('what a kill left in the temporary folder goes at the start once it is old', { skip }, async () => {
  const [old, fresh] = ['up-0123', 'up-4567'].map((n) => join(place, 'tmp', n))
  for (const f of [old, fresh]) writeFileSync(f, 'half')
  execFileSync('touch', ['-d', '2 hours ago', old])
  await server.restart()
  assert.ok(!existsSync(old))
  assert.ok(existsSync(fresh), 'perhaps a sister process is at it')
  rmSync(fresh)
})

const FAKETIME = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1'].find(existsSync)
test('the clock set back a day: ids never come again, work goes on, the log stays whole', async () => {
  assert.ok(FAKETIME, 'libfaketime is missing: tools/setup.sh test')
  const stamp = join(dir, 'faketime')
  writeFileSync(stamp, '+0\n')
  const release = join(process.env.ANJU_BUILD ?? 'build', 'anju')
  if (existsSync(release)) process.env.ANJU_BIN = release // the sanitizer wants to be loaded first, and so does libfaketime
  const env = { LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: stamp, FAKETIME_NO_CACHE: '1', DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
  const house = await openHouse({ env })
  // With several threads libfaketime now and then answers with the real time: a session opened "yesterday" has then idled for
  // a day and is over, as it should be. One logs in again and goes on.
  const steady = (who) => {
    const again = (run) => async (...args) => {
      const reply = await run(...args)
      if (reply.status !== 401) return reply
      await who.login('desk', PASSWORD)
      return run(...args)
    }
    return { get: again(who.get), post: again(who.post), login: who.login }
  }
  try {
    const who = steady(await house.as('desk'))
    const ids = []
    const make = async (title) => ids.push(expect(await who.post('tickets', { community_id: house.community, kind: 'repair', title, channel: 'phone' }), 201).id)
    for (let i = 0; i < 20; i++) await make(`之前${i}`)
    writeFileSync(stamp, '-1d\n')
    await eventually(() => who.get('tickets?limit=1'), 200)
    for (let i = 0; i < 20; i++) await make(`退了一天${i}`)
    expect(await who.post(`tickets/${ids[0]}/actions/accept`, {}), 200)
    await house.server.restart()
    const again = steady(await house.login('desk'))
    for (let i = 0; i < 20; i++)
      ids.push(expect(await again.post('tickets', { community_id: house.community, kind: 'repair', title: `重启后${i}`, channel: 'phone' }), 201).id)
    assert.equal(new Set(ids).size, ids.length)
    assert.deepEqual([...ids].sort((a, b) => a - b), ids, 'ids rise whatever the clock does')
    for (const id of ids) expect(await eventually(() => again.get(`tickets/${id}`), 200), 200)
    writeFileSync(stamp, '+0\n')
    await again.login('desk', PASSWORD) // the session of yesterday has idled for a day
    expect(await again.post(`tickets/${ids[1]}/actions/accept`, {}), 200)
    const { code, out, err } = await house.server.cli(['check'])
    assert.equal(code, 0, out + err)
  } finally {
    await house.stop()
  }
})

if (engine === 'postgres') {
  test('PostgreSQL on a full disk: 507, and back by itself', { skip }, async (t) => {
    t.after(empty)
    // Its tables on the small disk; the log of the server elsewhere, so that the server itself stays alive.
    const pg = await startPostgres()
    const space = join(place, 'space')
    mkdirSync(space)
    const uid = Number(execFileSync('id', ['-u', 'postgres'])), gid = Number(execFileSync('id', ['-g', 'postgres']))
    if (process.getuid() === 0) {
      chownSync(space, uid, gid)
      execFileSync('chmod', ['711', place, dir])
    }
    await sql(pg.url, `CREATE TABLESPACE small LOCATION '${space}'`)
    const database = await createDatabase(pg.url)
    await sql(pg.url, `ALTER DATABASE ${new URL(database).pathname.slice(1)} SET TABLESPACE small`)
    const s = await startServer({ database, args: ['--demo'] })
    try {
      const who = await checkedClient(s.url)
      await who.login('desk', PASSWORD)
      const home = expect(await who.get('meta'), 200).communities[0].id
      const make = () => who.post('tickets', { community_id: home, kind: 'repair', title: '库满', detail: '长'.repeat(500), channel: 'phone' })
      const kept = [expect(await make(), 201).id]
      fill()
      let full = null
      for (let i = 0; i < 2000 && !full; i++) {
        const reply = await make()
        if (reply.status === 201) kept.push(reply.body.id)
        else if (reply.status !== 429) full = reply
        else await pause(200)
      }
      expect(full, 507, 'storage_full')
      expect(await who.get('tickets?limit=1'), 200)
      empty()
      await eventually(make, 201)
      for (const id of kept.slice(-50)) expect(await eventually(() => who.get(`tickets/${id}`), 200), 200)
    } finally {
      await s.stop()
      await pg.stop()
    }
  })

  test('PostgreSQL killed and restarted under load: nothing acknowledged is lost', async () => {
    const pg = await startPostgres({ fsync: true })
    const database = await createDatabase(pg.url)
    const s = await startServer({ database, args: ['--demo'] })
    try {
      const { out } = await s.cli(['token', 'create', 'desk', '--rate', '0'])
      const headers = { authorization: `Bearer ${out.trim()}` }
      const who = await checkedClient(s.url)
      await who.login('desk', PASSWORD)
      const home = expect(await who.get('meta'), 200).communities[0].id
      const anyone = await checkedClient(s.url)
      const kept = []
      const statuses = new Set()
      for (let round = 0; round < 4; round++) {
        let going = true
        const writer = async (w) => {
          for (let i = 0; going; i++) {
            const key = { 'idempotency-key': `pg-${round}-${w}-${i}`, ...headers }
            const body = { community_id: home, kind: 'repair', title: `重启${round}-${w}-${i}`, channel: 'phone' }
            let reply = await anyone.post('tickets', body, key)
            statuses.add(reply.status)
            for (; reply.status === 503; reply = await anyone.post('tickets', body, key)) await pause(100)
            kept.push(expect(reply, 201))
          }
        }
        const writers = Array.from({ length: 6 }, (_, w) => writer(w))
        await pause(400)
        const [pid] = (await sql(pg.url, "SELECT pid FROM pg_stat_activity WHERE application_name = 'anju' LIMIT 1")).split('\n')
        if (round % 2) {
          process.kill(Number(pid), 'SIGKILL') // one server process killed: PostgreSQL restarts all of them
          await pause(1500)
        } else {
          await pg.halt()
          await pause(300)
          await pg.start()
        }
        await eventually(() => anyone.get('/readyz'), 200)
        await pause(300)
        going = false
        await Promise.all(writers)
      }
      assert.ok(statuses.has(503), 'some met the gap')
      const titles = (await sql(database, "SELECT title, count(*) FROM ticket WHERE title LIKE '重启%' GROUP BY title")).split('\n').map((l) => l.split('|'))
      assert.deepEqual(titles.filter(([, n]) => n !== '1'), [], 'none is there twice')
      const there = new Set(titles.map(([t]) => t))
      assert.deepEqual(kept.filter((t) => !there.has(t.title)), [])
      const { code, out: told, err } = await s.cli(['check'])
      assert.equal(code, 0, told + err)
    } finally {
      await s.stop()
      await pg.stop()
    }
  })
}
