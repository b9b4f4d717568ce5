// house.mjs - the demo community with its people logged in: what nearly every journey starts from.
//   const house = await openHouse();  after(() => house.stop())
//   const desk = await house.as('desk')            a checked client (openapi.mjs), logged in once per file
//   const t = await house.register(desk, { … })    → the ticket;  await act(desk, t, 'accept') → the ticket after it
import { setTimeout as pause } from 'node:timers/promises'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { checkedClient } from './openapi.mjs'
import { startServer } from './server.mjs'

export const PASSWORD = 'anju-demo'
export const STAFF = ['manager', 'desk', 'dispatcher', 'worker1', 'worker2', 'cashier']
export const LOGINS = ['admin', 'security', 'auditor', ...STAFF, 'resident1', 'resident2', 'manager-b']

export function expect(reply, status, code) {
  assert.equal(
    reply.status,
    status,
    `expected ${status} ${code ?? ''}, got ${reply.status} ${JSON.stringify(reply.body)?.slice(0, 800)}`,
  )
  if (code) assert.equal(reply.body.code, code)
  return reply.body
}

export async function act(who, ticket, action, input = {}, status = 200, code) {
  return expect(await who.post(`tickets/${ticket.id}/actions/${action}`, input), status, code)
}

// → the fields of a 422 as { name: code }
export function faults(reply) {
  expect(reply, 422, 'invalid')
  return Object.fromEntries(reply.body.fields.map((f) => [f.field, f.code]))
}

// A masked row's personal values in full, as who may and says why.
export const reveal = async (who, path) => expect(await who.post(`${path}/reveal`, { reason: '核对住户信息' }), 200).values

// A client that waits when it is told there are too many requests: for tests that ask more than a person could.
export function patient(who) {
  const waits = (run) => async (...args) => {
    for (;;) {
      const reply = await run(...args)
      if (reply?.status !== 429) return reply
      await pause(1000)
    }
  }
  return { ...who, ...Object.fromEntries(['request', 'get', 'post', 'patch', 'del'].map((name) => [name, waits(who[name])])) }
}

export async function openHouse(options) {
  const server = await startServer({ demo: true, ...options })
  const logins = new Map()
  const house = {
    server,
    url: server.url,
    stop: () => server.stop(),
    anyone: () => checkedClient(server.url),
    async login(name, password = PASSWORD) {
      const who = await checkedClient(server.url)
      who.answer = await who.login(name, password)
      return who
    },
    as(name) {
      if (!logins.has(name)) logins.set(name, house.login(name))
      return logins.get(name)
    },
    // A manager of the whole company: both communities, and any that is made.
    async boss() {
      const [admin, security] = [await house.as('admin'), await house.as('security')]
      const community = expect(await admin.get('communities?limit=1'), 200).items[0]
      const user = expect(await security.post('users', { login: 'boss', name: '总经理', password: 'First-pass-1' }), 201)
      const role = expect(await security.get('roles?limit=200'), 200).items.find((r) => r.key === 'manager')
      expect(
        await security.post('grants', {
          user_id: user.id,
          role_id: role.id,
          scope: 'company',
          scope_id: community.company_id,
        }),
        201,
      )
      const boss = await house.login('boss', 'First-pass-1')
      expect(await boss.post('session/password', { old: 'First-pass-1', new: 'Anju-2026-boss' }), 200)
      logins.set('boss', Promise.resolve(boss))
      return boss
    },
    meta: async (name) => expect(await (await house.as(name)).get('meta'), 200),
    async register(who, fields = {}) {
      const meta = expect(await who.get('meta'), 200)
      const ticket = {
        community_id: house.community,
        kind: 'repair',
        title: '厨房水龙头漏水',
        ...(meta.me.person_id ? { channel: 'app' } : { channel: 'phone' }),
        ...fields,
      }
      return expect(await who.post('tickets', ticket), 201)
    },
    // A ticket of resident1 brought to the given state by the shortest way.
    async ticketIn(state, fields = {}) {
      const [desk, dispatcher, worker, resident] = await Promise.all(
        ['desk', 'dispatcher', 'worker1', 'resident1'].map(house.as),
      )
      let t = await house.register(desk, {
        person_id: house.resident1.person_id,
        space_id: house.resident1.space_id,
        ...fields,
      })
      if (state === 'received') return t
      if (state === 'cancelled') return act(desk, t, 'cancel', { reason: '重复登记' })
      t = await act(desk, t, 'accept')
      if (state === 'accepted') return t
      t = await act(dispatcher, t, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '就近安排' })
      if (state === 'dispatched') return t
      t = await act(worker, t, 'start')
      if (state === 'in_progress') return t
      if (state === 'paused') return act(worker, t, 'pause', { class: 'parts', reason: '等配件' })
      t = await act(worker, t, 'finish', { result: '已更换阀芯' })
      if (state === 'finished') return t
      t = await act(desk, t, 'inform', { channel: 'phone', note: '已电话告知修好' })
      if (state === 'informed') return t
      return act(resident, t, 'confirm')
    },
  }
  try {
    await introduce(house)
  } catch (problem) {
    await house.stop() // nobody else can: a server left running would hold the file until it is ended from outside
    throw problem
  }
  return house
}

async function introduce(house) {
  for (const name of ['worker1', 'worker2', 'desk', 'cashier', 'resident1', 'resident2'])
    house[name] = (await house.meta(name)).me
  for (const name of ['resident1', 'resident2'])
    Object.assign(house[name], expect(await (await house.as(name)).get('me/spaces'), 200).items[0])
  house.community = house.resident1.community_id
  house.otherCommunity = (await house.meta('manager-b')).communities[0].id
}

// The smallest files of the kinds people send.
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
export function upload(bytes, name, stage, type = 'application/octet-stream') {
  const form = new FormData()
  if (stage) form.append('stage', stage)
  form.append('file', new Blob([bytes], { type }), name)
  return form
}
export const fileText = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
