// open311.test.mjs - GeoReport v2 as a civic app sees it: a real client (Code for America's) lists the services, posts a request
// and follows it to its end; both formats say the same; who sent it is nobody's to know; every wrong question is answered
// in the protocol's own words.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { XMLParser } from 'fast-xml-parser'
import { act, expect, openHouse, patient } from '../lib/house.mjs'

const Open311 = createRequire(import.meta.url)('open311')
let house, desk, manager, key, root, civic
before(async () => {
  house = await openHouse()
  ;[desk, manager] = (await Promise.all(['desk', 'manager'].map((l) => house.as(l)))).map(patient)
  const run = await house.server.cli(['token', 'create', 'desk', '--name', 'civic app'])
  assert.equal(run.code, 0, run.err)
  key = run.out.match(/\banju_[\w-]+|\b[\w-]{30,}/)[0]
  root = `${house.url}/open311/v2/`
  const client = new Open311({ endpoint: root, format: 'json', apiKey: key, jurisdiction: String(house.community) })
  const call = (name) => (...args) => new Promise((done, fail) => client[name](...args, (err, data) => (err ? fail(new Error(`${err} ${JSON.stringify(data)}`)) : done(data))))
  civic = Object.fromEntries(['serviceList', 'serviceDefinition', 'submitRequest', 'token', 'serviceRequests'].map((n) => [n, call(n)]))
})
after(() => house.stop())

const ask = async (path, options) => {
  const reply = await fetch(root + path, options)
  return { status: reply.status, type: reply.headers.get('content-type'), text: await reply.text() }
}
const post = (fields, format = 'json') =>
  ask(`requests.${format}`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(fields) })
const xml = (text) => new XMLParser({ parseTagValue: false }).parse(text)

test('a civic app lists, posts and follows a request, unchanged', async () => {
  const services = await civic.serviceList()
  assert.ok(services.length >= 100)
  for (const s of services) {
    assert.deepEqual(Object.keys(s), ['service_code', 'service_name', 'description', 'metadata', 'type', 'keywords', 'group'])
    assert.deepEqual([s.metadata, s.type], [false, 'realtime'])
  }
  const english = JSON.parse((await ask('services.json', { headers: { 'accept-language': 'en' } })).text)
  assert.ok(english.every((s) => !/[\u4e00-\u9fff]/.test(s.service_name + s.description + s.group)))
  const light = services.find((s) => /路灯不亮|Street light/.test(s.service_name))
  assert.deepEqual(await civic.serviceDefinition(light.service_code), { service_code: light.service_code, attributes: [] })
  const [made] = await civic.submitRequest({
    service_code: light.service_code, description: '东门第二盏路灯不亮\n已经三天', lat: 31.2304, long: 121.4737, address_string: '东门外', first_name: '建国', last_name: '王', phone: '13912345678', email: 'wang@example.org',
  })
  assert.ok(made.service_request_id && made.service_notice)
  assert.deepEqual(await civic.token(made.service_request_id), [{ service_request_id: made.service_request_id, token: made.service_request_id }])
  let [seen] = await civic.serviceRequests(made.service_request_id)
  assert.deepEqual(
    [seen.status, seen.service_code, seen.description, seen.address, seen.lat, seen.long, seen.status_notes],
    ['open', light.service_code, '东门第二盏路灯不亮\n已经三天', '东门外', 31.2304, 121.4737, ''],
  )
  assert.ok(Date.parse(seen.expected_datetime) > Date.now()) // the client made a Date of it
  assert.match((await ask(`requests/${made.service_request_id}.json`)).text, /"expected_datetime":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00"/)
  assert.doesNotMatch(JSON.stringify(seen), /13912345678|王|wang@/)
  assert.deepEqual((await civic.serviceRequests({ status: 'open', service_code: light.service_code })).map((r) => r.service_request_id), [made.service_request_id])

  const id = Number(made.service_request_id) // to the desk it is a ticket like any other
  let t = expect(await desk.get(`tickets/${id}`), 200)
  assert.deepEqual([t.channel, t.title, t.category_id, t.address, t.state], ['open311', '东门第二盏路灯不亮', Number(light.service_code), '东门外', 'received'])
  const dispatcher = await house.as('dispatcher')
  const worker = await house.as('worker1')
  t = await act(desk, t, 'accept')
  t = await act(dispatcher, t, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '就近' })
  t = await act(worker, t, 'start')
  t = await act(worker, t, 'finish', { result: '已更换灯泡' })
  t = await act(desk, t, 'inform', { channel: 'phone', note: '路灯已修好' })
  await act(desk, t, 'confirm')
  ;[seen] = await civic.serviceRequests(made.service_request_id)
  assert.deepEqual([seen.status, seen.status_notes], ['closed', '路灯已修好'])
  assert.deepEqual((await civic.serviceRequests({ status: 'open', service_code: light.service_code })), [])
  assert.equal((await civic.serviceRequests([made.service_request_id], {})).length, 1)
})

test('XML says the same, and nothing in it is markup that was not ours', async () => {
  const json = JSON.parse((await ask('services.json')).text)
  const other = await ask('services.xml')
  assert.match(other.type, /^text\/xml/)
  const services = xml(other.text).services.service
  assert.deepEqual(services.map((s) => s.service_code), json.map((s) => s.service_code))
  const made = await post({ service_code: json[0].service_code, api_key: key, address_id: String(house.resident1.space_id), description: '<b>&"\'\u0007 ]]></request>' }, 'xml')
  assert.equal(made.status, 201)
  const id = xml(made.text).service_requests.request.service_request_id
  const seen = xml((await ask(`requests/${id}.xml`)).text).service_requests.request
  assert.equal(new XMLParser({ parseTagValue: false, htmlEntities: true }).parse((await ask(`requests/${id}.xml`)).text).service_requests.request.description, '<b>&"\' ]]></request>')
  const same = JSON.parse((await ask(`requests/${id}.json`)).text)[0]
  assert.deepEqual(Object.keys(seen), Object.keys(same))
  assert.equal(seen.address_id, String(house.resident1.space_id))
  assert.ok(seen.address.length > 3)
})

test('a service for homes told of a building: the place stays as words, the report is not lost', async () => {
  const tap = expect(await desk.get(`categories?community_id=${house.community}&kind=repair&place=home&limit=1`), 200).items[0]
  const [building] = expect(await desk.get(`spaces?community_id=${house.community}&kind=building&limit=1`), 200).items
  const made = await post({ service_code: String(tap.id), api_key: key, address_id: String(building.id), description: '水龙头漏水' })
  assert.equal(made.status, 201)
  const t = expect(await desk.get(`tickets/${JSON.parse(made.text)[0].service_request_id}`), 200)
  assert.deepEqual([t.category_id, t.space_id, t.address], [tap.id, null, String(building.id)])
})

test('only what came this way is public', async () => {
  const t = await house.register(desk, { title: '内部工单', contact_phone: '13800001111' })
  const hidden = await ask(`requests/${t.id}.json`)
  assert.deepEqual([hidden.status, JSON.parse(hidden.text)[0].code], [404, 404])
  assert.ok(!JSON.parse((await ask('requests.json')).text).some((r) => r.service_request_id === String(t.id)))
  assert.equal((await ask(`requests.json?service_request_id=${t.id}`)).text, '[]')
})

test('a community that has not opened the door is not there; closing it is enough', async () => {
  assert.equal((await ask(`services.json?jurisdiction_id=${house.otherCommunity}`)).status, 404)
  assert.equal((await ask('services.json?jurisdiction_id=nowhere')).status, 404)
  const row = expect(await manager.get(`intake-settings?community_id=${house.community}`), 200).items[0]
  const closed = expect(await manager.patch(`intake-settings/${row.id}`, { open311: false }, row.version), 200)
  for (const path of ['services.json', 'requests.json', 'services.xml', 'tokens/1.json', 'requests/1.json']) assert.equal((await ask(path)).status, 404, path)
  assert.equal((await post({ service_code: '1', api_key: key, address_string: 'x' })).status, 404)
  expect(await manager.patch(`intake-settings/${row.id}`, { open311: true }, closed.version), 200)
  assert.equal((await ask('services.json')).status, 200)
})

test('wrong posts and questions: the code, the reason, and nothing made', async () => {
  const before = JSON.parse((await ask('requests.json')).text).length
  const { service_code } = JSON.parse((await ask('services.json')).text)[0]
  const ok = { service_code, api_key: key, address_string: '东门' }
  const without = (name) => Object.fromEntries(Object.entries(ok).filter(([k]) => k !== name))
  for (const [fields, status, words] of [
    [without('api_key'), 403, /api_key/], [{ ...ok, api_key: 'x'.repeat(43) }, 403, /api_key/], [without('service_code'), 400, /service_code/], [{ ...ok, service_code: '12' }, 404, /service_code/],
    [without('address_string'), 400, /address_string/], [{ ...ok, lat: '91', long: '0' }, 400, /lat/], [{ ...ok, lat: 'NaN', long: '1' }, 400, /lat/], [{ ...ok, lat: '31.2' }, 400, /lat/], [{ ...ok, address_id: '99-99' }, 400, /address_id/],
    [{ ...ok, media_url: 'javascript:alert(1)' }, 400, /media_url/], [{ ...ok, description: 'x'.repeat(4001) }, 400, /description/], [{ ...ok, jurisdiction_id: '77' }, 404, /jurisdiction/],
  ]) {
    const reply = await post(fields)
    const [fault] = JSON.parse(reply.text)
    assert.deepEqual([reply.status, fault.code], [status, status], JSON.stringify(fields))
    assert.match(fault.description, words)
  }
  assert.equal((await ask('requests.json', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status, 415)
  assert.equal((await ask('requests.json', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=%zz' })).status, 400)
  for (const path of ['requests.json?status=done', 'requests.json?start_date=yesterday', 'requests.json?service_code=x', 'requests.json?service_request_id=1,x'])
    assert.equal((await ask(path)).status, 400, path)
  for (const path of ['requests.yaml', 'requests', 'services/x.json', 'requests/1.csv']) assert.ok([200, 404].includes((await ask(path)).status), path)
  assert.equal((await ask('requests/9.json')).status, 404)
  assert.equal((await ask('services.json', { method: 'DELETE' })).status, 405)
  assert.equal(JSON.parse((await ask('requests.json')).text).length, before)
})
