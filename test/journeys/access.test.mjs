// access.test.mjs - the second factor, password history and age, open sessions, three administrators that watch each
// other, tokens that may less than their user, and the log that the auditor reads.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Database } from '../lib/database.mjs'
import { expect, faults, openHouse, PNG, upload } from '../lib/house.mjs'

const FIRST = 'First-pass-1'
const PASS = 'Anju-2026-new'
let house, security, admin, auditor, database
before(async () => {
  house = await openHouse()
  ;[security, admin, auditor] = await Promise.all(['security', 'admin', 'auditor'].map((l) => house.as(l)))
  database = new Database(house.server)
})
after(() => house.stop())

let made = 0
const roleId = async (key) => expect(await security.get('roles?limit=200'), 200).items.find((r) => r.key === key).id
const grant = async (user_id, key, where = { scope: 'system' }) =>
  security.post('grants', { user_id, role_id: await roleId(key), ...where })
async function newcomer(role, where) {
  const login = `a${++made}`
  const row = expect(await security.post('users', { login, name: `新人${made}`, password: FIRST }), 201)
  if (role) expect(await grant(row.id, role, where), 201)
  return { login, id: row.id }
}
const inTown = () => ({ scope: 'community', scope_id: house.community })
async function settled(role = 'desk', where = inTown()) {
  const one = await newcomer(role, where)
  const who = await house.login(one.login, FIRST)
  expect(await who.post('session/password', { old: FIRST, new: PASS }), 200)
  return { ...one, who }
}
// The code of a real authenticator, for this moment or steps away from it.
const code = (secret, steps = 0) =>
  execFileSync('oathtool', ['--totp', '-b', secret, '-N', `@${Math.floor(Date.now() / 1000) + steps * 30}`], { encoding: 'utf8' }).trim()
const login = async (name, password, more) => (await house.anyone()).post('session', { login: name, password, ...more })
async function setUp(who, password = PASS) {
  const { secret, uri } = expect(await who.post('session/factor', { password }), 200)
  assert.match(uri, new RegExp(`^otpauth://totp/Anju:.*secret=${secret}&issuer=Anju`))
  // The code before this one is still taken, so that this one can be used later; not when the next is about to come.
  const left = 30000 - (Date.now() % 30000)
  if (left < 5000) await new Promise((done) => setTimeout(done, left))
  const { recovery } = expect(await who.post('session/factor/confirm', { code: code(secret, -1) }), 200)
  return { secret, recovery }
}

test('second factor: set up with a real authenticator, asked for, each code once, wrong ones lock', async () => {
  const one = await settled()
  assert.deepEqual(faults(await one.who.post('session/factor', { password: 'Wrong-pass-1' })), { password: 'wrong' })
  const { secret: unused } = expect(await one.who.post('session/factor', { password: PASS }), 200)
  assert.deepEqual(faults(await one.who.post('session/factor/confirm', { code: '000000' })), { code: 'wrong' })
  expect(await login(one.login, PASS), 201) // not confirmed: not asked for
  const { secret, recovery } = await setUp(one.who)
  assert.notEqual(secret, unused)
  assert.deepEqual([recovery.length, new Set(recovery).size], [10, 10])
  assert.ok(recovery.every((c) => c.replaceAll('-', '').length * 4 >= 112), 'ASVS 2.6.2')
  expect(await one.who.post('session/factor', { password: PASS }), 409)
  expect(await login(one.login, PASS), 401, 'second_factor')
  expect(await login(one.login, 'Wrong-pass-1', { code: code(secret) }), 401, 'unauthenticated')
  const now = code(secret)
  const inside = expect(await login(one.login, PASS, { code: now }), 201)
  assert.deepEqual([inside.user.second_factor, inside.user.must_set_second_factor], [true, false])
  expect(await login(one.login, PASS, { code: now }), 401, 'unauthenticated') // used up
  expect(await login(one.login, PASS, { code: code(secret, -4) }), 401, 'unauthenticated') // too old
  expect(await login(one.login, PASS, { code: recovery[3].toUpperCase().replaceAll('-', ' ') }), 201)
  expect(await login(one.login, PASS, { code: recovery[3] }), 401, 'unauthenticated') // used up
  for (let i = 0; i < 5; i++) expect(await login(one.login, PASS, { code: '000000' }), i < 4 ? 401 : 429) // with the one above: five
  const stored = (await database.run(`SELECT totp_secret FROM app_user WHERE id = ${one.id}`))[0]
  assert.match(stored, /^[0-9a-f]{8}\.[\w-]+$/)
  assert.ok(!stored.includes(secret) && !house.server.log().includes(secret))
})

test('one is told what happened to the account: changes, logins, a lock, a code tried again; nobody else is', async () => {
  const one = await settled()
  const { secret } = await setUp(one.who)
  const now = code(secret)
  expect(await login(one.login, PASS, { code: now }), 201)
  expect(await login(one.login, PASS, { code: now }), 401)
  for (let i = 0; i < 4; i++) expect(await login(one.login, 'Wrong-pass-1'), 401)
  const row = expect(await security.get(`users/${one.id}`), 200)
  assert.ok(row.locked_until)
  const { items } = expect(await one.who.get('session/news'), 200)
  const topics = items.map((i) => i.topic)
  assert.deepEqual(topics.slice(0, 6), ['auth.locked', 'auth.code_again', 'auth.login', 'auth.factor_set', 'auth.password', 'auth.login'])
  assert.ok(items.some((i) => /\.created$/.test(i.topic) && i.by), JSON.stringify(items))
  const other = expect(await (await settled()).who.get('session/news'), 200).items
  assert.ok(!other.some((i) => ['auth.locked', 'auth.code_again'].includes(i.topic)))
  expect(await security.request('DELETE', `users/${one.id}/factor`), 204)
  expect(await house.server.cli(['user', 'reset', one.login]).then((r) => ({ status: r.code })), 0)
})

test('a code given twice at the same moment opens one session', async () => {
  const one = await settled()
  const { secret } = await setUp(one.who)
  const now = code(secret)
  const replies = await Promise.all(Array.from({ length: 4 }, () => login(one.login, PASS, { code: now })))
  assert.equal(replies.filter((r) => r.status === 201).length, 1, replies.map((r) => r.status).join())
})

test('a lost phone: the security administrator takes the factor away, nobody his own', async () => {
  const one = await settled()
  await setUp(one.who)
  const desk = await house.as('desk')
  expect(await desk.request('DELETE', `users/${one.id}/factor`), 403)
  expect(await admin.request('DELETE', `users/${one.id}/factor`), 403)
  expect(await security.request('DELETE', `users/${(await house.meta('security')).me.id}/factor`), 403)
  expect(await security.request('DELETE', `users/${one.id}/factor`), 204)
  expect(await login(one.login, PASS), 201)
  const two = await settled()
  await setUp(two.who)
  assert.deepEqual(faults(await two.who.post('session/factor/remove', { password: 'Wrong-pass-1' })), { password: 'wrong' })
  expect(await two.who.post('session/factor/remove', { password: PASS }), 204)
  expect(await login(two.login, PASS), 201)
})

test('policy asks for it: an administrator can do nothing else until it is set up', async () => {
  const one = await newcomer('security')
  const who = await house.login(one.login, FIRST)
  expect(await who.get('users'), 403, 'password_change_required')
  const changed = expect(await who.post('session/password', { old: FIRST, new: PASS }), 200)
  assert.equal(changed.user.must_set_second_factor, true)
  expect(await who.get('users'), 403, 'second_factor_required')
  expect(await who.get('meta'), 403, 'second_factor_required')
  await setUp(who)
  expect(await who.get('users'), 200)
  assert.equal(expect(await who.get('session'), 200).user.must_set_second_factor, false)
})

test('T-99: passwords: reversed name, two kinds, one of the last five; an administrator cannot set the name either', async () => {
  const one = await settled()
  // Passwords may be tried ten at once, then one a second: who is told to wait waits.
  const change = async (fresh, old = PASS) => {
    let reply
    while ((reply = await one.who.post('session/password', { old, new: fresh })).status === 429) await pause(1000)
    return reply
  }
  for (const [fresh, why] of [['abcdefghijkl', 'weak'], ['Ab1-Ab1-Ab1', 'min'], [PASS, 'same'], ['P@ssw0rd-2026', 'common'], ['Qwerty-Qwerty-1', 'common'], ['Admin-123456', 'common'],
    ['Woaiwojia-2026', 'common'], ['Iloveyou-1234', 'common'], ['1qaz2WSX3edc!', 'common'], ['Trustno1-Trustno1', 'common'], ['Liverpool-1995', 'common']])
    assert.deepEqual(faults(await change(fresh)), { new: why })
  let old = PASS
  for (const fresh of ['Second-pass-2', 'Third-pass-3', 'Fourth-pass-4', 'Fifth-pass-5']) {
    expect(await change(fresh, old), 200)
    old = fresh
  }
  for (const used of [PASS, 'Second-pass-2', 'Fourth-pass-4']) assert.deepEqual(faults(await change(used, old)), { new: 'used' })
  expect(await change(FIRST, old), 200) // the sixth one back may come again
  const row = expect(await security.post('users', { login: 'Zhang.San2026', name: '张三' }), 201)
  for (const password of ['Zhang.San2026', '6202naS.gnahZ', 'zhang.san2026'])
    assert.deepEqual(faults(await security.patch(`users/${row.id}`, { password }, row.version)), { password: 'weak' })
  expect(await security.patch(`users/${row.id}`, { password: 'Good-pass-2026' }, row.version), 200)
})

test('a password past its days must be changed; policies are rows that the security administrator keeps', async () => {
  const one = await settled()
  await database.run(`UPDATE app_user SET password_at = ${Date.now() - 91 * 86400_000} WHERE id = ${one.id}`)
  const late = await house.login(one.login, PASS)
  assert.equal(late.answer.user.must_change_password, true)
  expect(await late.get('tickets'), 403, 'password_change_required')
  const desk = await house.as('desk')
  expect(await desk.get('login-policies'), 403)
  const rows = expect(await auditor.get('login-policies'), 200).items
  assert.deepEqual(rows.map((r) => r.audience).sort(), ['administrator', 'resident', 'staff'])
  const staff = rows.find((r) => r.audience === 'staff')
  assert.deepEqual([staff.lock_after, staff.lock_minutes, staff.idle_minutes, staff.password_history], [5, 30, 30, 5])
  expect(await auditor.patch(`login-policies/${staff.id}`, { lock_after: 3 }, staff.version), 403)
  assert.deepEqual(faults(await security.patch(`login-policies/${staff.id}`, { lock_after: 11 }, staff.version)), { lock_after: 'max' })
  const stricter = expect(await security.patch(`login-policies/${staff.id}`, { lock_after: 3, password_min_chars: 13 }, staff.version), 200)
  const two = await newcomer('desk', inTown()).catch(() => null)
  assert.equal(two, null, 'twelve characters are too few now')
  for (let i = 0; i < 3; i++) expect(await login('desk2', 'Wrong-pass-1'), 401)
  expect(await login('desk2', 'anju-demo'), 429)
  expect(await security.patch(`login-policies/${staff.id}`, { lock_after: 5, password_min_chars: 8 }, stricter.version), 200)
})

test('open sessions: seen, ended one by one, all others, and by the security administrator', async () => {
  const one = await settled()
  const phone = await house.login(one.login, PASS)
  const tablet = await house.login(one.login, PASS)
  const list = async (who) => expect(await who.get('session/list'), 200).items
  const seen = await list(one.who)
  assert.equal(seen.filter((s) => s.current).length, 1)
  assert.ok(seen.length >= 3 && seen.every((s) => s.address === '127.0.0.1'))
  const other = seen.find((s) => !s.current)
  expect(await one.who.request('DELETE', `session/list/${other.id}`), 204)
  expect(await one.who.request('DELETE', `session/list/${other.id}`), 404)
  const alive = await Promise.all([phone, tablet].map(async (w) => (await w.get('session')).status))
  assert.deepEqual(alive.sort(), [200, 401])
  const stranger = await settled()
  expect(await stranger.who.request('DELETE', `session/list/${(await list(one.who))[0].id}`), 404)
  expect(await one.who.request('DELETE', 'session/others'), 204)
  assert.equal((await list(one.who)).length, 1)
  const again = await house.login(one.login, PASS)
  expect(await (await house.as('desk')).get(`users/${one.id}/sessions`), 403)
  assert.equal(expect(await security.get(`users/${one.id}/sessions`), 200).items.length, 2)
  expect(await security.request('DELETE', `users/${one.id}/sessions`), 204)
  for (const who of [again, one.who]) expect(await who.get('session'), 401)
})

test('three administrators: no two powers in one hand, nobody helps himself, the last one stays', async () => {
  const one = await newcomer('auditor')
  assert.deepEqual(faults(await grant(one.id, 'security')), { role_id: 'separation' })
  assert.deepEqual(faults(await grant(one.id, 'sysadmin')), { role_id: 'separation' })
  expect(await grant(one.id, 'desk', inTown()), 201)
  const mixed = { key: 'mixed', name: '全能', perms: 'audit.read role.manage' }
  assert.deepEqual(faults(await security.post('roles', mixed)), { perms: 'separation' })
  const own = (await house.meta('security')).me.id
  assert.deepEqual(faults(await grant(own, 'manager')), { user_id: 'own' })
  const role = expect(await security.get('roles?limit=200'), 200).items.find((r) => r.key === 'security')
  assert.deepEqual(faults(await security.patch(`roles/${role.id}`, { perms: `${role.perms} ticket.read` }, role.version)), { perms: 'own' })
  const self = expect(await security.get(`users/${own}`), 200)
  assert.deepEqual(faults(await security.patch(`users/${own}`, { enabled: false }, self.version)), { enabled: 'own' })
  expect(await security.del(`users/${own}`, self.version), 409)
  const [mine] = expect(await security.get(`grants?user_id=${own}`), 200).items
  expect(await security.del(`grants/${mine.id}`, mine.version), 409)
  expect(await security.del(`roles/${role.id}`, role.version), 409) // then nobody could give rights
  for (const who of [admin, auditor]) {
    expect(await who.get('users'), 200)
    expect(await who.post('users', { login: 'x9', name: 'x' }), 403)
    expect(await who.get('grants'), 200)
    expect(await who.post('grants', {}), 403)
  }
  for (const who of [admin, security]) expect(await who.get('audit'), 403)
  expect(await auditor.get('tickets?community_id=' + house.community), 403)
})

test('tokens: fewer rights than their user, one community, an end, and none from a token', async () => {
  const boss = await house.boss()
  expect(await (await house.as('desk')).post('tokens', { name: 'x' }), 403)
  assert.deepEqual(faults(await security.post('tokens', { name: '看用户', perms: 'ticket.read' })), { perms: 'choice' })
  assert.deepEqual(faults(await security.post('tokens', { name: '看用户', days: 400 })), { days: 'max' })
  const t = expect(await security.post('tokens', { name: '看用户', perms: 'user.read', days: 7 }), 201)
  const days = (Date.parse(t.expires_at) - Date.now()) / 86400_000
  assert.ok(days > 6.9 && days < 7.1)
  const anyone = await house.anyone()
  const bearer = { authorization: `Bearer ${t.token}` }
  expect(await anyone.get('users', bearer), 200)
  expect(await anyone.get('roles', bearer), 403)
  expect(await anyone.post('users', { login: 'x8', name: 'x' }, bearer), 403)
  expect(await anyone.post('tokens', { name: 'more' }, bearer), 403)
  const whole = expect(await security.post('tokens', { name: '全部权限' }), 201)
  expect(await anyone.post('tokens', { name: 'more' }, { authorization: `Bearer ${whole.token}` }), 403) // with all of his rights too
  const { out } = await house.server.cli(['token', 'create', 'boss', '--perms', 'ticket.read people.read', '--community', String(house.community)])
  const narrow = { authorization: `Bearer ${out.trim()}` }
  expect(await anyone.get(`tickets?community_id=${house.community}`, narrow), 200)
  expect(await boss.get(`tickets?community_id=${house.otherCommunity}`), 200)
  expect(await anyone.get(`tickets?community_id=${house.otherCommunity}`, narrow), 404)
  expect(await anyone.post('tickets', { community_id: house.community, kind: 'repair', title: 'x', channel: 'phone' }, narrow), 403)
})

test('signed addresses of files: for who sees the file, for a while, for that file only', async () => {
  const desk = await house.as('desk')
  const t = await house.register(desk)
  const file = expect(await desk.post(`tickets/${t.id}/files`, upload(PNG, '漏水.png', 'before')), 201)
  const other = expect(await desk.post(`tickets/${t.id}/files`, upload(Buffer.concat([PNG, Buffer.from('x')]), '二.png', 'after')), 201)
  expect(await (await house.as('manager-b')).post(`files/${file.id}/link`, {}), 404)
  assert.deepEqual(faults(await desk.post(`files/${file.id}/link`, { minutes: 1441 })), { minutes: 'max' })
  const { url, expires_at } = expect(await desk.post(`files/${file.id}/link`, { minutes: 5 }), 200)
  assert.ok(Math.abs(Date.parse(expires_at) - Date.now() - 300_000) < 20_000)
  const anyone = await house.anyone()
  const open = await anyone.get(url)
  expect(open, 200)
  assert.deepEqual(open.bytes, PNG)
  const until = Number(url.match(/until=(\d+)/)[1])
  for (const harm of [
    url.replace(String(file.id), String(other.id)), url.replace(/until=\d+/, `until=${until + 60_000}`), url.replace(/by=\d+/, 'by=1'),
    url.slice(0, -1) + (url.endsWith('0') ? '1' : '0'), url.replace(/&sign=.*/, ''), url.replace(/until=\d+&/, ''),
  ])
    expect(await anyone.get(harm), 404)
  expect(await anyone.get(`files/${file.id}`), 401)
})

test('the log: the auditor reads, filters, pages and verifies it; harm done past the program is found', async () => {
  const t = await house.ticketIn('accepted')
  const read = async (query) => expect(await auditor.get(`audit?${query}`), 200)
  const about = await read(`community_id=${house.community}&subject_id=${t.id}`)
  assert.deepEqual(about.items.map((i) => i.topic), ['ticket.accepted', 'ticket.created'])
  assert.ok(about.items.every((i) => i.user && i.resource === 'ticket'))
  const logins = await read('community_id=0&topic=auth.login')
  assert.ok(logins.items.length > 3 && logins.items.every((i) => i.topic === 'auth.login' && i.user_id === i.subject_id && i.user))
  const first = await read(`community_id=${house.community}`)
  const second = await read(`community_id=${house.community}&after=${first.next}`)
  assert.ok(first.items.length === 50 && second.items[0].id < first.items[49].id)
  expect(await (await house.as('manager')).get('audit'), 403)
  const whole = expect(await auditor.get('audit/verify'), 200)
  assert.deepEqual(whole.faults, [])
  assert.ok(whole.chains.find((c) => c.community_id === house.community).length > 100)
  for (let i = 0; i < 100 && (await read(`community_id=${house.community}&subject_id=${t.id}`)).items.some((x) => x.position === null); i++) await pause(100)
  const victim = (await read(`community_id=${house.community}&subject_id=${t.id}`)).items[0]
  assert.ok(victim.position > 0, 'sealed by the running service')
  const harm = `UPDATE event SET data = '{}' WHERE id = ${victim.id}`
  await assert.rejects(database.run(harm), /append-only/)
  const sqlite = house.server.db.startsWith('sqlite:')
  await database.run(sqlite ? 'DROP TRIGGER "event_no_UPDATE"' : 'ALTER TABLE event DISABLE TRIGGER ALL')
  await database.run(harm)
  const broken = expect(await auditor.get('audit/verify'), 200)
  assert.equal(broken.faults[0].id, victim.id)
  const check = await house.server.cli(['check'])
  assert.equal(check.code, 1)
  assert.match(check.out, new RegExp(`event chain: id ${victim.id} .*was changed`))
})
