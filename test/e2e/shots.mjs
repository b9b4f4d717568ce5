// shots.mjs - the pictures of the README and docs/, taken from the demo community at this hour:
//   node test/e2e/shots.mjs docs/img
// The first ones run through a little of the story so that what is seen is a day at work, not an empty form.
import { chromium } from '@playwright/test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { client, startServer } from '../lib/server.mjs'
import { DESK, PASSWORD, PHONE, picture } from './lib.mjs'
import { pngShrink } from './png.mjs'

const out = process.argv[2]
if (!out) {
  console.error('node test/e2e/shots.mjs OUTDIR')
  process.exit(2)
}
mkdirSync(out, { recursive: true })
const server = await startServer({ demo: true })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] })

async function open(login, path, { lang = 'zh', dark = false, phone = false } = {}) {
  const context = await browser.newContext({
    baseURL: server.url, viewport: phone ? PHONE : DESK, isMobile: phone, hasTouch: phone, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce',
  })
  await context.request.post('/api/v1/session', { data: { login, password: PASSWORD } })
  await context.addInitScript(([l, d]) => {
    localStorage.setItem('anju.lang', l)
    localStorage.setItem('anju.theme', d ? 'dark' : 'light')
  }, [lang, dark])
  const page = await context.newPage()
  await page.goto(path)
  return page
}
async function shot(page, name, ready) {
  await ready.first().waitFor()
  await page.getByText(/^(加载中…|Loading…)$/).first().waitFor({ state: 'hidden' })
  await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {}) // live events keep a line open
  await page.evaluate(async () => {
    await document.fonts.ready
    await Promise.all([...document.images].map((i) => i.decode().catch(() => {})))
  })
  const path = join(out, `${name}.png`)
  const small = pngShrink(await page.screenshot({ animations: 'disabled' }))
  writeFileSync(path, small)
  console.log(`${path} ${Math.round(small.length / 1000)} kB`)
  if (small.length > 250_000) throw new Error(`${path} is over 250 kB`)
  await page.context().close()
}
async function as(login) {
  const c = client(server.url)
  await c.login(login, PASSWORD)
  const meta = (await c.get('meta')).body
  return Object.assign(c, { me: meta.me, community: meta.communities[0].id })
}
async function photo(api, ticket, stage, colour) {
  const p = picture(`${stage}.png`, colour, 640, 480)
  const form = new FormData()
  form.append('stage', stage)
  form.append('file', new Blob([p.buffer], { type: p.mimeType }), p.name)
  await api.post(`tickets/${ticket}/files`, form)
}
const ok = (reply) => {
  if (reply.status >= 300) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`)
  return reply.body
}

try {
  const [desk, dispatcher, worker, resident] = await Promise.all(['desk', 'dispatcher', 'worker1', 'resident1'].map(as))
  const home = ok(await resident.get('me/spaces')).items[0]
  const ticket = ok(await desk.post('tickets', {
    community_id: desk.community, kind: 'repair', title: '厨房水管接头漏水', detail: '水槽下方接头处一直滴水，柜子已经泡湿，住户下午三点以后在家。',
    channel: 'phone', space_id: home.space_id, person_id: home.person_id, contact_name: resident.me.name, contact_phone: '16312345678', urgency: 2, impact: 2,
  }))
  const act = async (api, action, body = {}) => ok(await api.post(`tickets/${ticket.id}/actions/${action}`, body))
  await act(desk, 'accept')
  await act(dispatcher, 'dispatch', { assignee_id: worker.me.staff_id, reason: '就近且有水工技能' })
  await photo(worker, ticket.id, 'before', [196, 120, 92])
  await act(worker, 'start')
  await photo(worker, ticket.id, 'after', [104, 160, 138])

  for (const lang of ['zh', 'en']) {
    const manager = await open('manager', '/desk', { lang })
    await manager.getByRole('combobox').first().fill('2-1-202')
    await manager.getByRole('option').first().waitFor()
    await manager.keyboard.press('Enter')
    const form = manager.getByRole('form', { name: lang === 'zh' ? '登记工单' : 'Register a ticket' })
    await form.getByLabel(lang === 'zh' ? '标题' : 'Title').fill(lang === 'zh' ? '卫生间顶部渗水' : 'Bathroom ceiling leaks')
    await shot(manager, `desk-${lang}`, manager.getByRole('article'))
  }
  const list = await open('manager', '/r/tickets?sort=resolve_due&state=dispatched,in_progress,accepted,finished,informed', { lang: 'en', dark: true })
  await list.getByRole('table').getByRole('row').nth(2).getByRole('button').click()
  await shot(list, 'list-dark-en', list.getByRole('complementary', { name: 'Details' }).getByRole('term'))
  const page = await open('manager', `/tickets/${ticket.id}`)
  await shot(page, 'ticket-zh', page.getByRole('img', { name: /after/ }))
  const phone = await open('worker1', `/m`, { phone: true })
  await shot(phone, 'phone-worker', phone.getByRole('article'))
  const mine = await open('resident1', '/m', { phone: true })
  await shot(mine, 'phone-resident', mine.getByRole('link', { name: '厨房水管接头漏水' }))
} finally {
  await browser.close()
  await server.stop()
}
