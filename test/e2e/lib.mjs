// lib.mjs - what the browser specs share: a throw-away server per file, one logged-in window per role, words by language,
// and a watch on everything the browser complains about. Selectors are roles and labels only, so that they survive a new
// look; nothing sleeps: every step waits for what a person would wait for.
import { mkdirSync } from 'node:fs'
import { test as base, expect } from '@playwright/test'
import { client, startServer } from '../lib/server.mjs'
import { isGrave, violationsOf } from './axe.mjs'

export { picture } from './png.mjs'
export { expect }
const engines = (process.env.ANJU_TEST_ENGINES ?? 'sqlite postgres').split(' ')
/* Both engines and both languages, each once; where there is one engine, both languages on it. */
export const rounds = engines.length > 1 ? [['sqlite', 'zh'], ['postgres', 'en']] : ['zh', 'en'].map((lang) => [engines[0], lang])
export const PASSWORD = 'anju-demo'
export const DESK = { width: 1366, height: 768 }
export const PHONE = { width: 390, height: 844 }

/* Console errors, exceptions and policy violations of all windows of a test fail it. Before login the answer 401 of
   GET /session is how the page asks who is there. `expectedNoise` takes patterns of what one test provokes on purpose. */
export const test = base.extend({
  noise: [async ({}, use) => {
    const noise = Object.assign([], { expected: [/\/api\/v1\/session\b.*401|401.*\/api\/v1\/session$/] })
    await use(noise)
    const bad = noise.filter((line) => !noise.expected.some((re) => re.test(line)))
    expect(bad, 'what the browser complained about').toEqual([])
  }, { auto: true }],
  windows: async ({ browser, noise }, use) => {
    const open = []
    await use({
      async open(url, options = {}) {
        const { lang = 'zh', dark = false, ...rest } = options
        const context = await browser.newContext({ baseURL: url, viewport: DESK, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', acceptDownloads: true, ...rest })
        open.push(context)
        await context.addInitScript(([l, d]) => {
          if (!location.protocol.startsWith('http')) return // about:blank has no storage
          if (localStorage.getItem('anju.lang') === null) localStorage.setItem('anju.lang', l)
          if (localStorage.getItem('anju.theme') === null) localStorage.setItem('anju.theme', d ? 'dark' : 'light')
        }, [lang, dark])
        context.on('console', (m) => m.type() === 'error' && noise.push(`${m.text()} ${m.location().url}`))
        context.on('weberror', (e) => noise.push(String(e.error().stack ?? e.error())))
        return context
      },
    })
    await Promise.all(open.map((c) => c.close()))
  },
})

/* const server = serverFor(test): started before the file's tests, ended after them; server.url and server.as(login). Its
   engine is the project's (playwright.config.mjs) unless options name one. */
export function serverFor(t, options = {}) {
  const holder = {
    as: async (login, password = PASSWORD) => {
      const c = client(holder.url)
      const { user } = await c.login(login, password)
      return Object.assign(c, { user, meta: (await c.get('meta')).body })
    },
  }
  let server
  t.beforeAll(async ({}, info) => {
    t.setTimeout(180_000)
    server = await startServer({ demo: true, engine: info.project.metadata.engine, ...options })
    holder.url = server.url
    holder.server = server
  })
  t.afterAll(async () => server?.stop())
  return holder
}

/* A window of a logged-in person: the login itself is tested in story.spec and security.spec. */
export async function enter(windows, server, login, path = '/', options = {}) {
  const context = await windows.open(server.url, options)
  const reply = await context.request.post('/api/v1/session', { data: { login, password: options.password ?? PASSWORD } })
  expect(reply.status(), `login ${login}`).toBe(201)
  const page = await context.newPage()
  await page.goto(path)
  return page
}
export const phone = (windows, server, login, path = '/m', options = {}) =>
  enter(windows, server, login, path, { viewport: PHONE, isMobile: true, hasTouch: true, ...options })

/* The page as it stands, looked at in both languages and themes, on a desk and on a phone: reachable by everybody, no wider
   than the screen, and kept as pictures for people to look at. It is read anew for each: its state must be on the server or in the
   address. */
export async function looks(page, where) {
  for (const [lang, theme] of [['zh', 'light'], ['en', 'dark']]) {
    await page.evaluate(([l, t]) => {
      localStorage.setItem('anju.lang', l)
      localStorage.setItem('anju.theme', t)
    }, [lang, theme])
    await page.reload()
    await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toBeVisible()
    await expect(page.getByText(/^(加载中…|Loading…)$/)).toHaveCount(0)
    for (const size of [DESK, PHONE]) {
      await page.setViewportSize(size)
      await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))))
      expect.soft((await violationsOf(page)).filter(isGrave).map((v) => v.id + ' ' + v.nodes[0].html.slice(0, 120)), `${where} ${lang} ${size.width}`).toEqual([])
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
      expect.soft(wide, `${where} ${lang} fits ${size.width}`).toBeLessThanOrEqual(room)
      mkdirSync('build/e2e/looks', { recursive: true })
      await page.screenshot({ path: `build/e2e/looks/${where}-${lang}-${size.width}.png` })
    }
    await page.setViewportSize(DESK)
  }
  await page.evaluate(() => {
    localStorage.setItem('anju.lang', 'zh')
    localStorage.setItem('anju.theme', 'light')
  })
  await page.reload()
}

/* The words a person looks for, [zh, en]. */
const WORDS = {
  account: ['账号', 'Account'], password: ['密码', 'Password'], login: ['登录', 'Log in'], desk: ['受理与派单', 'Desk & dispatch'],
  search: ['房号、姓名、电话、车牌或合同号', 'Room, name, phone, plate or contract'], household: ['住户', 'Household'], register: ['登记工单', 'Register a ticket'],
  title: ['标题', 'Title'], board: ['派单看板', 'Dispatch board'], col_new: ['待派单', 'New'], col_assigned: ['已派单', 'Assigned'],
  col_doing: ['处理中', 'Doing'], col_verify: ['待确认', 'To verify'], move: ['移动到…', 'Move to…'], accept: ['接单', 'Accept'],
  dispatch: ['派单', 'Dispatch'], no_category: ['没有分类,不知道需要什么技能', 'No category'], start: ['开始处理', 'Start'], finish: ['完成', 'Finish'],
  inform: ['反馈客户', 'Inform'], confirm: ['确认解决', 'Confirm'], return: ['退回返工', 'Return'], result: ['处理结果', 'Result'],
  note: ['告知内容', 'What the customer was told'], channel: ['渠道', 'Channel'], by_phone: ['电话', 'Phone'], reason: ['原因', 'Reason'],
  photo_before: ['拍处理前照片', 'Photo before'], photo_after: ['拍处理后照片', 'Photo after'], stage_before: ['处理前', 'Before'],
  stage_after: ['处理后', 'After'], timeline: ['处理记录', 'Timeline'], rate: ['请为这次服务打分', 'Please rate this service'],
  rate_send: ['提交评价', 'Send rating'], rated: ['您的评价', 'Your rating'], closed: ['已关闭', 'Closed'], comment: ['还想说点什么', 'Anything else'],
  dims: [['处理结果', '服务态度', '处理速度', '整体感受'], ['Result', 'Attitude', 'Speed', 'Overall']], stars: ['{0} 星', '{0} of 5'],
  repair: ['报修', 'Report a repair'], what: ['怎么了？', 'What is wrong?'], first_photo: ['先拍张照片', 'Take a photo first'], send: ['提交', 'Send'],
  steps: [['登记', '接单', '派单', '开始处理', '完成', '反馈客户', '确认解决', '评价'], ['Registered', 'Accept', 'Dispatch', 'Start', 'Finish', 'Inform', 'Confirm', 'Rated']],
}
export const words = (lang) => Object.fromEntries(Object.entries(WORDS).map(([k, v]) => [k, v[lang === 'zh' ? 0 : 1]]))

/* A card of the board by the ticket's number, and its menu: the keyboard's and mouse's twin of dragging. */
export const card = (page, code) => page.getByRole('article', { name: code })
export async function cardMenu(page, w, code, action) {
  await card(page, code).getByLabel(`${w.move} ${code}`).click()
  await card(page, code).getByRole('button', { name: action, exact: true }).click()
}

/* The addresses of a person's own menu, top to bottom. */
export async function menuPages(page) {
  const links = page.getByRole('navigation').first().getByRole('link')
  await expect(links.nth(1)).toBeVisible()
  return [...new Set(await links.evaluateAll((all) => all.map((a) => new URL(a.href).pathname)))]
}
