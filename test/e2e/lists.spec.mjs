// lists.spec.mjs - the pages nobody wrote: list, drawer, form, import and tree made from the server's descriptors, and the
// keyboard over all of them.
import { enter, expect, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const rows = (page) => page.getByRole('table').getByRole('row').filter({ has: page.getByRole('cell') })
const drawer = (page) => page.getByRole('complementary', { name: '详情' })
const search = (page) => page.getByRole('searchbox', { name: '搜索' })

test('filter, sort, search and the open row live in the address', async ({ windows }) => {
  const page = await enter(windows, server, 'desk', '/r/tickets')
  await expect(rows(page)).toHaveCount(50)
  const filters = page.getByRole('group', { name: '添加筛选' })
  await filters.getByText('状态', { exact: true }).click()
  await filters.getByRole('checkbox', { name: '已关闭' }).check()
  await expect(page).toHaveURL(/[?&]state=closed(&|$)/)
  const closed = rows(page).filter({ has: page.getByText('已关闭', { exact: true }) })
  await expect(closed).toHaveCount(50)

  await page.getByRole('button', { name: '完成时限' }).click()
  await expect(page).toHaveURL(/sort=resolve_due/)
  await expect(page.getByRole('columnheader', { name: '完成时限' })).toHaveAttribute('aria-sort', 'ascending')
  const first = await rows(page).first().innerText()
  await page.getByRole('button', { name: '完成时限' }).click()
  await expect(page.getByRole('columnheader', { name: '完成时限' })).toHaveAttribute('aria-sort', 'descending')
  await expect(rows(page).first()).not.toHaveText(first)

  await page.reload()
  await expect(closed).toHaveCount(50)
  await expect(page.getByRole('columnheader', { name: '完成时限' })).toHaveAttribute('aria-sort', 'descending')
  await page.getByRole('button', { name: '加载更多' }).click()
  await expect(rows(page)).toHaveCount(100)
  await expect(page.getByText(/已显示 100 \/ \d+ 条/)).toBeVisible()

  await search(page).fill('漏水')
  await expect(page).toHaveURL(/q=%E6%BC%8F%E6%B0%B4/)
  const named = rows(page).filter({ hasText: '漏水' })
  await expect(named.first()).toBeVisible()
  await expect(rows(page).filter({ hasText: '电梯困人' }), 'what says it neither in its title nor in what was done is gone').toHaveCount(0)
  await named.first().getByRole('button').click()
  await expect(page).toHaveURL(/peek=\d+/)
  await expect(drawer(page).getByRole('heading', { level: 2 })).toContainText('漏水')
  await page.reload()
  await expect(drawer(page).getByRole('heading', { level: 2 })).toContainText('漏水')
  await drawer(page).getByRole('button', { name: '关闭' }).click()
  await expect(drawer(page)).toBeHidden()
  await page.getByRole('button', { name: '清除筛选' }).click()
  await expect(page).not.toHaveURL(/q=|state=/)

  await rows(page).first().getByRole('button').click()
  await drawer(page).getByRole('link', { name: '打开完整页面' }).click()
  await expect(page).toHaveURL(/\/tickets\/\d+$/)
  await expect(page.getByRole('group', { name: '操作' })).toBeVisible()
})

test('a person is created with faults told beside their fields, changed by two at once, and archived', async ({ windows, noise }) => {
  noise.expected.push(/status of (422|409)/)
  const page = await enter(windows, server, 'desk', '/r/people')
  await expect(rows(page)).toHaveCount(50)
  await page.keyboard.press('n')
  const dialog = page.getByRole('dialog', { name: '新建住户' })
  await dialog.getByRole('button', { name: '创建' }).click()
  await expect(dialog.getByLabel('姓名')).toHaveAccessibleDescription('必填')
  await expect(dialog.getByLabel('姓名')).toBeFocused()
  await dialog.getByLabel('姓名').fill('欧阳测试')
  await dialog.getByLabel('电话', { exact: true }).fill('12')
  await dialog.getByLabel('备用电话').fill('x')
  await dialog.getByRole('button', { name: '创建' }).click()
  for (const name of ['电话', '备用电话']) {
    await expect(dialog.getByLabel(name, { exact: true })).toHaveAttribute('aria-invalid', 'true')
    await expect(dialog.getByLabel(name, { exact: true })).toHaveAccessibleDescription(/.{2,}/)
  }
  await expect(dialog.getByLabel('姓名')).toHaveValue('欧阳测试')
  await dialog.getByRole('button', { name: '取消' }).click()
  await page.getByRole('dialog', { name: '放弃未保存的内容？' }).getByRole('button', { name: '取消' }).click()
  await dialog.getByLabel('电话', { exact: true }).fill('16112345678')
  await dialog.getByLabel('备用电话').fill('')
  await dialog.getByRole('button', { name: '创建' }).click()
  await expect(dialog).toBeHidden()
  await expect(drawer(page).getByRole('heading', { name: '欧阳测试' })).toBeVisible()

  const other = await page.context().newPage()
  await other.goto(page.url())
  for (const p of [page, other]) {
    await p.bringToFront() // a window behind another draws once a second
    await drawer(p).getByRole('button', { name: '编辑' }).click()
  }
  await drawer(other).getByLabel('姓名').fill('欧阳改名')
  await drawer(other).getByRole('button', { name: '保存' }).click()
  await expect(drawer(other).getByRole('heading', { name: '欧阳改名' })).toBeVisible()
  await page.bringToFront()
  await drawer(page).getByLabel('备注').fill('怕狗')
  await drawer(page).getByRole('button', { name: '保存' }).click()
  await expect(drawer(page).getByRole('alert').filter({ hasText: '刚被别人修改过' })).toBeVisible()
  await drawer(page).getByRole('button', { name: '载入最新内容' }).click()
  await expect(drawer(page).getByLabel('姓名')).toHaveValue('欧阳改名')
  await expect(drawer(page).getByLabel('备注')).toHaveValue('怕狗')
  await drawer(page).getByRole('button', { name: '保存' }).click()
  await expect(drawer(page).getByText('怕狗')).toBeVisible()
  await expect(drawer(page).getByRole('heading', { name: '欧阳改名' })).toBeVisible()

  await drawer(page).getByRole('button', { name: '归档' }).click()
  await page.getByRole('dialog', { name: '归档“欧阳改名”？' }).getByRole('button', { name: '归档' }).click()
  await expect(drawer(page)).toBeHidden()
  await search(page).fill('欧阳')
  await expect(page.getByText('没有符合条件的记录')).toBeVisible()
  await page.getByRole('checkbox', { name: '含已归档' }).check()
  await expect(rows(page)).toHaveCount(1)
})

test('a list goes out as CSV and XLSX', async ({ windows }) => {
  const page = await enter(windows, server, 'desk', '/r/people')
  const api = await server.as('desk')
  const community_id = api.meta.communities[0].id
  for (const name of ['诸葛一', '诸葛二']) expect((await api.post('people', { community_id, name, kind: 'person' })).status).toBe(201)
  await search(page).fill('诸葛')
  await expect(rows(page)).toHaveCount(2)

  for (const [name, head] of [['CSV', /^\ufeff?id,/], ['Excel (XLSX)', /^PK/]]) {
    await page.getByText('导出', { exact: true }).click()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()])
    const parts = []
    for await (const part of await file.createReadStream()) parts.push(part)
    const text = Buffer.concat(parts).toString('utf8')
    expect(text).toMatch(head)
    if (name === 'CSV') expect(text.match(/诸葛/g)).toHaveLength(2)
    await page.keyboard.press('Escape')
    if (await page.getByRole('link', { name }).isVisible()) await page.getByText('导出', { exact: true }).click()
  }
})

test('the keyboard: j k Enter / n ? and Ctrl+K', async ({ windows }) => {
  const page = await enter(windows, server, 'desk', '/r/tickets')
  await expect(rows(page)).toHaveCount(50)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('k')
  await page.keyboard.press('Enter')
  const title = drawer(page).getByRole('heading', { level: 2 })
  await expect(title).toHaveText(await rows(page).nth(0).getByRole('button').innerText())
  await page.keyboard.press('j')
  await expect(title).toHaveText(await rows(page).nth(1).getByRole('button').innerText())
  await page.keyboard.press('Escape')
  await expect(drawer(page)).toBeHidden()
  await page.keyboard.press('/')
  await expect(search(page)).toBeFocused()
  await search(page).blur()
  await page.keyboard.press('n')
  await expect(page.getByRole('dialog', { name: '新建工单' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toBeHidden()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: '键盘快捷键' })).toBeVisible()
  await page.keyboard.press('Escape')

  const api = await server.as('desk')
  const community = api.meta.communities[0].id
  const ticket = (await api.get(`tickets?community_id=${community}&limit=1&state=closed`)).body.items[0]
  const person = (await api.get(`people?community_id=${community}&limit=1`)).body.items[0]
  expect((await api.post(`tickets/${ticket.id}/comments`, { text: '备用钥匙挂在蔷薇架第二根横杆上,下午三点前用完请放回原处', internal: true })).status).toBe(201)
  for (const [text, hit, url] of [['蔷薇架', /备用钥匙挂在蔷薇架第二根横杆/, `/tickets/${ticket.id}`], [ticket.code, ticket.title, `/tickets/${ticket.id}`], [person.name, person.name, `peek=${person.id}`]]) {
    await page.keyboard.press('Control+k')
    const palette = page.getByRole('dialog', { name: '查找或跳转' })
    await palette.getByRole('combobox').fill(text)
    await expect(palette.getByRole('option', { name: hit }).first()).toBeVisible()
    if (text === '蔷薇架') await page.screenshot({ path: 'build/e2e/looks/palette_remark.png' })
    if (url.startsWith('/')) {
      await page.keyboard.press('Enter')
      await expect(page).toHaveURL(new RegExp(url))
    } else {
      await palette.getByRole('option', { name: hit }).first().click()
      await expect(page).toHaveURL(/\/r\/people\?peek=\d+/)
      await expect(drawer(page).getByRole('heading', { name: person.name })).toBeVisible()
    }
  }
})

test('the tree of spaces opens branch by branch and narrows the list', async ({ windows }) => {
  const page = await enter(windows, server, 'manager', '/r/spaces')
  const tree = page.getByRole('tree')
  const building = tree.getByRole('treeitem', { name: '1栋', exact: true })
  await building.focus()
  await page.keyboard.press('ArrowRight')
  await expect(building).toHaveAttribute('aria-expanded', 'true')
  const entrance = tree.getByRole('treeitem', { level: 2 }).first()
  await expect(entrance).toHaveText('1单元')
  await page.keyboard.press('ArrowRight')
  await expect(entrance).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/parent_id=\d+/)
  await expect(entrance).toHaveAttribute('aria-selected', 'true')
  await expect(rows(page).filter({ hasNotText: '1栋1单元' })).toHaveCount(0)
  await expect(rows(page).first()).toBeVisible()
  await page.getByRole('button', { name: '全部层级' }).click()
  await expect(page).not.toHaveURL(/parent_id/)
  await building.focus()
  await page.keyboard.press('ArrowLeft')
  await expect(entrance).toBeHidden()
})

async function complaint_closed() {
  const [desk, dispatcher, worker, resident] = await Promise.all(['desk', 'dispatcher', 'worker1', 'resident1'].map((n) => server.as(n)))
  const step = async (who, path, body, status = 200) => {
    const r = await who.post(path, body)
    expect(r.status, JSON.stringify(r.body)).toBe(status)
    return r.body
  }
  const { id } = await step(desk, 'tickets', { community_id: desk.meta.communities[0].id, kind: 'complaint', title: '楼道堆物', channel: 'phone', person_id: resident.meta.me.person_id }, 201)
  await step(desk, `tickets/${id}/actions/accept`, {})
  await step(dispatcher, `tickets/${id}/actions/dispatch`, { assignee_id: worker.meta.me.staff_id, reason: '就近' })
  await step(worker, `tickets/${id}/actions/start`, {})
  await step(worker, `tickets/${id}/actions/finish`, { result: '已清理' })
  await step(desk, `tickets/${id}/actions/inform`, { channel: 'phone', note: '已告知' })
  await step(desk, `tickets/${id}/actions/confirm`, {})
}

test('return visits open with those to be made, the next due first; an escalation says its number, each column its own name', async ({ windows }) => {
  await complaint_closed() // whether the demo has a visit to be made depends on the day and the hour
  const page = await enter(windows, server, 'desk', '/')
  await page.getByRole('navigation').first().getByRole('link', { name: '回访' }).click()
  await expect(page).toHaveURL(/return-visits\?state=open&sort=due_at$/)
  await expect(rows(page).first()).toBeVisible()
  await expect(rows(page).filter({ hasNotText: '待回访' })).toHaveCount(0)
  await expect(page.getByRole('columnheader', { name: '期限' })).toHaveAttribute('aria-sort', 'ascending')
  await expect(page.getByRole('navigation').first().getByRole('link', { name: '回访' })).toHaveAttribute('aria-current', 'page')
  await page.goto('/r/escalations')
  await expect(rows(page).first()).toContainText(/[A-Z]{2}-\d{4}-\d{6}/)
  const names = (await page.getByRole('columnheader').allInnerTexts()).map((n) => n.trim()).filter(Boolean)
  expect(new Set(names).size).toBe(names.length)
})

test('English words of the menu end in dots where they do not fit, and say the rest when pointed at', async ({ windows }) => {
  const page = await enter(windows, server, 'manager', '/', { lang: 'en' })
  const menu = page.getByRole('navigation').first()
  await expect(menu.getByRole('link', { name: 'Simulator' })).toBeVisible()
  const edge = (await menu.boundingBox()).x + (await menu.boundingBox()).width
  for (const link of await menu.getByRole('link').all()) {
    const box = await link.boundingBox()
    expect(box.x + box.width, await link.innerText()).toBeLessThanOrEqual(edge)
    const [cut, dots] = await link.evaluate((a) => {
      const s = a.querySelector('span:last-of-type')
      return [s.scrollWidth > s.clientWidth, getComputedStyle(s).textOverflow]
    })
    if (cut) expect([dots, await link.getAttribute('title')]).toEqual(['ellipsis', await link.innerText()])
  }
})
