// public.spec.mjs - what a customer sees who has no login: the desk copies a link of his ticket, he follows it on his phone.
import decodeQR from '../../web/node_modules/qr/decode.js'
import { PHONE, enter, expect, looks, phone, picture, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const stranger = async (windows, path, options = {}) => {
  const context = await windows.open(server.url, { viewport: PHONE, isMobile: true, hasTouch: true, ...options })
  const page = await context.newPage()
  await page.goto(path)
  return page
}

test('the desk copies a progress link; the customer sees where it stands and nobody’s name', async ({ windows, noise }) => {
  noise.expected.push(/public\/progress\/\S+/)
  const desk = await server.as('desk')
  const community = desk.meta.communities[0].id
  const ticket = (await desk.post('tickets', { community_id: community, kind: 'repair', title: '厨房漏水', channel: 'phone', contact_name: '王建国', contact_phone: '13912345678' })).body
  const page = await enter(windows, server, 'desk', `/tickets/${ticket.id}`, { permissions: ['clipboard-read', 'clipboard-write'] })
  await page.getByRole('button', { name: '复制进度链接' }).click()
  const box = page.getByRole('dialog', { name: '进度链接' })
  await expect(box.getByRole('status')).toHaveText('已复制，发给客户即可。')
  const address = await box.getByLabel('链接地址').inputValue()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(address)
  await page.keyboard.press('Escape')
  await expect(box).toHaveCount(0)
  await desk.post(`tickets/${ticket.id}/actions/accept`, {})

  const own = await stranger(windows, address)
  await expect(own.getByRole('heading', { level: 1 })).toHaveText(ticket.code)
  await expect(own.getByText('已受理', { exact: true })).toBeVisible()
  await expect(own.getByRole('listitem')).toHaveText([/^登记/, /^受理/])
  const words = own.getByRole('term') // the clocks are called what they are called on the ticket
  await expect(words).toHaveText(['响应', '首次处理', '完成'])
  const start = (what) => what.evaluate((e) => getComputedStyle(e).textAlign)
  expect(await start(own.getByRole('heading', { level: 1 }))).toBe('start')
  for (const one of await own.getByRole('definition').all()) expect(await start(one)).toBe('start')
  await expect(own.getByText(/王建国|1391234|厨房/)).toHaveCount(0)
  await looks(own, 'public-progress')
  await own.getByRole('button', { name: 'Switch to English' }).click()
  await expect(own.getByText('Accepted', { exact: true }).first()).toBeVisible()
  await expect(words).toHaveText(['Respond', 'First handling', 'Resolution'])

  const wrong = await stranger(windows, '/p/' + '0'.repeat(32))
  await expect(wrong.getByRole('alert')).toHaveText('链接无效或已过期,请向物业索取新的链接')
  await looks(wrong, 'public-wrong')
})

test('one tap on a star is a rating; a low one asks why; the same link twice is told so', async ({ windows, noise }) => {
  noise.expected.push(/public\/rating\/\S+/)
  const [desk, dispatcher, worker] = await Promise.all(['desk', 'dispatcher', 'worker1'].map((l) => server.as(l)))
  const told = async () => {
    const { id } = (await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', title: '灯不亮', channel: 'phone' })).body
    for (const [who, action, input] of [[desk, 'accept', {}], [dispatcher, 'dispatch', { assignee_id: worker.meta.me.staff_id, reason: '就近' }], [worker, 'start', {}], [worker, 'finish', { result: '已换灯' }], [desk, 'inform', { channel: 'phone', note: '已修好' }]])
      expect((await who.post(`tickets/${id}/actions/${action}`, input)).status, action).toBe(200)
    return id
  }
  const id = await told()
  const page = await enter(windows, server, 'desk', `/tickets/${id}`)
  await page.getByRole('button', { name: '复制评价链接' }).click()
  const address = await page.getByRole('dialog', { name: '评价链接' }).getByLabel('链接地址').inputValue()
  const own = await stranger(windows, address)
  await expect(own.getByRole('heading', { level: 1 })).toHaveText('这次服务怎么样？')
  await looks(own, 'public-rate')
  await own.getByRole('button', { name: '2 星' }).click()
  await expect(own.getByLabel(/哪里没做好/)).toBeVisible()
  expect((await desk.get(`tickets/${id}`)).body.rating).toBe(null)
  await own.getByRole('button', { name: '5 星' }).click()
  await expect(own.getByRole('status')).toContainText('您评了 5 星')
  await own.reload()
  await expect(own.getByRole('alert')).toHaveText('这个链接已经用过,评价已收到,谢谢')

  const other = await told()
  const low = await stranger(windows, (await desk.post(`tickets/${other}/public-links`, { kind: 'rate' })).body.url)
  await low.getByRole('button', { name: '1 星' }).click()
  await low.getByLabel(/哪里没做好/).fill('还是不亮')
  await low.getByRole('button', { name: '提交评价' }).click()
  await expect(low.getByRole('status')).toContainText('您评了 1 星')
  expect((await desk.get(`tickets/${other}`)).body.visits.map((v) => v.why)).toEqual(['low_score'])
})

test('signs are made for chosen places and printed; whoever scans one tells what is wrong, with a photo, and follows it', async ({ windows, noise }) => {
  noise.expected.push(/public\/(places|progress)\/\S+/)
  const [desk, manager] = await Promise.all(['desk', 'manager'].map((l) => server.as(l)))
  const page = await enter(windows, server, 'manager')
  await page.getByRole('link', { name: '二维码标牌', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('二维码标牌')
  await looks(page, 'public-signs')
  const boxes = page.getByRole('group', { name: '查找地点' }).getByRole('checkbox')
  await boxes.nth(1).check()
  await boxes.nth(2).check()
  await page.getByRole('button', { name: '生成 2 张' }).click()
  const sheet = page.getByRole('list', { name: '二维码标牌' })
  await expect(sheet.getByRole('listitem')).toHaveCount(2)
  await sheet.scrollIntoViewIfNeeded()
  await page.screenshot({ path: 'build/e2e/looks/public-sheet.png', fullPage: true })
  const address = await sheet.getByRole('img').first().getAttribute('aria-label')
  // The picture says what it should: it is read as a phone's camera reads it.
  const drawn = [...(await sheet.getByRole('img').first().screenshot())]
  const pixels = await page.evaluate(async (bytes) => {
    const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]))
    const paint = new OffscreenCanvas(image.width, image.height).getContext('2d')
    paint.drawImage(image, 0, 0)
    return { width: image.width, height: image.height, data: [...paint.getImageData(0, 0, image.width, image.height).data] }
  }, drawn)
  expect(decodeQR({ ...pixels, data: Uint8Array.from(pixels.data) })).toBe(address)
  await page.emulateMedia({ media: 'print' })
  await expect(page.getByRole('heading', { level: 1 })).toBeHidden()
  await expect(sheet.getByRole('img').first()).toBeVisible()

  const own = await stranger(windows, address)
  await expect(own.getByRole('heading', { level: 1 })).toHaveText('这里怎么了？')
  await looks(own, 'public-sign')
  await own.setViewportSize(PHONE)
  await own.getByRole('button', { name: '提交' }).click()
  await expect(own.getByRole('alert')).toHaveText('请用一句话说明情况。')
  await own.getByRole('radio', { name: '安全隐患' }).check()
  await own.getByLabel('请写清楚情况').fill('x'.repeat(2001))
  await own.getByRole('button', { name: '提交' }).click()
  await expect(own.getByRole('alert')).toContainText('最多 2000 个字')
  await own.getByLabel('请写清楚情况').fill('井盖松动')
  await own.getByLabel('附一张照片').setInputFiles(picture('lid.png', [90, 90, 90]))
  await own.getByRole('button', { name: '提交' }).click()
  await expect(own.getByRole('heading', { name: /已收到，单号 AQ-/ })).toBeFocused()
  const code = (await own.getByRole('heading', { level: 1 }).textContent()).match(/AQ-\S+/)[0]
  await own.screenshot({ path: 'build/e2e/looks/public-sent.png' })
  await own.getByRole('link', { name: '查看进度' }).click()
  await expect(own.getByRole('heading', { level: 1 })).toHaveText(code)
  const t = (await desk.get(`tickets?q=${code}`)).body.items[0]
  expect([t.title, (await desk.get(`tickets/${t.id}`)).body.channel, (await desk.get(`tickets/${t.id}/files`)).body.items.length]).toEqual(['井盖松动', 'qr', 1])

  await page.goto(`${server.url}/r/qr-codes`)
  await page.emulateMedia({ media: 'screen' })
  await expect(page.getByRole('row')).toHaveCount(9) // the demo's six, and these
  const first = (await manager.get('qr-codes?sort=id')).body.items.find((k) => k.space_id)
  await manager.post(`qr-codes/${first.id}/actions/revoke`, {})
  await own.goto(address)
  await expect(own.getByRole('alert')).toContainText('这个二维码无效或已停用')
})

test('a complaint without a name is followed by a link; two people together may know who it was', async ({ windows }) => {
  const own = await phone(windows, server, 'resident1', '/m/report/complaint')
  await own.getByLabel('匿名提交').check()
  await expect(own.getByLabel('先拍张照片')).toHaveCount(0)
  await expect(own.getByLabel(/联系电话/)).toHaveCount(0)
  await own.getByLabel(/请写下内容/).fill('保安在大门口骂人')
  await own.getByRole('button', { name: '提交', exact: true }).click()
  await expect(own.getByRole('heading', { level: 1 })).toHaveText(/已匿名提交，单号 TS-/)
  const code = (await own.getByRole('heading', { level: 1 }).innerText()).match(/TS-\S+/)[0]
  await own.screenshot({ path: 'build/e2e/looks/anonymous-sent.png' })
  await own.getByRole('link', { name: '查看进度' }).click()
  await expect(own.getByRole('heading', { level: 1 })).toHaveText(code)

  const desk = await server.as('desk')
  const { id } = (await desk.get(`tickets?community_id=${desk.meta.communities[0].id}&q=${code}`)).body.items[0]
  const plain = await enter(windows, server, 'desk', `/tickets/${id}`)
  await expect(plain.getByText('身份已封存，两人同意才能启封。')).toBeVisible()
  const manager = await enter(windows, server, 'manager', `/tickets/${id}`)
  await manager.getByRole('button', { name: '申请启封' }).click()
  const box = manager.getByRole('dialog', { name: '申请启封' })
  await box.getByLabel(/为什么必须知道/).fill('要当面道歉')
  await box.getByRole('button', { name: '申请启封' }).click()
  await expect(manager.getByText('请另一人（经理或调度）审批。')).toBeVisible()
  const other = await enter(windows, server, 'dispatcher', `/tickets/${id}`)
  await expect(other.getByText(/申请启封：要当面道歉/)).toBeVisible()
  await looks(other, 'seal-asked')
  await other.getByRole('button', { name: '同意启封' }).click()
  await expect(other.getByText(/已启封/)).toBeVisible()
  await expect(other.getByRole('button', { name: '查看身份' })).toHaveCount(0)
  await manager.reload()
  await manager.getByRole('button', { name: '查看身份' }).click()
  await expect(manager.getByRole('region', { name: '匿名' }).getByRole('status')).toHaveText(/\d{11}/)
})
