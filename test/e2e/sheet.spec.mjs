// sheet.spec.mjs - what comes out of the printer: the work sheet on A4 and on an 80 mm roll, signs on A4; the customer's number in full
// only for a reason; parts and cost once they are known.
import { DESK, enter, expect, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const MM = 72 / 25.4

/* Pages of a PDF with their width and height in millimetres. */
async function pages(page) {
  const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
  return [...pdf.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map((m) => [Math.round(m[1] / MM), Math.round(m[2] / MM)])
}

async function ticket() {
  const [desk, resident] = [await server.as('desk'), await server.as('resident1')]
  const place = (await resident.get('me/spaces')).body.items[0]
  return (await desk.post('tickets', { community_id: place.community_id, kind: 'repair', channel: 'phone', title: '厨房水龙头漏水', person_id: place.person_id, space_id: place.space_id })).body
}

for (const [lang, w] of [
  ['zh', { roll: '80 毫米小票', full: '完整号码打印', why: /^查看原因/, show: '查看', sheet: '维修工作单', cost: '费用', part: '材料' }],
  ['en', { roll: '80 mm roll', full: 'Print with full number', why: /^Why/, show: 'Show', sheet: 'Work sheet', cost: 'Cost', part: 'Part' }],
])
  test(`a work sheet fits its paper; its number is in full for a reason; what was used is on it (${lang})`, async ({ windows }) => {
    const t = await ticket()
    const page = await enter(windows, server, 'desk', `/tickets/${t.id}/sheet`, { lang })
    const sheet = page.getByRole('article', { name: w.sheet })
    await expect(sheet).toContainText(t.code)
    expect(await pages(page)).toEqual([[210, 297]])
    await page.emulateMedia({ media: 'print' })
    const at = await sheet.boundingBox()
    expect([at.x, at.y]).toEqual([0, 0]) // at the paper's edge, not beside where the menu was
    await page.emulateMedia({ media: 'screen' })

    await page.getByRole('button', { name: w.roll }).click()
    await expect(sheet.getByRole('columnheader', { name: w.part })).toBeVisible()
    const roll = await pages(page)
    expect(roll.length).toBe(1)
    expect(roll[0][0]).toBe(80)
    await page.emulateMedia({ media: 'print' })
    await page.setViewportSize({ width: 302, height: 900 })
    await page.screenshot({ path: `build/e2e/looks/sheet-roll-${lang}.png` })
    await page.emulateMedia({ media: 'screen' })
    await page.setViewportSize(DESK)
    const high = (await sheet.boundingBox()).height / (96 / 25.4)
    expect(Math.abs(roll[0][1] - high)).toBeLessThan(4)

    await expect(sheet).toContainText(/\d{3}\*{4}\d{4}/)
    await page.evaluate(() => (window.print = () => (document.title = 'printed')))
    await page.getByRole('button', { name: w.full }).click()
    await page.getByLabel(w.why).fill('上门前联系')
    await page.getByRole('dialog').getByRole('button', { name: w.show, exact: true }).click()
    await expect(sheet).toContainText(/1\d{10}/)
    await expect(page).toHaveTitle('printed')
    await expect(page.getByRole('button', { name: w.full })).toHaveCount(0)

    const [desk, dispatcher, worker] = [await server.as('desk'), await server.as('dispatcher'), await server.as('worker1')]
    await desk.post(`tickets/${t.id}/actions/accept`, {})
    await dispatcher.post(`tickets/${t.id}/actions/dispatch`, { assignee_id: worker.meta.me.staff_id, reason: '就近' })
    await worker.post(`tickets/${t.id}/actions/start`, {})
    expect((await worker.post(`tickets/${t.id}/actions/finish`, { result: '换了阀芯', parts: '陶瓷阀芯 2 个', cost: 4500 })).status).toBe(200)
    await page.goto(`/tickets/${t.id}/sheet`)
    await expect(sheet).toContainText('陶瓷阀芯 2 个')
    await expect(sheet).toContainText(`${w.cost} ¥45.00`)
    await expect(sheet.getByRole('columnheader', { name: w.part })).toHaveCount(0)
    expect(await pages(page)).toEqual([[210, 297]])
  })

test('signs print on A4 from the edge, after a roll as well', async ({ windows }) => {
  const t = await ticket()
  const page = await enter(windows, server, 'manager', `/tickets/${t.id}/sheet?paper=80`)
  await expect(page.getByRole('article', { name: '维修工作单' })).toBeVisible()
  await page.getByRole('link', { name: '二维码标牌' }).click()
  await page.getByRole('checkbox').nth(1).check()
  await page.getByRole('button', { name: /^生成/ }).click()
  const list = page.getByRole('list', { name: '二维码标牌' })
  await expect(list.getByRole('img')).toHaveCount(1)
  expect(await pages(page)).toEqual([[210, 297]])
  await page.emulateMedia({ media: 'print' })
  const at = await list.boundingBox()
  expect([at.x, at.y]).toEqual([0, 0])
})
