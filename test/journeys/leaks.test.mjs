// leaks.test.mjs - nothing personal in what the program says to those who run it: numbers and names in query strings, bodies,
// headers, addresses, user agents, file names, failed logins, broken imports, refused statements, put through every operation of
// /openapi.json at the loudest log level, are in no line of the log, not in /metrics, not in job rows, not in what a crash leaves.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { Database } from '../lib/database.mjs'
import { expect, openHouse } from '../lib/house.mjs'
import { openapi } from '../lib/openapi.mjs'
import { engine } from '../lib/server.mjs'

const PHONE = '13987654321'
const CARD = '11010519491231002X'
const NAME = '司马泄露'
const PLATE = '京Q77777'
const SECRETS = [PHONE, CARD, NAME, PLATE, encodeURIComponent(NAME), encodeURIComponent(PLATE), Buffer.from(NAME).toString('latin1'), 'naughty-agent', 'Naughty-Pass']
const ALL = `${NAME} ${PHONE} ${CARD} ${PLATE}`
const Q = `q=${encodeURIComponent(ALL)}&phone=${PHONE}&name=${encodeURIComponent(NAME)}&id_number=${CARD}&${PHONE}=${PHONE}&sort=${PHONE}&after=${PHONE}&reason=${encodeURIComponent(NAME)}`
const HEADERS = { 'user-agent': `naughty-agent/${PHONE}`, referer: `http://x/?p=${PHONE}`, 'x-forwarded-for': PHONE, 'x-note': PHONE }

let house, db, operations
let said = ''
before(async () => {
  house = await openHouse({ env: { ANJU_LOG: 'debug' } })
  db = new Database(house.server)
  house.server.process().stdout.on('data', (t) => (said += t))
  house.server.process().stderr.on('data', (t) => (said += t))
  const { json } = await openapi(house.url)
  const schema = (s) => (s?.$ref ? json.components.schemas[s.$ref.split('/').pop()] : s)
  operations = Object.entries(json.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, o]) => ({
        path,
        method: method.toUpperCase(),
        fields: Object.keys(schema(o.requestBody?.content?.['application/json']?.schema)?.properties ?? {}),
      })),
  )
})
after(() => house.stop())

const clean = (text, what) => {
  for (const s of SECRETS) {
    const at = text.indexOf(s)
    assert.ok(at < 0, `${what}: …${text.slice(Math.max(0, at - 200), at + 60)}…`)
  }
}
const skipped = (o) => o.path.endsWith('/events') || (/\/session/.test(o.path) && o.method === 'DELETE')
const send = async (who, method, path, body, headers = {}) => {
  try {
    return (await who.request(method, path, body, { ...HEADERS, ...headers })).status
  } catch (e) {
    if (e?.code === 'ERR_ASSERTION') throw e
    return 0 // the server hung up
  }
}
const raw = (text) =>
  new Promise((done) => {
    const s = connect(Number(new URL(house.url).port), '127.0.0.1', () => s.end(text))
    s.on('data', () => {}).on('error', done).on('close', done)
  })

test('every operation, as manager, resident, security and nobody', async () => {
  const { client } = await import('../lib/server.mjs')
  const people = []
  for (const login of ['manager', 'resident1', 'security', null]) {
    const who = client(house.url)
    if (login) await who.login(login, 'anju-demo')
    people.push(who)
  }
  let tried = 0
  for (const who of people)
    for (const o of operations.filter((x) => !skipped(x))) {
      const path = `${o.path.replace('{id}', '1').replace(/\{\w+\}/g, PHONE)}?${Q}`
      const body = Object.fromEntries(o.fields.map((f) => [f, ALL]))
      await send(who, o.method, path, o.method === 'GET' ? undefined : body, { 'idempotency-key': `${PHONE}-${tried}`, 'if-match': PHONE })
      if (o.method !== 'GET') await send(who, o.method, path, `{"name":"${ALL}","phone":${PHONE}`, { 'content-type': 'application/json' })
      tried++
    }
  assert.ok(tried > 600, `${tried}`)
})

test('rows that are really written, imports that break, logins that fail, odd addresses, torn requests', async () => {
  const manager = await house.as('manager')
  const p = expect(await manager.post('people', { community_id: house.community, name: NAME, phone: PHONE, id_number: CARD, note: ALL }, HEADERS), 201)
  expect(await manager.post('identities', { community_id: house.community, person_id: p.id, kind: 'plate', value: PLATE }), 201)
  expect(await manager.patch(`people/${p.id}`, { name: `${NAME}二`, phone2: PHONE }, 1), 200)
  assert.equal((await manager.post('people', { community_id: house.community, name: `${NAME}二`, phone: PHONE })).status, 422)
  const t = await house.register(manager, { title: ALL, detail: ALL, person_id: p.id, contact_name: NAME, contact_phone: PHONE })
  expect(await manager.post(`tickets/${t.id}/comments`, { text: ALL }), 201)
  expect(await manager.post(`people/${p.id}/reveal`, { reason: ALL }), 200)
  for (const csv of [`name,phone\r\n${NAME},${PHONE}\r\n`, `name,phone\r\n${NAME},12\r\n`, `${NAME},${PHONE}\r\nx`, `name,phone\r\n"${NAME},${PHONE}`])
    await manager.post(`people/import?community_id=${house.community}`, csv, { 'content-type': 'text/csv' })
  for (const format of ['csv', 'xlsx']) {
    const r = await manager.get(`people/export.${format}?community_id=${house.community}&unmasked=1&reason=${encodeURIComponent(ALL)}`)
    assert.equal(r.status, 200)
    assert.doesNotMatch(decodeURIComponent(r.headers.get('content-disposition')), new RegExp(NAME))
  }
  const form = new FormData()
  form.append('stage', 'before')
  form.append('file', new Blob([Buffer.from(ALL)]), `${ALL}.png`)
  await manager.post(`tickets/${t.id}/files`, form)
  const anyone = await house.anyone()
  for (const login of [PHONE, NAME, ALL, 'manager']) await send(anyone, 'POST', 'session', { login, password: `Naughty-Pass-${PHONE}` })
  for (const path of [`/${PHONE}`, `/api/v1/people/${PHONE}`, `/api/v1/${encodeURIComponent(NAME)}`, `/m/${PHONE}`, `/assets/${PHONE}.js`, `/api/v1/people/${encodeURIComponent(NAME)}?${Q}`])
    for (const method of ['GET', 'POST', 'PUT']) await send(anyone, method, path, method === 'GET' ? undefined : ALL)
  for (const text of [
    `GET /${PHONE} HTTP/1.1\r\nHost: x\r\n${PHONE}\r\n\r\n`, `${PHONE} / HTTP/1.1\r\n\r\n`, `GET / HTTP/${PHONE}\r\n\r\n`,
    `POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: ${PHONE}\r\n\r\n${PHONE}`,
    `POST /api/v1/people HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ${PHONE}\r\n\r\n${PHONE}\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${PHONE}=${PHONE}; anju=${PHONE}\r\nAuthorization: Bearer ${PHONE}\r\n\r\n`,
    `POST /api/v1/people HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${PHONE}${PHONE}\r\n${NAME}`,
    `GET /?${'a'.repeat(200000)}${PHONE} HTTP/1.1\r\nHost: ${PHONE}\r\n\r\n`,
  ]) await raw(text)
})

test('statements that the database refuses', async () => {
  const manager = await house.as('manager')
  const body = { community_id: house.community, name: `${NAME}三`, phone: '13987654322', note: ALL }
  if (engine === 'sqlite') await db.run("CREATE TRIGGER refuse BEFORE INSERT ON person BEGIN SELECT RAISE(ABORT, 'refused'); END")
  else await db.run("ALTER TABLE person ADD CONSTRAINT refuse CHECK (phone <> '13987654322')")
  assert.equal((await manager.post('people', body)).status, 500)
  if (engine === 'sqlite') await db.run('DROP TRIGGER refuse')
  else await db.run('ALTER TABLE person DROP CONSTRAINT refuse')
  assert.match(said, /level=error .*(statement=person.insert|in person.insert)/i, 'it is told, without the row')
})

test('nothing of it in the log, in /metrics, in job rows; in /problem replies only to whom it belongs', async () => {
  assert.match(said, /level=debug/i, 'the loudest level')
  clean(said, 'log')
  clean(String((await (await fetch(`${house.url}/metrics`)).text())), '/metrics')
  clean((await db.run('SELECT id, name, data, once_key, error FROM job')).join('\n'), 'job rows')
})

test('nothing of it in what a crash leaves', async () => {
  house.server.process().kill('SIGABRT')
  await new Promise((done) => house.server.process().once('close', done))
  clean(said, 'crash output')
  await house.server.restart()
})
