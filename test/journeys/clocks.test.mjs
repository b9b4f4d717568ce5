// clocks.test.mjs - the work calendar and the clocks as callers see them: days, sums and differences of working days, a
// year's notice taken in, due times simulated with their account, escalations seen; and every wrong question refused.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Database } from '../lib/database.mjs'
import { act, expect, faults, openHouse, patient } from '../lib/house.mjs'
import { removeDir, tempDir } from '../lib/temp.mjs'

const NOTICES = 'src/rooms/calendar/data/holiday_cn'
const dir = tempDir('anju-clocks')
let house, desk, manager, admin, resident, cm, database
before(async () => {
  house = await openHouse()
  ;[desk, manager, admin, resident] = (await Promise.all(['desk', 'manager', 'admin', 'resident1'].map((l) => house.as(l)))).map(patient)
  cm = house.community
  database = new Database(house.server)
})
after(async () => {
  await house.stop()
  removeDir(dir)
})

const days = async (from, to, who = desk) => expect(await who.get(`calendar/days?community_id=${cm}&from=${from}&to=${to}`), 200)
const simulate = (fields, who = desk) => who.post('sla/simulate', { community_id: cm, kind: 'repair', priority: 'P3', ...fields })

test('every day of 2020 to 2026 is what the notices say; 2027 is not published', async () => {
  const said = new Map()
  for (let y = 2020; y <= 2026; y++)
    for (const d of JSON.parse(readFileSync(`${NOTICES}/${y}.json`)).days) said.set(d.date, d)
  const seen = await days('2020-01-01', '2026-12-31')
  assert.equal(seen.days.length, 2557)
  assert.deepEqual([seen.unpublished_years, seen.warning], [[], null])
  for (const d of seen.days) {
    const weekday = new Date(d.date).getUTCDay() % 6 !== 0
    const one = said.get(d.date)
    assert.deepEqual([d.date, d.workday, d.source, d.name], [d.date, one ? !one.isOffDay : weekday, one ? 'published' : 'weekday', one?.name ?? ''])
    assert.equal(d.hours !== '', d.workday)
  }
  const later = await days('2027-01-01', '2027-01-10')
  assert.ok(later.days.every((d) => d.source === 'not published' && d.workday === (new Date(d.date).getUTCDay() % 6 !== 0)))
  assert.deepEqual(later.unpublished_years, [2027])
  assert.match(later.warning, /Monday to Friday|周一至周五/)
})

test('T-106: so many working days later, the day itself not counted; and how many lie between', async () => {
  for (const [date, n, to] of [['2025-01-24', 5, '2025-02-07'], ['2025-04-30', 2, '2025-05-07'], ['2025-09-26', 3, '2025-09-30'], ['2025-09-30', 1, '2025-10-09'], ['2026-03-07', 0, '2026-03-07']]) {
    assert.equal(expect(await desk.get(`calendar/add?community_id=${cm}&date=${date}&workdays=${n}`), 200).date, to)
    assert.equal(expect(await desk.get(`calendar/diff?community_id=${cm}&from=${date}&to=${to}`), 200).workdays, n)
  }
  assert.equal(expect(await desk.get(`calendar/diff?community_id=${cm}&from=2024-12-31&to=2025-12-31`), 200).workdays, 248)
  const far = expect(await desk.get(`calendar/add?community_id=${cm}&date=2026-12-30&workdays=1000`), 200)
  assert.ok(far.date > '2030' && far.unpublished_years.includes(2028))
})

test('wrong dates and numbers are refused with the parameter named', async () => {
  for (const [path, field] of [
    ['days?from=2026-02-30&to=2026-03-01', 'from'], ['days?from=2026-02-01', 'to'], ['days?from=2026-03-02&to=2026-03-01', 'to'],
    ['days?from=2000-01-01&to=2026-01-01', 'to'], ['add?date=2026-01-01&workdays=-1', 'workdays'], ['add?date=2026-01-01&workdays=1.5', 'workdays'],
    ['add?date=2026-01-01', 'workdays'], ['add?date=x&workdays=1', 'date'], ['diff?from=2026-03-02&to=2026-03-01', 'to'],
  ])
    assert.ok(field in faults(await desk.get(`calendar/${path}&community_id=${cm}`)), path)
  expect(await resident.get(`calendar/days?community_id=${cm}&from=2026-01-01&to=2026-01-02`), 403)
  const other = expect(await (await house.as('manager-b')).get('calendar/days?from=2026-01-01&to=2026-01-02'), 200)
  assert.equal(other.days.length, 2)
  expect(await (await house.as('manager-b')).get(`calendar/days?community_id=${cm}&from=2026-01-01&to=2026-01-02`), 404)
})

test("a community's own word wins both ways, and can be taken back", async () => {
  const own = (date, workday) => manager.post('calendar-days', { community_id: cm, date, workday, name: '业主开放日' })
  const holiday = expect(await own('2026-10-03', true), 201)
  expect(await own('2026-06-10', false), 201)
  const seen = await days('2026-10-03', '2026-10-03')
  assert.deepEqual([seen.days[0].workday, seen.days[0].source, seen.days[0].name], [true, 'community', '业主开放日'])
  assert.equal((await days('2026-06-10', '2026-06-10')).days[0].workday, false)
  assert.deepEqual(faults(await own('2026-10-03', false)), { date: 'unique' })
  expect(await manager.del(`calendar-days/${holiday.id}`, holiday.version), 200)
  assert.equal((await days('2026-10-03', '2026-10-03')).days[0].workday, false)
})

test('hours: a calendar without any, and spans that overlap, are refused', async () => {
  const row = expect(await manager.get(`work-calendars?community_id=${cm}`), 200).items[0]
  const patch = (fields) => manager.patch(`work-calendars/${row.id}`, fields, row.version)
  assert.deepEqual(faults(await patch(Object.fromEntries(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map((d) => [d, null])))), { monday: 'required' })
  assert.deepEqual(faults(await patch({ friday: '09:00-12:00 11:30-18:00' })), { friday: 'format' })
})

test("a year's notice comes in as a file, through the API and the command line, by the company only", async () => {
  const notice = { year: 2027, papers: ['https://example.org/2027'], days: [{ name: '元旦', date: '2027-01-01', isOffDay: true }, { name: '元旦', date: '2027-01-03', isOffDay: false }] }
  expect(await manager.post('calendar/import', notice), 403)
  assert.deepEqual(faults(await admin.post('calendar/import', JSON.parse(readFileSync(`${NOTICES}/2027.json`)))), { days: 'required' })
  assert.deepEqual(faults(await admin.post('calendar/import', { ...notice, days: [{ date: '2027-13-01', isOffDay: true }] })), { days: 'format' })
  const seen = expect(await admin.post('calendar/import?dry_run=1', notice), 200)
  assert.deepEqual([seen.year, seen.off, seen.work], [2027, 1, 1])
  assert.deepEqual((await days('2027-01-01', '2027-01-01')).unpublished_years, [2027])
  assert.equal(expect(await admin.post('calendar/import', notice), 200).changed, true)
  assert.equal(expect(await admin.post('calendar/import', notice), 200).changed, false)
  const now = await days('2027-01-01', '2027-01-03')
  assert.deepEqual([now.unpublished_years, now.days.map((d) => d.workday)], [[], [false, false, true]])
  const file = join(dir, '2028.json')
  writeFileSync(file, JSON.stringify({ ...notice, year: 2028, days: notice.days.map((d) => ({ ...d, date: d.date.replace('2027', '2028') })) }))
  const run = await house.server.cli(['calendar', 'import', file])
  assert.equal(run.code, 0, run.err)
  assert.match(run.out, /2028: 1 days off, 1 make-up working days imported/)
  assert.deepEqual((await days('2028-01-01', '2028-01-02')).unpublished_years, [])
  writeFileSync(file, '{"year":2028')
  const bad = await house.server.cli(['calendar', 'import', file])
  assert.equal(bad.code, 1)
  assert.match(bad.err, /2028.json: anju: /)
})

test('T-64: urgent day and night, the rest in working time; every step is told', async () => {
  const urgent = expect(await simulate({ priority: 'P1', received_at: '2026-10-03T23:30:00+08:00' }), 200)
  assert.deepEqual([urgent.respond_due, urgent.handle_due, urgent.resolve_due].map((t) => Date.parse(t) - Date.parse('2026-10-03T23:30:00+08:00')), [15, 30, 1440].map((m) => m * 60000))
  const safety = expect(await simulate({ kind: 'safety', priority: 'P4', received_at: '2026-10-03T23:30:00+08:00' }), 200)
  assert.equal(Date.parse(safety.respond_due) - Date.parse('2026-10-03T23:30:00+08:00'), 3600000)
  const plain = expect(await simulate({ received_at: '2026-09-30T17:30:00+08:00' }), 200)
  assert.equal(plain.respond_due, '2026-10-08T12:30:00.000+08:00')
  assert.equal(plain.policy_version, 1)
  assert.ok(plain.explanation.length >= 6 && plain.explanation.every((l) => typeof l === 'string'))
  assert.match(plain.explanation.join('\n'), /2026-10-01.*2026-10-07/)
  const vip = expect(await simulate({ tier: 'vip', received_at: '2026-09-30T17:30:00+08:00' }), 200)
  assert.equal(vip.respond_due, plain.respond_due) // no row for the tier: everybody's
  const makeup = expect(await simulate({ received_at: '2026-10-09T17:30:00+08:00' }), 200)
  assert.equal(makeup.respond_due, '2026-10-10T12:30:00.000+08:00') // a make-up Saturday
  const unknown = expect(await simulate({ received_at: '2029-12-31T17:30:00+08:00' }), 200)
  assert.match(unknown.explanation.at(-1), /2030/)
})

test('T-65: a class that stops the clock moves what is due later, one that does not moves nothing', async () => {
  const at = (t) => `2026-03-${t}:00+08:00`
  const base = { received_at: at('02T10:00') }
  const plain = expect(await simulate(base), 200)
  assert.equal(plain.resolve_due, '2026-03-04T10:00:00.000+08:00')
  const paused = async (...pauses) => expect(await simulate({ ...base, pauses: pauses.map(([from, to, c]) => ({ from: at(from), to: at(to), class: c })) }), 200)
  assert.equal((await paused(['03T09:00', '03T18:00', 'parts'])).resolve_due, '2026-03-05T10:00:00.000+08:00')
  assert.equal((await paused(['03T09:00', '03T18:00', 'parts'])).respond_due, plain.respond_due)
  assert.equal((await paused(['03T09:00', '03T18:00', 'third_party'])).resolve_due, plain.resolve_due)
  assert.equal((await paused(['04T10:01', '04T18:00', 'parts'])).resolve_due, plain.resolve_due)
  assert.equal((await paused(['03T09:00', '03T10:00', 'parts'], ['03T10:00', '03T11:00', 'weather'])).resolve_due, '2026-03-04T12:00:00.000+08:00')
})

test('what cannot be worked out is refused, field and reason named', async () => {
  const t = '2026-03-02T10:00:00+08:00'
  const pause = (from, to, c = 'parts') => ({ from: `2026-03-02T${from}:00+08:00`, to: `2026-03-02T${to}:00+08:00`, class: c })
  for (const [fields, field, code] of [
    [{ received_at: t, kind: 'wish' }, 'kind', 'choice'], [{ received_at: t, priority: 'P9' }, 'priority', 'choice'], [{}, 'received_at', 'required'],
    [{ received_at: '2026-03-02' }, 'received_at', 'format'], [{ received_at: '1990-03-02T10:00:00+08:00' }, 'received_at', 'range'],
    [{ received_at: t, category_id: 1 }, 'category_id', 'ref'], [{ received_at: t, pauses: {} }, 'pauses', 'format'], [{ received_at: t, pauses: [1] }, 'pauses', 'format'],
    [{ received_at: t, pauses: [pause('09:00', '11:00')] }, 'pauses', 'range'], [{ received_at: t, pauses: [pause('12:00', '11:00')] }, 'pauses', 'order'],
    [{ received_at: t, pauses: [pause('11:00', '12:00'), pause('11:30', '13:00')] }, 'pauses', 'overlap'],
    [{ received_at: t, pauses: [pause('11:00', '12:00', 'lunch')] }, 'pauses', 'choice'], [{ received_at: t, tier: 'gold' }, 'tier', 'choice'],
    [{ received_at: t, pauses: Array(51).fill(pause('11:00', '12:00')) }, 'pauses', 'format'],
  ])
    assert.deepEqual(faults(await simulate(fields)), { [field]: code }, JSON.stringify(fields))
  expect(await simulate({ received_at: t, community_id: 1 }), 404)
  expect(await simulate({ received_at: t }, resident), 403)
})

test('overdue is what any running clock says: number, link and list agree, and it ends when the clock stops', async () => {
  const board = async () => expect(await desk.get(`desk/board?community_id=${cm}`), 200)
  const count = async (query) => expect(await desk.get(`tickets?community_id=${cm}&${query}&count=1&limit=200&sort=next_due`), 200)
  const agree = async () => {
    const b = await board()
    const now = encodeURIComponent(b.now)
    const soon = encodeURIComponent(new Date(Date.parse(b.now) + 2 * 3_600_000).toISOString())
    const late = await count(`next_due.lt=${now}`)
    assert.equal(b.counts.breached, late.total)
    assert.equal(b.counts.due_soon, (await count(`next_due.gte=${now}&next_due.lt=${soon}`)).total)
    for (const t of late.items) { // each is red on its card: a clock that runs is past its time
      const running = [['respond', 'responded_at'], ['handle', 'handled_at'], ['resolve', 'resolved_at']].filter(([c, end]) => !t[end] && (c === 'respond' || !t.clock_stopped))
      assert.ok(running.some(([c]) => Date.parse(t[`${c}_due`]) < Date.parse(b.now)), t.code)
    }
    return { ...b.counts, late: late.items.map((t) => t.id) }
  }
  const t = await house.register(desk, { title: '响应超时' })
  assert.equal(t.next_due, t.respond_due)
  const before = await agree()
  const past = Date.now() - 3_600_000
  await database.run(`UPDATE ticket SET respond_due = ${past}, next_due = ${past} WHERE id = ${t.id}`) // an hour later, its resolve clock has days
  const late = await agree()
  assert.ok(late.breached === before.breached + 1 && late.late.includes(t.id))
  const accepted = await act(desk, t, 'accept')
  assert.deepEqual([accepted.respond_breached, accepted.next_due], [true, accepted.handle_due])
  const after = await agree()
  assert.ok(after.breached === before.breached && !after.late.includes(t.id))
  const soon = Date.now() + 1_800_000
  await database.run(`UPDATE ticket SET handle_due = ${soon}, next_due = ${soon} WHERE id = ${t.id}`)
  assert.equal((await agree()).due_soon, after.due_soon + 1)
  await act(desk, t, 'cancel', { reason: '测试完毕' })
  assert.equal((await agree()).due_soon, after.due_soon)
})

test('an escalation is told to one person, whose word ends it; residents hear nothing of it', async () => {
  const t = await house.register(desk, { person_id: house.resident1.person_id })
  await database.run(`UPDATE ticket SET respond_due = ${Date.now() - 60_000}, clock_from = ${Date.now() - 86_400_000}, respond_min = 1, clock_hours = 1, priority = 1, clock_next = ${Date.now() - 1000} WHERE id = ${t.id}`)
  await database.run("DELETE FROM job WHERE name = 'service.clocks'")
  await house.register(desk)
  let told = []
  for (let i = 0; i < 60 && told.length < 4; i++) {
    told = expect(await manager.get(`escalations?community_id=${cm}&ticket_id=${t.id}&clock=respond`), 200).items
    if (told.length < 4) await new Promise((r) => setTimeout(r, 250))
  }
  assert.deepEqual(told.map((e) => [e.percent, e.level]).sort((a, b) => a[0] - b[0]), [[50, 'worker'], [80, 'supervisor'], [100, 'manager'], [150, 'company']])
  const mine = told.find((e) => e.level === 'manager')
  const other = told.find((e) => e.level === 'company')
  assert.deepEqual([other.code, other.staff_id], [t.code, mine.staff_id]) // nobody is of the company here: the manager again
  assert.deepEqual([mine.state, mine.seen_at, other.state], ['joined', null, 'told']) // and one line for both
  expect(await manager.post(`escalations/${mine.id}/actions/see`), 409, 'state')
  expect(await resident.post(`escalations/${other.id}/actions/see`), 404)
  expect(await resident.get(`escalations?community_id=${cm}`), 404)
  await database.run(`UPDATE escalation SET staff_id = NULL WHERE id = ${other.id}`)
  const [dispatcher, worker] = [await house.as('dispatcher'), await house.as('worker1')]
  const free = `escalations?community_id=${cm}&state=told&staff_id=null`
  assert.ok(expect(await dispatcher.get(free), 200).items.some((e) => e.id === other.id))
  assert.deepEqual(expect(await worker.get(free), 200).items, [])
  expect(await dispatcher.post(`escalations/${other.id}/actions/see`), 200)
  assert.ok(!expect(await dispatcher.get(free), 200).items.some((e) => e.id === other.id))
  const heard = expect(await resident.get(`tickets/${t.id}/timeline`), 200).items.map((i) => i.topic)
  assert.ok(heard.includes('ticket.created') && !heard.includes('ticket.escalated'))
  // all at once: what was told to the caller, as far as he has seen it, each on record
  const told_to = async (who) => who.get(`escalations?community_id=${cm}&state=told&staff_id=${expect(await who.get('meta'), 200).me.staff_id}`)
  await database.run(`UPDATE escalation SET state = 1, seen_at = NULL, staff_id = ${mine.staff_id} WHERE id IN (${mine.id}, ${other.id})`)
  const before = expect(await told_to(manager), 200).items, newest = Math.max(...before.map((e) => e.id))
  assert.ok(before.length >= 2)
  expect(await manager.post('escalations/see-all', { community_id: cm }), 422)
  expect(await resident.post('escalations/see-all', { community_id: cm, up_to: newest }), 403)
  expect(await (await house.as('manager-b')).post('escalations/see-all', { community_id: cm, up_to: newest }), 404)
  const his = expect(await told_to(dispatcher), 200).items.filter((e) => e.id <= newest)
  assert.equal(expect(await dispatcher.post('escalations/see-all', { community_id: cm, up_to: newest }), 200).seen, his.length)
  assert.equal(expect(await manager.post('escalations/see-all', { community_id: cm, up_to: Math.min(...before.map((e) => e.id)) - 1 }), 200).seen, 0)
  assert.deepEqual(expect(await manager.post('escalations/see-all', { community_id: cm, up_to: newest }), 200), { seen: before.length, more: false })
  assert.deepEqual(expect(await told_to(manager), 200).items, [])
  const log = await database.run(`SELECT subject_id FROM event WHERE topic = 'escalation.seen' AND subject_id IN (${before.map((e) => e.id)})`)
  for (const e of before) assert.ok(log.includes(String(e.id)), 'each seen one is on record')
  assert.ok(expect(await desk.get(`tickets/${t.id}/timeline`), 200).items.some((i) => i.topic === 'ticket.escalated'))
})
