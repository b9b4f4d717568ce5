// kill.test.mjs - kill -9 under mixed load, 200 times an engine. People register, step, comment, attach photos and read; the
// program (the release build: what ships) dies at another moment each time, now and then while it is still starting. What was
// acknowledged is there; what nobody knows about is asked again with its Idempotency-Key and is there once; `anju check` is clean.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Database } from '../lib/database.mjs'
import { openHouse, PNG } from '../lib/house.mjs'
import { startPostgres } from '../lib/postgres.mjs'
import { engine, startServer } from '../lib/server.mjs'

const ROUNDS = Number(process.env.ANJU_KILL_ROUNDS ?? 200)
const WORKERS = 12
const release = join(process.env.ANJU_BUILD ?? 'build', 'anju')
if (existsSync(release)) process.env.ANJU_BIN = release

// One request by hand: fetch would hide on which side of the answer the connection broke. → { status, body } or null.
function send({ agent, url, token }, method, path, body, key, type = 'application/json') {
  const { hostname, port } = new URL(url)
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': type, 'content-length': body.length }) }
  if (key) headers['idempotency-key'] = key
  return new Promise((done) => {
    const request = http.request({ hostname, port, agent, method, path: `/api/v1/${path}`, headers }, (reply) => {
      let text = ''
      reply.setEncoding('utf8').on('data', (part) => (text += part))
      reply.on('end', () => done(reply.complete ? { status: reply.statusCode, text } : null))
      reply.on('error', () => done(null))
    })
    request.on('error', () => done(null))
    request.end(body)
  })
}
const json = (o) => Buffer.from(JSON.stringify(o))
const form = (name) =>
  Buffer.concat([
    Buffer.from(`--anju-kill-boundary\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: image/png\r\n\r\n`),
    PNG,
    Buffer.from(name), // each photo has its own content, so each is a file of its own
    Buffer.from('\r\n--anju-kill-boundary--\r\n'),
  ])

// All that was ever asked, by its mark; done: somebody was told that it is done.
class Ledger {
  asked = []
  tickets = []
  n = 0
  next(community) {
    const mark = `断电${String(++this.n).padStart(6, '0')}`
    const t = this.tickets.length && this.tickets[(this.n * 7919) % this.tickets.length]
    const kinds = t ? ['ticket', 'comment', 'photo', 'ticket', 'accept'] : ['ticket']
    const kind = kinds[this.n % kinds.length]
    const op = { kind, mark, key: `kill-${this.n}`, done: false }
    if (kind === 'ticket') Object.assign(op, { path: 'tickets', body: json({ community_id: community, kind: 'repair', title: mark, channel: 'phone' }) })
    if (kind === 'comment') Object.assign(op, { path: `tickets/${t.id}/comments`, body: json({ text: mark }) })
    if (kind === 'photo') Object.assign(op, { path: `tickets/${t.id}/files`, body: form(`${mark}.png`), type: 'multipart/form-data; boundary=anju-kill-boundary' })
    if (kind === 'accept') {
      const fresh = this.tickets.find((x) => !x.accepted)
      if (!fresh) return this.next(community)
      fresh.accepted = true
      Object.assign(op, { path: `tickets/${fresh.id}/actions/accept`, body: json({}), ticket: fresh.id })
    }
    this.asked.push(op)
    return op
  }
  told(op, reply) {
    assert.ok([200, 201, 503].includes(reply.status), `${op.kind} ${op.mark}: ${reply.status} ${reply.text}`)
    if (reply.status === 503) return
    op.done = true
    if (op.kind === 'ticket') this.tickets.push({ id: JSON.parse(reply.text).id })
  }
}

async function judge(house, ledger) {
  const db = new Database({ db: house.server.db })
  const names = {
    ticket: "SELECT title, count(*) FROM ticket WHERE title LIKE '断电%' GROUP BY title",
    photo: "SELECT replace(name, '.png', ''), count(*) FROM stored_file WHERE name LIKE '断电%' GROUP BY name",
    comment: "SELECT data, 1 FROM event WHERE topic = 'ticket.comment' AND data LIKE '%断电%'",
    accept: "SELECT subject_id, count(*) FROM event WHERE data LIKE '%\"action\":\"accept\"%' GROUP BY subject_id",
  }
  for (const [kind, text] of Object.entries(names)) {
    const found = new Map()
    for (const line of await db.run(text)) {
      const cut = line.lastIndexOf('|')
      const name = kind === 'comment' ? line.match(/断电\d{6}/)[0] : line.slice(0, cut)
      found.set(name, (found.get(name) ?? 0) + Number(line.slice(cut + 1)))
    }
    const mine = ledger.asked.filter((op) => op.kind === kind)
    assert.ok(mine.length > ROUNDS / 4, `${kind}: ${mine.length} were asked`)
    for (const op of mine) {
      assert.ok(op.done, `${kind} ${op.mark} was never answered`)
      assert.equal(found.get(op.kind === 'accept' ? String(op.ticket) : op.mark), 1, `${kind} ${op.mark}`)
    }
  }
  const check = await house.server.cli(['check'])
  assert.equal(check.code, 0, check.out + check.err)
}

test(`kill -9 under mixed load, ${ROUNDS} rounds`, async () => {
  const house = await openHouse()
  try {
    await rounds(house)
  } catch (e) {
    await house.stop().catch(() => {}) // the first fault is the one to read
    throw e
  }
  await house.stop()
})

async function rounds(house) {
  const { out, code, err } = await house.server.cli(['token', 'create', 'desk', '--rate', '0'])
  assert.equal(code, 0, err)
  const to = { url: house.url, token: out.trim(), agent: new http.Agent({ keepAlive: true, maxSockets: WORKERS }) }
  const ledger = new Ledger()
  let unknown = 0
  for (let round = 0; round < ROUNDS; round++) {
    let alive = true
    let told = 0
    const enough = 3 + ((round * 7) % 50) // another moment of the writer's work each time
    const settled = []
    await new Promise((killed, bad) => {
      const fail = (e) => ((alive = false), bad(e))
      const worker = async (w) => {
        while (alive) {
          if (w === 0) {
            if ((await send(to, 'GET', 'tickets?limit=5')) === null) return
            continue
          }
          const op = ledger.next(house.community)
          const reply = await send(to, 'POST', op.path, op.body, op.key, op.type)
          if (reply === null) return
          ledger.told(op, reply)
          if (++told === enough) {
            alive = false
            house.server.kill().then(killed, fail)
          }
        }
      }
      for (let w = 0; w < WORKERS; w++) settled.push(worker(w).catch(fail))
    })
    await Promise.all(settled)
    if (round % 20 === 10) {
      // It dies while it starts, too: its migration, its first seal.
      const coming = house.server.restart().catch(() => {})
      await pause(5 + round)
      await house.server.kill()
      await coming
    }
    await house.server.restart()
    for (const op of ledger.asked.filter((o) => !o.done)) {
      const reply = await send(to, 'POST', op.path, op.body, op.key, op.type)
      assert.ok(reply, 'the program is up again')
      unknown++
      ledger.told(op, reply)
    }
    if (round % 50 === 49) await judge(house, ledger)
  }
  assert.ok(unknown > ROUNDS / 10, `${unknown} answers were lost on the way`)
  await judge(house, ledger)
  to.agent.destroy()
}
