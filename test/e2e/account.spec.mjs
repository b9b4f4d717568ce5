// account.spec.mjs - one's own security in the browser: a second factor from the QR code to the next login, other devices,
// a masked number shown for a reason, a file with personal data, the auditor's log.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isGrave, violationsOf } from './axe.mjs'
import { DESK, enter, expect, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)
/* The server takes the codes of the steps before, at and after its own, each once and none older than the last: with this one first
   and the next one after it, a slow machine may cross a step's end between reading a code and sending it. */
const totp = (secret, steps = 0) =>
  execFileSync('oathtool', ['--totp', '-b', secret, '-N', `@${Math.floor(Date.now() / 1000) + steps * 30}`], { encoding: 'utf8' }).trim()
async function clean(page, where) {
  expect((await violationsOf(page)).filter(isGrave).map((v) => v.id), where).toEqual([])
}
async function setUp(page, password) {
  await page.getByLabel('先输入密码确认是您本人').fill(password)
  await page.getByRole('button', { name: '下一步' }).click()
  await expect(page.getByRole('img', { name: '二维码' })).toBeVisible()
  await page.getByText('不能扫描？手工输入密钥').click()
  const secret = (await page.locator('details code').textContent()).replaceAll(' ', '')
  await clean(page, 'QR')
  await page.getByLabel('动态码').fill('000000')
  await page.getByRole('button', { name: '确认', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText('动态码不对')
  await page.getByLabel('动态码').fill(totp(secret))
  await page.getByRole('button', { name: '确认', exact: true }).click()
  await expect(page.getByRole('heading', { name: '恢复码' })).toBeVisible()
  await expect(page.getByRole('listitem').filter({ hasText: /^[0-9a-f]{4}-/ })).toHaveCount(10)
  await clean(page, 'recovery codes')
  await page.getByRole('button', { name: '我已保存' }).click()
  return secret
}

test('a second factor: set up, asked for at the next login, other devices ended', async ({ windows, noise }) => {
  noise.expected.push(/status of (401|422)/)
  const elsewhere = await enter(windows, server, 'desk3')
  const page = await enter(windows, server, 'desk3')
  await page.getByLabel(/^账户/).click()
  await page.getByRole('link', { name: '账户安全' }).click()
  await expect(page.getByRole('heading', { name: '登录中的设备' })).toBeVisible()
  await page.getByRole('button', { name: '启用双因素' }).click()
  const secret = await setUp(page, 'anju-demo')
  await expect(page.getByText(/^已启用。/)).toBeVisible()
  await page.reload()
  await expect(page.getByRole('region', { name: '账户最近动态' }).getByRole('listitem').first()).toContainText('启用了双因素')
  await page.getByRole('button', { name: '退出其他所有设备' }).click()
  await expect(page.getByRole('button', { name: '退出其他所有设备' })).toBeHidden()
  await elsewhere.reload()
  await expect(elsewhere.getByRole('form', { name: '登录安居' })).toBeVisible()
  await elsewhere.getByLabel('账号', { exact: true }).fill('desk3')
  await elsewhere.getByLabel('密码', { exact: true }).fill('anju-demo')
  await elsewhere.getByRole('button', { name: '登录', exact: true }).click()
  await expect(elsewhere.getByLabel('动态码')).toBeFocused()
  await clean(elsewhere, 'login with code')
  await elsewhere.getByLabel('动态码').fill(totp(secret, 1))
  await elsewhere.getByRole('button', { name: '登录', exact: true }).click()
  await expect(elsewhere.getByRole('navigation').first()).toBeVisible()
})

test('an administrator made by hand: own password, then the second factor, then the work', async ({ windows, noise }) => {
  noise.expected.push(/status of (403|422)/)
  const { out } = await server.server.cli(['user', 'add', 'sec2', '--role', 'security'])
  const context = await windows.open(server.url)
  const page = await context.newPage()
  await page.goto('/')
  await page.getByLabel('账号', { exact: true }).fill('sec2')
  const given = out.match(/password (\S+)/)[1]
  await page.getByLabel('密码', { exact: true }).fill(given)
  await page.getByRole('button', { name: '登录', exact: true }).click()
  await page.getByLabel('当前密码').fill(given)
  await page.getByLabel('新密码', { exact: true }).fill('Own-pass-2026')
  await page.getByLabel('再输入一次新密码').fill('Own-pass-2026')
  await page.getByRole('button', { name: '设置密码' }).click()
  await expect(page.getByRole('heading', { name: '您的岗位必须启用双因素登录' })).toBeVisible()
  await clean(page, 'forced factor')
  await setUp(page, 'Own-pass-2026')
  await page.getByRole('navigation').getByRole('link', { name: '用户', exact: true }).click()
  await expect(page.getByRole('table')).toBeVisible()
})

test('a masked number is shown for a reason, and the reason is on record', async ({ windows }) => {
  const page = await enter(windows, server, 'desk', '/desk')
  await page.getByRole('combobox', { name: '房号、姓名、电话、车牌或合同号' }).fill('3-2-1502')
  await expect(page.getByRole('listbox')).toBeVisible()
  await page.keyboard.press('Enter')
  const card = page.getByRole('region', { name: '住户', exact: true })
  await expect(card.getByText(/^1\d\d\*{4}\d{4}$/).first()).toBeVisible()
  await card.getByRole('button', { name: '查看完整信息' }).first().click()
  await clean(page, 'reveal')
  await page.getByLabel('查看原因（会记入日志）').fill('电话联系住户')
  await page.getByRole('button', { name: '查看', exact: true }).click()
  await expect(card.getByText(/^1\d{10}$/).first()).toBeVisible()

  const auditor = await enter(windows, server, 'auditor', '/audit')
  await auditor.getByLabel('小区', { exact: true }).selectOption({ index: 1 })
  await auditor.getByLabel('事件').fill('person.revealed')
  await auditor.getByRole('button', { name: '搜索' }).click()
  const row = auditor.getByRole('row').filter({ hasText: '电话联系住户' })
  await expect(row).toHaveCount(1)
  await expect(row).not.toContainText(/1\d{10}\b.*"phone":/)
  await auditor.getByRole('button', { name: '校验完整性' }).click()
  await expect(auditor.getByRole('status').filter({ hasText: /日志完整/ })).toBeVisible()
  await clean(auditor, 'log')
})

test('a file with personal data in full asks why; the plain one is masked', async ({ windows }) => {
  const page = await enter(windows, server, 'manager', '/r/people')
  const fetched = async (act) => {
    const [download] = await Promise.all([page.waitForEvent('download'), act()])
    return readFileSync(await download.path())
  }
  await page.getByText('导出', { exact: true }).click()
  expect((await fetched(() => page.getByRole('link', { name: 'CSV' }).click())).toString()).toMatch(/\d{3}\*{4}\d{4}/)
  await page.getByRole('button', { name: '完整个人信息…' }).click()
  await page.getByLabel('查看原因（会记入日志）').fill('年度核对')
  const full = await fetched(() => page.getByRole('button', { name: '导出完整个人信息' }).click())
  expect(full.subarray(0, 2).toString()).toBe('PK')
})

test('the account page on the phone', async ({ windows }) => {
  const page = await phone(windows, server, 'worker2', '/m/me')
  await page.getByRole('link', { name: '账户安全' }).click()
  await expect(page.getByRole('heading', { name: '登录中的设备' })).toBeVisible()
  await clean(page, 'phone account')
  await page.setViewportSize(DESK)
})

test('a password field: shown when asked for, and a new one says how hard it is to guess', async ({ windows }) => {
  const page = await enter(windows, server, 'desk', '/account')
  const fresh = page.getByLabel('新密码', { exact: true })
  await expect(page.getByRole('meter', { name: '密码强度' })).toHaveCount(0)
  const word = page.locator('.strength').getByRole('status')
  for (const [text, says] of [['aaaaaaaaaaaa', '弱'], ['123456789012', '弱'], ['Abcd-1234', '弱'], ['Blue-horse-77', '良好'], ['绿水 mountain 7 Lamp!', '强']]) {
    await fresh.fill(text)
    await expect(word, text).toContainText(says)
  }
  await expect(fresh).toHaveAttribute('type', 'password')
  const show = page.getByRole('button', { name: '显示密码' })
  await show.nth(1).click()
  await expect(fresh).toHaveAttribute('type', 'text')
  await expect(show.nth(1)).toHaveAttribute('aria-pressed', 'true')
  await clean(page, 'password field')
  await show.nth(1).click()
  await expect(fresh).toHaveAttribute('type', 'password')
})
