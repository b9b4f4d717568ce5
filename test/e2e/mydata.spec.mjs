// mydata.spec.mjs - a resident and his own data on the phone: he agrees, withdraws, asks for a copy, and opens it when it is done.
import { expect, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)

test('consent with one tap, back with one tap; a copy asked for, done by the office, opened by him', async ({ windows, noise }) => {
  noise.expected.push(/status of 422/)
  const manager = await server.as('manager')
  const community_id = manager.meta.communities[0].id
  const page = await phone(windows, server, 'resident1', '/m/me')
  await page.getByRole('link', { name: '我的信息' }).click()
  await page.getByRole('button', { name: '同意', exact: true }).click()
  await expect(page.getByText('您已同意')).toBeVisible()
  await page.getByRole('button', { name: '撤回同意' }).click()
  await expect(page.getByText('您已撤回')).toBeVisible()
  await page.getByLabel('我想要').selectOption('correct')
  await page.getByRole('button', { name: '提交', exact: true }).click()
  await expect(page.getByText('请写明要更正或投诉的内容')).toBeVisible()
  await page.getByLabel('我想要').selectOption('access')
  await page.getByRole('button', { name: '提交', exact: true }).click()
  await expect(page.getByText(/前答复/)).toBeVisible()
  const [request] = (await manager.get(`data-requests?community_id=${community_id}`)).body.items
  expect((await manager.post(`data-requests/${request.id}/actions/begin`, {})).status).toBe(200)
  expect((await manager.post(`data-requests/${request.id}/actions/finish`, { answer: '副本已备好' })).status).toBe(200)
  await page.reload()
  await expect(page.getByText('副本已备好')).toBeVisible()
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: '打开副本' }).click()])
  expect(file.suggestedFilename()).toBe(`${request.code}.html`)
})
