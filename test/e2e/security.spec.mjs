// security.spec.mjs - what protects people, as they meet it: a password somebody else chose, leaving, a session that ends
// under one's hands, and what one may not see.
import { PASSWORD, enter, expect, serverFor, test } from './lib.mjs'

const server = serverFor(test)

async function login(page, account, password) {
  await page.getByLabel('账号', { exact: true }).fill(account)
  await page.getByLabel('密码', { exact: true }).fill(password)
  await page.getByRole('button', { name: '登录', exact: true }).click()
}

test('a new user must choose an own password before anything else, and can leave', async ({ windows, noise }) => {
  noise.expected.push(/status of (401|422)/)
  const admin = await enter(windows, server, 'security', '/r/users')
  await admin.getByRole('button', { name: '新建' }).click()
  const dialog = admin.getByRole('dialog', { name: '新建用户' })
  await dialog.getByLabel('登录名').fill('zhao.min')
  await dialog.getByLabel('姓名').fill('赵敏')
  await dialog.getByLabel('密码').fill('Given-by-one-1')
  await dialog.getByRole('button', { name: '创建' }).click()
  await expect(dialog).toBeHidden()

  const page = await (await windows.open(server.url)).newPage()
  await page.goto('/r/tickets')
  await login(page, 'zhao.min', 'wrong-One-1')
  await expect(page.getByRole('alert')).toHaveText('账号、密码或动态码不正确。')
  await login(page, 'zhao.min', 'Given-by-one-1')
  const form = page.getByRole('form', { name: '请设置新密码' })
  await form.getByLabel('当前密码').fill('Given-by-one-1')
  await form.getByLabel('新密码', { exact: true }).fill('aaaaaaaa')
  await form.getByLabel('再输入一次新密码').fill('aaaaaaaa')
  await form.getByRole('button', { name: '设置密码' }).click()
  await expect(form.getByRole('alert')).toBeVisible()
  await form.getByLabel('新密码', { exact: true }).fill('My-own-word-22')
  await form.getByLabel('再输入一次新密码').fill('My-own-word-23')
  await form.getByRole('button', { name: '设置密码' }).click()
  await expect(form.getByText('两次输入不一致。')).toBeVisible()
  await form.getByLabel('再输入一次新密码').fill('My-own-word-22')
  await form.getByRole('button', { name: '设置密码' }).click()
  await expect(form).toBeHidden()
  await expect(page.getByText('没有这个页面，或你没有权限。')).toBeVisible()

  await page.getByLabel(/^账户/).click()
  await page.getByRole('button', { name: '退出登录' }).click()
  await expect(page.getByRole('form', { name: '登录安居' })).toBeVisible()
  await page.goBack()
  await expect(page.getByRole('form', { name: '登录安居' })).toBeVisible()
  await login(page, 'zhao.min', 'Given-by-one-1')
  await expect(page.getByRole('alert')).toHaveText('账号、密码或动态码不正确。')
  await login(page, 'zhao.min', 'My-own-word-22')
  await page.getByRole('navigation').getByRole('link', { name: '今日' }).click()
  await expect(page.getByRole('heading', { name: '赵敏，你好' })).toBeVisible()
})

test('a session that ends lays the login over the page and keeps what was typed', async ({ windows, noise }) => {
  noise.expected.push(/status of 401/)
  const page = await enter(windows, server, 'desk', '/desk')
  await expect(page.getByRole('region', { name: '待派单' })).toBeVisible()
  const title = page.getByRole('form', { name: '登记工单' }).getByLabel('标题')
  await title.fill('说到一半的电话')
  await page.context().clearCookies()
  // What looks the words up behind the writer's back may be refused first and lay the login over the button: pressed all the same.
  await page.getByRole('button', { name: /^登记(并接单)?$/ }).last().dispatchEvent('click')
  await expect(page.getByText('登录已过期，请重新登录。刚才输入的内容仍然保留。')).toBeVisible()
  await expect(page.getByLabel('账号', { exact: true })).toHaveValue('desk')
  await page.getByLabel('密码', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: '登录', exact: true }).click()
  await expect(page.getByText('登录已过期')).toBeHidden()
  await expect(title).toHaveValue('说到一半的电话')
  await page.getByRole('button', { name: /^登记(并接单)?$/ }).last().click()
  await expect(page.getByRole('article', { name: '说到一半的电话' })).toBeVisible()
})

test('the manager of the other community sees nothing of this one', async ({ windows, noise }) => {
  noise.expected.push(/status of 404/)
  const api = await server.as('manager')
  const community = api.meta.communities[0]
  // A title of its own: the demo's two communities share many.
  const made = await (await server.as('desk')).post('tickets', { community_id: community.id, kind: 'repair', title: '这里独有的一件事', channel: 'phone' })
  expect(made.status).toBe(201)
  const ticket = made.body
  const person = (await api.get(`people?community_id=${community.id}&limit=1`)).body.items[0]
  const page = await enter(windows, server, 'manager-b', `/tickets/${ticket.id}`)
  await expect(page.getByRole('alert')).toBeVisible()
  await expect(page.getByText(ticket.title)).toHaveCount(0)
  await expect(page.getByText(community.name)).toHaveCount(0)
  await page.goto(`/r/people?peek=${person.id}`)
  await expect(page.getByRole('table').getByRole('row').nth(1)).toBeVisible()
  await expect(page.getByText(person.phone ?? person.name)).toHaveCount(0)
  await page.goto('/r/communities')
  await expect(page.getByText('没有这个页面，或你没有权限。'), 'communities belong to the company').toBeVisible()
  await expect(page.getByText(community.name)).toHaveCount(0)
  await page.keyboard.press('Control+k')
  const answered = page.waitForResponse((r) => r.url().includes('/api/v1/search'))
  await page.getByRole('combobox', { name: '查找或跳转' }).fill(ticket.title)
  expect((await (await answered).json()).items.filter((x) => x.id === ticket.id)).toEqual([])
  await expect(page.getByText('没有匹配的结果')).toBeVisible()
})

test('the cashier sees masked numbers and no service pages', async ({ windows }) => {
  const page = await enter(windows, server, 'cashier', '/r/people')
  const cells = page.getByRole('cell', { name: /^1\d\d/ })
  await expect(cells.first()).toBeVisible()
  for (const text of await cells.allInnerTexts()) expect(text).toMatch(/^1\d\d\*{4}\d{4}$/)
  await cells.first().click()
  const drawer = page.getByRole('complementary', { name: '详情' })
  await expect(drawer.getByText(/^1\d\d\*{4}\d{4}$/).first()).toBeVisible()
  await expect(drawer.getByRole('button', { name: '编辑' })).toHaveCount(0)
  await expect(page.getByRole('navigation').getByRole('link', { name: '工单' })).toHaveCount(0)
  await page.goto('/r/tickets')
  await expect(page.getByText('没有这个页面，或你没有权限。')).toBeVisible()
})
