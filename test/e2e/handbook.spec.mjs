// handbook.spec.mjs - the service handbook in both languages: the manager makes a new version and puts it in force; who it names is
// asked on his first page, reads and confirms; a ticket opens the version it started with.
import { enter, expect, looks, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const WORDS = {
  zh: {
    repair: /^报修服务/, revise: '修订（新版本）', edit_step: '修改步骤 接单', what: '做什么', save: '保存', publish: '生效', now: '您已于', readers: '谁已读', none: /0 人已读/, one: /1 人已读/,
    to_read: /手册有 \d+ 页待您阅读确认/, list: '待我阅读', today: /^待读手册/, confirm: '我已阅读并确认', side: '工单信息', old: '这不是现在生效的版本。', limits: '时限', steps: '步骤', text: '先问安全,再登记',
  },
  en: {
    repair: /^Repairs/, revise: 'Revise (new version)', edit_step: 'Edit step Accept', what: 'What is done, English', save: 'Save', publish: 'Put in force', now: 'You confirmed it on', readers: 'Who has read it', none: /^0 have/, one: /^1 have/,
    to_read: /\d+ handbook pages to read and confirm/, list: 'For me to read', today: /^Handbook to read/, confirm: 'I have read it', old: 'This is not the version in force now.', limits: 'Limits', steps: 'Steps', text: 'Safety first, then the record',
  },
}
for (const lang of ['zh', 'en']) {
  const w = WORDS[lang]

  test(`a new version is written, put in force, read and confirmed; a ticket keeps its own (${lang})`, async ({ windows }) => {
    const api = await server.as('manager')
    const community_id = api.meta.communities[0].id
    const ticket = (await api.post('tickets', { community_id, kind: 'repair', title: '厨房水龙头漏水', channel: 'phone' })).body

    const page = await enter(windows, server, 'manager', '/handbook', { lang })
    await page.getByRole('navigation', { name: lang === 'zh' ? '服务手册' : 'Service handbook' }).getByRole('link', { name: w.repair }).click()
    await page.getByRole('button', { name: w.revise }).click()
    await page.getByRole('button', { name: w.edit_step }).click()
    await page.getByRole('dialog').getByLabel(w.what, { exact: true }).fill(w.text)
    await page.getByRole('dialog').getByRole('button', { name: w.save }).click()
    await expect(page.getByRole('region', { name: w.steps }).getByText(w.text)).toBeVisible()
    await page.getByRole('button', { name: w.publish, exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: w.publish, exact: true }).click()
    await expect(page.getByRole('region', { name: w.readers }).getByText(w.none)).toBeVisible()
    await expect(page.getByRole('region', { name: w.limits }).first().getByRole('row')).toHaveCount(5)
    const address = page.url()

    const desk = await enter(windows, server, 'desk', '/', { lang })
    await desk.getByRole('link', { name: w.today }).click()
    await desk.getByRole('region', { name: w.list }).getByRole('link', { name: w.repair }).click()
    expect(desk.url()).toBe(address)
    await desk.getByRole('button', { name: w.confirm }).click()
    await expect(desk.getByText(w.now)).toBeVisible()
    await page.reload()
    await expect(page.getByRole('region', { name: w.readers }).getByText(w.one)).toBeVisible()

    await desk.goto(`/tickets/${ticket.id}`)
    await desk.getByRole('complementary').getByRole('link', { name: w.repair }).click()
    await expect(desk.getByText(w.old)).toBeVisible()
  })
}

test('a worker is told on his phone and confirms there; seen in both languages, light and dark, wide and narrow', async ({ windows }) => {
  const page = await phone(windows, server, 'worker2', '/m/me')
  await page.getByRole('link', { name: WORDS.zh.to_read }).click()
  await page.getByRole('region', { name: WORDS.zh.list }).getByRole('link').first().click()
  await page.getByRole('button', { name: WORDS.zh.confirm }).click()
  await expect(page.getByText(WORDS.zh.now)).toBeVisible()

  const manager = await enter(windows, server, 'manager', '/handbook')
  await looks(manager, 'handbook')
  await manager.getByRole('navigation', { name: '服务手册' }).getByRole('link', { name: WORDS.zh.repair }).click()
  await expect(manager.getByRole('region', { name: WORDS.zh.readers })).toBeVisible()
  await looks(manager, 'handbook-page')
})

for (const lang of ['zh', 'en'])
  test(`an approved wording is put into what the customer is told (${lang})`, async ({ windows }) => {
    const [desk, dispatcher, worker] = [await server.as('desk'), await server.as('dispatcher'), await server.as('worker1')]
    const community_id = desk.meta.communities[0].id
    const t = (await desk.post('tickets', { community_id, kind: 'repair', title: '厨房水龙头漏水', channel: 'phone', contact_name: '王敏' })).body
    for (const [who, step, input] of [[desk, 'accept', {}], [dispatcher, 'dispatch', { assignee_id: worker.meta.me.staff_id, reason: '就近' }], [worker, 'start', {}], [worker, 'finish', { result: '已更换阀芯' }]])
      expect((await who.post(`tickets/${t.id}/actions/${step}`, input)).status).toBe(200)
    const [inform, wordings, one, note, channel] = lang === 'zh'
      ? ['反馈客户', '已批准的答复', '已修好', /^告知内容/, /^渠道/] : ['Inform', 'Approved wordings', 'Mended', /^What the customer was told/, /^Channel/]
    const page = await enter(windows, server, 'desk', `/tickets/${t.id}`, { lang })
    await page.getByRole('button', { name: inform, exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('group', { name: wordings }).getByRole('button', { name: one, exact: true }).click()
    await expect(dialog.getByLabel(note)).toHaveValue(new RegExp(`${lang === 'zh' ? '王先生' : 'Dear 王,'}.*厨房水龙头漏水.*${t.code}.*已更换阀芯`))
    await dialog.getByLabel(channel).selectOption('phone')
    await page.screenshot({ path: `build/e2e/looks/inform-${lang}.png` })
    await dialog.getByRole('button', { name: inform, exact: true }).click()
    await expect(dialog).toBeHidden()
    expect((await desk.get(`tickets/${t.id}`)).body.answer).toContain('已更换阀芯')
  })
