// bad_input.test.mjs - whatever is wrong with a request is told exactly, and nothing is changed by it.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { act, expect, faults, openHouse } from '../lib/house.mjs'

const JSON_TYPE = { 'content-type': 'application/json' }
let house, desk, anyone
before(async () => {
  house = await openHouse()
  desk = await house.as('desk')
  anyone = await house.anyone()
})
after(() => house.stop())
const ticket = (more) => ({ community_id: house.community, kind: 'repair', title: '漏水', channel: 'phone', ...more })
const total = async () => expect(await desk.get('tickets?count=1&limit=1'), 200).total
// One raw request on a socket of its own → the whole answer as text.
function raw(bytes) {
  const { hostname, port } = new URL(house.url)
  return new Promise((done, fail) => {
    let text = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    socket.setTimeout(20_000, () => fail(new Error(`no answer, only: ${text}`)))
    socket.on('data', (part) => (text += part.toString('latin1')))
    socket.on('close', () => done(text))
    socket.on('error', (e) => (text ? done(text) : fail(e)))
  })
}

test('every field error at once, by name, in the language asked for', async () => {
  const before = await total()
  const wrong = {
    community_id: house.community,
    kind: 'party',
    title: '',
    channel: 7,
    urgency: 9,
    impact: 'x',
    space_id: -1,
    appointment_at: 'tomorrow',
    contact_phone: 'abc',
    colour: 'red',
    state: 'closed',
    id: 5,
  }
  const reply = await desk.post('tickets', wrong, { 'accept-language': 'en' })
  assert.deepEqual(faults(reply), {
    kind: 'choice',
    title: 'required',
    channel: 'type',
    urgency: 'max',
    impact: 'type',
    space_id: 'ref',
    appointment_at: 'format',
    contact_phone: 'format',
    colour: 'unknown',
    state: 'read_only',
    id: 'read_only',
  })
  assert.ok(
    reply.body.fields.every((f) => /^[\x20-\x7e“”’]+$/.test(f.message)),
    'English',
  )
  const zh = await desk.post('tickets', wrong, { 'accept-language': 'zh-CN' })
  assert.ok(
    zh.body.fields.every((f) => /[\u4e00-\u9fff]/.test(f.message)),
    'Chinese',
  )
  assert.match(zh.body.trace_id, /^[0-9a-f]{16}$/)
  assert.equal(await total(), before)
})

test('required, too long, references to nothing or to another community', async () => {
  assert.deepEqual(faults(await desk.post('tickets', {})), { kind: 'required', title: 'required' })
  assert.deepEqual(faults(await desk.post('tickets', ticket({ title: '长'.repeat(121) }))), { title: 'max' })
  expect(await desk.post('tickets', ticket({ title: '长'.repeat(120) })), 201)
  assert.deepEqual(faults(await desk.post('tickets', ticket({ space_id: 123456789 }))), { space_id: 'ref' })
  assert.deepEqual(faults(await desk.post('tickets', ticket({ title: 'a\nb' }))), { title: 'format' })
  const b = await house.as('manager-b')
  const theirs = expect(await b.get('spaces?limit=1'), 200).items[0]
  assert.deepEqual(faults(await desk.post('tickets', ticket({ space_id: theirs.id }))), { space_id: 'ref' })
})

test('malformed JSON is told with its position', async () => {
  for (const [text, place] of [
    ['{"kind":"repair",,}', /1.*17|17|18/],
    ['{"kind":', /1/],
    ['', null],
    ['[1,2]', null],
    ['nul', /1/],
    ['{"kind":"repair"} x', /1/],
    ['{\n "kind": repair }', /2/],
  ]) {
    const body = expect(await desk.post('tickets', text, JSON_TYPE), 400, 'malformed')
    if (place) assert.match(body.detail, place)
  }
})

test('duplicate keys, deep nesting, huge and unsafe numbers', async () => {
  expect(
    await desk.post(
      'tickets',
      `{"community_id":${house.community},"kind":"repair","title":"a","title":"b","channel":"phone"}`,
      JSON_TYPE,
    ),
    400,
    'malformed',
  )
  expect(await desk.post('tickets', '['.repeat(5000) + ']'.repeat(5000), JSON_TYPE), 400, 'malformed')
  expect(await desk.post('tickets', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, JSON_TYPE), 400, 'malformed')
  const withId = (n) =>
    desk.post(
      'tickets',
      `{"community_id":${house.community},"kind":"repair","title":"a","channel":"phone","space_id":${n}}`,
      JSON_TYPE,
    )
  for (const n of ['9007199254740993', '9223372036854775807', '1e3', '1.5', '-9007199254740993'])
    assert.ok('space_id' in faults(await withId(n)), n)
  for (const n of ['99999999999999999999999', '1e999']) assert.ok([400, 422].includes((await withId(n)).status), n)
})

test('U+0000 and invalid UTF-8 never reach the database', async () => {
  const zero = await desk.post(
    'tickets',
    `{"community_id":${house.community},"kind":"repair","title":"a\\u0000b","channel":"phone"}`,
    JSON_TYPE,
  )
  assert.ok(zero.status === 400 || faults(zero).title === 'format')
  const bytes = Buffer.concat([
    Buffer.from(`{"community_id":${house.community},"kind":"repair","channel":"phone","title":"a`),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('"}'),
  ])
  expect(await desk.post('tickets', bytes, JSON_TYPE), 400, 'malformed')
  expect(
    await desk.post('tickets', `{"title":"\\ud800","kind":"repair","channel":"phone"}`, JSON_TYPE),
    400,
    'malformed',
  )
  for (const q of ['q=%00', 'q=%ff%fe', 'q=a%00b', 'state=%00', 'after=%ff'])
    assert.ok([200, 400, 422].includes((await desk.get(`tickets?${q}`)).status), q)
  expect(await desk.get('desk/lookup?q=%ff'), 422)
  assert.ok([400, 422].includes((await desk.get('desk/lookup?q=a%00b')).status))
  const login = await anyone.post('session', '{"login":"a\\u0000","password":"x"}', JSON_TYPE)
  assert.ok([400, 401, 422].includes(login.status))
})

test('content type, size, method, address', async () => {
  expect(await desk.post('tickets', '<a/>', { 'content-type': 'text/xml' }), 415, 'media_type')
  expect(await desk.post('tickets', JSON.stringify(ticket())), 415, 'media_type') // fetch says text/plain
  expect(await desk.post(`people/import?community_id=${house.community}`, '{}', JSON_TYPE), 415)
  expect(await desk.post('tickets', ticket({ detail: 'x'.repeat(1 << 20) })), 413, 'too_large')
  expect(await desk.get('nothing'), 404)
  expect(await desk.get('tickets/abc'), 404)
  expect(await desk.get('tickets/0'), 404)
  expect(await desk.get('tickets/9007199254740993'), 404)
  expect(await desk.get('tickets/99999999999999999999999999'), 404)
  expect(await desk.request('PUT', 'tickets', {}), 405, 'method')
  expect(await desk.del('tickets', 1), 405, 'method')
  expect(await desk.request('DELETE', 'ratings/1'), 405, 'method')
  expect(await desk.post('tickets/5/actions/fly', {}), 404)
  const t = await house.register(desk)
  expect(await desk.post(`tickets/${t.id}/actions/fly`, {}), 404)
})

test('no login 401, not allowed 403, not in scope 404', async () => {
  for (const path of [
    'tickets',
    'meta',
    'people',
    'desk/board',
    'events',
    'me/spaces',
    'search?q=a',
    'files/1',
    'tickets/export.csv',
  ]) {
    const reply = await anyone.get(path)
    expect(reply, 401, 'unauthenticated')
    assert.equal(reply.headers.get('www-authenticate'), 'Bearer')
  }
  expect(await anyone.post('tickets', ticket()), 401)
  expect(await anyone.get('tickets', { authorization: 'Bearer anju_wrong' }), 401)
  expect(await anyone.get('tickets', { cookie: 'anju=wrong' }), 401)
  const cashier = await house.as('cashier')
  expect(await cashier.post('tickets', ticket()), 403, 'denied')
  expect(await desk.get('users'), 403, 'denied')
  expect(await desk.post('categories', { community_id: house.community, name: 'x', kind: 'repair' }), 403, 'denied')
  expect(await desk.get(`tickets?community_id=${house.otherCommunity}`), 404, 'not_found')
  expect(await desk.get('tickets?community_id=1'), 404, 'not_found')
  expect(await desk.post('tickets', ticket({ community_id: house.otherCommunity })), 404, 'not_found')
})

test('stale version 409 with the current one, missing If-Match 428, wrong state 409', async () => {
  const t = await house.register(desk)
  expect(await desk.patch(`tickets/${t.id}`, { title: '新标题' }), 428, 'precondition')
  expect(await desk.patch(`tickets/${t.id}`, { title: '新标题' }, 'abc'), 400, 'malformed')
  const now = expect(await desk.patch(`tickets/${t.id}`, { title: '新标题' }, t.version), 200)
  assert.deepEqual([now.title, now.version], ['新标题', t.version + 1])
  const stale = expect(await desk.patch(`tickets/${t.id}`, { title: '旧' }, t.version), 409, 'conflict')
  assert.equal(stale.current_version, now.version)
  expect(await desk.patch(`tickets/${t.id}`, { title: '引号' }, `"${now.version}"`), 200)
  const late = await act(desk, t, 'accept', { version: t.version }, 409, 'conflict')
  assert.equal(late.current_version, now.version + 1)
  assert.deepEqual(faults(await desk.post(`tickets/${t.id}/actions/accept`, { version: 'x' })), { version: 'type' })
  await act(desk, t, 'accept')
  assert.equal((await act(desk, t, 'accept', {}, 409, 'state')).current_version, now.version + 2)
  assert.deepEqual(faults(await desk.patch(`tickets/${t.id}`, { kind: 'praise', nope: 1 }, now.version + 2)), {
    kind: 'create_only',
    nope: 'unknown',
  })
  const space = expect(await (await house.as('manager')).get('spaces?limit=1'), 200).items[0]
  expect(await (await house.as('manager')).del(`spaces/${space.id}`), 428)
})

test('a calendar of a minute a week is refused with advice, and does not stop anybody from asking', async () => {
  const manager = await house.as('manager')
  const row = expect(await manager.get(`work-calendars?community_id=${house.community}`), 200).items[0]
  const none = Object.fromEntries(['tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map((d) => [d, null]))
  const thin = await manager.patch(`work-calendars/${row.id}`, { ...none, monday: '09:00-09:01' }, row.version, { 'accept-language': 'en' })
  assert.deepEqual(faults(thin), { monday: 'range' })
  assert.match(JSON.stringify(thin.body), /at least 5 hours.*SLA policies/)
  assert.deepEqual(faults(await manager.patch(`work-calendars/${row.id}`, { ...none, monday: null }, row.version)), { monday: 'required' })
  assert.deepEqual(faults(await manager.patch(`work-calendars/${row.id}`, { ...none, monday: '09:00-11:00 11:00-13:59' }, row.version)), { monday: 'range' })
  const five = expect(await manager.patch(`work-calendars/${row.id}`, { ...none, monday: '09:00-14:00' }, row.version), 200)
  expect(await desk.post('tickets', ticket()), 201)
  for (const [kind, priority, code] of [['repair', 'P1', 'urgent'], ['complaint', 'P2', 'urgent'], ['safety', 'P3', 'safety']]) { // an emergency waits for no Monday
    const [p] = expect(await manager.get(`sla-policies?community_id=${house.community}&kind=${kind}&priority=${priority}`), 200).items
    assert.deepEqual(faults(await manager.patch(`sla-policies/${p.id}`, { hours: 'working' }, p.version)), { hours: code })
  }
  // a year of working time within five hours a week: more than the calendar can say
  const policy = expect(await manager.get(`sla-policies?community_id=${house.community}&kind=suggestion&priority=P3`), 200).items[0]
  const long = expect(await manager.patch(`sla-policies/${policy.id}`, { resolve_min: 525600, hours: 'working' }, policy.version), 200)
  const made = expect(await desk.post('tickets', ticket({ kind: 'suggestion' })), 201)
  assert.equal(Date.parse(made.resolve_due) - Date.parse(made.created_at), 525600 * 60000)
  const asked = { community_id: house.community, kind: 'suggestion', priority: 'P3', received_at: '2026-03-02T09:00:00+08:00' }
  const told = expect(await desk.post('sla/simulate', asked, { 'accept-language': 'en' }), 200)
  assert.match(told.explanation[0], /in working time/)
  assert.match(told.explanation[1], /too little working time within 11 years: counted around the clock/)
  assert.equal(told.resolve_due, '2027-03-02T09:00:00.000+08:00')
  expect(await manager.patch(`sla-policies/${policy.id}`, { resolve_min: policy.resolve_min, hours: policy.hours }, long.version), 200)
  expect(await manager.patch(`work-calendars/${row.id}`, Object.fromEntries(['monday', ...Object.keys(none)].map((d) => [d, row[d]])), five.version), 200)
})

test('an appointment is not for before it was asked; links do not contradict each other; a ladder does not go down', async () => {
  const at = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString()
  assert.deepEqual(faults(await desk.post('tickets', ticket({ appointment_at: at(-10) }))), { appointment_at: 'past' })
  assert.deepEqual(faults(await desk.post('tickets', ticket({ appointment_at: '2019-01-01T09:00:00+08:00' }))), { appointment_at: 'past' })
  const t = expect(await desk.post('tickets', ticket({ appointment_at: at(-3) })), 201)
  assert.deepEqual(faults(await desk.patch(`tickets/${t.id}`, { appointment_at: at(-60) }, t.version)), { appointment_at: 'past' })
  const moved = expect(await desk.patch(`tickets/${t.id}`, { appointment_at: at(60) }, t.version), 200)
  expect(await desk.patch(`tickets/${t.id}`, { title: '漏水了' }, moved.version), 200)

  const other = expect(await desk.post('tickets', ticket()), 201)
  const link = (a, b, kind) => desk.post('ticket-links', { community_id: house.community, ticket_id: a.id, other_id: b.id, kind })
  const made = expect(await link(t, other, 'follow_up'), 201)
  assert.deepEqual(faults(await link(other, t, 'follow_up')), { other_id: 'linked' })
  const third = expect(await desk.post('tickets', ticket()), 201)
  expect(await link(other, third, 'follow_up'), 201)
  assert.deepEqual(faults(await link(third, t, 'follow_up')), { other_id: 'cycle' })
  expect(await desk.del(`ticket-links/${made.id}`, made.version), 200)
  expect(await link(third, t, 'follow_up'), 201)

  const manager = await house.as('manager')
  const rung = (percent, level) => manager.post('ladder-steps', { community_id: house.community, percent, level, quiet: true })
  assert.deepEqual(faults(await rung(140, 'worker')), { level: 'order' })
  expect(await rung(140, 'manager'), 201)
})

test('lists refuse what they do not know', async () => {
  const cases = {
    'colour=red': 'colour',
    'title=x': 'title',
    'state=flying': 'state',
    'state.gte=received,accepted': 'state.gte',
    'sort=title': 'sort',
    'sort=': 'sort',
    'limit=0': 'limit',
    'limit=201': 'limit',
    'limit=x': 'limit',
    'count=2': 'count',
    'created_at.gte=yesterday': 'created_at',
    'after=xyz': 'after',
    'after=id.i1': 'after',
    'after=title.t00.1': 'after',
    'created_at.like=x': 'created_at.like',
    'space_id=1e3': 'space_id',
    'space_id=99999999999999999999': 'space_id',
    'id=5': 'id',
  }
  for (const [query, field] of Object.entries(cases)) {
    const told = Object.keys(faults(await desk.get(`tickets?${query}`)))
    assert.deepEqual(told, [field], query)
  }
  assert.deepEqual(Object.keys(faults(await desk.get('tickets?limit=x&state=flying&colour=1'))).sort(), [
    'colour',
    'limit',
    'state',
  ])
  expect(await desk.get('tickets?community_id=x'), 422)
  expect(await (await house.as('admin')).get('tickets'), 422) // sees several: must say which
  assert.deepEqual(faults(await desk.get(`tickets?space_id=${Array(21).fill(1).join(',')}`)), { space_id: 'max' })
})

test('too many requests: 429 with Retry-After, others are not held up', async () => {
  const made = await house.server.cli(['token', 'create', 'desk', '--rate', '1'])
  assert.equal(made.code, 0, made.err)
  const bearer = { authorization: `Bearer ${made.out.trim()}` }
  const replies = await Promise.all(Array.from({ length: 20 }, () => anyone.get('session', bearer)))
  const limited = replies.filter((r) => r.status === 429)
  assert.ok(limited.length >= 10 && replies.some((r) => r.status === 200), replies.map((r) => r.status).join(' '))
  for (const r of limited) {
    assert.ok(Number(r.headers.get('retry-after')) >= 1)
    assert.equal(r.body.code, 'rate_limited')
  }
  expect(await desk.get('session'), 200)
})

test('broken HTTP is refused without harm', async () => {
  const status = (text) => Number(text.match(/^HTTP\/1\.[01] (\d{3})/)?.[1])
  assert.equal(status(await raw('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')), 200)
  assert.ok(
    [400, 414, 431, 413].includes(
      status(await raw(`GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)),
    ),
  )
  assert.ok(
    [400, 431, 413].includes(
      status(
        await raw(`GET /api/v1/meta HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(70_000)}\r\nConnection: close\r\n\r\n`),
      ),
    ),
  )
  assert.ok(
    [400, 404, 401].includes(status(await raw('GET /api/v1/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))),
  )
  assert.equal(
    status(
      await raw(
        'POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n',
      ),
    ),
    413,
  )
  expect(await desk.get('session'), 200)
})
