// threats.test.mjs - what others were hurt by, tried here: the threat list of docs/security.md, one test each. What another file
// proves in full (IDs of other communities, cookies, page tokens, lockout …) is named there and not repeated.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Database } from '../lib/database.mjs'
import { expect, faults, openHouse, PNG, upload } from '../lib/house.mjs'

const FIRST = 'First-pass-1'
const JSON_TYPE = { 'content-type': 'application/json' }
let house, desk, security, anyone, database
before(async () => {
  house = await openHouse()
  ;[desk, security] = await Promise.all(['desk', 'security'].map((l) => house.as(l)))
  anyone = await house.anyone()
  database = new Database(house.server)
})
after(() => house.stop())
const files = () => {
  const walk = (d) => readdirSync(d, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? walk(join(d, e.name)) : [join(d, e.name)]))
  try {
    return walk(join(house.server.dir, 'files'))
  } catch {
    return []
  }
}
// Without the checks against the document: what is tried here is not in it.
const bare = (path, options = {}) => fetch(house.url + path, { redirect: 'manual', ...options })

test('uploads: a name or a type that lies changes nothing, scripts dressed as pictures are not taken', async () => {
  const t = await house.register(desk)
  const before = files().length
  const html = '<html><script>alert(1)</script></html>'
  for (const [bytes, name, type] of [
    [html, 'a.png', 'image/png'],
    ['<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 'a.svg', 'image/svg+xml'],
    ['#!/bin/sh\nid\n', 'a.jpg', 'image/jpeg'],
    ['MZ\x90\0', 'a.pdf', 'application/pdf'],
    ['PK\x03\x04', 'a.docx', 'application/zip'],
    ['\x1f\x8b\x08', 'a.png', 'image/png'],
    ['BZh9', 'a.png', 'image/png'],
    [` ${html}`, 'a.webp', 'image/webp'],
  ])
    assert.deepEqual(faults(await desk.post(`tickets/${t.id}/files`, upload(Buffer.from(bytes, 'latin1'), name, 'other', type))), { file: 'type' })
  assert.equal(files().length, before, 'nothing is kept')
})

test('uploads: a picture that is also a page is a picture for every browser', async () => {
  const t = await house.register(desk)
  const polyglot = Buffer.concat([PNG, Buffer.from('<script>alert(document.cookie)</script><?php system("id") ?>')])
  for (const name of ['a.html', 'a.svg', 'a.php', '../../../etc/cron.d/a', '..\\..\\a.exe', 'a\r\nX-Evil: 1.png']) {
    const file = expect(await desk.post(`tickets/${t.id}/files`, upload(polyglot, name, 'other', 'text/html')), 201)
    assert.doesNotMatch(file.name, /[/\\\r\n]|\.\./)
    const reply = await desk.get(`files/${file.id}`)
    assert.equal(reply.headers.get('content-type'), 'image/png')
    assert.equal(reply.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(reply.headers.get('x-evil'), null)
    assert.match(reply.headers.get('content-security-policy'), /default-src 'self'/)
    assert.equal(reply.headers.get('cache-control'), 'private, no-store')
  }
  assert.ok(files().every((f) => /[/\\]files[/\\][0-9a-f]{2}[/\\][0-9a-f]{62}$/.test(f)), 'kept by its hash alone')
})

test('uploads: a picture of 65,535 by 65,535 points, or a packed gigabyte, is only bytes here', async () => {
  const t = await house.register(desk)
  const huge = Buffer.from(PNG)
  huge.writeUInt32BE(65_535, 16)
  huge.writeUInt32BE(65_535, 20)
  const file = expect(await desk.post(`tickets/${t.id}/files`, upload(huge, 'huge.png', 'other')), 201)
  assert.deepEqual((await desk.get(`files/${file.id}`)).bytes, huge)
  // Nothing is unpacked on the way in either: neither a body nor a workbook.
  const packed = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(1000)])
  const reply = await desk.post('tickets', packed, { ...JSON_TYPE, 'content-encoding': 'gzip' })
  assert.ok([400, 415].includes(reply.status), `${reply.status}`)
})

test('uploads: without a login 401, to a row of another community 404, to none 404, nothing kept', async () => {
  const t = await house.register(desk)
  const before = files().length
  const other = Buffer.concat([PNG, Buffer.from('nobody')])
  expect(await anyone.post(`tickets/${t.id}/files`, upload(other, 'a.png')), 401)
  expect(await (await house.as('manager-b')).post(`tickets/${t.id}/files`, upload(other, 'a.png')), 404)
  expect(await desk.post('tickets/8999999999999999/files', upload(other, 'a.png')), 404)
  assert.equal(files().length, before)
})

test('uploads: what one login brings in a day is bounded by policy, another is not hindered', async () => {
  const policy = expect(await security.get('login-policies'), 200).items.find((r) => r.audience === 'staff')
  const now = expect(await security.patch(`login-policies/${policy.id}`, { upload_mb: 1 }, policy.version), 200)
  const worker = await house.as('worker1')
  const t = await house.ticketIn('in_progress')
  const part = (n) => Buffer.concat([PNG, Buffer.alloc(400_000, n)])
  for (const n of [1, 2]) expect(await worker.post(`tickets/${t.id}/files`, upload(part(n), 'a.png')), 201)
  const before = files().length
  const over = await worker.post(`tickets/${t.id}/files`, upload(part(3), 'a.png'))
  expect(over, 429, 'rate_limited')
  assert.match(over.body.detail, /1 MB/)
  assert.ok(Number(over.headers.get('retry-after')) > 0)
  assert.equal(files().length, before)
  expect(await worker.post(`tickets/${t.id}/files`, upload(PNG, 'small.png')), 201)
  expect(await (await house.as('resident1')).post(`tickets/${t.id}/files`, upload(part(4), 'a.png')), 201)
  await database.run(`UPDATE stored_file SET created_at = created_at - ${25 * 3600_000} WHERE subject_id = ${t.id}`)
  expect(await worker.post(`tickets/${t.id}/files`, upload(part(5), 'a.png')), 201)
  expect(await security.patch(`login-policies/${policy.id}`, { upload_mb: policy.upload_mb }, now.version), 200)
})

test('files: no path in the id, no other kind of id, no signed address for what one may not see', async () => {
  for (const id of ['..%2f..%2fanju.key', '%2e%2e%2f', '../anju.key', '..', '1/../../etc/passwd', '%00', '-1', '1e3', '0x1', '9999999999999999999']) {
    const reply = await bare(`/api/v1/files/${id}`, { headers: { cookie: desk.session().cookie } })
    assert.ok([400, 404].includes(reply.status), `${id}: ${reply.status}`)
  }
  for (const path of ['/anju.key', '/data/anju.key', '/..%2fanju.key', '/assets/..%2f..%2fanju.db', '/files/', '/.git/config', '/%2e%2e/%2e%2e/etc/passwd']) {
    const reply = await bare(path)
    const text = await reply.text()
    assert.ok(reply.status >= 400 || /<div id="app">/.test(text), `${path}: ${reply.status}`)
    assert.doesNotMatch(text, /root:|SQLite format|\[core\]/)
  }
})

test('files of a ticket one does not see: not listed, not sent, not linked', async () => {
  const t = await house.register(desk, { person_id: house.resident1.person_id, space_id: house.resident1.space_id })
  const file = expect(await desk.post(`tickets/${t.id}/files`, upload(PNG, 'a.png')), 201)
  for (const login of ['resident2', 'worker2', 'manager-b', 'auditor']) {
    const who = await house.as(login)
    for (const reply of [await who.get(`tickets/${t.id}/files`), await who.get(`files/${file.id}`), await who.post(`files/${file.id}/link`, {})])
      assert.ok([403, 404].includes(reply.status), `${login}: ${reply.status}`)
  }
  expect(await (await house.as('resident1')).get(`files/${file.id}`), 200)
})

test('mass assignment: what the house sets cannot be set from outside, by any create or change', async () => {
  const set = { id: 7, version: 99, created_by: 1, created_at: '2020-01-01T00:00:00+08:00', archived: true, state: 'closed', demo: true }
  const told = faults(await desk.post('tickets', { community_id: house.community, kind: 'repair', title: 'x', channel: 'phone', ...set }))
  for (const key of Object.keys(set)) assert.ok(['read_only', 'unknown'].includes(told[key]), key)
  const user = expect(await security.post('users', { login: 'mass', name: '甲', password: FIRST }), 201)
  const harm = { password_hash: 'x', failed_count: 0, locked_until: null, totp_at: null, must_change_password: false, password_at: null, is_admin: true, role: 'sysadmin' }
  const refused = faults(await security.patch(`users/${user.id}`, harm, user.version))
  for (const key of Object.keys(harm)) assert.ok(['read_only', 'unknown'].includes(refused[key]), key)
  for (const key of ['__proto__', 'constructor', 'prototype'])
    expect(await desk.post('tickets', `{"community_id":${house.community},"kind":"repair","title":"x","channel":"phone","${key}":{"admin":true}}`, JSON_TYPE), 422)
  assert.deepEqual(faults(await (await house.as('manager')).post('spaces', { community_id: house.community, name: 'x', kind: 'room', company_id: 1 })).company_id, 'unknown')
})

test('a key given twice, in any spelling of it, is refused and not guessed at', async () => {
  const text = (more) => `{"community_id":${house.community},"kind":"repair","title":"x","channel":"phone",${more}}`
  for (const more of ['"title":"y"', '"ti\\u0074le":"y"', '"\\u0074itle":"y"']) expect(await desk.post('tickets', text(more), JSON_TYPE), 400, 'malformed')
  for (const more of ['"Title":"y"', '"title ":"y"', '"TITLE":"y"']) expect(await desk.post('tickets', text(more), JSON_TYPE), 422, 'invalid')
})

test('a parameter given twice is refused: programs differ on which of the two counts', async () => {
  for (const query of ['limit=1&limit=2', 'q=a&q=', 'after=&after=i1.1', 'state=accepted&%73tate=closed', `community_id=${house.community}&community_id=${house.otherCommunity}`]) {
    const reply = await desk.get(`tickets?${query}`)
    expect(reply, 400, 'malformed')
    assert.match(reply.body.detail, /两次/)
  }
  expect(await desk.get('tickets?created_at.gte=2025-01-01T00:00:00%2B08:00&created_at.lt=2026-01-01T00:00:00%2B08:00'), 200)
})

test('a form of another site cannot act: not as text/plain, not as a form, not with the method in a header or the address', async () => {
  const { cookie, csrf } = desk.session()
  const body = JSON.stringify({ community_id: house.community, kind: 'repair', title: 'x', channel: 'phone' })
  const send = (headers, path = '/api/v1/tickets', method = 'POST') => bare(path, { method, body: method === 'GET' ? undefined : body, headers: { cookie, ...headers } })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain; application/json'])
    for (const token of [{}, { 'x-csrf-token': csrf }]) assert.ok([403, 415].includes((await send({ 'content-type': type, ...token })).status), type)
  assert.equal((await send(JSON_TYPE)).status, 403)
  assert.equal((await send({ ...JSON_TYPE, origin: 'https://evil.example', referer: 'https://evil.example/' })).status, 403)
  const t = await house.register(desk)
  for (const header of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
    const reply = await send({ [header]: 'DELETE', 'x-csrf-token': csrf }, `/api/v1/tickets/${t.id}?_method=DELETE`, 'GET')
    assert.ok([200, 422].includes(reply.status), `${reply.status}`)
    assert.equal((await send({ ...JSON_TYPE, [header]: 'PATCH', 'x-csrf-token': csrf }, `/api/v1/tickets/${t.id}`, 'POST')).status, 405)
  }
  assert.equal(expect(await desk.get(`tickets/${t.id}`), 200).version, t.version)
  const cors = await bare('/api/v1/session', { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } })
  for (const h of ['access-control-allow-origin', 'access-control-allow-credentials']) assert.equal(cors.headers.get(h), null)
})

test('the Host a client invents reaches no address, no redirect and no page', async () => {
  const { request } = await import('node:http')
  const ask = (path, headers) =>
    new Promise((done, fail) =>
      request(house.url + path, { headers, agent: false }, (r) => {
        let text = ''
        r.on('data', (d) => (text += d)).on('end', () => done({ status: r.statusCode, headers: r.headers, text }))
      })
        .on('error', fail)
        .end(),
    )
  const evil = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-for': '1.2.3.4' }
  for (const path of ['/', '/m', '/login?next=//evil.example', '/api/v1/session', '/api/v1/none', '/openapi.json', '//evil.example/', '/%2f%2fevil.example', '/\\evil.example']) {
    const reply = await ask(path, evil)
    assert.ok(!reply.text.includes('evil.example') && !JSON.stringify(reply.headers).includes('evil.example'), path)
    assert.ok(reply.status < 300 || reply.status >= 400, `${path}: ${reply.status} is no redirect`)
    assert.equal(reply.headers['strict-transport-security'], undefined, 'https is not believed from anybody')
  }
  const t = await house.register(desk)
  const file = expect(await desk.post(`tickets/${t.id}/files`, upload(PNG, 'a.png')), 201)
  const link = expect(await desk.post(`files/${file.id}/link`, {}, { 'x-forwarded-host': 'evil.example' }), 200)
  assert.match(link.url, /^\/api\/v1\/files\//)
})

test('no page in a frame, nothing personal kept by a cache or sent on as a referrer', async () => {
  for (const path of ['/', '/m', '/login']) {
    const { headers } = await bare(path)
    assert.match(headers.get('content-security-policy'), /frame-ancestors 'none'/)
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
  }
  const t = await house.register(desk)
  const { community } = house
  for (const path of ['people?limit=1', `tickets/${t.id}`, 'search?q=a', 'session', `people/export.csv?community_id=${community}`, 'me/spaces', 'session/list']) {
    const reply = await desk.get(path)
    assert.match(reply.headers.get('cache-control') ?? '', /no-store/, path)
  }
  // What the desk is drawn from: tables and rights, asked about anew each time.
  assert.equal((await desk.get('meta')).headers.get('cache-control'), 'private, no-cache')
})

test('logins: other letters of the same shape or case are other names, and none is a way around the lock', async () => {
  const enter = async (login) => (await house.anyone()).post('session', { login, password: 'anju-demo' })
  const same = await enter('desk')
  expect(same, 201)
  for (const login of ['ｄｅｓｋ', 'de\u{17F}k', 'desk\u200b', 'des\u212a', 'dеsk' /* Cyrillic */, "desk' --", '*', '%'])
    assert.ok([401, 422].includes((await enter(login)).status), JSON.stringify(login))
  // One name, however it is written: a second user of it cannot be made.
  const made = await security.post('users', { login: 'DESK', name: '乙', password: FIRST })
  const answer = await enter('DESK')
  if (made.status === 201) expect(answer, 401)
  else assert.deepEqual(faults(made), { login: 'unique' })
})

test('resetting: there is no address that tells who has an account, and what an administrator sets must be changed in time', async () => {
  for (const path of ['password/reset', 'session/reset', 'users/forgot', 'session/forgot', 'users/exists?login=desk'])
    assert.ok([401, 404, 405].includes((await bare(`/api/v1/${path}`, { method: path.includes('?') ? 'GET' : 'POST' })).status), path)
  const user = expect(await security.post('users', { login: 'late', name: '迟到', password: FIRST }), 201)
  const enter = async (password) => (await house.anyone()).post('session', { login: 'late', password })
  expect(await enter(FIRST), 201)
  const days = (n) => database.run(`UPDATE app_user SET password_at = ${Date.now() - n * 86400_000} WHERE id = ${user.id}`)
  await days(6.9)
  expect(await enter(FIRST), 201)
  await days(7.1)
  const gone = await enter(FIRST)
  expect(gone, 401, 'unauthenticated')
  assert.match(gone.body.detail, /expired|过期/)
  assert.doesNotMatch(expect(await enter('Wrong-pass-1'), 401).detail, /expired|过期/, 'only who knows it is told')
  const row = expect(await security.get(`users/${user.id}`), 200)
  expect(await security.patch(`users/${user.id}`, { password: 'Second-pass-2' }, row.version), 200)
  expect(await enter('Second-pass-2'), 201)
})

test('exports without end: bounded like everything else one login does, on record, others are served', async () => {
  const made = await house.server.cli(['token', 'create', 'manager', '--rate', '5', '--name', 'exports'])
  const bearer = { authorization: `Bearer ${made.out.trim()}` }
  const flood = await Promise.all(Array.from({ length: 120 }, () => anyone.get(`people/export.csv?community_id=${house.community}`, bearer)))
  const done = flood.filter((r) => r.status === 200).length
  assert.ok(flood.every((r) => [200, 429, 503].includes(r.status)), flood.map((r) => r.status).join(' '))
  assert.ok(flood.some((r) => r.status === 429) && done > 0)
  expect(await desk.get('tickets?limit=5'), 200)
  const [noted] = await database.run(`SELECT count(*) FROM event WHERE topic = 'person.exported' AND community_id = ${house.community}`)
  assert.ok(Number(noted) >= done, `${noted} of ${done} on record`)
})

test('a cell that would run in a spreadsheet is disarmed in every text of an export', async () => {
  for (const title of ['=HYPERLINK("http://evil")', '+1+1', '-2+3', '@SUM(A1)', '\t=1', "=cmd|' /C calc'!A0"].map((s) => s.trim()))
    await house.register(desk, { title })
  const csv = (await desk.get(`tickets/export.csv?community_id=${house.community}`)).body.toString()
  assert.doesNotMatch(csv, /(^|,)"?[=+@]/m)
  assert.match(csv, /'=HYPERLINK/)
})

test('what a stranger writes stays text: in JSON no markup, in pages no script', async () => {
  const title = '</script><img src=x onerror=alert(1)>'
  const t = await house.register(desk, { title })
  const reply = await bare(`/api/v1/tickets/${t.id}`, { headers: { cookie: desk.session().cookie } })
  const raw = await reply.text()
  assert.ok(!/[<>]/.test(raw), 'markup is escaped inside JSON')
  assert.equal(JSON.parse(raw).title, title)
})

test('roles and grants cannot be raised from below, and rights end with the request', async () => {
  for (const login of ['desk', 'manager', 'worker1', 'resident1', 'admin', 'auditor']) {
    const who = await house.as(login)
    const me = (await house.meta(login)).me
    assert.ok([403, 404].includes((await who.post('grants', { user_id: me.id, role_id: 1, scope: 'system' })).status), login)
    assert.ok([403, 404].includes((await who.post('roles', { key: 'x', name: 'x', perms: 'user.manage' })).status), login)
    assert.ok([403, 404].includes((await who.patch(`users/${me.id}`, { enabled: true }, 1)).status), login)
  }
})
