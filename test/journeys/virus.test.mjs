// virus.test.mjs - uploads pass a real ClamAV before they are kept: what it finds is refused, and while it is away nothing is taken.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startClamd, EICAR } from '../lib/clamd.mjs'
import { expect, faults, openHouse, PNG, upload } from '../lib/house.mjs'
import { removeDir, tempDir } from '../lib/temp.mjs'

let house, desk, clamd, ticket
const dir = tempDir('anju-clamd')
before(async () => {
  clamd = await startClamd(dir)
  house = await openHouse({ args: ['--clamd', clamd.socket] })
  desk = await house.as('desk')
  ticket = await house.register(desk)
})
after(async () => {
  await house?.stop()
  await clamd?.stop()
  removeDir(dir)
})
const put = (bytes) => desk.post(`tickets/${ticket.id}/files`, upload(bytes, '现场.png', 'before'))
const kept = () => readdirSync(join(house.server.dir, 'files'), { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).length
const doctor = async () => {
  const { out } = await house.server.cli(['doctor', '--json', '--clamd', clamd.socket])
  return JSON.parse(out).probes.find((p) => p.name === 'virus scan')
}

test('a clean picture is taken, one with a virus is not and nothing of it stays', async () => {
  expect(await put(PNG), 201)
  const before = kept()
  assert.deepEqual(faults(await put(Buffer.concat([PNG, EICAR]))), { file: 'virus' })
  assert.equal(kept(), before)
  assert.equal(expect(await desk.get(`tickets/${ticket.id}/files`), 200).items.length, 1)
  // ten megabytes in pieces, the virus at the very end
  assert.deepEqual(faults(await put(Buffer.concat([PNG, Buffer.alloc(9 << 20, 'x'), EICAR]))), { file: 'virus' })
  expect(await put(Buffer.concat([PNG, Buffer.alloc(9 << 20, 'x')])), 201)
  assert.deepEqual(readdirSync(join(house.server.dir, 'tmp')), [])
})

test('while the scanner is away nothing is taken, and the doctor says so; back again, all is well', async () => {
  assert.deepEqual([(await doctor()).state, /FOUND/.test((await doctor()).tried)], ['ok', true])
  await clamd.stop()
  const before = kept()
  const refused = await put(Buffer.concat([PNG, Buffer.from('away')]))
  expect(refused, 503)
  assert.match(refused.body.detail, /病毒检查/)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal(kept(), before)
  const ill = await doctor()
  assert.equal(ill.state, 'broken')
  assert.match(ill.tried, /cannot connect/)
  assert.ok(ill.next)
  await clamd.start()
  expect(await put(Buffer.concat([PNG, Buffer.from('away')])), 201)
})
