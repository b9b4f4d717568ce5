// handbook.test.mjs - a description leads to a category, with the words that led there; nothing is chosen by itself, and the
// table is the community's own to mend.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { expect, faults, openHouse, patient } from '../lib/house.mjs'

let house, desk, manager, resident, cm
before(async () => {
  house = await openHouse()
  ;[desk, manager, resident] = (await Promise.all(['desk', 'manager', 'resident1'].map((l) => house.as(l)))).map(patient)
  cm = house.community
})
after(() => house.stop())
const suggest = (text, fields = {}, who = desk) => who.post('categories/suggest', { community_id: cm, text, ...fields })
const first = async (text, fields, who) => expect(await suggest(text, fields, who), 200).items[0]

test('what people say leads to the category they mean', async () => {
  const said = {
    '厨房水龙头关不紧一直滴水': '户内给水·水龙头漏水', '马桶堵了冲不下去': '户内排水·马桶堵塞', '电梯停在5楼,人被困在里面了': '电梯·电梯困人', '楼上渗水,天花板在滴水': '渗漏防水·楼上渗水到本户',
    '闻到很重的煤气味': '燃气·燃气泄漏', '家里一开空调就跳闸': '户内电气·频繁跳闸', '楼道灯坏了一个星期不亮': '公区照明·楼道灯不亮', '有人高空抛物砸到车': '秩序与邻里·高空抛物',
    '消防通道被占用停车': '车辆停放·占用消防通道', '门禁卡消磁了刷不开': '门禁道闸·门禁卡失效', '楼下有人给电动车飞线充电': '安全隐患·电动车楼内充电', 'The toilet is blocked': '户内排水·马桶堵塞',
    'gas leak smell in kitchen': '燃气·燃气泄漏', '道闸不抬杆,出不去': '门禁道闸·道闸不抬杆', '邻居晚上放音响很吵': '噪音扰民·邻里噪音', '物业费怎么交': '咨询·费用咨询',
  }
  const wrong = []
  for (const [text, name] of Object.entries(said)) {
    const one = await first(text)
    if (one?.name !== name) wrong.push([text, one?.name ?? null, name])
    else assert.ok(one.words.length && one.words.every((w) => text.toLowerCase().includes(w)), text)
  }
  assert.deepEqual(wrong, [])
})

test('a proposal only: at most three, best first, of the kind asked for; nothing where nothing fits', async () => {
  const { items } = expect(await suggest('水管漏水 马桶堵 跳闸'), 200)
  assert.ok(items.length === 3 && items[0].score >= items[1].score && items[1].score >= items[2].score)
  assert.deepEqual(expect(await suggest('你好'), 200).items, [])
  assert.ok(expect(await suggest('楼上装修电钻噪音', { kind: 'complaint' }), 200).items.every((i) => i.kind === 'complaint'))
  const t = await house.register(desk, { title: '马桶堵了' })
  assert.equal(t.category_id, null)
  const mine = await first('马桶堵了', {}, resident)
  const own = expect(await resident.post('tickets', { community_id: cm, kind: 'repair', title: '马桶堵了', category_id: mine.category_id }), 201)
  assert.deepEqual([own.category_id, own.priority], [mine.category_id, 'P2'])
})

test('a customer who chose no category is taken by his words, which stay on the ticket until somebody says what it is', async () => {
  const place = { community_id: cm, kind: 'repair', space_id: house.resident1.space_id }
  const flood = expect(await resident.post('tickets', { ...place, title: '厨房漏水', detail: '地上都是水,水管接头一直喷' }), 201)
  const [taken] = expect(await suggest('厨房漏水 地上都是水,水管接头一直喷', { kind: 'repair', space_id: place.space_id }, resident), 200).items
  assert.ok(taken.taken && taken.sla_class === 'urgent')
  assert.deepEqual([flood.category_id, flood.priority, flood.guessed_by.split(' ')], [taken.category_id, 'P2', taken.words])
  const none = expect(await resident.post('tickets', { ...place, title: '厨房漏水', category_id: null }), 201) // he took the proposal off
  assert.deepEqual([none.category_id, none.guessed_by, none.priority], [null, null, 'P3'])
  const vague = expect(await resident.post('tickets', { ...place, title: '大门口有人等我' }), 201) // one character is in anything
  assert.equal(vague.category_id, null)
  const typed = expect(await desk.post('tickets', { ...place, title: '厨房漏水', channel: 'phone' }), 201) // who takes a call chooses
  assert.equal(typed.category_id, null)
  assert.equal(expect(await desk.get(`tickets/${flood.id}`), 200).guessed_by, flood.guessed_by)
  const said = expect(await desk.patch(`tickets/${flood.id}`, { category_id: flood.category_id }, flood.version), 200)
  assert.deepEqual([said.category_id, said.guessed_by, said.reroutes], [flood.category_id, null, 0])
  // taken for the wrong thing: what it was taken for leaves nothing behind but the promise, which stands
  const wrong = expect(await resident.post('tickets', { ...place, title: '不是漏水,是灯一直闪' }), 201)
  assert.deepEqual([wrong.priority, expect(await desk.get(`tickets/${wrong.id}`), 200).repeat_of_id], ['P2', flood.id])
  const lamp = (await first('灯具不亮', { kind: 'repair' })).category_id
  const right = expect(await desk.patch(`tickets/${wrong.id}`, { category_id: lamp }, wrong.version), 200)
  assert.deepEqual([right.priority, right.repeat_of_id, right.resolve_due], ['P3', null, wrong.resolve_due])
  const taken_for = async (title, kind = 'repair') => expect(await resident.post('tickets', { ...place, kind, title, space_id: undefined }), 201).guessed_by
  assert.deepEqual([await taken_for('书柜坏了'), await taken_for('建议多放几个垃圾桶', 'suggestion')], [null, null]) // one character; four that fit as well
  assert.ok(await taken_for('楼道里闻到煤气味', 'safety')) // danger is danger under either name
  assert.deepEqual(faults(await resident.post('tickets', { ...place, title: '厨房漏水', guessed_by: '漏水' })), { guessed_by: 'read_only' })
})

test('the words are the community’s: a manager mends what was suggested wrongly', async () => {
  const c = expect(await manager.post('categories', { community_id: cm, name: '泳池·水温低', kind: 'repair', place: 'outdoor', group_name: '泳池', problem: '水温低', words: '泳池 水温' }), 201)
  assert.deepEqual([(await first('泳池水温太低')).category_id, (await first('泳池水温太低')).words], [c.id, ['泳池', '水温']])
  expect(await manager.patch(`categories/${c.id}`, { words: '游泳馆' }, c.version), 200)
  assert.notEqual((await first('泳池水温太低'))?.category_id, c.id)
})

test('only valid combinations: a category says its kind, place, thing and problem, and is for such tickets only', async () => {
  assert.deepEqual(faults(await manager.post('categories', { community_id: cm, name: '无名' })), { kind: 'required', place: 'required', group_name: 'required', problem: 'required' })
  const tap = expect(await suggest('水龙头漏水', { kind: 'repair' }), 200).items[0].category_id
  const [building] = expect(await desk.get(`spaces?community_id=${cm}&kind=building&limit=1`), 200).items
  const ticket = (fields) => desk.post('tickets', { community_id: cm, title: '水龙头漏水', channel: 'phone', category_id: tap, ...fields }, { 'accept-language': 'en' })
  assert.deepEqual(faults(await ticket({ kind: 'complaint' })), { category_id: 'kind' })
  assert.deepEqual(faults(await ticket({ kind: 'repair', space_id: building.id })), { category_id: 'place' })
  const t = expect(await ticket({ kind: 'repair', space_id: house.resident1.space_id }), 201)
  assert.deepEqual(faults(await desk.patch(`tickets/${t.id}`, { space_id: building.id }, t.version)), { category_id: 'place' })
  const noise = (await first('邻居晚上放音响很吵', { kind: 'complaint' })).category_id
  assert.deepEqual(faults(await desk.patch(`tickets/${t.id}`, { category_id: noise }, t.version)), { category_id: 'kind' })
  expect(await desk.patch(`tickets/${t.id}`, { space_id: building.id, category_id: null }, t.version), 200)
  const policy = { community_id: cm, kind: 'complaint', priority: 'P3', category_id: tap, respond_min: 1, handle_min: 1, resolve_min: 1, hours: 'always' }
  assert.deepEqual(faults(await manager.post('sla-policies', policy)), { category_id: 'kind' })
  // what cannot be taken is not suggested
  const places = async (space_id) => Promise.all(expect(await suggest('水龙头漏水 水管 公区漏水', { space_id }), 200).items.map(async (i) => expect(await desk.get(`categories/${i.category_id}`), 200).place))
  assert.ok((await places(house.resident1.space_id)).includes('home'))
  assert.ok(!(await places(building.id)).includes('home'))
})

test('a category is called in the language of who asks', async () => {
  const c = (await first('马桶堵了')).category_id
  const t = expect(await desk.post('tickets', { community_id: cm, kind: 'repair', title: '马桶堵了', channel: 'phone', category_id: c }), 201)
  const named = async (lang) => expect(await desk.get(`tickets/${t.id}?refs=1`, { 'accept-language': lang }), 200).refs.categories[c]
  assert.deepEqual([await named('zh-CN'), await named('en')], ['户内排水·马桶堵塞', 'Home drains: Blocked toilet'])
})

test('wrong questions', async () => {
  assert.deepEqual(faults(await suggest('')), { text: 'required' })
  assert.deepEqual(faults(await suggest('水'.repeat(2001))), { text: 'max' })
  assert.deepEqual(faults(await suggest('水管', { kind: 'wish' })), { kind: 'choice' })
  assert.deepEqual(faults(await suggest('水管', { space_id: 1 })), { space_id: 'ref' })
  expect(await suggest('水管', { community_id: house.otherCommunity }), 404)
  expect(await suggest('水管', {}, await house.as('auditor')), 403)
  expect(await (await house.anyone()).post('categories/suggest', { community_id: cm, text: '水管' }), 401)
})
