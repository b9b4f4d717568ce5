// mail.spec.mjs - a letter in the browser, in both languages, on both engines: a customer writes, the desk sees it come in and
// answers, the customer's program gets it, and what cannot be delivered is said where the ticket is.
import { startSmtp } from '../lib/smtp.mjs'
import { enter, expect, looks, serverFor, test } from './lib.mjs'

const DOMAIN = 'wy.example.cn'
const TEXTS = {
  zh: { letters: '往来邮件', answer: '回信', text: '内容', send: '发送', failed: '未发出', again: '重新发送', sure: '重新发送', box: '服务邮箱', address: '对方邮箱', written: '回信' },
  en: { letters: 'Letters', answer: 'Answer', text: 'Text', send: 'Send', failed: 'Not sent', again: 'Send again', sure: 'Send again', box: 'Mailboxes', address: 'Address', written: 'Answer' },
}
const b64 = (s) => Buffer.from(s).toString('base64')
const message = (from, subject, text) =>
  [`From: <${from}>`, `To: service@${DOMAIN}`, `Subject: =?utf-8?B?${b64(subject)}?=`, `Message-ID: <${Date.now()}.${from}>`, 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '', b64(text), ''].join('\r\n')

for (const [engine, lang] of [['sqlite', 'zh'], ['postgres', 'en']].filter(([e]) => (process.env.ANJU_TEST_ENGINES ?? 'sqlite postgres').includes(e))) {
  test.describe(`on ${engine}`, () => {
    let smtp
    const options = { engine, args: [] }
    test.beforeAll(async () => {
      smtp = await startSmtp(DOMAIN)
      options.args.push('--sendmail', smtp.sendmail)
    })
    const server = serverFor(test, options)
    test.afterAll(async () => smtp.stop())

    test(`a letter comes in, is answered, and a wrong address is said (${lang})`, async ({ windows }) => {
      const w = TEXTS[lang]
      const manager = await server.as('manager')
      const [box] = (await manager.get(`mailboxes?community_id=${manager.meta.communities[0].id}`)).body.items
      expect((await manager.patch(`mailboxes/${box.id}`, { address: `service@${DOMAIN}`, site: server.url }, box.version)).status).toBe(200)
      smtp.deliverTo(server.server)
      const title = lang === 'zh' ? '信里说的漏水' : 'A leak by letter'
      const page = await enter(windows, server, 'desk', '/desk', { lang })
      await expect(page.getByRole('article').first(), 'the board is there, and hears').toBeVisible()
      expect((await smtp.write('wang@qq.example', `service@${DOMAIN}`, message('wang@qq.example', title, '3-2-1502'))).code).toBe(0)
      await page.getByRole('article').getByRole('link', { name: title }).or(page.getByRole('article', { name: title })).first().click()
      const ticket = (await manager.get(`tickets?community_id=${box.community_id}&channel=email&limit=1&sort=-created_at`)).body.items[0]
      await page.goto(`/tickets/${ticket.id}`)
      const panel = page.getByRole('region', { name: w.letters })
      await expect(panel.getByText('w***@qq.example').first()).toBeVisible()
      await expect(panel.getByText(title, { exact: true })).toBeVisible()
      await panel.getByRole('button', { name: w.answer }).click()
      const dialog = page.getByRole('dialog', { name: w.answer })
      await dialog.getByLabel(w.text).fill('师傅下午到 / this afternoon')
      await dialog.getByRole('button', { name: w.send }).click()
      await expect(dialog).toBeHidden()
      const both = [await smtp.came('wang@qq.example'), await smtp.came('wang@qq.example')].map((l) => l.text).join()
      expect(both).toContain('this afternoon')
      expect(both, 'the receipt, before or after it').toMatch(/\/p\/[0-9a-f]{32}/)
      await expect(panel.getByRole('listitem')).toHaveCount(3)

      await panel.getByRole('button', { name: w.answer }).click()
      await dialog.getByLabel(w.address).fill('nobody@qq.example')
      await dialog.getByLabel(w.text).fill('x')
      await dialog.getByRole('button', { name: w.send }).click()
      await expect(panel.getByText(w.failed)).toBeVisible()
      await expect(panel.getByText(/no such user/)).toBeVisible()
      await expect(panel.getByRole('button', { name: w.again })).toBeVisible()
      if (lang === 'zh') await looks(page, 'letters')
    })
  })
}
