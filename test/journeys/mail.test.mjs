// mail.test.mjs - letters by e-mail, in and out, over a real mail server and a real mail program: what is written becomes a
// ticket or joins its own, the customer hears back, follows, rates and answers; and what a stranger cannot do with it.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { act, expect, faults, openHouse, patient, PNG } from '../lib/house.mjs'
import { startSmtp } from '../lib/smtp.mjs'

const DOMAIN = 'wy.example.cn'
const SERVICE = `service@${DOMAIN}`
let house, smtp, desk, manager, box
before(async () => {
  smtp = await startSmtp(DOMAIN)
  house = await openHouse({ args: ['--sendmail', smtp.sendmail] })
  smtp.deliverTo(house.server)
  ;[desk, manager] = [patient(await house.as('desk')), patient(await house.as('manager'))]
  const [old] = expect(await manager.get(`mailboxes?community_id=${house.community}`), 200).items
  box = expect(await manager.patch(`mailboxes/${old.id}`, { address: `Service@${DOMAIN}`, name: '翠园物业', site: `${house.url}/`, signature: '翠园物业服务中心' }, old.version), 200)
})
after(async () => {
  await house.stop()
  await smtp.stop()
})

let count = 0
const b64 = (text) => Buffer.from(text).toString('base64')
const lines = (bytes) => b64(bytes).replace(/.{76}/g, '$&\r\n')
const word = (text) => (text.match(/[^]{1,12}/gu) ?? []).map((part) => `=?utf-8?B?${b64(part)}?=`).join('\r\n ')
// A message; extra: further lines of the head; parts: of a multipart body.
function message({ from = '王芳 <wang@qq.example>', subject = '厨房漏水', text = '水管接头漏水。', id = `m${++count}@qq.example`, extra = [], parts }) {
  const [, name, address] = from.match(/^(?:(.*) )?<(.*)>$/)
  const head = [`From: ${name ? `${word(name)} ` : ''}<${address}>`, `To: ${SERVICE}`, `Subject: ${word(subject)}`, ...(id ? [`Message-ID: <${id}>`] : []), 'MIME-Version: 1.0', ...extra]
  const body = parts
    ? ['Content-Type: multipart/mixed; boundary=BB', '', ...[`Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines(text)}`, ...parts].map((p) => `--BB\r\n${p}`), '--BB--']
    : ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '', lines(text)]
  return [...head, ...body, ''].join('\r\n')
}
const attached = (name, bytes, type = 'application/octet-stream') => `Content-Type: ${type}\r\nContent-Disposition: attachment; filename="${word(name)}"\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines(bytes)}`
const write = (m, from = 'wang@qq.example') => smtp.write(from, SERVICE, message(m))
const newest = async () => expect(await desk.get(`tickets?community_id=${house.community}&channel=email&sort=-created_at&limit=1`), 200).items[0]
const letters = async (t, who = desk) => expect(await who.get(`tickets/${t.id}/letters`), 200)
const timeline = async (t) => expect(await desk.get(`tickets/${t.id}/timeline`), 200).items
const linkIn = (text, kind) => text.match(new RegExp(`/${kind}/([0-9a-f]{32})`))?.[1]
async function asked(fields = {}, from) {
  expect0(await write({ ...fields, ...(from ? { from: `<${from}>` } : {}) }, from))
  return newest()
}
const expect0 = (said) => assert.equal(said.code, 0, said.err)

test('a letter becomes a ticket, its pictures come with it, and who wrote hears the number', async () => {
  expect0(await write({ subject: '回复：厨房漏水，急', text: '3栋1502厨房漏水。', parts: [attached('漏水 照片.png', PNG, 'image/png'), attached('run.exe', Buffer.from('MZ'))] }))
  const t = await newest()
  assert.deepEqual([t.title, t.kind, t.channel, t.state], ['厨房漏水，急', 'repair', 'email', 'received'])
  assert.equal(t.person_id, null, 'who wrote is not believed to be anybody')
  assert.deepEqual(expect(await desk.get(`tickets/${t.id}/files`), 200).items.map((f) => [f.name, f.type]), [['漏水 照片.png', 'image/png']])
  assert.ok((await timeline(t)).some((i) => /1 个附件未保存/.test(i.comment)), 'what was not kept is said')
  const receipt = await smtp.came('wang@qq.example')
  assert.match(receipt.head.from, /^翠园物业 <service@wy\.example\.cn>$/)
  assert.match(receipt.head.subject, new RegExp(`^Re: 厨房漏水，急 \\[${t.code}\\]$`))
  assert.equal(receipt.head['auto-submitted'], 'auto-replied')
  assert.match(receipt.text, new RegExp(`工单号 ${t.code}[^]*-- \\r?\\n翠园物业服务中心`))
  const token = linkIn(receipt.text, 'p')
  assert.equal(expect(await (await house.anyone()).get(`public/progress/${token}`), 200).code, t.code, 'the link in it works')
  let { items } = await letters(t)
  for (let i = 0; i < 100 && items[0].state === 'waiting'; i++) { // it came; that it left is noted a moment later
    await pause(100)
    ;({ items } = await letters(t))
  }
  assert.deepEqual(items.map((l) => [l.way, l.purpose, l.state]), [['out', 'receipt', 'sent'], ['in', 'request', 'taken']])
  assert.deepEqual(items.map((l) => l.address), ['w***@qq.example', 'w***@qq.example'])
  assert.ok(!JSON.stringify(items).includes(token), 'no stored letter opens anything')
})

test('an answer joins its ticket by our letter; without the quoted part in the timeline', async () => {
  const t = await asked({ subject: '路灯不亮' }, 'li@qq.example')
  const receipt = await smtp.came('li@qq.example')
  const answer = { from: '<li@qq.example>', subject: 'Re: 别的', text: '明天上午在家。\n\n在 2026年，翠园物业 写道：\n> 您好', extra: [`In-Reply-To: ${receipt.head['message-id']}`] }
  expect0(await write(answer, 'li@qq.example'))
  assert.equal((await newest()).id, t.id, 'no second ticket')
  assert.equal((await timeline(t)).at(-1).comment, '明天上午在家。')
  expect0(await smtp.write('li@qq.example', SERVICE, message({ from: '<li@qq.example>', subject: `Re: 路灯不亮 [${t.code}]`, text: '二' })))
  assert.equal((await timeline(t)).at(-1).comment, '二', 'by the number too, from whom we wrote with')
  expect0(await smtp.write('mallory@evil.example', SERVICE, message({ from: '<mallory@evil.example>', subject: `Re: 路灯不亮 [${t.code}]`, text: '三' })))
  assert.notEqual((await newest()).id, t.id, 'but not from a stranger')
  assert.ok(!(await timeline(t)).some((i) => i.comment === '三'))
})

test('what came twice is there once, also two at once', async () => {
  const m = message({ subject: '门禁失灵', id: 'twice@qq.example', parts: [attached('a.png', PNG, 'image/png')] })
  const said = await Promise.all([1, 2, 3].map(() => smtp.write('wang@qq.example', SERVICE, m)))
  for (const one of said.filter((s) => s.code !== 0)) assert.match(one.err, /451/, 'tried again, never lost')
  expect0(await smtp.write('wang@qq.example', SERVICE, m))
  const t = await newest()
  assert.equal(t.title, '门禁失灵')
  assert.equal(expect(await desk.get(`tickets?community_id=${house.community}&channel=email&q=门禁失灵`), 200).items.length, 1)
  assert.equal(expect(await desk.get(`tickets/${t.id}/files`), 200).items.length, 1)
})

test('the desk answers, the result goes out with a link to rate by; a GET does not rate', async () => {
  let t = await asked({ subject: '电梯异响' }, 'zhao@qq.example')
  await smtp.came('zhao@qq.example')
  expect(await desk.post(`tickets/${t.id}/letters`, { text: '师傅下午到。' }), 201)
  const answer = await smtp.came('zhao@qq.example')
  assert.match(answer.text, /^师傅下午到。/)
  assert.ok(answer.head['in-reply-to'], 'in the customer\'s thread')
  t = await act(desk, t, 'accept')
  t = await act(patient(await house.as('dispatcher')), t, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '就近安排' })
  t = await act(patient(await house.as('worker1')), t, 'start')
  t = await act(patient(await house.as('worker1')), t, 'finish', { result: '已上油' })
  t = await act(desk, t, 'inform', { channel: 'email', note: '异响已排除。' })
  const found = async (who, q) => expect(await (await house.as(who)).get(`search?q=${encodeURIComponent(q)}`), 200).items.map((x) => [x.resource, x.id])
  for (const who of ['desk', 'worker1']) assert.deepEqual(await found(who, '师傅下午到'), [['tickets', t.id]], `${who} finds what was written by letter`)
  for (const who of ['worker2', 'resident1', 'manager-b']) assert.deepEqual(await found(who, '师傅下午到'), [], who)
  const told = await smtp.came('zhao@qq.example')
  assert.match(told.text, /^异响已排除。[^]*\/v\/[0-9a-f]{32}/)
  const token = linkIn(told.text, 'v')
  const anyone = patient(await house.anyone())
  expect(await anyone.get(`public/rating/${token}`), 200)
  assert.equal(expect(await desk.get(`tickets/${t.id}`), 200).rating ?? null, null)
  expect(await anyone.post(`public/rating/${token}`, { score: 5 }), 201)
  assert.equal(expect(await desk.get(`tickets/${t.id}`), 200).rating.content, 5)
})

test('told by phone, nothing goes out; a letter about what is closed is a new ticket linked to it', async () => {
  let t = await asked({ subject: '积水' }, 'sun@qq.example')
  const receipt = await smtp.came('sun@qq.example')
  t = await act(desk, t, 'cancel', { reason: '重复登记' })
  expect0(await write({ from: '<sun@qq.example>', subject: 'Re: 积水', text: '又积水了', extra: [`References: <x@y> ${receipt.head['message-id']}`] }, 'sun@qq.example'))
  const again = await newest()
  assert.notEqual(again.id, t.id)
  assert.deepEqual(expect(await desk.get(`tickets/${again.id}`), 200).links.map((l) => [l.link, l.id]), [['follow_up', t.id]])
  await smtp.came('sun@qq.example')
})

test('what could not be delivered is said on the ticket, and can be sent again', async () => {
  const t = await asked({ subject: '楼道灯' }, 'gone@qq.example')
  const receipt = await smtp.came('gone@qq.example')
  const report = ['Return-Path: <>', 'From: Mail Delivery System <MAILER-DAEMON@mx.example>', `To: ${SERVICE}`, 'Subject: Undelivered', 'Message-ID: <bounce1@mx.example>', 'Auto-Submitted: auto-replied', 'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=RR', '', '--RR', 'Content-Type: text/plain', '', 'sorry', '--RR', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.example', '',
    'Final-Recipient: rfc822; gone@qq.example', 'Action: failed', 'Status: 5.1.1', 'Diagnostic-Code: smtp; 550 5.1.1 no such mailbox', '', '--RR', 'Content-Type: text/rfc822-headers', '', `Message-ID: ${receipt.head['message-id']}`, '', '--RR--', ''].join('\r\n')
  expect0(await smtp.write('mailer-daemon@mx.example', SERVICE, report))
  const [letter] = (await letters(t)).items
  assert.deepEqual([letter.state, letter.reason, letter.actions], ['returned', 'Diagnostic-Code: smtp; 550 5.1.1 no such mailbox', ['again']])
  assert.match((await timeline(t)).at(-1).comment, /no such mailbox/)
  expect(await desk.post(`letters/${letter.id}/actions/again`, {}), 200)
  const second = await smtp.came('gone@qq.example')
  assert.equal(second.head['message-id'], receipt.head['message-id'])
  assert.notEqual(linkIn(second.text, 'p'), linkIn(receipt.text, 'p'))
})

test('refused for good, refused for now, and no mail server at all', async () => {
  const state = async (t) => (await letters(t)).items.find((l) => l.way === 'out')
  async function until(t, look) {
    for (let i = 0; i < 300; i++) {
      const l = await state(t)
      if (l && look(l)) return l
      await pause(100)
    }
    assert.fail(JSON.stringify(await state(t)))
  }
  const never = await house.register(desk, { title: '没有这个邮箱' })
  expect(await desk.post(`tickets/${never.id}/letters`, { text: '您好', to: 'nobody@qq.example' }), 201)
  const { reason } = await until(never, (l) => l.state === 'failed')
  assert.match(reason, /no such user/)
  assert.ok(!reason.includes('nobody@'), 'the address stays masked')
  const later = await house.register(desk, { title: '稍后再试' })
  expect(await desk.post(`tickets/${later.id}/letters`, { text: '您好', to: 'later@qq.example' }), 201)
  const waiting = await until(later, (l) => l.reason)
  assert.deepEqual([waiting.state, waiting.tries], ['waiting', 1])
  assert.match(waiting.reason, /not now/)
  await smtp.halt()
  const away = await house.register(desk, { title: '邮件服务器停了' })
  expect(await desk.post(`tickets/${away.id}/letters`, { text: '您好', to: 'away@qq.example' }), 201)
  assert.equal((await until(away, (l) => l.reason)).state, 'waiting')
  expect(await desk.post(`letters/${waiting.id}/actions/drop`, {}), 200)
  await smtp.start()
})

test('programs are not answered and make no tickets; nor do we answer ourselves', async () => {
  const before = await newest()
  const mails = smtp.waiting()
  for (const extra of [['Auto-Submitted: auto-replied'], ['Precedence: bulk'], ['List-Id: <news.example>'], ['X-Auto-Response-Suppress: All']])
    expect0(await write({ from: '<robot@shop.example>', subject: '广告', extra }, 'robot@shop.example'))
  expect0(await write({ from: '<noreply@shop.example>', subject: '广告' }, 'noreply@shop.example'))
  expect0(await write({ from: `<${SERVICE}>`, subject: '自己' }, SERVICE))
  assert.equal((await newest()).id, before.id)
  assert.equal(smtp.waiting(), mails)
})

test('limits: the same letter twice, ten a day from an address; refused with the reason', async () => {
  for (let i = 0; i < 2; i++) expect0(await write({ from: '<many@qq.example>', subject: '催', text: '快点' }, 'many@qq.example'))
  const third = await write({ from: '<many@qq.example>', subject: '催', text: '快点' }, 'many@qq.example')
  assert.match(third.err, /the same letter came 2 times/)
  for (let i = 0; i < 8; i++) expect0(await write({ from: '<many@qq.example>', subject: `第${i}件` }, 'many@qq.example'))
  assert.match((await write({ from: '<many@qq.example>', subject: '第11件' }, 'many@qq.example')).err, /10 letters came from this address today/)
  expect0(await write({ from: '<other@qq.example>', subject: '别人照样能写' }, 'other@qq.example'))
})

test('bad input: nobody\'s address, no message, too large, hostile names and heads', async () => {
  assert.match((await smtp.write('a@qq.example', `nobody-here@${DOMAIN}`, message({}))).err, /67 anju: nobody here has this address/)
  const run = (input, ...words) => house.server.cli(['mail', ...words], input)
  assert.equal((await run('hello\r\n\r\n')).code, 65)
  assert.equal((await run('')).code, 65)
  assert.equal((await run(message({}), 'word')).code, 64)
  assert.equal((await run(message({ text: 'x' }), '--to', 'not an address')).code, 67)
  assert.equal((await run(Buffer.alloc(27 << 20, 'a'))).code, 65)
  assert.equal((await house.server.cli(['mail'], message({}), { env: { ...process.env, ANJU_KEY_FILE: '/nowhere/anju.key' } })).code, 75, 'a house that cannot open is tried again')
  const t = await asked({ subject: `${'长'.repeat(300)}\r\nBcc: x@y.example`, text: `${'行\n'.repeat(10_000)}`, parts: [attached('../../etc/passwd', PNG, 'image/png'), attached('a\u202Egnp.exe', PNG, 'image/png')] }, 'long@qq.example')
  assert.equal(t.title.length, 120)
  assert.deepEqual(expect(await desk.get(`tickets/${t.id}/files`), 200).items.map((f) => f.name.includes('/')), [false])
  const receipt = await smtp.came('long@qq.example')
  assert.ok(!/^bcc:/im.test(receipt.raw), 'a subject adds no line to the head')
  const html = await asked({ parts: undefined, subject: '', text: '' }, 'empty@qq.example')
  assert.match(html.title, /来信/)
  await smtp.came('empty@qq.example')
  expect(await desk.post(`tickets/${t.id}/letters`, { text: '' }), 422)
  for (const to of ['a@b', '-oQ/tmp@x.example', 'a b@x.example', 'a@x.example,b@x.example', 'a@x.example\nBcc: c@x.example'])
    assert.deepEqual(faults(await desk.post(`tickets/${t.id}/letters`, { text: 'x', to })), { to: 'format' }, to)
})

test('who may: staff who see the ticket read, the desk writes, a mailbox is one community\'s', async () => {
  const t = await asked({ subject: '权限' }, 'who@qq.example')
  await smtp.came('who@qq.example')
  for (const login of ['resident1', 'cashier', 'manager-b']) {
    const who = patient(await house.as(login))
    assert.ok([403, 404].includes((await who.get(`tickets/${t.id}/letters`)).status), login)
    assert.ok([403, 404].includes((await who.post(`tickets/${t.id}/letters`, { text: 'x' })).status), login)
    if (login !== 'manager-b') assert.ok([403, 404].includes((await who.get('letters')).status), login)
  }
  const other = patient(await house.as('manager-b'))
  assert.equal(expect(await other.get(`letters?community_id=${house.otherCommunity}`), 200).items.length, 0)
  const worker = patient(await house.as('worker1'))
  expect(await worker.post(`tickets/${t.id}/letters`, { text: 'x' }), 403)
  assert.ok(!expect(await worker.get('letters?limit=200'), 200).items.some((l) => l.ticket_id === t.id), 'of his own orders only')
  const fields = { community_id: house.otherCommunity, address: SERVICE, name: '乙', kind: 'repair', site: 'https://b.example' }
  expect(await other.post('mailboxes', fields), 409)
  assert.deepEqual(faults(await other.post('mailboxes', { ...fields, address: 'b@b.example', site: 'javascript:alert(1)' })), { site: 'format' })
  const theirs = await house.register(other, { community_id: house.otherCommunity, title: '没有邮箱' })
  expect(await other.post(`tickets/${theirs.id}/letters`, { text: 'x', to: 'a@b.example' }), 404)
  const full = expect(await desk.post(`letters/${(await letters(t)).items[0].id}/reveal`, { reason: '电话联系住户' }), 200)
  assert.equal(full.values.address, 'who@qq.example')
})

test('no files stay behind, no secret is in the log', async () => {
  const here = readdirSync(house.server.dir).filter((n) => /^(mail|attach)/.test(n))
  assert.deepEqual(here, [])
  assert.match(house.server.log(), /area=mail letter=\d+ why=/)
  assert.ok(!/@qq\.example/.test(house.server.log()), 'addresses are not logged')
  assert.equal(statSync(join(house.server.dir, 'files')).mode & 0o77, 0)
  assert.ok(readFileSync(smtp.sendmail, 'utf8').includes('msmtp'))
  assert.equal(box.address, SERVICE)
  const check = await house.server.cli(['check'])
  assert.equal(check.code, 0, check.out + check.err)
})
