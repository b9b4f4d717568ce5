// qr.test.mjs - whoever stands before a sign tells what is wrong there without a login: it becomes a ticket of that place, he gets
// its progress link, nobody learns who lives there or whose number is known, and a flood ends at once with its reason.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { PNG, expect, faults, openHouse, upload } from '../lib/house.mjs'
import { Database } from '../lib/database.mjs'
import { EICAR } from '../lib/clamd.mjs'

let house, desk, manager, db, area, unit
before(async () => {
  house = await openHouse({ args: ['--trusted-proxy', '127.0.0.1'] })
  ;[desk, manager] = await Promise.all(['desk', 'manager'].map(house.as))
  db = new Database(house.server)
  area = expect(await manager.get(`spaces?community_id=${house.community}&kind=area&limit=5`), 200).items
  unit = house.resident1.space_id
})
after(() => house.stop())

// Every stranger comes from an address of his own unless he says which.
let last = 0
const address = () => `10.1.${(++last >> 8) & 255}.${last & 255}`
async function ask(method, path, { body, form, from = address(), headers = {} } = {}) {
  const reply = await fetch(`${house.url}/api/v1/public/${path}`, {
    method, body: form ?? (body && JSON.stringify(body)), headers: { 'x-forwarded-for': from, 'accept-language': 'en', ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
  })
  const text = await reply.text()
  return { status: reply.status, body: text ? JSON.parse(text) : null, headers: reply.headers }
}
const sign = async (space, body = {}, who = manager) => expect(await who.post(`spaces/${space.id ?? space}/qr-code`, body), 200)
const code = (made) => made.url.split('/')[2]
let n = 0
const say = (key, more = {}, options = {}) => ask('POST', `places/${key}`, { body: { kind: 'repair', text: `东门路灯不亮 ${++n}`, device: `d${n}`, ...more }, ...options })
const tickets = async () => Number((await db.run(`SELECT count(*) FROM ticket`))[0])

test('a sign says its place; what is told there becomes a ticket with a link to follow', async () => {
  const made = await sign(area[0])
  assert.match(made.url, /^\/q\/[0-9a-f]{32}$/)
  assert.deepEqual(await sign(area[0]), made) // printed again: the same
  const seen = await ask('GET', `places/${code(made)}`)
  assert.deepEqual([seen.status, seen.body], [200, { place: area[0].path_name }])
  const told = expect(await say(code(made), { text: '  \n东门路灯不亮\t三天了\r\n晚上很黑  ', kind: 'safety', phone: '139 1234 5678' }), 201)
  assert.deepEqual(Object.keys(told), ['code', 'progress', 'photo'])
  const [id] = await db.run(`SELECT id FROM ticket WHERE code = '${told.code}'`)
  const t = expect(await desk.get(`tickets/${id}`), 200)
  assert.deepEqual([t.channel, t.kind, t.space_id, t.title, t.detail, t.person_id, t.state, t.created_by], ['qr', 'safety', area[0].id, '东门路灯不亮 三天了', '东门路灯不亮\t三天了\r\n晚上很黑', null, 'received', null])
  assert.ok(t.first_contact_id && t.resolve_due)
  assert.equal(expect(await ask('GET', `progress/${told.progress.split('/')[2]}`), 200).code, told.code)
  assert.equal((await fetch(`${house.url}${made.url}`)).status, 200)
})

test('what is told at a sign is taken by its words: a flood is urgent before anybody reads it', async () => {
  const key = code(await sign(unit))
  const of = async (text) => (await db.run(`SELECT category_id IS NOT NULL, guessed_by, priority FROM ticket WHERE code = '${expect(await say(key, { text }), 201).code}'`))[0]
  assert.match(await of('卫生间水管漏水了'), /^(1|t)\|.*漏水.*\|2$/)
  assert.match(await of('请你们来看一下'), /^(0|f)\|\|3$/)
})

test('no resident is named, and a known number answers like any other', async () => {
  const key = code(await sign(unit))
  const place = expect(await ask('GET', `places/${key}`), 200)
  assert.deepEqual(Object.keys(place), ['place'])
  const [name, phone] = (await db.run(`SELECT name, phone FROM person WHERE id = ${house.resident1.person_id}`))[0].split('|')
  assert.ok(!place.place.includes(name) && phone.length === 11)
  const [known, unknown] = [expect(await say(key, { phone }), 201), expect(await say(key, { phone: '13800000000' }), 201)]
  assert.deepEqual(Object.keys(known), Object.keys(unknown))
  assert.deepEqual(await db.run(`SELECT count(*) FROM ticket WHERE code IN ('${known.code}', '${unknown.code}') AND person_id IS NULL AND contact_name IS NULL`), ['2'])
})

test('only the key file opens what is stored; a withdrawn sign is dead, the next one lives', async () => {
  const old = await sign(area[1])
  assert.deepEqual(await db.run(`SELECT count(*) FROM qr_code WHERE code LIKE '%${code(old)}%' OR token_hash = '${code(old)}'`), ['0'])
  assert.deepEqual(await db.run(`SELECT count(*) FROM event WHERE data LIKE '%${code(old)}%'`), ['0'])
  const fresh = await sign(area[1], { renew: true })
  assert.notEqual(fresh.url, old.url)
  expect(await ask('GET', `places/${code(old)}`), 404)
  expect(await say(code(old)), 404)
  assert.equal((await ask('GET', `places/${code(fresh)}`)).status, 200)
  expect(await manager.post(`qr-codes/${fresh.id}/actions/revoke`, {}), 200)
  expect(await say(code(fresh)), 404)
  const shown = expect(await manager.get(`qr-codes/${fresh.id}`), 200)
  assert.deepEqual([shown.state, 'code' in shown, 'token_hash' in shown], ['revoked', false, false])
})

test('what is no sign has one answer; nothing is made', async () => {
  const before = await tickets()
  const live = code(await sign(area[0]))
  const said = new Set()
  for (const bad of ['0'.repeat(32), live.toUpperCase(), live + '0', live.slice(1), '1', 'x'.repeat(900), '%F0%9F%92%A9', "%27%3B--", '..%2f']) {
    const replies = bad === '..%2f' ? [] : [await ask('GET', `places/${bad}`), await say(bad)]
    for (const r of replies) said.add(JSON.stringify([r.status, r.body.code, r.body.detail]))
  }
  assert.equal(said.size, 1, [...said].join('\n'))
  assert.equal((await ask('GET', 'places/a%00b')).status, 400)
  assert.equal((await fetch(`${house.url}/api/v1/public/places/${'a'.repeat(9000)}`)).status, 414)
  assert.equal(await tickets(), before)
})

test('wrong posts are told field and reason; a paste of 10,000 lines too', async () => {
  const key = code(await sign(area[2]))
  const before = await tickets()
  for (const [more, want] of [
    [{ text: 'x\n'.repeat(10_000) }, { text: 'max' }], [{ text: ' \n\t ' }, { text: 'required' }], [{ text: '' }, { text: 'required' }], [{ text: 'a\u0000b' }, { text: 'format' }], [{ text: 7 }, { text: 'type' }],
    [{ kind: 'praise' }, { kind: 'choice' }], [{ kind: undefined }, { kind: 'required' }], [{ phone: 'call me' }, { phone: 'format' }], [{ phone: '1'.repeat(40) }, { phone: 'max' }], [{ device: 'x'.repeat(65) }, { device: 'max' }],
    [{ space_id: 1 }, { space_id: 'unknown' }], [{ person_id: house.resident1.person_id }, { person_id: 'unknown' }], [{ channel: 'phone' }, { channel: 'unknown' }],
  ]) {
    const reply = await say(key, more)
    if (more.text === 'a\u0000b' && reply.status === 400) continue // no JSON text holds it
    assert.deepEqual(faults(reply), want, JSON.stringify(more).slice(0, 80))
    assert.ok(reply.body.fields.every((f) => f.message))
  }
  assert.equal((await ask('POST', `places/${key}`, { headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status, 415)
  assert.equal((await fetch(`${house.url}/api/v1/public/places/${key}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"' + 'x'.repeat(2 << 20) + '"}' })).status, 413)
  assert.equal(await tickets(), before)
})

test('ten a day from an address, ten from a device at a sign, the same words twice: then the reason', async () => {
  const [one, two] = [code(await sign(area[3])), code(await sign(area[4]))]
  const refused = (reply, status, field) => {
    assert.deepEqual([reply.status, reply.body.fields?.map((f) => f.field)], [status, [field]], JSON.stringify(reply.body))
    assert.ok(reply.body.detail && reply.body.fields[0].message)
  }
  const from = address()
  for (let i = 0; i < 10; i++) expect(await say(i % 2 ? one : two, {}, { from }), 201)
  const over = await say(one, {}, { from })
  refused(over, 429, 'address')
  assert.equal(over.headers.get('retry-after'), '3600')
  for (let i = 0; i < 10; i++) expect(await say(one, { device: 'same' }), 201)
  refused(await say(one, { device: 'same' }), 429, 'device')
  expect(await say(two, { device: 'same' }), 201) // at that sign it is the first
  expect(await say(one, { text: '电梯有异响' }), 201)
  expect(await say(one, { text: ' 电梯 有\n异响 ' }), 201)
  refused(await say(one, { text: '电梯有异响' }), 409, 'text')
  expect(await say(two, { text: '电梯有异响' }), 201) // another place
  for (let i = 1; i <= 10; i++) expect(await say(two, {}, { from: `2001:db8:7:7::${i}` }), 201) // a household has more addresses than days
  refused(await say(two, {}, { from: '2001:db8:7:7:1:2:3:4' }), 429, 'address')
  expect(await say(two, {}, { from: '2001:db8:7:8::1' }), 201)
  // Thirty at once are thirty, however they fall.
  const crowd = address()
  const all = await Promise.all(Array.from({ length: 30 }, () => say(two, {}, { from: crowd })))
  assert.equal(all.filter((r) => r.status === 201).length, 10, all.map((r) => r.status).join())
  const words = await Promise.all(Array.from({ length: 12 }, () => say(two, { text: '漏水漏水' })))
  assert.equal(words.filter((r) => r.status === 201).length, 2, words.map((r) => r.status).join())
  // The next day is another day; who sent it cannot be read from what was counted.
  assert.deepEqual(await db.run(`SELECT count(*) FROM intake_tally WHERE key_hash LIKE '%10.1.%' OR length(key_hash) <> 64`), ['0'])
  await db.run(`UPDATE intake_tally SET day = '2020-01-01'`)
  expect(await say(one, {}, { from }), 201)
})

test('one picture belongs to what was told, by the checks of every upload, and nothing before that', async () => {
  const key = code(await sign(area[0]))
  const told = expect(await say(key), 201)
  const [id] = await db.run(`SELECT id FROM ticket WHERE code = '${told.code}'`)
  const files = async () => expect(await desk.get(`tickets/${id}/files`), 200).items
  const send = (token, bytes, name = 'p.png') => ask('POST', `photos/${token}`, { form: upload(bytes, name, 'before') })
  expect(await send('0'.repeat(32), PNG), 404)
  expect(await send(told.progress.split('/')[2], PNG), 404)
  expect(await ask('GET', `progress/${told.photo}`), 404)
  for (const bad of [EICAR, Buffer.from('MZ\x90 program'), Buffer.from('%PDF-1.7'), Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')]) assert.deepEqual(faults(await send(told.photo, bad)), { file: 'type' })
  assert.deepEqual(await files(), [])
  const all = await Promise.all(Array.from({ length: 4 }, () => send(told.photo, PNG)))
  assert.deepEqual(all.map((r) => r.status).sort(), [201, 409, 409, 409])
  assert.deepEqual((await files()).map((f) => [f.name, f.type, f.stage]), [['p.png', 'image/png', 'before']])
  expect(await send(told.photo, PNG), 409)
  const late = expect(await say(key), 201)
  await db.run(`UPDATE public_link SET expires_at = 1 WHERE kind = 3 AND state = 1`)
  expect(await send(late.photo, PNG), 404)
})

test('a stranger who may not send is told so before a byte of his picture is taken', async () => {
  const said = await new Promise((done, fail) => {
    let text = ''
    const socket = connect({ port: Number(new URL(house.url).port), host: '127.0.0.1' }, () =>
      socket.write(`POST /api/v1/public/photos/${'0'.repeat(32)} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000\r\n\r\n`))
    socket.setTimeout(8000, () => (socket.destroy(), fail(new Error('the server waits for the picture'))))
    socket.on('data', (part) => ((text += part), /\r\n\r\n/.test(text) && (socket.destroy(), done(text)))).on('error', fail)
  })
  assert.match(said, /^HTTP\/1\.1 404 /)
})

test('the door is the community’s own, and signs are the manager’s', async () => {
  const key = code(await sign(area[0]))
  const [row] = expect(await manager.get(`intake-settings?community_id=${house.community}`), 200).items
  const shut = expect(await manager.patch(`intake-settings/${row.id}`, { qr: false }, row.version), 200)
  expect(await ask('GET', `places/${key}`), 404)
  expect(await say(key), 404)
  expect(await manager.patch(`intake-settings/${row.id}`, { qr: true }, shut.version), 200)
  assert.equal((await ask('GET', `places/${key}`)).status, 200)
  const other = await house.as('manager-b') // a community that did not open it: its signs are as unknown as any
  const [theirs] = expect(await other.get('spaces?kind=area&limit=1'), 200).items
  expect(await ask('GET', `places/${code(await sign(theirs, {}, other))}`), 404)
  for (const [login, space, status] of [['manager-b', area[0].id, 404], ['manager', theirs.id, 404], ['desk', area[0].id, 403], ['worker1', area[0].id, 403], ['resident1', area[0].id, 403]])
    assert.equal((await (await house.as(login)).post(`spaces/${space}/qr-code`, {})).status, status, login)
  assert.ok(expect(await other.get('qr-codes?limit=200'), 200).items.every((r) => r.community_id === house.otherCommunity))
})

test('an asset’s sign names it and where it stands; what is told is about it, and ends with it', async () => {
  const [lift, gate] = await Promise.all(['lift', 'parking'].map(async (system) => expect(await manager.get(`assets?community_id=${house.community}&system=${system}&sort=id&limit=1`), 200).items[0]))
  const of = async (asset, body = {}, who = manager) => expect(await who.post(`assets/${asset.id}/qr-code`, body), 200)
  const made = await of(lift)
  assert.deepEqual(await of(lift), made)
  const place = expect(await manager.get(`spaces/${lift.space_id}`), 200).path_name
  const seen = expect(await ask('GET', `places/${code(made)}`), 200)
  assert.deepEqual(seen, { place, asset: lift.name, asset_code: lift.code })
  assert.deepEqual([made.place, made.asset, made.asset_code], [place, lift.name, lift.code])
  const told = expect(await say(code(made), { text: '电梯里有焦味' }), 201)
  const [id] = await db.run(`SELECT id FROM ticket WHERE code = '${told.code}'`)
  const t = expect(await desk.get(`tickets/${id}`), 200)
  assert.deepEqual([t.asset_id, t.space_id, t.channel, t.person_id], [lift.id, lift.space_id, 'qr', null])
  assert.deepEqual(faults(await say(code(made), { asset_id: gate.id })), { asset_id: 'unknown' })
  // The same words are counted by asset: at the place's own sign, and at its neighbour's, they are the first.
  expect(await say(code(made), { text: '电梯里有焦味' }), 201)
  assert.equal((await say(code(made), { text: ' 电梯里 有焦味' })).status, 409)
  expect(await say(code(await sign(lift.space_id)), { text: '电梯里有焦味' }), 201)
  const next = expect(await manager.post('assets', { community_id: house.community, name: '旁边那台', system: 'lift', space_id: lift.space_id }), 201)
  expect(await say(code(await of(next)), { text: '电梯里有焦味' }), 201)
  // It leads to where the asset stands now.
  const moved = expect(await manager.patch(`assets/${next.id}`, { space_id: area[0].id, name: '搬走的那台' }, next.version), 200)
  assert.deepEqual(expect(await ask('GET', `places/${code(await of(next))}`), 200), { place: area[0].path_name, asset: '搬走的那台', asset_code: next.code })
  const there = expect(await say(code(await of(next))), 201)
  assert.deepEqual(await db.run(`SELECT space_id FROM ticket WHERE code = '${there.code}'`), [String(area[0].id)])
  const list = expect(await manager.get(`qr-codes?community_id=${house.community}&asset_id=${next.id}`), 200).items
  assert.deepEqual(list.map((k) => [k.name, k.space_id, k.state]), [[`搬走的那台 ${next.code}`, null, 'live']])
  // Renewed, retired, archived: one answer, that of any unknown code.
  const none = await ask('GET', `places/${'0'.repeat(32)}`)
  const dead = async (key) => {
    for (const r of [await ask('GET', `places/${key}`), await say(key)]) assert.deepEqual([r.status, r.body.code, r.body.detail], [404, none.body.code, none.body.detail])
  }
  const fresh = await of(next, { renew: true })
  const before = await of(lift)
  const renewed = await of(lift, { renew: true })
  await dead(code(before))
  expect(await manager.post(`assets/${lift.id}/actions/retire`, { reason: '更新' }), 200)
  await dead(code(renewed))
  assert.equal((await manager.post(`assets/${lift.id}/qr-code`, {})).status, 409)
  expect(await manager.post(`assets/${lift.id}/actions/take_back`, { reason: '填错' }), 200)
  expect(await ask('GET', `places/${code(renewed)}`), 200)
  expect(await manager.del(`assets/${next.id}`, moved.version), 200)
  await dead(code(fresh))
  // Whose signs they are.
  const other = await house.as('manager-b')
  const [theirs] = expect(await other.get('assets?limit=1'), 200).items
  for (const [login, asset, status] of [['manager-b', gate.id, 404], ['manager', theirs.id, 404], ['desk', gate.id, 403], ['worker1', gate.id, 403], ['resident1', gate.id, 403]])
    assert.equal((await (await house.as(login)).post(`assets/${asset}/qr-code`, {})).status, status, login)
  expect(await ask('GET', `places/${code(await of(theirs, {}, other))}`), 404) // their door is shut
})

test('two at once make one sign of an asset', async () => {
  const [gate] = expect(await manager.get(`assets?community_id=${house.community}&system=security&limit=1`), 200).items
  const all = await Promise.all(Array.from({ length: 8 }, () => manager.post(`assets/${gate.id}/qr-code`, {})))
  const urls = new Set(all.filter((r) => r.status === 200).map((r) => r.body.url))
  assert.equal(urls.size, 1, JSON.stringify(all.map((r) => [r.status, r.body.detail])))
  assert.deepEqual(await db.run(`SELECT count(*) FROM qr_code WHERE asset_id = ${gate.id} AND state = 1`), ['1'])
})
