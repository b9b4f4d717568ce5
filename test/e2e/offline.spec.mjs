// offline.spec.mjs - a worker's phone without a network: it opens, shows his tasks, takes what he does, and tells the server
// later - in order, exactly once, with the times at which it happened - through dead networks, dead servers and lost answers.
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import { violationsOf } from './axe.mjs'
import { PASSWORD, PHONE, enter, expect, phone, picture, serverFor, test, words } from './lib.mjs'

const server = serverFor(test)
const WORDS = {
  pill: ['待提交记录', 'Waiting to be sent'], done: ['已全部提交', 'All sent'], offline: ['离线', 'Offline'], needs: ['条需要处理', 'Needs you'],
  waiting: ['待提交', 'Not sent yet'], retry: ['重试', 'Try again'], with_now: ['按现在的时间提交', 'Send with the time of now'], drop: ['放弃', 'Discard'],
  comment: ['备注', 'Comment'], send: ['发送', 'Send'], logout: ['退出登录', 'Log out'], erase: ['删除并退出', 'Erase and log out'], cancel: ['取消', 'Cancel'],
  no_server: ['连不上服务器', 'cannot be reached'], copy: ['显示', 'Shown as it was at'], finished: ['待反馈', 'Finished'],
}
const w = { ...words('zh'), ...Object.fromEntries(Object.entries(WORDS).map(([k, v]) => [k, v[0]])) }
const say = (lang) => Object.fromEntries(Object.entries(WORDS).map(([k, v]) => [k, v[lang === 'zh' ? 0 : 1]]))
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex')
/* What a browser says about a network that is not there, and about refusals provoked on purpose. */
const NETWORK = [/net::ERR_|WebSocket|EventSource|status of 50\d/]
const REFUSED = [/status of 4\d\d/]

/* A repair on worker1's list: → { id, title, code } */
async function task(title, to = 'worker1') {
  const [desk, dispatcher, worker] = [await server.as('desk'), await server.as('dispatcher'), await server.as(to)]
  const made = await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', title, channel: 'phone' })
  expect(made.status).toBe(201)
  const { id, code } = made.body
  expect((await desk.post(`tickets/${id}/actions/accept`, {})).status).toBe(200)
  expect((await dispatcher.post(`tickets/${id}/actions/dispatch`, { assignee_id: worker.meta.me.staff_id, reason: '就近' })).status).toBe(200)
  return { id, code, title }
}
const steps = async (t, ...actions) => {
  const items = (await (await server.as('desk')).get(`tickets/${t.id}/timeline`)).body.items
  return items.filter((i) => actions.includes(i.action))
}
const kinds = async (t, ...actions) => (await steps(t, ...actions)).map((i) => i.action)

/* What lies in the phone's queue; photos as their hash. */
const queue = (page) =>
  page.evaluate(async () => {
    const open = indexedDB.open('anju-phone')
    await new Promise((r) => (open.onsuccess = r))
    const all = open.result.transaction('queue').objectStore('queue').getAll()
    await new Promise((r) => (all.onsuccess = r))
    open.result.close()
    const hex = async (b) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', await b.arrayBuffer()))].map((x) => x.toString(16).padStart(2, '0')).join('')
    return Promise.all(all.result.map(async (e) => ({ ...e, photo: e.photo && (await hex(e.photo)), size: e.photo?.size })))
  })
/* Changes the entries whose kind or action is what: something only time or damage could do. */
const change = (page, what, patch) =>
  page.evaluate(async ([only, to]) => {
    const open = indexedDB.open('anju-phone')
    await new Promise((r) => (open.onsuccess = r))
    const tx = open.result.transaction('queue', 'readwrite')
    const all = tx.objectStore('queue').getAll()
    await new Promise((r) => (all.onsuccess = r))
    for (const e of all.result) if (e.kind === only || e.action === only) tx.objectStore('queue').put({ ...e, ...to })
    await new Promise((r) => (tx.oncomplete = r))
    open.result.close()
  }, [what, patch])
const pill = (page) => page.getByRole('button', { name: w.pill })
const done = (page) => expect(pill(page)).toContainText(w.done, { timeout: 30_000 })
const copied = (page) =>
  page.evaluate(async () => {
    if (!(await indexedDB.databases()).some((d) => d.name === 'anju-phone')) return '' // opening it would make it
    const open = indexedDB.open('anju-phone')
    await new Promise((r) => (open.onsuccess = r))
    const names = open.result.transaction('copy').objectStore('copy').getAllKeys()
    await new Promise((r) => (names.onsuccess = r))
    open.result.close()
    return names.result.join(' ')
  })
/* The shell is on the phone and holds this window. */
async function installed(page) {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready
    if (!navigator.serviceWorker.controller) await new Promise((r) => navigator.serviceWorker.addEventListener('controllerchange', r, { once: true }))
  })
}
async function worker(windows, noise, { url, login = 'worker1', path = '/m', ...options } = {}) {
  noise.expected.push(...NETWORK)
  const page = await phone(windows, url ? { url } : server, login, path, options)
  await expect(pill(page)).toBeVisible()
  await installed(page)
  if (path === '/m') await expect.poll(() => copied(page), 'the list is on the phone').toContain('/tickets?')
  return page
}
const open = async (page, t) => {
  await page.getByRole('link', { name: t.title }).first().click()
  await expect(page.getByRole('heading', { name: t.title })).toBeVisible()
}
async function say_comment(page, text) {
  await page.getByRole('textbox', { name: w.comment }).fill(text)
  await page.getByRole('button', { name: w.send, exact: true }).click()
}
async function finish(page, result) {
  await page.getByRole('button', { name: w.finish, exact: true }).click()
  const dialog = page.getByRole('dialog', { name: w.finish })
  await dialog.getByLabel(w.result).fill(result)
  await dialog.getByRole('button', { name: w.finish, exact: true }).click()
  return dialog
}

/* A line between phone and server that can lose answers: the next matching requests go through, and the line is cut when the
   server has answered. Three in a row, because the browser itself repeats a request once. seen counts what came by. */
const LOSSES = 3
async function line(t) {
  const state = { lose: null, lost: 0, seen: [], change: null }
  const proxy = http.createServer((req, res) => {
    const to = new URL(server.url)
    state.seen.push(`${req.method} ${req.url}`)
    const { 'if-none-match': etag, ...headers } = req.headers
    if (etag && !state.change) headers['if-none-match'] = etag
    const up = http.request({ host: to.hostname, port: to.port, method: req.method, path: req.url, headers }, async (reply) => {
      if (state.lose?.test(`${req.method} ${req.url}`)) {
        reply.resume()
        await new Promise((r) => reply.once('end', r))
        await state.on_lost?.()
        if (++state.lost % LOSSES === 0) state.lose = null
        return res.destroy()
      }
      if (!state.change?.[req.url]) {
        res.writeHead(reply.statusCode, reply.headers)
        return reply.pipe(res)
      }
      const { etag: _tag, 'content-length': _, 'content-encoding': __, ...headers } = reply.headers
      res.writeHead(reply.statusCode, headers)
      res.end(state.change[req.url])
    })
    up.on('error', () => res.destroy())
    req.on('error', () => up.destroy())
    res.on('close', () => up.destroy())
    req.pipe(up)
  })
  await new Promise((r) => proxy.listen(0, '127.0.0.1', r))
  t.after.push(() => {
    proxy.closeAllConnections()
    return new Promise((r) => proxy.close(r))
  })
  return Object.assign(state, { url: `http://127.0.0.1:${proxy.address().port}` })
}
const scope = { after: [] }
test.afterEach(async () => {
  for (const end of scope.after.splice(0)) await end()
})

test('a job without a network: kept over reloads, sent in order, once, with its times', async ({ windows, noise }) => {
  const t = await task('地下室水泵异响')
  const page = await worker(windows, noise)
  await expect(page.getByRole('link', { name: t.title }).first()).toBeVisible()
  await page.context().setOffline(true)
  await page.reload()
  await expect(pill(page)).toContainText(w.offline)
  await expect(page.getByRole('status').filter({ hasText: w.copy })).toBeVisible()
  await open(page, t)
  await page.getByRole('button', { name: w.start, exact: true }).click()
  await expect(page.getByRole('button', { name: w.finish, exact: true })).toBeVisible({ timeout: 15_000 })
  const big = { name: 'pump.jpg', mimeType: 'image/jpeg', buffer: Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(3_000_000)]) }
  await page.getByLabel(w.photo_before).setInputFiles(big)
  await expect(pill(page)).toContainText('2')
  await page.getByLabel(w.photo_after).setInputFiles(picture('after.png', [70, 170, 110], 1800, 900))
  await expect(pill(page)).toContainText('3')
  await say_comment(page, '轴承已更换')
  await expect(pill(page)).toContainText('4')
  const dialog = await finish(page, '更换轴承，试运行正常')
  await expect(dialog).toBeHidden()
  await expect(pill(page)).toContainText('5')

  await page.reload()
  await expect(page.getByRole('heading', { name: t.title })).toBeVisible()
  await expect(pill(page)).toContainText('5')
  await expect(page.getByText(w.finished, { exact: true }).first(), 'shown as it will be').toBeVisible()
  await expect(page.getByRole('region', { name: w.pill }).getByText('更换轴承，试运行正常')).toBeVisible()
  await expect(page.getByRole('region', { name: w.pill }).getByRole('img')).toHaveCount(2)
  const kept = await queue(page)
  expect(kept.map((e) => e.action ?? e.kind)).toEqual(['start', 'photo', 'photo', 'comment', 'finish'])
  expect(kept[1].photo, 'what cannot be drawn is kept as it is').toBe(sha(big.buffer))
  expect(kept[2].size, 'what can is made small').toBeLessThan(picture('after.png', [70, 170, 110], 1800, 900).buffer.length * 3)
  await page.goto('/m')
  await expect(page.getByRole('article').filter({ hasText: t.title }).getByText(w.waiting, { exact: true })).toBeVisible()
  expect(await kinds(t, 'start', 'attach', 'comment', 'finish'), 'the server knows nothing yet').toEqual([])

  await server.server.kill()
  await page.context().setOffline(false)
  await pill(page).click()
  await page.getByRole('button', { name: '立即提交' }).click()
  await expect(pill(page), 'a network, but no server').toContainText('5')
  await page.keyboard.press('Escape')
  await server.server.restart()
  await done(page)

  const told = await steps(t, 'start', 'attach', 'comment', 'finish')
  expect(told.map((i) => i.action)).toEqual(['start', 'attach', 'attach', 'comment', 'finish'])
  expect(told.map((i) => Date.parse(i.at)), 'the times of the taps').toEqual(kept.map((e) => Date.parse(e.at)))
  for (const i of told) expect(Date.parse(i.recorded_at)).toBeGreaterThan(Date.parse(i.at))
  const desk = await server.as('desk')
  const row = (await desk.get(`tickets/${t.id}`)).body
  expect([row.state, Date.parse(row.handled_at), Date.parse(row.resolved_at)]).toEqual(['finished', Date.parse(kept[0].at), Date.parse(kept[4].at)])
  const files = (await desk.get(`tickets/${t.id}/files`)).body.items
  expect(files.map((f) => f.stage)).toEqual(['before', 'after'])
  for (const [i, f] of files.entries()) {
    const bytes = Buffer.from(await (await page.context().request.get('/api/v1/files/' + f.id)).body())
    expect(sha(bytes)).toBe(kept[i + 1].photo)
  }
  expect(await queue(page)).toEqual([])
})

test('the answer is lost, or the server dies after it: nothing is done twice', async ({ windows, noise }) => {
  const t = await task('三楼感应灯不灭')
  const l = await line(scope)
  const page = await worker(windows, noise, { url: l.url })
  await open(page, t)
  l.lose = /POST .*actions\/start/
  await page.getByRole('button', { name: w.start, exact: true }).click()
  await expect.poll(() => l.lost, { timeout: 30_000 }).toBe(LOSSES)
  await done(page)
  l.lose = /POST .*comments/
  l.on_lost = async () => {
    await server.server.kill()
    await server.server.restart()
  }
  await say_comment(page, '换了感应头')
  await expect.poll(() => l.lost, { timeout: 60_000 }).toBe(2 * LOSSES)
  await done(page)
  l.lose = /POST .*files/
  await page.getByLabel(w.photo_after).setInputFiles(picture('after.png', [70, 170, 110]))
  await expect.poll(() => l.lost, { timeout: 30_000 }).toBe(3 * LOSSES)
  await done(page)
  l.lose = /POST .*actions\/finish/
  const dialog = await finish(page, '已修复')
  await expect(dialog).toBeHidden()
  await expect.poll(() => l.lost, { timeout: 30_000 }).toBe(4 * LOSSES)
  await done(page)
  expect(await kinds(t, 'start', 'attach', 'comment', 'finish')).toEqual(['start', 'comment', 'attach', 'finish'])
  expect(l.seen.filter((s) => /POST .*(start|comments|files|finish)/.test(s)).length, 'each was sent again').toBeGreaterThanOrEqual(4 * LOSSES + 4)
  expect((await (await server.as('desk')).get(`tickets/${t.id}/files`)).body.items.length).toBe(1)
})

test('changed by somebody else meanwhile: parked with the reason, the rest goes on, a person decides', async ({ windows, noise }) => {
  const [mine, taken, paused] = [await task('水表箱门脱落'), await task('弱电井门锁坏'), await task('车库坡道灯闪')]
  noise.expected.push(...REFUSED)
  const one = await server.as('worker1')
  expect((await one.post(`tickets/${paused.id}/actions/start`, {})).status).toBe(200)
  const page = await worker(windows, noise)
  await expect(page.getByRole('link', { name: paused.title }).first()).toBeVisible()
  await page.context().setOffline(true)
  for (const t of [taken, mine]) {
    await page.goto('/m')
    await open(page, t)
    await page.getByRole('button', { name: w.start, exact: true }).click()
    await expect(page.getByRole('button', { name: w.finish, exact: true })).toBeVisible()
    if (t === taken) await say_comment(page, '锁芯型号 B2')
    await expect(pill(page)).toContainText(t === taken ? '2' : '3')
  }
  await page.goto('/m')
  await open(page, paused)
  await expect(await finish(page, '更换镇流器')).toBeHidden()
  await expect(pill(page)).toContainText('4')

  const dispatcher = await server.as('dispatcher')
  const other = (await server.as('worker2')).meta.me.staff_id
  expect((await dispatcher.post(`tickets/${taken.id}/actions/dispatch`, { assignee_id: other, reason: '改派' })).status).toBe(200)
  // So that the skew of two minutes does not cover it: it was paused and resumed five minutes after the tap.
  await change(page, 'finish', { at: new Date(Date.now() - 300e3).toISOString() })
  expect((await dispatcher.post(`tickets/${paused.id}/actions/pause`, { class: 'customer', reason: '住户改约' })).status).toBe(200)
  expect((await dispatcher.post(`tickets/${paused.id}/actions/resume`, {})).status).toBe(200)

  await page.context().setOffline(false)
  await expect(pill(page)).toContainText('2 ' + w.needs, { timeout: 30_000 })
  expect(await kinds(mine, 'start'), 'the others went on').toEqual(['start'])
  expect(await kinds(taken, 'start', 'comment')).toEqual([])
  await pill(page).focus()
  await page.keyboard.press('Enter')
  const sheet = page.getByRole('dialog', { name: w.pill })
  const entry = (name) => sheet.getByRole('listitem').filter({ hasText: name })
  await expect(entry(taken.title).first()).toContainText('您的岗位不能查看')
  await expect(entry(taken.title).last()).toContainText('等待前一条处理')
  await expect(entry(paused.title)).toContainText('早于上一步')

  await entry(paused.title).getByRole('button', { name: w.with_now }).click()
  await expect(entry(paused.title)).toHaveCount(0, { timeout: 30_000 })
  expect(await kinds(paused, 'start', 'finish')).toEqual(['start', 'finish'])
  await entry(taken.title).first().getByRole('button', { name: w.retry }).click()
  await expect(entry(taken.title).first()).toContainText('您的岗位不能查看')
  const drop = async () => {
    await entry(taken.title).getByRole('button', { name: w.drop }).first().click()
    await page.getByRole('dialog', { name: w.drop }).getByRole('button', { name: w.drop, exact: true }).click()
  }
  await entry(taken.title).getByRole('button', { name: w.drop }).first().click()
  await page.getByRole('dialog', { name: w.drop }).getByRole('button', { name: w.cancel }).click()
  await expect(entry(taken.title)).toHaveCount(2)
  await drop()
  await expect(entry(taken.title)).toHaveCount(1)
  await expect(entry(taken.title), 'what stood behind is judged now').toContainText('您的岗位不能查看')
  await drop()
  await expect(sheet).toContainText('没有待提交的记录')
  await page.keyboard.press('Escape')
  await done(page)
  expect(await kinds(taken, 'start', 'comment')).toEqual([])
})

test('refused while he looks: said at once, nothing is left behind', async ({ windows, noise }) => {
  const t = await task('消防门闭门器漏油')
  noise.expected.push(...REFUSED)
  const page = await worker(windows, noise)
  await open(page, t)
  await page.getByRole('button', { name: w.start, exact: true }).click()
  await expect(page.getByRole('button', { name: w.finish, exact: true })).toBeVisible()
  await page.getByRole('button', { name: w.finish, exact: true }).click()
  const dialog = page.getByRole('dialog', { name: w.finish })
  await dialog.getByLabel(w.result).fill('已更换闭门器')
  expect((await (await server.as('dispatcher')).post(`tickets/${t.id}/actions/pause`, { class: 'customer', reason: '改约' })).status).toBe(200)
  await dialog.getByRole('button', { name: w.finish, exact: true }).click()
  await expect(dialog.getByRole('alert').first()).toBeVisible()
  await expect(dialog.getByLabel(w.result), 'what was typed is kept').toHaveValue('已更换闭门器')
  expect(await queue(page)).toEqual([])
  await expect(pill(page)).toContainText(w.done)
})

test('full: said before anything typed is lost', async ({ windows, noise }) => {
  const t = await task('楼道墙皮脱落')
  const page = await worker(windows, noise)
  await open(page, t)
  await page.context().setOffline(true)
  await say_comment(page, '第一条')
  await expect(pill(page)).toContainText('1')
  const fill = (count, bytes) =>
    page.evaluate(async ([n, size]) => {
      const open = indexedDB.open('anju-phone')
      await new Promise((r) => (open.onsuccess = r))
      const tx = open.result.transaction('queue', 'readwrite')
      const all = tx.objectStore('queue').getAll()
      await new Promise((r) => (all.onsuccess = r))
      for (const old of all.result.slice(1)) tx.objectStore('queue').delete(old.seq)
      for (let i = 1; i < n; i++) tx.objectStore('queue').add({ ...all.result[0], seq: undefined, id: 'x' + i, bytes: size, seq: 1000 + i })
      await new Promise((r) => (tx.oncomplete = r))
      open.result.close()
    }, [count, bytes])
  const text = page.getByRole('textbox', { name: w.comment })
  await fill(199, 500)
  await say_comment(page, '第二百条')
  await expect(pill(page)).toContainText('200')
  await say_comment(page, '第二百零一条')
  await expect(page.getByRole('alert').filter({ hasText: '200' })).toBeVisible()
  await expect(text).toHaveValue('第二百零一条')
  expect((await queue(page)).length).toBe(200)

  await fill(3, 31.3e6) // two large ones: 60 MiB less a little
  await page.reload()
  await expect(pill(page)).toContainText('3')
  await page.getByLabel(w.photo_before).setInputFiles({ name: 'a.jpg', mimeType: 'image/jpeg', buffer: Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), randomBytes(400_000)]) })
  await expect(page.getByRole('alert').filter({ hasText: 'MB' })).toBeVisible()
  await page.getByRole('button', { name: w.start, exact: true }).click()
  await expect(page.getByRole('button', { name: w.finish, exact: true }), 'what still fits is taken').toBeVisible()
  expect((await queue(page)).length).toBe(4)
})

test('log-out warns, the session ends, somebody else logs in: the work is kept or erased, never shown to another', async ({ windows, noise }) => {
  const t = await task('天台排水口堵塞')
  noise.expected.push(...REFUSED)
  const page = await worker(windows, noise)
  await open(page, t)
  const login = async (name) => {
    await page.getByLabel(w.account, { exact: true }).fill(name)
    await page.getByLabel(w.password, { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: w.login, exact: true }).click()
  }
  await page.context().setOffline(true)
  await page.getByRole('button', { name: w.start, exact: true }).click()
  await expect(pill(page)).toContainText('1')
  await page.goto('/m/me')
  await page.getByRole('button', { name: w.logout }).click()
  await expect(page.getByRole('alert').filter({ hasText: '没有网络' })).toBeVisible()

  // The session ends while the phone is away: it asks to log in, shows no copy, keeps the queue.
  await page.context().clearCookies()
  await page.context().setOffline(false)
  await expect(page.getByRole('dialog').getByRole('button', { name: w.login, exact: true })).toBeVisible({ timeout: 30_000 })
  await page.context().setOffline(true)
  await page.reload()
  await expect(page.getByText(w.no_server), 'no copy for whoever holds the phone now').toBeVisible()
  await expect(page.getByText(t.title)).toHaveCount(0)
  expect((await queue(page)).length).toBe(1)
  await page.context().setOffline(false)

  await login('worker2')
  const ask = page.getByRole('dialog', { name: '未提交记录' })
  await expect(ask).toBeVisible()
  await expect(page.getByText(t.title)).toHaveCount(0)
  await ask.getByRole('button', { name: w.cancel }).click()
  await login('worker1')
  await done(page)
  expect(await kinds(t, 'start')).toEqual(['start'])

  await page.context().setOffline(true)
  await page.goto('/m')
  await open(page, t)
  await say_comment(page, '只在手机里')
  await expect(pill(page)).toContainText('1')
  await page.route('**/api/v1/tickets/*/comments', (r) => r.fulfill({ status: 503, headers: { 'retry-after': '60' }, json: { code: 'busy' } }))
  await page.context().setOffline(false)
  await expect(page.getByRole('button', { name: w.pill })).not.toContainText(w.offline)
  await page.getByRole('link', { name: '我的' }).click()
  await page.getByRole('button', { name: w.logout }).click()
  const warn = page.getByRole('dialog', { name: '没有提交' })
  await warn.getByRole('button', { name: w.cancel }).click()
  expect((await queue(page)).length).toBe(1)
  await page.getByRole('button', { name: w.logout }).click()
  await warn.getByRole('button', { name: w.erase }).click()
  await expect(page.getByLabel(w.account, { exact: true })).toBeVisible()
  const left = await page.evaluate(async () => {
    const open = indexedDB.open('anju-phone')
    await new Promise((r) => (open.onsuccess = r))
    const counts = {}
    for (const s of open.result.objectStoreNames) {
      const n = open.result.transaction(s).objectStore(s).count()
      await new Promise((r) => (n.onsuccess = r))
      counts[s] = n.result
    }
    open.result.close()
    return counts
  })
  expect(left).toEqual({ copy: 0, owner: 0, queue: 0 })
  await login('worker2')
  await done(page)
  await expect(page.getByText('只在手机里')).toHaveCount(0)
})

test('another person goes on with the phone: asked, then everything of the first is gone', async ({ windows, noise }) => {
  const t = await task('儿童乐园护栏松动')
  noise.expected.push(...REFUSED)
  const page = await worker(windows, noise)
  await open(page, t)
  await page.context().setOffline(true)
  await page.getByRole('button', { name: w.start, exact: true }).click()
  await expect(pill(page)).toContainText('1')
  await page.context().clearCookies()
  await page.context().request.post('/api/v1/session', { data: { login: 'worker2', password: PASSWORD } })
  await page.context().setOffline(false)
  await page.goto('/m')
  const ask = page.getByRole('dialog', { name: '未提交记录' })
  await expect(ask).toContainText((await server.as('worker1')).meta.me.name)
  expect((await queue(page)).length, 'not before the answer').toBe(1)
  await ask.getByRole('button', { name: '删除并继续' }).click()
  await expect.poll(() => queue(page)).toEqual([])
  await done(page)
  expect(await kinds(t, 'start')).toEqual([])
})

test('a fault of the server holds up one task only and is shown when it stays; what nobody answered for six days is not sent by itself', async ({ windows, noise }) => {
  let faults = 0
  const [sick, well] = [await task('配电房门禁失灵'), await task('草坪喷头断裂')]
  const page = await worker(windows, noise)
  await page.route(`**/api/v1/tickets/${sick.id}/comments`, (r) => {
    faults++
    return r.fulfill({ status: 500, json: { code: 'internal', detail: '内部错误' } })
  })
  await page.context().setOffline(true)
  for (const t of [sick, well]) {
    await page.goto('/m')
    await open(page, t)
    await say_comment(page, t.code)
    await expect(page.getByRole('region', { name: w.pill }).getByText(t.code)).toBeVisible()
  }
  await page.context().setOffline(false)
  await expect.poll(() => kinds(well, 'comment'), { timeout: 30_000 }).toEqual(['comment'])
  await expect(pill(page)).toContainText('1')
  await pill(page).click()
  const sheet = page.getByRole('dialog', { name: w.pill })
  const again = sheet.getByRole('button', { name: '立即提交' })
  await expect(async () => {
    if (await again.isVisible()) await again.click({ timeout: 1000 })
    await expect(sheet.getByRole('listitem')).toContainText('内部错误', { timeout: 500 })
  }).toPass({ timeout: 60_000 })
  expect(faults).toBeGreaterThanOrEqual(6)
  expect((await queue(page))[0].failed).toBe(5)
  expect(await kinds(sick, 'comment')).toEqual([])

  await page.unroute(`**/api/v1/tickets/${sick.id}/comments`)
  await change(page, 'comment', { problem: null, failed: 0, tried: Date.now() - 7 * 86400e3 })
  await page.reload()
  await pill(page).click()
  await expect(sheet.getByRole('listitem')).toContainText('6 天前提交过')
  expect(await kinds(sick, 'comment')).toEqual([])
  await sheet.getByRole('button', { name: w.retry }).click()
  await expect(sheet).toContainText('没有待提交的记录')
  expect(await kinds(sick, 'comment')).toEqual(['comment'])
})

test('what was told later is marked so for everybody', async ({ windows }) => {
  const one = await server.as('worker1')
  const desk = await server.as('desk')
  const [t] = (await one.get(`tickets?assignee_id=${one.meta.me.staff_id}&state=in_progress&sort=created_at&limit=1`)).body.items
  const at = new Date(Date.now() - 600e3).toISOString()
  expect((await one.post(`tickets/${t.id}/comments`, { text: '十分钟前写的', happened_at: at })).status).toBe(201)
  const page = await enter(windows, server, 'desk', `/tickets/${t.id}`)
  const item = page.getByRole('list', { name: w.timeline }).getByRole('listitem').filter({ hasText: '十分钟前写的' })
  await expect(item.getByText('补报')).toHaveAttribute('title', /^\d{4}-\d\d-\d\d \d\d:\d\d$/)
  await expect(item.getByRole('time')).toHaveAttribute('datetime', (await desk.get(`tickets/${t.id}/timeline`)).body.items.at(-1).at)
})

test('two windows of one phone send each entry once', async ({ windows, noise }) => {
  const t = await task('电梯厅地砖空鼓')
  const l = await line(scope)
  const page = await worker(windows, noise, { url: l.url, path: `/m/task/${t.id}` })
  const second = await page.context().newPage()
  await second.goto(`/m/task/${t.id}`)
  await expect(pill(second)).toBeVisible()
  await page.context().setOffline(true)
  for (let i = 0; i < 3; i++) {
    await say_comment(page, `甲 ${i}`)
    await expect(pill(second)).toContainText(String(2 * i + 1))
    await say_comment(second, `乙 ${i}`)
    await expect(pill(page)).toContainText(String(2 * i + 2))
  }
  await page.context().setOffline(false)
  await Promise.all([done(page), done(second)])
  expect((await steps(t, 'comment')).map((i) => i.comment)).toEqual(['甲 0', '乙 0', '甲 1', '乙 1', '甲 2', '乙 2'])
  expect(l.seen.filter((s) => /POST .*comments/.test(s)).length, 'one window at a time').toBe(6)
})

test('a new version waits for the person and asks about what was typed; the desk has no worker', async ({ windows, noise }) => {
  const t = await task('岗亭空调不制冷')
  const l = await line(scope)
  const page = await worker(windows, noise, { url: l.url, path: `/m/task/${t.id}` })
  const script = await page.context().request.get('/phone-worker.js')
  expect(script.headers()['cache-control']).toBe('no-cache')
  expect(script.headers()['content-type']).toContain('javascript')
  const manifest = await (await page.context().request.get('/manifest.webmanifest')).json()
  expect(manifest.scope).toBe('/m')
  expect(manifest.icons.map((i) => i.purpose)).toContain('maskable')
  for (const i of manifest.icons) expect((await page.context().request.get(i.src)).headers()['content-type']).toBe(i.type)
  expect(await page.evaluate(() => navigator.serviceWorker.getRegistrations().then((r) => r.map((x) => new URL(x.scope).pathname)))).toEqual(['/m'])

  const shell = (await script.text()).replace(/anju-shell-(?=[0-9a-f]{16})/, 'anju-shell-next-')
  l.change = { '/phone-worker.js': shell }
  let loads = 0
  page.on('load', () => loads++)
  await page.getByRole('textbox', { name: w.comment }).fill('写到一半')
  await page.evaluate(() => navigator.serviceWorker.getRegistration('/m').then((r) => r.update()))
  const update = page.getByRole('button', { name: '更新', exact: true })
  await expect(update).toBeVisible()
  await update.click()
  const ask = page.getByRole('dialog', { name: '更新' })
  await ask.getByRole('button', { name: w.cancel }).click()
  expect(loads).toBe(0)
  await expect(page.getByRole('textbox', { name: w.comment })).toHaveValue('写到一半')
  await page.getByRole('textbox', { name: w.comment }).fill('')
  await Promise.all([page.waitForEvent('load'), update.click()])
  await expect(page.getByRole('heading', { name: t.title })).toBeVisible()
  await expect(update).toHaveCount(0)
  await expect.poll(() => page.evaluate(() => caches.keys()), 'the old shell is gone').toEqual([expect.stringMatching(/^anju-shell-next-/)])

  const desk = await page.context().newPage()
  await desk.goto('/')
  await expect(desk.locator('#app > *').first()).toBeVisible()
  expect(await desk.evaluate(() => navigator.serviceWorker.controller)).toBe(null)
})

test('a resident stays online: the shell opens and says so, and nothing of theirs lies on the phone', async ({ windows, noise }) => {
  noise.expected.push(...NETWORK)
  const page = await phone(windows, server, 'resident1')
  await expect(page.getByRole('link', { name: w.repair, exact: true })).toBeVisible()
  await installed(page)
  await page.context().setOffline(true)
  await page.reload()
  await expect(page.getByRole('alert').filter({ hasText: w.no_server })).toBeVisible()
  await page.context().setOffline(false)
  await expect(page.getByRole('link', { name: w.repair, exact: true }), 'back by itself').toBeVisible()
  expect(await copied(page)).toBe('')
})

test('the pill, the list and the page without a network: words, keyboard, axe, in both languages and themes', async ({ windows, noise }, info) => {
  const t = await task('Roof hatch does not close')
  noise.expected.push(...REFUSED)
  for (const [lang, dark] of [['zh', false], ['zh', true], ['en', false], ['en', true]]) {
    const s = say(lang)
    const page = await worker_in(lang, dark)
    const button = page.getByRole('button', { name: s.pill })
    const audit = async (where) => {
      await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))))
      const violations = await violationsOf(page)
      expect.soft(violations.map((v) => `${where} ${v.id} ${v.nodes[0].html}`), where).toEqual([])
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
      expect.soft(wide, where).toBeLessThanOrEqual(room)
      await page.screenshot({ path: info.outputPath(`${where.replace(/\W+/g, '-')}.png`) })
    }
    const where = (what) => `${what} ${lang} ${dark ? 'dark' : 'light'}`
    await expect(page.getByRole('status').filter({ hasText: s.done })).toHaveCount(1)
    await audit(where('done'))
    await page.goto(`/m/task/${t.id}`)
    await page.context().setOffline(true)
    await page.getByRole('textbox', { name: s.comment }).fill('OK')
    await page.getByRole('button', { name: s.send, exact: true }).click()
    await expect(page.getByRole('status').filter({ hasText: s.offline }).first()).toBeAttached()
    await expect(button).toContainText('1')
    await page.getByLabel(words(lang).photo_before).setInputFiles(picture('x.png', [200, 120, 60], 900, 600))
    await expect(button).toContainText('2')
    await page.reload()
    await expect(page.getByRole('heading', { name: t.title })).toBeVisible()
    await audit(where('task'))
    await page.goto('/m')
    await expect(page.getByText(s.waiting, { exact: true }).first()).toBeVisible()
    await audit(where('list'))
    await change(page, 'comment', { problem: { text: 'It is now “Paused”; “Finish” is not possible', fields: [] } })
    await page.reload()
    await expect(page.getByRole('status').filter({ hasText: s.needs })).toBeAttached()
    await button.focus()
    await page.keyboard.press('Enter')
    const sheet = page.getByRole('dialog', { name: s.pill })
    await expect(sheet.getByRole('button', { name: s.retry })).toBeVisible()
    await audit(where('sheet'))
    await page.keyboard.press('Escape')
    await expect(sheet).toBeHidden()
    await expect(button).toBeFocused()
    await page.context().close()
  }
  async function worker_in(lang, dark) {
    noise.expected.push(...NETWORK)
    const page = await enter(windows, server, 'worker1', '/m', { viewport: PHONE, isMobile: true, hasTouch: true, lang, dark })
    await expect(page.getByRole('button', { name: say(lang).pill })).toBeVisible()
    await installed(page)
    await page.reload()
    await expect(page.getByRole('link', { name: t.title }).first()).toBeVisible()
    return page
  }
})
