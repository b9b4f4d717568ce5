// privacy.test.mjs - consents by edition, requests of the people whose data it is, erasure that leaves nothing to be found by,
// restriction, retention, the copy that only its owner gets, registers with reminders.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Database } from '../lib/database.mjs'
import { act as act_ticket, expect, faults, openHouse } from '../lib/house.mjs'
import { setTimeout as pause } from 'node:timers/promises'

// Work that a job does: asked for again until it is there; the runner's own limit ends a wait that is in vain.
async function until(is) {
  while (!(await is())) await pause(50)
}

let house, desk, manager, cashier, resident, other, db
before(async () => {
  house = await openHouse()
  ;[desk, manager, cashier, resident, other] = await Promise.all(
    ['desk', 'manager', 'cashier', 'resident1', 'resident2'].map((l) => house.as(l)),
  )
  db = new Database(house.server)
})
after(() => house.stop())
const today = () => new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10)
const day = (n) => new Date(Date.now() + 8 * 3600_000 + n * 86400_000).toISOString().slice(0, 10)
const step = async (who, path, row, action, input = {}, status = 200) =>
  expect(await who.post(`${path}/${row.id}/actions/${action}`, input), status)
const make_text = async (purpose, edition, from = today()) =>
  expect(await manager.post('consent-texts', {
    community_id: house.community, purpose, edition, text: `我们为${purpose}使用您的电话,保存一年,可随时撤回。`,
    effective_from: from, sensitive: false,
  }), 201)
const ask = async (who, kind, fields = {}) =>
  expect(await who.post('data-requests', { community_id: house.community, kind, ...fields }), 201)
async function finish(r, answer = '已按您的请求办理') {
  if (r.state === 'received') r = await step(desk, 'data-requests', r, 'verify', { identity_by: 'document' })
  r = await step(desk, 'data-requests', r, 'begin')
  return step(manager, 'data-requests', r, 'finish', { answer })
}
const answers = async (who) => expect(await who.get('me/consents'), 200).items

test('a consent: asked once an edition, given, withdrawn by oneself; a new edition asks again', async () => {
  const first = await make_text('greetings', 11)
  const mine = async () => (await answers(resident)).find((a) => a.purpose === 'greetings')
  assert.equal((await mine()).answer, null)
  const given = expect(await resident.post('consents', { text_id: first.id, community_id: house.community }), 201)
  assert.deepEqual([given.answer, given.channel, given.person_id], ['given', 'app', house.resident1.person_id])
  assert.ok(given.answered_at)
  assert.deepEqual(faults(await resident.post('consents', { text_id: first.id, community_id: house.community })), { text_id: 'exists' })
  expect(await other.post(`consents/${given.id}/actions/withdraw`, {}), 404)
  assert.equal((await answers(other)).find((a) => a.purpose === 'greetings').answer, null, 'nobody else gave it')
  const gone = await step(resident, 'consents', given, 'withdraw')
  assert.ok(gone.withdrawn_at)
  assert.equal((await mine()).answer, 'withdrawn')
  expect(await resident.post('consents', { text_id: first.id, community_id: house.community }), 201)
  assert.equal((await mine()).answer, 'given')
  await make_text('greetings', 12)
  assert.deepEqual([(await mine()).edition, (await mine()).answer], [12, null], 'asked again')
  const later = await make_text('greetings', 13, day(30))
  assert.equal((await mine()).edition, 12, 'not in force yet')
  assert.deepEqual(faults(await resident.post('consents', { text_id: later.id, community_id: house.community })), { text_id: 'early' })
  const named = await db.run(`SELECT user_name FROM event WHERE user_id = ${resident.answer.user.id} AND user_name IS NOT NULL`)
  const own = (await db.run(`SELECT id FROM event WHERE user_id = ${resident.answer.user.id} AND topic = 'consent.created'`)).length
  assert.deepEqual([named.length, own], [0, 2], 'in the log by reference only')
  expect(await manager.patch(`consent-texts/${first.id}`, { text: '改了改了改了改了改了' }, 1), 405)
})

test('recorded by the desk for somebody, with the signed paper attached; residents speak for themselves only', async () => {
  const text = await make_text('marketing', 1)
  const body = { community_id: house.community, text_id: text.id, person_id: house.resident2.person_id }
  assert.deepEqual(faults(await desk.post('consents', body)), { channel: 'required' })
  const paper = expect(await desk.post('consents', { ...body, channel: 'paper', answer: 'refused' }), 201)
  assert.equal(paper.created_by, house.desk.user_id ?? paper.created_by)
  const form = new FormData()
  form.append('stage', 'other')
  form.append('file', new Blob([Buffer.from('%PDF-1.4 signed')]), 'signed.pdf')
  expect(await desk.post(`consents/${paper.id}/files`, form), 201)
  assert.equal(expect(await other.get(`consents/${paper.id}/files`), 200).items.length, 1, 'his own paper')
  expect(await resident.get(`consents/${paper.id}/files`), 404)
  assert.deepEqual(faults(await resident.post('consents', body)), { person_id: 'denied' })
  expect(await cashier.post('consents', body), 403)
})

test('a request: identity, due in 15 working days, steps on record, refusal with a reason', async () => {
  const r = await ask(desk, 'access', { person_id: house.resident2.person_id, channel: 'phone' })
  assert.deepEqual([r.state, r.late], ['received', false])
  assert.match(r.code, /^GR-\d{4}-\d{6}$/)
  const due = expect(await desk.get(`calendar/add?community_id=${house.community}&date=${day(0)}&workdays=15`), 200).date
  assert.equal(r.due_date, due)
  await step(desk, 'data-requests', r, 'begin', {}, 409)
  await step(desk, 'data-requests', r, 'finish', { answer: '好的' }, 403)
  const v = await step(desk, 'data-requests', r, 'verify', { identity_by: 'call_back' })
  assert.deepEqual(faults(await manager.post(`data-requests/${v.id}/actions/refuse`, {})), { answer: 'required' })
  const no = await step(manager, 'data-requests', v, 'refuse', { answer: '身份无法核实,可向网信部门投诉' })
  assert.deepEqual([no.state, no.answer], ['refused', '身份无法核实,可向网信部门投诉'])
  expect(await resident.get(`data-requests/${r.id}`), 404)
  const mine = await ask(resident, 'copy')
  assert.deepEqual([mine.state, mine.identity_by, mine.channel], ['verified', 'login', 'app'])
  assert.deepEqual(faults(await resident.post('data-requests', { community_id: house.community, kind: 'correct' })), { detail: 'required' })
  await step(resident, 'data-requests', mine, 'take_back')
  const topics = expect(await desk.get(`data-requests/${r.id}/timeline`), 200).items.map((i) => i.topic)
  assert.deepEqual(topics, ['data_request.created', 'data_request.verified', 'data_request.refused'])
})

test('the copy: everything about him in full, nobody else in it, only after it is done, by a link that ends', async () => {
  const t = await house.ticketIn('informed', { contact_name: '本人', contact_phone: '13700001111' })
  const worked = await house.ticketIn('in_progress')
  const worker = await house.as('worker1')
  for (const payer of ['customer', 'property'])
    await act_ticket(worker, worked, 'add_item', { kind: 'material', name: '角阀', quantity: 1000, price: 4500, payer })
  const seen = expect(await resident.get(`tickets/${worked.id}`), 200)
  assert.deepEqual([seen.items.map((i) => i.payer), seen.payable, seen.cost], [['customer'], 4500, undefined])
  await make_text('groups', 1)
  let r = await ask(resident, 'access')
  expect(await resident.get(`data-requests/${r.id}/copy?format=json`), 409)
  r = await finish(r)
  for (const who of [other, cashier, await house.as('manager-b')])
    assert.ok([403, 404].includes((await who.get(`data-requests/${r.id}/copy?format=json`)).status))
  expect(await desk.get(`data-requests/${r.id}/copy`), 403)
  const copy = await resident.get(`data-requests/${r.id}/copy?format=json`)
  assert.equal(copy.status, 200)
  assert.match(copy.headers.get('content-disposition'), /^attachment; filename="GR-[\d-]+\.json"$/)
  const all = copy.body
  assert.equal(all.person[0].id, house.resident1.person_id)
  assert.doesNotMatch(JSON.stringify(all), /\*\*\*\*/, 'in full')
  assert.ok(all.ticket.some((x) => x.id === t.id && x.contact_phone === '13700001111'))
  for (const part of ['occupancy', 'person_identity', 'rating', 'return_visit', 'consent', 'data_request', 'sessions', 'events']) assert.ok(all[part], part)
  assert.deepEqual(all.ticket_item.filter((x) => x.ticket_id === worked.id).map((x) => [x.payer, x.amount]), [['customer', 4500]], 'what he pays')
  assert.ok(all.return_visit.every((v) => !('staff_id' in v) && !('worker_id' in v)))
  assert.ok(all.sessions.length && all.events.length && all.occupancy.length)
  assert.ok(all.ticket.every((x) => x.person_id === all.person[0].id && !('assignee_id' in x) && !('created_by' in x)))
  const { items: people } = expect(await manager.get('people?limit=200'), 200)
  const text = JSON.stringify(all)
  for (const p of people) if (p.id !== all.person[0].id) assert.ok(!text.includes(String(p.id)), `person ${p.id}`)
  const { url } = expect(await resident.post(`data-requests/${r.id}/link`, { minutes: 5, format: 'html' }), 200)
  assert.doesNotMatch(decodeURIComponent(url), new RegExp(`${all.person[0].name}|${all.person[0].phone}`))
  const open = await (await fetch(house.url + url)).text()
  assert.match(open, new RegExp(`<td>${all.person[0].name}</td>`))
  for (const wrong of [url.replace(/until=\d/, 'until=9'), url.replace('html', 'json'), url.replace(/by=\d/, 'by=7')])
    assert.equal((await fetch(house.url + wrong)).status, 404)
  await db.run(`UPDATE data_request SET finished_at = finished_at - ${16 * 86400_000} WHERE id = ${r.id}`)
  assert.equal((await fetch(house.url + url)).status, 404, 'after 15 days')
  expect(await resident.get(`data-requests/${r.id}/copy`), 409)
})

async function former(name, phone, plate) {
  const p = expect(await manager.post('people', { community_id: house.community, name, phone, note: `${name}的备注` }), 201)
  const space = house.resident1.space_id
  const o = expect(await manager.post('occupancies', {
    community_id: house.community, person_id: p.id, space_id: space, relation: 'tenant', from_date: '2020-01-01', to_date: '2021-01-01',
  }), 201)
  expect(await manager.post('identities', { community_id: house.community, person_id: p.id, kind: 'plate', value: plate }), 201)
  return { ...p, phone, plate, occupancy: o.id }
}

test('restriction: out of lists, pages, search, look-up and exports of whoever does not handle it; lifted again', async () => {
  const p = await former('限制某', '13611112222', '京A12345')
  const t = await house.register(desk, { person_id: p.id })
  const named = async (who) => expect(await who.get(`tickets/${t.id}?refs=1`), 200).refs.people?.[p.id]
  assert.equal(await named(desk), '限制某')
  await finish(await ask(desk, 'restrict', { person_id: p.id, channel: 'desk' }))
  assert.deepEqual([await named(desk), await named(manager)], [undefined, '限制某'], 'no name where he is referred to')
  expect(await desk.get(`people/${p.id}`), 403)
  const listed = async (who) => expect(await who.get('people?q=13611112222'), 200).items.length
  assert.deepEqual([await listed(desk), await listed(manager)], [0, 1])
  const found = async (who) => expect(await who.get(`search?q=${encodeURIComponent('限制某')}`), 200).items.length
  assert.equal(await found(desk), 0)
  expect(await desk.get(`people/${p.id}/timeline`), 403)
  expect(await desk.post(`people/${p.id}/reveal`, { reason: '想看看' }), 403)
  assert.equal(expect(await desk.get(`identities?person_id=${p.id}`), 200).items.length, 0)
  assert.equal(expect(await desk.get(`occupancies?person_id=${p.id}`), 200).items.length, 0)
  assert.equal(expect(await desk.get('desk/lookup?q=13611112222'), 200).items.length, 0)
  assert.equal(expect(await desk.get(`desk/lookup?q=${encodeURIComponent('京A12345')}`), 200).items.length, 0)
  assert.doesNotMatch((await desk.get('people/export.csv')).bytes.toString(), /限制某/)
  await finish(await ask(desk, 'lift', { person_id: p.id, channel: 'desk' }))
  assert.equal(await listed(desk), 1)
})

test('objection: every consent of his ends', async () => {
  const text = await make_text('publication', 1)
  expect(await resident.post('consents', { text_id: text.id, community_id: house.community }), 201)
  await finish(await ask(resident, 'object'))
  assert.ok((await answers(resident)).every((a) => a.answer !== 'given'))
})

test('erasure: not while he lives here or waits; then nothing to be found by in any row, the numbers stay', async () => {
  const stays = await ask(resident, 'erase')
  await step(desk, 'data-requests', stays, 'begin')
  await step(manager, 'data-requests', stays, 'finish', { answer: '好的' }, 409)
  const p = await former('欧阳无名氏', '13599998888', '京B·99999')
  const body = { person_id: p.id, title: '欧阳无名氏家漏水', detail: '请打 135-9999-8888,车 京B99999(京B·99999),身份证 11010519491231002X', contact_name: p.name, contact_phone: p.phone }
  const t = await house.register(desk, body)
  const security = await house.as('security')
  const user = expect(await security.post('users', { login: 'ouyang13599998888', name: p.name, password: 'First-pass-1', home: 'phone' }), 201)
  const role = expect(await security.get('roles?limit=200'), 200).items.find((x) => x.key === 'resident')
  expect(await security.post('grants', { user_id: user.id, role_id: role.id, scope: 'community', scope_id: house.community, person_id: p.id }), 201)
  const his = await house.login('ouyang13599998888', 'First-pass-1')
  const nameless = { community_id: house.community, kind: 'complaint', title: '保安态度恶劣', person_id: p.id }
  expect(await desk.post('anonymous-complaints', nameless), 201)
  assert.deepEqual(await db.run('SELECT count(*) FROM sealed_identity WHERE person_index IS NOT NULL'), ['1'])
  await db.run(`UPDATE letter SET ticket_id = ${t.id}, name = '欧阳无名氏', address = 'ouyang13599998888@qq.example', text = '车 京B99999' WHERE id = (SELECT min(id) FROM letter)`)
  const r = await ask(desk, 'erase', { person_id: p.id, channel: 'paper', detail: '欧阳无名氏要求删除' })
  let now = await step(desk, 'data-requests', r, 'verify', { identity_by: 'document' })
  now = await step(desk, 'data-requests', now, 'begin')
  await step(manager, 'data-requests', now, 'finish', { answer: '好的' }, 409)
  await act_ticket(desk, t, 'cancel', { reason: '欧阳无名氏自己修了' })
  await step(manager, 'data-requests', now, 'finish', { answer: '欧阳无名氏的信息已删除' })
  await until(async () => (await db.run(`SELECT id FROM person WHERE id = ${p.id} AND erased_at IS NOT NULL`)).length === 1)
  expect(await his.get('meta'), 401) // and his login with him
  assert.equal(expect(await security.get(`users/${user.id}`), 200).enabled, false)
  const secret = /欧阳无名氏|13599998888|135-9999-8888|京B·?99999|11010519491231002X/
  for (const table of ['person', 'person_identity', 'ticket', 'letter', 'ticket_remark', 'search_doc', 'data_request', 'consent', 'app_user', 'job', 'idempotency'])
    if (table !== 'idempotency') assert.doesNotMatch((await db.run(`SELECT * FROM ${table}`)).join('\n'), secret, table)
  assert.deepEqual(await db.run('SELECT count(*) FROM sealed_identity WHERE name IS NOT NULL OR phone IS NOT NULL OR person_index IS NOT NULL'), ['0'])
  const row = expect(await manager.get(`people/${p.id}`), 200)
  assert.deepEqual([row.name, row.phone, row.archived], [`匿名 #${p.id}`, null, true])
  const kept = expect(await manager.get(`tickets/${t.id}`), 200)
  assert.deepEqual([kept.code, kept.person_id, kept.contact_name, kept.title], [t.code, p.id, '匿**', '***家漏水'])
  for (const who of [desk, manager]) {
    assert.doesNotMatch(JSON.stringify(expect(await who.get(`tickets/${t.id}/timeline`), 200)), secret)
    assert.doesNotMatch(JSON.stringify(expect(await who.get(`data-requests/${r.id}/timeline`), 200)), secret)
  }
  const person_events = (await db.run("SELECT data FROM event WHERE subject IN ('person', 'person_identity', 'consent', 'data_request', 'app_user')")).join('\n')
  assert.doesNotMatch(person_events, secret, 'the log never held them')
  const auditor = await house.as('auditor')
  const log = expect(await auditor.get(`audit?community_id=${house.community}&subject_id=${t.id}`), 200)
  assert.ok(log.items.length >= 2)
  assert.doesNotMatch(JSON.stringify(log), secret)
  assert.match((await house.server.cli(['check'])).out, / 0 faults/)
})

test('retention: seeded off; what would go; what went; nothing younger; in pieces', async () => {
  const rules = expect(await manager.get('retention-rules'), 200).items
  assert.deepEqual(rules.map((r) => [r.data_class, r.enabled]).sort(), [
    ['data_requests', false], ['former_residents', false], ['ticket_contacts', false], ['withdrawn_consents', false]])
  const people = rules.find((r) => r.data_class === 'former_residents')
  assert.deepEqual(faults(await manager.patch(`retention-rules/${people.id}`, { action: 'delete' }, people.version)), { action: 'choice' })
  assert.deepEqual(faults(await manager.patch(`retention-rules/${people.id}`, { keep_days: 1 }, people.version)), { keep_days: 'min' })
  const gone = await former('旧租户甲', '13522223333', '京C11111')
  const preview = expect(await manager.get(`retention-rules/${people.id}/preview`), 200)
  assert.ok(preview.items.some((i) => i.id === gone.id))
  assert.ok(preview.items.every((i) => i.resource === 'people' && i.id !== house.resident1.person_id))
  expect(await desk.get(`retention-rules/${people.id}/preview`), 403)
  expect(await manager.patch(`retention-rules/${people.id}`, { enabled: true }, people.version), 200)
  await db.run(`INSERT INTO job (id, name, data, run_at, attempts, state, once_key) VALUES (77, 'privacy.retain', '{"rule":${people.id}}', 0, 0, 0, 'test')`)
  await until(async () => (await db.run(`SELECT id FROM person WHERE id = ${gone.id} AND erased_at IS NOT NULL`)).length === 1)
  await until(async () => expect(await manager.get(`retention-rules/${people.id}/preview`), 200).items.length === 0)
  const runs = expect(await manager.get(`retention-runs?rule_id=${people.id}`), 200).items
  assert.equal(runs.reduce((n, r) => n + r.row_count, 0), preview.items.length)
  assert.equal(expect(await manager.get(`people/${house.resident1.person_id}`), 200).erased_at, null)
})

test('registers: processors, activities, assessments; a month before the day they are marked due', async () => {
  const community_id = house.community
  const base = { community_id, name: '短信服务商', purpose: '通知', categories: '电话', contract_until: day(300) }
  const soon = expect(await manager.post('processors', { ...base, review_date: day(10) }), 201)
  const far = expect(await manager.post('processors', { ...base, review_date: day(200) }), 201)
  assert.deepEqual([soon.due, far.due], [true, false])
  const activity = expect(await manager.post('processing-activities', {
    community_id, name: '报修', purpose: '维修', basis: 'contract', categories: '姓名、电话、地址', subjects: '住户', kept_for: '2 年', review_date: day(300),
  }), 201)
  expect(await manager.post('impact-assessments', {
    community_id, activity_id: activity.id, reason: '委托处理', necessity: '履行合同所必需', impact: '电话外泄', risk: 'low', measures: '遮盖',
    conclusion: '可以开展', assessed_on: day(0), review_date: day(365),
  }), 201)
  expect(await cashier.get('processors'), 403)
  assert.equal(expect(await manager.get('processors?due=true'), 200).items.length, 1)
})
