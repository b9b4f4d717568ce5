// desk_round.spec.mjs - what rounds the desk off, in both languages: a contract's number finds the home and is named; the board is
// heard, once a burst; who watches a ticket hears of it; a worker goes from house to house; the approved wordings on the phone.
import { by_number, route_of, urgency_of } from '../../web/src/rooms/service/phone/route.ts'
import { Database } from '../lib/database.mjs'
import { enter, expect, phone, rounds, serverFor, test, words } from './lib.mjs'

const TEXTS = {
  zh: {
    sound: '提示音', contract: '合同号', watched: '关注人', watch: '关注', unwatch: '取消关注', always: '始终关注', first: '首问责任人', mine: '我关注的', you: '您关注的', late: '已超时', today: '今天到期', later: '以后到期',
    told: '待反馈住户', inform: '反馈客户', wordings: '已批准的答复', note: '告知内容', channel: '渠道', by_phone: '电话', offline: '离线', elsewhere: '其他地点', waiting: '待提交',
  },
  en: {
    sound: 'Sound', contract: 'Contract', watched: 'Watched by', watch: 'Watch', unwatch: 'Stop watching', always: 'always watch', first: 'first contact', mine: 'Watched by me', you: 'You watch', late: 'Overdue', today: 'Due today', later: 'Due later',
    told: 'Tell the customer', inform: 'Inform', wordings: 'Approved wordings', note: 'What the customer was told', channel: 'Channel', by_phone: 'Phone', offline: 'Offline', elsewhere: 'Elsewhere', waiting: 'Not sent yet',
  },
}
const ok = (reply, status = 200) => (expect(reply.status, JSON.stringify(reply.body)).toBe(status), reply.body)

test('the way of a worker: late, today, later; house by house; floors as people count', () => {
  expect(['10栋1单元2层201', '2栋2单元12层1201', '2栋2单元3层301', '2栋1单元'].sort(by_number)).toEqual(['2栋1单元', '2栋2单元3层301', '2栋2单元12层1201', '10栋1单元2层201'])
  expect([urgency_of(null, 5, 9), urgency_of(4, 5, 9), urgency_of(5, 5, 9), urgency_of(8, 5, 9), urgency_of(9, 5, 9)]).toEqual(['later', 'late', 'today', 'today', 'later'])
  const at = (id, stop, path, key = 'today') => ({ id, stop, path, key })
  const rows = [at(1, '10栋1单元', '10栋1单元1层101'), at(2, '2栋1单元', '2栋1单元12层1201'), at(3, '', '水泵房'), at(4, '2栋1单元', '2栋1单元3层301'), at(5, '2栋2单元', '2栋2单元1层101'), at(6, '2栋1单元', '2栋1单元3层301', 'late'), at(7, '', '')]
  const plain = route_of(rows, (t) => t.key, (t) => t).map((g) => [g.key, g.rows, g.stops.map((s) => [s.stop, s.rows.map((t) => t.id)])])
  expect(plain).toEqual([
    ['late', 1, [['2栋1单元', [6]]]],
    ['today', 6, [['2栋1单元', [4, 2]], ['2栋2单元', [5]], ['10栋1单元', [1]], ['', [3, 7]]]],
  ])
  expect(route_of([], () => 'late', (t) => t)).toEqual([])
})

for (const [engine, lang] of rounds)
  test.describe(`on ${engine} (${lang})`, () => {
    const server = serverFor(test, { engine })
    const w = { ...words(lang), ...TEXTS[lang] }
    const register = async (fields) => {
      const desk = await server.as('desk')
      return ok(await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', channel: 'phone', title: '走廊灯不亮', ...fields }), 201)
    }
    const act = async (login, t, action, input = {}) => ok(await (await server.as(login)).post(`tickets/${t.id}/actions/${action}`, input))
    const sent = async (fields, to = 'worker1') => {
      const t = await register(fields)
      await act('desk', t, 'accept')
      return act('dispatcher', t, 'dispatch', { assignee_id: (await server.as(to)).meta.me.staff_id, reason: '就近' })
    }

    test('a contract’s number finds the home, and which it was is said, masked', async ({ windows }) => {
      const [desk, resident] = [await server.as('desk'), await server.as('resident1')]
      const home = ok(await resident.get('me/spaces')).items[0]
      ok(await desk.post('identities', { community_id: home.community_id, person_id: home.person_id, kind: 'contract', value: 'HT-2031-0815' }), 201)
      const page = await enter(windows, server, 'desk', '/desk', { lang })
      await page.getByRole('combobox', { name: w.search }).fill('ht2031 0815')
      const found = page.getByRole('option').filter({ hasText: home.space })
      await expect(found).toContainText(`${w.contract} H**`)
      await page.screenshot({ path: `build/e2e/looks/contract-${lang}.png` })
      await page.keyboard.press('Enter')
      const name = ok(await desk.get(`people/${home.person_id}`)).name
      await expect(page.getByRole('region', { name: w.household, exact: true }).getByRole('button', { name })).toHaveAttribute('aria-pressed', 'true')
    })

    test('the board is heard when somebody wants it: one tone for a burst, one when a card turns red', async ({ windows }) => {
      const page = await enter(windows, server, 'dispatcher', '/desk', { lang })
      await page.addInitScript(() => {
        window.tones = 0
        const start = OscillatorNode.prototype.start
        OscillatorNode.prototype.start = function (...when) {
          window.tones++
          return start.apply(this, when)
        }
      })
      await page.reload()
      const tones = () => page.evaluate(() => window.tones)
      const sound = page.getByRole('switch', { name: w.sound })
      await expect(sound).toHaveAttribute('aria-checked', 'false')
      const first = await register({ title: '没有人听见' })
      await expect(page.getByRole('article', { name: first.code })).toBeVisible()
      expect(await tones()).toBe(0)
      await sound.click()
      await expect(sound).toHaveAttribute('aria-checked', 'true')
      expect(await tones(), 'how it sounds').toBe(1)
      await page.reload() // remembered; a page that nobody touched stays silent
      await expect(sound).toHaveAttribute('aria-checked', 'true')
      await page.getByRole('heading', { level: 2 }).first().click()
      await page.screenshot({ path: `build/e2e/looks/sound-${lang}.png` })
      const burst = await Promise.all(['甲', '乙', '丙'].map((x) => register({ title: `一起来的${x}` })))
      for (const t of burst) await expect(page.getByRole('article', { name: t.code })).toBeVisible()
      await expect.poll(tones).toBe(1)
      await expect.poll(() => page.evaluate(() => performance.now())).toBeGreaterThan(8000) // the burst is over
      await new Database(server.server).run(`UPDATE ticket SET respond_due = ${Date.now() - 60_000}, next_due = ${Date.now() - 60_000} WHERE id = ${burst[0].id}`)
      await act('desk', first, 'accept') // the board is read again
      await expect.poll(tones).toBe(2)
      await sound.click()
      await expect(sound).toHaveAttribute('aria-checked', 'false')
      const last = await register({ title: '又没有人听见' })
      await expect(page.getByRole('article', { name: last.code })).toBeVisible()
      expect(await tones()).toBe(2)
    })

    test('who watches a ticket stands there, hears of it, and finds it again', async ({ windows }) => {
      const t = await register({ title: '天台门打不开' })
      const page = await enter(windows, server, 'manager', `/tickets/${t.id}`, { lang })
      const box = page.getByRole('region', { name: w.watched })
      const [desk, manager] = [(await server.as('desk')).meta.me.name, (await server.as('manager')).meta.me.name]
      await expect(box.getByRole('listitem')).toHaveText([new RegExp(`^${desk}.*${w.first}$`)])
      await box.getByRole('button', { name: w.watch, exact: true }).click()
      await expect(box.getByRole('button', { name: w.unwatch })).toBeVisible()
      await expect(box).toContainText(manager)
      await page.screenshot({ path: `build/e2e/looks/watch-${lang}.png` })
      const knows = [page.waitForResponse(/\/ticket-watches\?.*staff_id=/), page.waitForResponse(/\/tickets\?.*first_contact_id=/)]
      await page.goto('/')
      await Promise.all(knows)
      await act('desk', t, 'accept')
      const notice = page.getByRole('status').filter({ hasText: t.code }).or(page.getByText(`${w.you} ${t.code}`)).first()
      await expect(notice).toBeVisible()
      await page.screenshot({ path: `build/e2e/looks/watch-notice-${lang}.png` })
      await page.goto('/r/tickets')
      await page.getByRole('checkbox', { name: w.mine }).check()
      await expect(page).toHaveURL(/mine=1/)
      await expect(page.getByRole('row', { name: t.code })).toBeVisible()
      const theirs = await enter(windows, server, 'desk', `/tickets/${t.id}`, { lang })
      await expect(theirs.getByRole('region', { name: w.watched })).toContainText(w.always)
      await expect(theirs.getByRole('region', { name: w.watched })).toContainText(manager)
    })

    test('a worker’s list: what is due first, house by house, also without a network', async ({ windows, noise }) => {
      noise.expected.push(/net::ERR_|WebSocket|EventSource/)
      const desk = await server.as('desk')
      const community = desk.meta.communities[0].id
      const units = ok(await desk.get(`spaces?community_id=${community}&kind=unit&limit=200&sort=id`)).items
      const [low, high] = units.filter((u) => u.path_name.startsWith(units[0].path_name.match(/^.*?单元/)[0]))
      const made = [await sent({ title: '高处的灯', space_id: high.id }, 'worker2'), await sent({ title: '低处的灯', space_id: low.id }, 'worker2'), await sent({ title: '过了时的门', space_id: low.id }, 'worker2')]
      const database = new Database(server.server)
      const far = Date.now() + 30 * 86_400_000
      await database.run(`UPDATE ticket SET handle_due = ${far}, resolve_due = ${far}, next_due = ${far} WHERE id IN (${made[0].id}, ${made[1].id})`)
      await database.run(`UPDATE ticket SET handle_due = ${Date.now() - 60_000}, next_due = ${Date.now() - 60_000} WHERE id = ${made[2].id}`)
      const page = await phone(windows, server, 'worker2', '/m', { lang })
      const late = page.getByRole('region', { name: w.late, exact: true }), later = page.getByRole('region', { name: w.later, exact: true })
      const stop = units[0].path_name.match(/^.*?单元/)[0]
      const looked = async () => {
        await expect(late.getByRole('article').filter({ hasText: '过了时的门' })).toBeVisible()
        await expect(late.getByRole('heading', { name: stop })).toBeVisible()
        await expect(later.getByRole('heading', { name: stop })).toBeVisible()
        const titles = await later.getByRole('article').allInnerTexts()
        const at = (x) => titles.findIndex((text) => text.includes(x))
        expect(at('低处的灯')).toBeGreaterThanOrEqual(0)
        expect(at('高处的灯')).toBeGreaterThan(at('低处的灯'))
      }
      await looked()
      await page.screenshot({ path: `build/e2e/looks/route-${lang}.png`, fullPage: true })
      await page.evaluate(async () => {
        await navigator.serviceWorker.ready
        if (!navigator.serviceWorker.controller) await new Promise((r) => navigator.serviceWorker.addEventListener('controllerchange', r, { once: true }))
      })
      await expect.poll(() => page.evaluate(async () => {
        const open = indexedDB.open('anju-phone')
        await new Promise((r) => (open.onsuccess = r))
        const names = open.result.transaction('copy').objectStore('copy').getAllKeys()
        await new Promise((r) => (names.onsuccess = r))
        open.result.close()
        return names.result.join(' ')
      })).toMatch(/\/me\/stops/)
      await page.context().setOffline(true)
      await page.reload()
      await looked()
      await page.context().setOffline(false)
    })

    test('the phone offers the approved wordings, filled in; without a network the words are one’s own', async ({ windows, noise }) => {
      noise.expected.push(/net::ERR_|WebSocket|EventSource/)
      const t = await sent({ title: lang === 'zh' ? '水管接头渗水' : 'Pipe joint leaks' })
      await act('worker1', t, 'start')
      await act('worker1', t, 'finish', { result: '换了接头' })
      const page = await phone(windows, server, 'worker1', `/m/task/${t.id}`, { lang })
      await page.getByRole('button', { name: w.inform, exact: true }).click()
      const dialog = page.getByRole('dialog', { name: w.inform })
      await dialog.getByRole('group', { name: w.wordings }).getByRole('button').first().click()
      await expect(dialog.getByLabel(w.note), 'with its own title and number').toHaveValue(new RegExp(`${t.title}.*${t.code}`, 's'))
      await page.screenshot({ path: `build/e2e/looks/phone-inform-${lang}.png` })
      await page.keyboard.press('Escape')
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}))
      await page.goto('/m')
      await page.getByRole('link', { name: t.title }).first().click()
      await expect(page.getByRole('heading', { name: t.title })).toBeVisible()
      await page.context().setOffline(true)
      await page.getByRole('button', { name: w.inform, exact: true }).click()
      const form = page.getByRole('dialog', { name: w.inform })
      await expect(form.getByLabel(w.note)).toBeVisible()
      await expect(form.getByRole('group', { name: w.wordings })).toHaveCount(0)
      await form.getByRole('radio', { name: w.by_phone }).or(form.getByLabel(w.channel)).first().waitFor()
      if (await form.getByRole('combobox', { name: w.channel }).count()) await form.getByRole('combobox', { name: w.channel }).selectOption({ label: w.by_phone })
      else await form.getByRole('radio', { name: w.by_phone }).check()
      await form.getByLabel(w.note).fill('已当面告知 / told in person')
      await form.getByRole('button', { name: w.inform, exact: true }).click()
      await expect(form).toBeHidden()
      await page.context().setOffline(false)
      await expect.poll(async () => ok(await (await server.as('desk')).get(`tickets/${t.id}`)).answer).toContain('told in person')
    })
  })
