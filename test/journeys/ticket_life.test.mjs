// ticket_life.test.mjs - a ticket's whole life through the API, on every way it can go, as each person sees it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { act, expect, faults, openHouse, PNG, upload } from '../lib/house.mjs'

const STATES = [
  'received',
  'accepted',
  'dispatched',
  'in_progress',
  'paused',
  'finished',
  'informed',
  'closed',
  'cancelled',
]
const ACTIONS = [
  'accept',
  'dispatch',
  'grab',
  'decline',
  'arrive',
  'start',
  'pause',
  'approve_pause',
  'refuse_pause',
  'resume',
  'finish',
  'answer',
  'inform',
  'confirm',
  'return',
  'close',
  'cancel',
  'reopen',
  'hand_over',
  'accept_handover',
  'refuse_handover',
  'recall_handover',
  'vouch',
  'merge',
  'split',
  'check',
  'add_item',
  'drop_item',
]
const RATING = { content: 5, attitude: 5, efficiency: 4, experience: 5, comment: '师傅很专业' }
let house, desk, dispatcher, worker, resident
before(async () => {
  house = await openHouse()
  ;[desk, dispatcher, worker, resident] = await Promise.all(
    ['desk', 'dispatcher', 'worker1', 'resident1'].map(house.as),
  )
})
after(() => house.stop())
const read = async (who, t) => expect(await who.get(`tickets/${t.id}`), 200)
const timeline = async (who, t) => expect(await who.get(`tickets/${t.id}/timeline`), 200).items

test('from the call to the rating: every step is told with who, when and what', async () => {
  const { person_id, space_id } = house.resident1
  const t = await house.register(desk, {
    person_id,
    space_id,
    detail: '水一直流',
    urgency: 2,
    impact: 2,
    channel: 'phone',
  })
  assert.equal(t.state, 'received')
  assert.match(t.code, /^WX-\d{4}-\d{6}$/)
  assert.match(t.priority, /^P[1-4]$/)
  assert.equal(t.version, 1)
  assert.ok(t.respond_due && t.handle_due && t.resolve_due && t.contact_name && t.contact_phone)
  assert.equal(t.first_contact_id, house.desk.staff_id)
  assert.deepEqual(t.actions.filter((a) => a !== 'prioritize').sort(), ['accept', 'cancel', 'merge'])

  const reply = await desk.get(`tickets/${t.id}`)
  assert.equal(reply.headers.get('etag'), '"1"')
  const steps = [
    [desk, 'accept', { comment: '已受理' }, 'accepted', '已受理'],
    [dispatcher, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '就近安排' }, 'dispatched', '就近安排'],
    [worker, 'start', { comment: '已到现场' }, 'in_progress', '已到现场'],
    [worker, 'pause', { class: 'parts', reason: '等阀芯' }, 'paused', '等阀芯'],
    [worker, 'resume', { comment: '配件到了' }, 'in_progress', '配件到了'],
    [
      worker,
      'finish',
      { result: '更换阀芯,试水正常', cause: '老化', measure: '更换', cost: 3500, parts: '阀芯 1 个' },
      'finished',
      '更换阀芯,试水正常',
    ],
    [desk, 'inform', { channel: 'phone', note: '已电话告知修好' }, 'informed', '已电话告知修好'],
    [resident, 'confirm', { comment: '确认修好' }, 'closed', '确认修好'],
  ]
  let version = 1
  for (const [who, action, input, state] of steps) {
    const offered = await read(who, t)
    assert.ok(offered.actions.includes(action), `${action} is offered in ${offered.state}`)
    if (action === 'start' || action === 'finish') {
      const stage = action === 'start' ? 'before' : 'after'
      const file = expect(
        await worker.post(`tickets/${t.id}/files`, upload(PNG, `${stage}.png`, stage, 'image/png')),
        201,
      )
      assert.deepEqual([file.name, file.type, file.bytes, file.stage], [`${stage}.png`, 'image/png', PNG.length, stage])
    }
    const now = await act(who, t, action, { ...input, version })
    assert.equal(now.state, state)
    assert.equal(now.version, version + 1, 'each step makes one new version')
    assert.equal(now.first_contact_id, t.first_contact_id)
    version = now.version
  }
  const closed = await read(desk, t)
  for (const at of ['responded_at', 'dispatched_at', 'handled_at', 'resolved_at', 'informed_at', 'closed_at'])
    assert.ok(closed[at], at)
  assert.equal(closed.result, '更换阀芯,试水正常')
  assert.equal(closed.answer, '已电话告知修好')
  assert.equal(closed.cost, 3500)

  const items = await timeline(desk, t)
  const told = items.filter((i) => i.from !== null && i.from !== i.to)
  assert.deepEqual(
    told.map((i) => [i.action, i.to, i.comment]),
    steps.map(([, action, , state, comment]) => [action, state, comment]),
  )
  const states = ['received', ...told.map((i) => i.to)]
  told.forEach((i, n) => assert.equal(i.from, states[n], 'each step starts where the one before ended'))
  const names = new Map()
  for (const login of ['desk', 'dispatcher', 'worker1', 'resident1'])
    names.set(await house.as(login), house[login]?.name ?? (await house.meta(login)).me.name)
  told.forEach((i, n) => assert.equal(i.actor, names.get(steps[n][0])))
  items.forEach((i, n) => assert.ok(n === 0 || Date.parse(items[n - 1].at) <= Date.parse(i.at), 'oldest first'))
  assert.equal(items[0].actor, names.get(desk), 'who registered it')
  assert.equal(items.filter((i) => i.action === 'attach').length, 2)
})

test('files: both stages listed, bytes come back, others do not see them', async () => {
  const t = await house.ticketIn('dispatched')
  for (const stage of ['before', 'after'])
    expect(await worker.post(`tickets/${t.id}/files`, upload(PNG, `${stage}.png`, stage)), 201)
  const { items } = expect(await resident.get(`tickets/${t.id}/files`), 200)
  assert.deepEqual(
    items.map((f) => f.stage),
    ['before', 'after'],
  )
  const got = await resident.get(`files/${items[0].id}`)
  assert.ok(got.status === 200 && got.bytes.equals(PNG))
  assert.equal(got.headers.get('content-type'), 'image/png')
  assert.equal(got.headers.get('x-content-type-options'), 'nosniff')
  expect(await (await house.as('resident2')).get(`files/${items[0].id}`), 404)
  expect(await (await house.as('resident2')).get(`tickets/${t.id}/files`), 404)
  expect(await (await house.as('manager-b')).get(`files/${items[0].id}`), 404)
  expect(
    await worker.post(
      `tickets/${t.id}/files`,
      upload(Buffer.from('<script>alert(1)</script>'), 'x.png', 'after', 'image/png'),
    ),
    422,
  )
  expect(await worker.post(`tickets/${t.id}/files`, upload(PNG, 'a.png', 'never')), 422)
  expect(
    await worker.post(
      `tickets/${t.id}/files`,
      upload(Buffer.concat([PNG, Buffer.alloc(10 * 1024 * 1024)]), 'big.png', 'after'),
    ),
    413,
  )
  const odd = expect(await worker.post(`tickets/${t.id}/files`, upload(PNG, '../../etc/passwd', 'other')), 201)
  assert.equal(odd.name, 'passwd')
})

// A step with a version nobody has: 409 conflict says "you may, but it changed"; anything else says you may not.
test('actions offered are exactly those possible, for every role in every state', async () => {
  const logins = [
    'admin',
    'manager',
    'desk',
    'dispatcher',
    'worker1',
    'worker2',
    'cashier',
    'resident1',
    'resident2',
    'manager-b',
  ]
  const seen = []
  for (const kind of ['repair', 'inquiry'])
    for (const state of kind === 'repair' ? STATES : ['received', 'accepted']) {
      const t = await house.ticketIn(state, { kind })
      for (const login of logins) {
        const who = await house.as(login)
        const reply = await who.get(`tickets/${t.id}`)
        const offered = reply.status === 200 ? reply.body.actions : []
        const possible = []
        for (const action of ACTIONS) {
          const tried = await who.post(`tickets/${t.id}/actions/${action}`, { version: 4000000 })
          assert.ok([403, 404, 409].includes(tried.status), `${login} ${action} ${state}: ${tried.status}`)
          // What one may not see one may not change; only who may grab learns that somebody else was faster.
          if (reply.status !== 200)
            expect(tried, login.startsWith('worker') && action === 'grab' && t.assignee_id ? 409 : reply.status)
          if (tried.status === 409 && tried.body.code === 'conflict') {
            possible.push(action)
            assert.equal(tried.body.current_version, t.version)
          }
        }
        assert.deepEqual(offered.filter((a) => a !== 'prioritize').sort(), possible.sort(), `${login} in ${state}`)
        seen.push(`${login} ${state} ${possible}`)
      }
      assert.equal((await read(desk, t)).version, t.version, 'nothing changed')
    }
  assert.ok(
    seen.includes('resident1 informed confirm,return') && seen.includes('worker2 accepted grab'),
    seen.join('\n'),
  )
  assert.ok(!seen.some((s) => /\bclose\b/.test(s)), 'close belongs to the system')
})

test('a resident asks for himself; the desk member on duty owns it', async () => {
  const { space_id } = house.resident1
  const t = await house.register(resident, { space_id, title: '卫生间灯不亮' })
  assert.equal(t.person_id, house.resident1.person_id)
  assert.equal(t.channel, 'app')
  assert.ok(t.first_contact_id, 'somebody of the house owns it')
  assert.deepEqual(t.actions, ['cancel'])
  const refused = await resident.post('tickets', {
    community_id: house.community,
    kind: 'repair',
    title: 'x',
    channel: 'app',
    person_id: house.resident2.person_id,
  })
  expect(refused, 422)
  expect(
    await resident.post('tickets', {
      community_id: house.community,
      kind: 'repair',
      title: 'x',
      channel: 'app',
      space_id: house.resident2.space_id,
    }),
    422,
  )
  expect(
    await resident.post('tickets', { community_id: house.community, kind: 'repair', title: 'x', channel: 'phone' }),
    422,
  )
  expect(
    await resident.post('tickets', {
      community_id: house.community,
      kind: 'repair',
      title: 'x',
      channel: 'app',
      urgency: 1,
    }),
    422,
  )
  expect(
    await resident.post('tickets', { community_id: house.otherCommunity, kind: 'repair', title: 'x', channel: 'app' }),
    404,
  )
  const before = (await read(desk, t)).first_contact_id
  await act(desk, t, 'accept')
  assert.equal((await read(desk, t)).first_contact_id, before)
})

test('an inquiry is answered by the desk without a worker', async () => {
  for (const kind of ['inquiry', 'suggestion', 'praise']) {
    const t = await house.ticketIn('accepted', { kind, title: '物业费怎么交' })
    assert.match(t.code, /^(ZX|JY|BY)-/)
    expect(await desk.post(`tickets/${t.id}/actions/answer`, {}), 422)
    const done = await act(desk, t, 'answer', { result: '手机端、前台都可以交' })
    assert.equal(done.state, 'finished')
    assert.ok(done.handled_at && done.resolved_at)
    await act(desk, t, 'inform', { channel: 'wechat', note: '已微信答复' })
    assert.equal((await act(resident, t, 'confirm')).state, 'closed')
  }
  await act(desk, await house.ticketIn('accepted', { kind: 'repair' }), 'answer', { result: 'x' }, 409, 'state')
  await act(desk, await house.ticketIn('accepted', { kind: 'complaint' }), 'answer', { result: 'x' }, 409, 'state')
})

test('return is rework, reopen starts again, cancel ends it', async () => {
  let t = await house.ticketIn('informed')
  expect(await resident.post(`tickets/${t.id}/actions/return`, {}), 422)
  t = await act(resident, t, 'return', { reason: '还在滴水' })
  assert.deepEqual([t.state, t.rework_count, t.assignee_id, t.informed_at], ['accepted', 1, null, null])
  t = await act(dispatcher, t, 'dispatch', { assignee_id: house.worker2.staff_id, reason: '换人' })
  const worker2 = await house.as('worker2')
  await act(worker, t, 'start', {}, 403) // no longer his
  await act(worker2, t, 'start')
  await act(worker2, t, 'finish', { result: '重新安装' })
  await act(desk, t, 'inform', { channel: 'phone', note: '再次告知' })
  t = await act(desk, t, 'confirm', { comment: '客户电话确认' })
  assert.equal(t.state, 'closed')
  t = await act(resident, t, 'reopen', { reason: '又漏了' })
  assert.deepEqual([t.state, t.rework_count, t.closed_at], ['accepted', 2, null])
  t = await act(resident, t, 'cancel', { reason: '自己修好了' })
  assert.equal(t.state, 'cancelled')
  assert.equal(t.first_contact_id, house.desk.staff_id, 'the first contact stays')
  for (const action of ACTIONS)
    expect(
      await desk.post(`tickets/${t.id}/actions/${action}`, { version: 4000000 }),
      ['close', 'check', 'arrive', 'start', 'decline', 'grab', 'finish', 'dispatch', 'pause', 'resume', 'approve_pause', 'refuse_pause', 'accept_handover', 'refuse_handover'].includes(action) ? 403 : 409,
    )
})

test('nothing closes without a result and a recorded answer', async () => {
  const t = await house.ticketIn('finished')
  for (const who of [desk, resident, await house.as('manager')]) {
    const reply = await who.post(`tickets/${t.id}/actions/confirm`, {})
    expect(reply, 409, 'state')
  }
  for (const [member, value] of [
    ['state', 'closed'],
    ['result', 'x'],
    ['answer', 'x'],
    ['closed_at', '2026-01-01T00:00:00Z'],
    ['informed_at', '2026-01-01T00:00:00Z'],
  ])
    expect(await desk.patch(`tickets/${t.id}`, { [member]: value }, t.version), 422)
  expect(
    await desk.post('tickets', {
      community_id: house.community,
      kind: 'repair',
      title: 'x',
      channel: 'phone',
      state: 'closed',
    }),
    422,
  )
})

test('decline, dispatch to somebody else, pause classes', async () => {
  let t = await house.ticketIn('dispatched')
  expect(await worker.post(`tickets/${t.id}/actions/decline`, {}), 422)
  t = await act(worker, t, 'decline', { reason: '电工的活' })
  assert.deepEqual([t.state, t.assignee_id], ['accepted', null])
  expect(await dispatcher.post(`tickets/${t.id}/actions/dispatch`, {}), 422)
  t = await act(dispatcher, t, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '就近' })
  t = await act(dispatcher, t, 'dispatch', { assignee_id: house.worker2.staff_id, reason: '换人' })
  assert.equal(t.assignee_id, house.worker2.staff_id)
  const worker2 = await house.as('worker2')
  await act(worker2, t, 'start')
  for (const cls of ['customer', 'parts', 'third_party', 'weather']) {
    assert.equal((await act(worker2, t, 'pause', { class: cls, reason: cls })).pause_class, cls)
    t = await act(dispatcher, t, 'resume')
  }
  assert.equal(t.pause_class, null)
  assert.ok(t.paused_ms >= 0)
  expect(await worker2.post(`tickets/${t.id}/actions/pause`, { class: 'holiday', reason: 'x' }), 422)
})

test('fifty grabs at once: one wins, the others are told', async () => {
  const t = await house.ticketIn('accepted')
  const workers = await Promise.all(['worker1', 'worker2'].map(house.as))
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, i) => workers[i % 2].post(`tickets/${t.id}/actions/grab`, {})),
  )
  const won = replies.filter((r) => r.status === 200)
  assert.equal(won.length, 1)
  for (const r of replies.filter((x) => x !== won[0])) assert.equal(r.status, 409, JSON.stringify(r.body))
  const now = await read(desk, t)
  assert.deepEqual([now.state, now.assignee_id, now.version], ['dispatched', won[0].body.assignee_id, t.version + 1])
  assert.equal((await timeline(desk, t)).filter((i) => i.action === 'grab').length, 1)
})

test('rating: by the customer, once, after he was told', async () => {
  const early = await house.ticketIn('finished')
  expect(await resident.post(`tickets/${early.id}/rating`, RATING), 409, 'state')
  const t = await house.ticketIn('closed')
  for (const login of ['desk', 'manager', 'dispatcher', 'worker1', 'admin'])
    expect(await (await house.as(login)).post(`tickets/${t.id}/rating`, RATING), 403)
  expect(await (await house.as('resident2')).post(`tickets/${t.id}/rating`, RATING), 404)
  const wrong = await resident.post(`tickets/${t.id}/rating`, { content: 6, attitude: 0, efficiency: 'x', stars: 5 })
  expect(wrong, 422)
  assert.deepEqual(wrong.body.fields.map((f) => f.field).sort(), [
    'attitude',
    'content',
    'efficiency',
    'experience',
    'stars',
  ])
  const made = expect(await resident.post(`tickets/${t.id}/rating`, RATING), 201)
  assert.equal(made.ticket_id, t.id)
  expect(await resident.post(`tickets/${t.id}/rating`, RATING), 409, 'exists')
  assert.deepEqual((await read(desk, t)).rating, RATING)
  const informed = await house.ticketIn('informed')
  expect(await resident.post(`tickets/${informed.id}/rating`, { ...RATING, comment: undefined }), 201)
  const race = await house.ticketIn('closed')
  const all = await Promise.all(Array.from({ length: 10 }, () => resident.post(`tickets/${race.id}/rating`, RATING)))
  assert.deepEqual(all.map((r) => r.status).sort(), [201, ...Array(9).fill(409)])
})

test('comments: internal ones are not for the customer', async () => {
  const t = await house.ticketIn('accepted')
  expect(await desk.post(`tickets/${t.id}/comments`, { text: '请尽快安排' }), 201)
  expect(await desk.post(`tickets/${t.id}/comments`, { text: '客户脾气急', internal: true }), 201)
  expect(await resident.post(`tickets/${t.id}/comments`, { text: '下午在家' }), 201)
  expect(await resident.post(`tickets/${t.id}/comments`, { text: 'x', internal: true }), 422)
  expect(await (await house.as('resident2')).post(`tickets/${t.id}/comments`, { text: 'x' }), 404)
  const texts = (items) => items.filter((i) => i.action === 'comment').map((i) => i.comment)
  assert.deepEqual(texts(await timeline(desk, t)), ['请尽快安排', '客户脾气急', '下午在家'])
  const mine = await timeline(resident, t)
  assert.deepEqual(texts(mine), ['请尽快安排', '下午在家'])
  assert.ok(!JSON.stringify(mine).includes('客户脾气急'))
  expect(await desk.post(`tickets/${t.id}/comments`, { text: '打了两次没人接', contact: 'missed' }), 201) // how he was spoken with is a kind of note
  assert.equal((await timeline(desk, t)).at(-1).data.contact, 'missed')
  assert.deepEqual(faults(await resident.post(`tickets/${t.id}/comments`, { text: 'x', contact: 'call' })), { contact: 'denied' })
  assert.deepEqual(faults(await desk.post(`tickets/${t.id}/comments`, { text: 'x', contact: 'dream' })), { contact: 'choice' })
})

test('priority: from urgency, impact and tier; an override needs a reason', async () => {
  const high = await house.register(desk, { urgency: 1, impact: 1 })
  const low = await house.register(desk, { urgency: 3, impact: 3 })
  assert.deepEqual([high.priority, low.priority], ['P1', 'P4'])
  assert.ok(Date.parse(high.respond_due) < Date.parse(low.respond_due))
  expect(await desk.post(`tickets/${low.id}/actions/prioritize`, { priority: 'P2' }), 422)
  const now = await act(desk, low, 'prioritize', { priority: 'P2', reason: '老人独居' })
  assert.equal(now.priority, 'P2')
  assert.equal((await timeline(desk, low)).at(-1).comment, '老人独居')
})
