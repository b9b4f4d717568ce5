// bulk.test.mjs - whole lists out and in: what leaves one community enters an empty one and leaves it the same.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { expect, openHouse } from '../lib/house.mjs'

let house, admin, boss, manager
before(async () => {
  house = await openHouse()
  admin = await house.as('admin')
  manager = await house.as('manager')
  boss = await house.boss()
})
after(() => house.stop())
const CSV = { 'content-type': 'text/csv' }
const load = async (who, path, text) => expect(await who.post(path, text, CSV), 200)

// RFC 4180 → rows of { column: text }
function parse(text) {
  const rows = [[]]
  let cell = '',
    quoted = false
  for (const ch of text.replace(/^\uFEFF/, '').matchAll(/""|\r\n|[\s\S]/g)) {
    const c = ch[0]
    if (quoted && c === '""') cell += '"'
    else if (c === '""' && cell === '') continue
    else if (c === '"') quoted = !quoted
    else if (!quoted && c === ',') (rows.at(-1).push(cell), (cell = ''))
    else if (!quoted && c === '\r\n') (rows.at(-1).push(cell), (cell = ''), rows.push([]))
    else cell += c
  }
  const [head, ...body] = rows.filter((r) => r.length)
  return body.map((r) => Object.fromEntries(head.map((h, i) => [h, r[i]])))
}
const quote = (v) => (/[",\r\n]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v)
const write = (rows, columns) =>
  [columns, ...rows.map((r) => columns.map((c) => r[c]))].map((r) => `${r.map(quote).join(',')}\r\n`).join('')
async function exported(who, path, community) {
  const reply = await who.get(`${path}/export.csv?community_id=${community}&sort=id&unmasked=1&reason=${encodeURIComponent('搬家核对')}`)
  expect(reply, 200)
  assert.match(
    reply.headers.get('content-disposition'),
    new RegExp(`^attachment; filename="${path}-\\d{4}-\\d\\d-\\d\\d\\.csv"$`),
  )
  const rows = parse(reply.bytes.toString())
  assert.equal(new Set(rows.map((r) => r._export)).size, rows.length ? 1 : 0, 'every row carries the mark of its export')
  for (const row of rows) delete row._export
  return rows
}
let empties = 0
async function emptyCommunity() {
  const model = expect(await admin.get('communities?limit=1'), 200).items[0]
  return expect(await admin.post('communities', { name: `空项目${++empties}`, company_id: model.company_id }), 201).id
}
const without = (row, ...names) => Object.fromEntries(Object.entries(row).filter(([k]) => !names.includes(k)))
const OWN = ['id', 'community_id', 'version', 'created_at', 'created_by', 'updated_at', 'archived']

test('people: export, import into an empty community, export again: equal', async () => {
  const odd = { community_id: house.community, name: '逗号,引号"与=公式', phone: '13800001111', note: '第一行\n第二行' }
  expect(await manager.post('people', odd), 201)
  const rows = await exported(manager, 'people', house.community)
  assert.ok(rows.length > 300 && rows.some((r) => r.note === odd.note && r.name === odd.name))
  const columns = ['kind', 'name', 'phone', 'phone2', 'tier', 'note']
  const target = await emptyCommunity()
  const text = write(rows, columns)
  const dry = await load(boss, `people/import?community_id=${target}&dry_run=1`, text)
  assert.deepEqual([dry.rows, dry.ok, dry.failed, dry.dry_run, dry.batch_id], [rows.length, rows.length, 0, true, null])
  assert.equal((await exported(boss, 'people', target)).length, 0, 'a dry run keeps nothing')
  const done = await load(boss, `people/import?community_id=${target}`, text)
  assert.deepEqual(
    [done.rows, done.ok, done.failed, done.dry_run, done.errors],
    [rows.length, rows.length, 0, false, []],
  )
  assert.ok(done.batch_id > 0)
  const again = await exported(boss, 'people', target)
  assert.deepEqual(
    again.map((r) => without(r, ...OWN)),
    rows.map((r) => without(r, ...OWN)),
  )
})

test('spaces: the whole file as it left, tree by tree', async () => {
  const rows = await exported(manager, 'spaces', house.community)
  const target = await emptyCommunity()
  const kept = ['kind', 'name', 'code', 'built_area', 'inner_area', 'use_kind', 'parent_id']
  const ids = new Map()
  let left = rows
  // Parents first, level by level: a child's row names the id its parent got here.
  for (let level = 0; left.length && level < 10; level++) {
    const ready = left.filter((r) => !r.parent_id || ids.has(r.parent_id))
    assert.ok(ready.length, 'every row has its parent')
    const text = write(
      ready.map((r) => ({ ...r, parent_id: r.parent_id && ids.get(r.parent_id) })),
      kept,
    )
    const report = await load(boss, `spaces/import?community_id=${target}`, text)
    assert.deepEqual([report.ok, report.failed], [ready.length, 0], JSON.stringify(report.errors.slice(0, 3)))
    const now = await exported(boss, 'spaces', target)
    const byPath = new Map(now.map((r) => [r.path_name, r.id]))
    for (const r of ready) ids.set(r.id, byPath.get(r.path_name))
    left = left.filter((r) => !ids.has(r.id))
  }
  const again = await exported(boss, 'spaces', target)
  const key = (r) => r.path_name
  const plain = (list) => list.map((r) => without(r, ...OWN, 'parent_id')).sort((a, b) => key(a).localeCompare(key(b)))
  assert.deepEqual(plain(again), plain(rows))
})

test('one bad row and nothing is loaded; every bad row is named with its reasons', async () => {
  const target = await emptyCommunity()
  const text =
    'name,phone,tier\r\n张三,13900000001,vip\r\n,abc,gold\r\n李四,13900000002,regular\r\n王五,13900000003\r\n'
  for (const dry of ['&dry_run=1', '']) {
    const report = await load(boss, `people/import?community_id=${target}${dry}`, text)
    assert.deepEqual([report.rows, report.failed, report.batch_id], [4, 2, null])
    assert.deepEqual(
      report.errors.map((e) => [e.row, e.fields.map((f) => `${f.field}:${f.code}`).sort()]),
      [
        [3, ['name:required', 'phone:format', 'tier:choice']],
        [5, [':columns']],
      ],
    )
  }
  assert.equal((await exported(boss, 'people', target)).length, 0)
  const twice = await load(
    boss,
    `people/import?community_id=${target}`,
    'name,phone\r\n赵六,13900000004\r\n赵六,13900000004\r\n',
  )
  assert.deepEqual([twice.failed, twice.errors[0].row, twice.errors[0].fields[0].field], [1, 3, 'phone'])
})

test('headers: unknown, double and system columns; wrong files', async () => {
  const path = `people/import?community_id=${await emptyCommunity()}`
  const report = await load(boss, path, 'name,colour,name\r\n张三,red,李四\r\n')
  assert.deepEqual(
    report.errors[0].fields.map((f) => `${f.field}:${f.code}`),
    ['colour:unknown', 'name:double'],
  )
  assert.equal(report.batch_id, null)
  const ignored = await load(boss, path, 'id,version,name\r\n5,7,张三\r\n')
  assert.deepEqual([ignored.ok, ignored.ignored], [1, ['id', 'version']])
  expect(await boss.post(path, '', CSV), 400)
  const open = await boss.post(path, 'name\r\n"张三\r\n', CSV)
  assert.ok(open.status === 400 || open.body.failed === 1, 'an open quote')
  expect(await boss.post(path, 'name\r\n张三\r\n', { 'content-type': 'application/json' }), 415)
  expect(await boss.post(`${path}&dry_run=maybe`, 'name\r\n张三\r\n', CSV), 422)
  expect(await (await house.as('worker1')).post(path, 'name\r\n张三\r\n', CSV), 403)
  expect(await manager.post(path, 'name\r\n张三\r\n', CSV), 404)
  assert.equal((await load(boss, path, '\uFEFFname;phone\r\n分号;13700000000\r\n')).ok, 1)
})

test('a formula in a text cannot run in a spreadsheet, and comes back as it was', async () => {
  const target = await emptyCommunity()
  const names = ['=1+1', '+cmd', '-2', '@SUM(A1)', "'quoted"]
  for (const name of names) expect(await boss.post('people', { community_id: target, name }), 201)
  const reply = await boss.get(`people/export.csv?community_id=${target}&sort=id`)
  const raw = parse(reply.bytes.toString()).map((r) => r.name)
  for (const name of raw) assert.ok(!/^[=+\-@]/.test(name), name)
  const copy = await emptyCommunity()
  await load(boss, `people/import?community_id=${copy}`, write(parse(reply.bytes.toString()), ['name']))
  assert.deepEqual(
    expect(await boss.get(`people?community_id=${copy}&sort=id`), 200).items.map((p) => p.name),
    names,
  )
})

test('XLSX: a real workbook with the same rows', async () => {
  const reply = await manager.get(`people/export.xlsx?community_id=${house.community}&tier=vip&sort=id`)
  expect(reply, 200)
  const file = join(house.server.dir, 'people.xlsx')
  writeFileSync(file, reply.bytes)
  const part = (name) => execFileSync('unzip', ['-p', file, name], { encoding: 'utf8', maxBuffer: 64 << 20 })
  const sheet = part('xl/worksheets/sheet1.xml')
  const vips = (await exported(manager, 'people', house.community)).filter((r) => r.tier === 'vip')
  assert.ok(vips.length > 0)
  assert.equal(sheet.match(/<row /g).length, vips.length + 1)
  assert.match(part('\\[Content_Types\\].xml'), /spreadsheetml/)
  const texts =
    sheet +
    execFileSync('sh', ['-c', `unzip -p "$1" xl/sharedStrings.xml 2>/dev/null || true`, 'sh', file], {
      encoding: 'utf8',
    })
  for (const p of vips.slice(0, 5)) assert.ok(texts.includes(p.name), p.name)
})

test('a list filtered on the screen is the same list in the file', async () => {
  const desk = await house.as('desk')
  const rows = parse((await desk.get('tickets/export.csv?kind=complaint&sort=id')).bytes.toString())
  const { total } = expect(await desk.get('tickets?kind=complaint&count=1&limit=1'), 200)
  assert.equal(rows.length, total)
  assert.ok(rows.every((r) => r.kind === 'complaint'))
  expect(await desk.get('tickets/export.csv?colour=1'), 422)
})
