// hands.spec.mjs - what a worker takes along besides photos: the customer's signature and a spoken note, with a network and
// without; the desk sees the one and hears the other.
import { enter, expect, looks, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)

async function task() {
  const worker = await server.as('worker1')
  const list = (await worker.get(`tickets?community_id=${worker.meta.communities[0].id}&limit=1&assignee_id=${worker.meta.me.staff_id}&state=in_progress`)).body.items
  expect(list.length).toBe(1)
  return list[0].id
}
const draw = async (page, pad) => {
  const box = await pad.boundingBox()
  await page.mouse.move(box.x + 30, box.y + 60)
  await page.mouse.down()
  for (const [x, y] of [[80, 20], [120, 80], [200, 30], [260, 70]]) await page.mouse.move(box.x + x, box.y + y, { steps: 4 })
  await page.mouse.up()
}
const files = async (id) => (await (await server.as('worker1')).get(`tickets/${id}/files`)).body.items

test('the customer signs on the phone and a note is spoken; the desk sees and hears them', async ({ windows }) => {
  const id = await task()
  const page = await phone(windows, server, 'worker1', `/m/task/${id}`)
  await page.getByRole('button', { name: '客户签名' }).click()
  const pad = page.getByRole('dialog', { name: '客户签名' })
  await pad.getByRole('button', { name: '完成签名' }).click()
  await expect(pad.getByRole('alert')).toHaveText('还没有签名。')
  await draw(page, pad.getByRole('img', { name: '请在框内签名' }))
  await page.screenshot({ path: 'build/e2e/looks/signature.png' })
  await pad.getByRole('button', { name: '重签' }).click()
  await draw(page, pad.getByRole('img', { name: '请在框内签名' }))
  await pad.getByRole('button', { name: '完成签名' }).click()
  await expect(pad).toHaveCount(0)
  await expect(page.getByRole('button', { name: /^签名/ })).toBeVisible()

  await page.getByRole('button', { name: '录语音' }).click()
  await expect(page.getByRole('timer')).toHaveText(/正在录音 1 秒/)
  await page.getByRole('button', { name: '不要了' }).click()
  await page.getByRole('button', { name: '录语音' }).click()
  await expect(page.getByRole('timer')).toHaveText(/正在录音 2 秒/)
  await page.getByRole('button', { name: '停止并保存' }).click()
  await expect(page.getByLabel(/^语音/)).toBeVisible()
  const made = await files(id)
  expect(made.filter((f) => ['signature', 'voice'].includes(f.stage)).map((f) => [f.stage, f.type]).sort()).toEqual([['signature', 'image/jpeg'], ['voice', 'audio/webm']])
  await looks(page, 'task-signed')

  const desk = await enter(windows, server, 'desk', `/tickets/${id}`)
  await expect(desk.getByRole('button', { name: /^签名/ })).toBeVisible()
  const sound = desk.getByLabel(/^语音/)
  await sound.evaluate((a) => new Promise((done, failed) => { a.oncanplay = done; a.onerror = () => failed(new Error('cannot be heard')); a.load() }))
})

test('there: where the phone is goes along, without a network it waits; the customer hears that, not where', async ({ windows, noise }) => {
  noise.expected.push(/ERR_INTERNET_DISCONNECTED|Failed to load resource/)
  const id = await task()
  const page = await phone(windows, server, 'worker1', `/m/task/${id}`, { geolocation: { latitude: 31.230416, longitude: 121.473701, accuracy: 18 }, permissions: ['geolocation'] })
  await expect(page.getByRole('button', { name: '到场' })).toBeVisible()
  await page.context().setOffline(true)
  await page.getByRole('button', { name: '到场' }).click()
  await expect(page.getByRole('button', { name: '到场' })).toHaveCount(0)
  await expect(page.getByText(/到场 \d{4}-/)).toBeVisible()
  await page.context().setOffline(false)
  const worker = await server.as('worker1')
  await expect.poll(async () => (await worker.get(`tickets/${id}`)).body.arrived_at, { timeout: 30_000 }).toBeTruthy()
  const desk = await enter(windows, server, 'desk', `/tickets/${id}`)
  await expect(desk.getByRole('list', { name: '处理记录' }).getByText('31.23042,121.47370 ±18')).toBeVisible()
})

test('a name that is typed is a signature too, and waits on the phone while there is no network', async ({ windows, noise }) => {
  noise.expected.push(/ERR_INTERNET_DISCONNECTED|Failed to load resource/)
  const id = await task()
  const page = await phone(windows, server, 'worker1', `/m/task/${id}`)
  await page.getByRole('button', { name: '客户签名' }).click() // loads what it needs while there is a network
  const before = (await files(id)).filter((f) => f.stage === 'signature').length
  await page.context().setOffline(true)
  const pad = page.getByRole('dialog', { name: '客户签名' })
  await pad.getByLabel('或输入姓名').fill('王建国')
  await pad.getByRole('button', { name: '完成签名' }).click()
  await expect(page.getByRole('region', { name: /待/ }).getByText('签名', { exact: true })).toBeVisible()
  await page.context().setOffline(false)
  await expect.poll(async () => (await files(id)).filter((f) => f.stage === 'signature').length, { timeout: 30_000 }).toBe(before + 1)
})
