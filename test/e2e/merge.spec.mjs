// merge.spec.mjs - a clerk finds a person twice in the list of likely duplicates, compares, chooses, merges, and takes it back.
import { enter, expect, looks, serverFor, test } from './lib.mjs'

const server = serverFor(test)

test('two rows of one person: found, compared, merged, undone', async ({ windows }) => {
  const who = await server.as('manager')
  const community = who.meta.communities[0].id
  const homes = (await who.get(`spaces?community_id=${community}&kind=unit&limit=2`)).body.items
  const made = []
  for (const [name, phone, home] of [['司马相如', '16122220001', homes[0]], ['司马相如', '16122220002', homes[0]]]) {
    const p = (await who.post('people', { community_id: community, name, phone, note: phone.endsWith('1') ? '周末在家' : null })).body
    expect((await who.post('occupancies', { community_id: community, person_id: p.id, space_id: home.id, relation: 'owner', from_date: '2024-01-01' })).status).toBe(201)
    made.push(p.id)
  }
  const page = await enter(windows, server, 'manager')
  await page.getByRole('link', { name: '疑似重复', exact: true }).click()
  await expect(page.getByRole('row', { name: '司马相如' })).toContainText('同名同户')
  await looks(page, 'merge-list')
  await page.getByRole('button', { name: '对比司马相如与司马相如' }).click()
  await expect(page.getByLabel('保留', { exact: true })).toHaveValue('司马相如')
  await expect(page.getByRole('row', { name: '备注' })).toContainText('周末在家')
  await expect(page.getByText('入住关系: 0 （1 条重复，归档）')).toBeVisible()
  await looks(page, 'merge-compare')
  await page.getByRole('radio', { name: '取并入的“电话”' }).check()
  await expect(page.getByRole('radio', { name: '取并入的“电话”' })).toBeChecked()
  await page.getByRole('button', { name: '交换' }).click()
  await expect(page).toHaveURL(new RegExp(`keep=${made[1]}&gone=${made[0]}`))
  await page.getByRole('radio', { name: '取并入的“电话”' }).check()
  await page.getByRole('button', { name: '合并', exact: true }).click()
  await expect(page.getByText('已合并，转移 1 条记录。')).toBeVisible()
  await expect(page.getByRole('row', { name: '司马相如' })).toHaveCount(0)
  const kept = (await who.get(`people/${made[1]}`)).body
  expect([kept.phone, kept.phone2, kept.note]).toEqual(['161****0001', '161****0002', '周末在家'])

  await page.getByRole('link', { name: '合并记录（可撤销）' }).click()
  await page.getByRole('row', { name: '司马相如' }).click()
  await page.getByRole('button', { name: '撤销合并' }).click()
  await page.getByRole('dialog').getByLabel('理由').fill('登记的是父子两人')
  await page.getByRole('dialog').getByRole('button', { name: '撤销合并' }).click()
  await expect(page.getByRole('complementary').getByText('已撤销', { exact: true })).toBeVisible()
  expect((await who.get(`people/${made[0]}`)).body.archived).toBe(false)
  expect((await who.get(`people/${made[1]}`)).body.phone2).toBe(null)
})

test('what stands against a merge is said before', async ({ windows }) => {
  const residents = (await Promise.all(['resident1', 'resident2'].map((l) => server.as(l)))).map((r) => r.meta.me.person_id)
  const page = await enter(windows, server, 'manager', `/duplicates?keep=${residents[0]}&gone=${residents[1]}`)
  await expect(page.getByRole('alert')).toContainText('两人都有登录账号')
  await expect(page.getByText('姓名不同')).toHaveCount(0)
  await expect(page.getByRole('button', { name: '合并', exact: true })).toBeDisabled()
  await looks(page, 'merge-refused')
  await page.goto(`${server.url}/r/person-merges`)
  await page.getByRole('button', { name: '新建' }).click() // a merge is made where both rows are seen side by side
  await expect(page).toHaveURL(/\/duplicates/)
})
