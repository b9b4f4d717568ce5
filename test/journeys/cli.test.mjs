// cli.test.mjs - the command line: what it says of itself, where settings come from, and foreign logs loaded whole or not.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { expect, fileText, openHouse } from '../lib/house.mjs'
import { cli } from '../lib/server.mjs'
import { removeDir, tempDir } from '../lib/temp.mjs'

const VERBS = ['serve', 'init', 'demo', 'user', 'token', 'import', 'export', 'calendar', 'check', 'key', 'doc', 'version']
const MAP = 'src/rooms/service/boston311.map.json'
const DATA = 'test/data/boston311'
let house, admin, boss
const dir = tempDir('anju-cli')
before(async () => {
  house = await openHouse()
  admin = await house.as('admin')
  boss = await house.boss()
})
after(async () => {
  await house.stop()
  removeDir(dir)
})
async function done(run, code = 0) {
  const result = await run
  assert.equal(result.code, code, `${result.out}\n${result.err}`)
  return result
}
async function community(name) {
  const model = expect(await admin.get('communities?limit=1'), 200).items[0]
  return expect(await admin.post('communities', { name, company_id: model.company_id }), 201).id
}
// A CSV with quotes → rows of { column: text }
function parse(text) {
  const rows = [['']]
  let quoted = false
  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length; i++) {
    const row = rows.at(-1)
    if (text[i] === '"' && quoted && text[i + 1] === '"') ((row[row.length - 1] += '"'), i++)
    else if (text[i] === '"') quoted = !quoted
    else if (!quoted && text[i] === ',') row.push('')
    else if (!quoted && text[i] === '\n') rows.push([''])
    else if (quoted || text[i] !== '\r') row[row.length - 1] += text[i]
  }
  const [head, ...body] = rows.filter((r) => r.length > 1)
  return body.map((r) => Object.fromEntries(head.map((h, i) => [h, r[i]])))
}
const listed = async (id) => {
  const rows = []
  for (let next = ''; next !== null;) {
    const page = expect(await boss.get(`tickets?community_id=${id}&limit=200${next && `&after=${next}`}`), 200)
    rows.push(...page.items)
    next = page.next
  }
  return rows
}

test('every verb explains itself; what is unknown is refused with 2', async () => {
  const { out } = await done(cli(['--help']))
  for (const verb of VERBS) {
    assert.match(out, new RegExp(`^  ${verb} `, 'm'))
    const help = await done(cli([verb, '--help']))
    assert.match(help.out, new RegExp(`^anju ${verb}`))
    assert.match(help.out, /--db/)
    assert.match((await done(cli([verb, '--colour', 'red']), 2)).err, /--colour/)
  }
  assert.match((await done(cli([]), 2)).err, /usage/)
  assert.match((await done(cli(['fly']), 2)).err, /fly/)
  assert.match((await done(cli(['init', '--db']), 2)).err, /--db needs a value/)
  await done(cli(['doc', 'nothing']), 2)
  await done(cli(['user', 'remove', 'x', '--db', `sqlite:${join(dir, 'none.db')}`, '--data', dir]), 2)
  assert.match((await done(cli(['version']))).out, /^anju \d+\.\d+/)
})

test('settings: option before environment before file before default', async () => {
  const at = (name) => `sqlite:${join(dir, name)}`
  const conf = join(dir, 'anju.conf')
  writeFileSync(conf, `# ours\ndb = ${at('file.db')}\ndata = ${join(dir, 'data')}\n`)
  const env = { ...process.env, ANJU_DB: at('env.db') }
  const made = (name) => existsSync(join(dir, name))
  await done(cli(['init', '--db', at('flag.db')], '', { cwd: dir, env }))
  assert.deepEqual(['flag.db', 'env.db', 'file.db'].map(made), [true, false, false])
  await done(cli(['init'], '', { cwd: dir, env }))
  assert.deepEqual(['env.db', 'file.db'].map(made), [true, false])
  await done(cli(['init'], '', { cwd: dir }))
  assert.ok(made('file.db'))
  writeFileSync(join(dir, 'other.conf'), `db = ${at('other.db')}\ndata = ${join(dir, 'data')}\n`)
  await done(cli(['init', '--config', 'other.conf'], '', { cwd: dir }))
  assert.ok(made('other.db'))
  writeFileSync(join(dir, 'bad.conf'), 'db = x\ncolour = red\n')
  assert.match((await done(cli(['init', '--config', 'bad.conf'], '', { cwd: dir }), 2)).err, /line 2.*colour/s)
  assert.match((await done(cli(['init', '--config', 'none.conf'], '', { cwd: dir }), 2)).err, /none\.conf/)
})

test('init makes three administrators who must change their passwords; again it says so', async () => {
  const words = ['init', '--db', `sqlite:${join(dir, 'init.db')}`, '--data', join(dir, 'data')]
  const { out } = await done(cli(words))
  for (const [login, role] of [['admin', 'sysadmin'], ['security', 'security'], ['auditor', 'auditor']])
    assert.match(out, new RegExp(`^  ${login} +Aj1-\\S{16} +${role}$`, 'm'))
  assert.match((await done(cli(words))).out, /it has users already/)
  assert.match((await done(cli(['check', ...words.slice(1)]))).out, /\d+ checks, 0 faults/)
  assert.notEqual((await cli(['init', '--db', 'mysql://x/y'])).code, 0)
  assert.notEqual((await cli(['check', '--db', `sqlite:${join(dir, 'no/such/folder/x.db')}`])).code, 0)
})

test('user add and reset; a role that is not there', async () => {
  const { out } = await done(house.server.cli(['user', 'add', 'xiaoli', '--name', '小李', '--role', 'desk']))
  const who = await house.login('xiaoli', out.match(/password (\S+)/)[1])
  assert.deepEqual([who.answer.user.name, who.answer.user.must_change_password], ['小李', true])
  await done(house.server.cli(['user', 'add', 'xiaoli']), 1)
  assert.match((await done(house.server.cli(['user', 'add', 'xiaowang', '--role', 'king']), 1)).err, /king/)
  const reset = await done(house.server.cli(['user', 'reset', 'xiaoli']))
  assert.ok((await house.login('xiaoli', reset.out.match(/password (\S+)/)[1])).answer.user.must_change_password)
  await done(house.server.cli(['user', 'reset', 'nobody']), 1)
  await done(house.server.cli(['token', 'create', 'nobody']), 1)
})

test('demo passwords are public: never beyond loopback', async () => {
  const { err } = await done(house.server.cli(['serve', '--listen', '0.0.0.0:0']), 1)
  assert.match(err, /demo accounts/)
  await done(house.server.cli(['demo']), 1) // not empty
})

test('the demo is sound', async () => {
  assert.match((await done(house.server.cli(['check']))).out, /^\d+ checks, 0 faults$/m)
})

test('documents derived from the program', async () => {
  const served = await fetch(`${house.url}/openapi.json`)
  const { out } = await done(cli(['doc', 'openapi']))
  assert.equal(await served.text(), out)
  assert.match((await done(cli(['doc', 'states']))).out, /received[\s\S]*accepted/)
  assert.match((await done(cli(['doc', 'dictionary']))).out, /first_contact_id/)
  assert.match((await done(cli(['doc', 'errors']))).out, /precondition/)
})

test('export is the API’s export; import loads all rows or none', async () => {
  const rows = (text) => parse(text).map(({ _export, ...row }) => (assert.ok(_export), row))
  const people = (...more) => done(house.server.cli(['export', 'people', '--community', String(house.community), ...more]))
  const manager = await house.as('manager')
  const api = await manager.get('people/export.csv')
  assert.deepEqual(rows((await people()).out), rows(api.bytes.toString()))
  assert.ok(rows(api.bytes.toString()).every((r) => !r.phone || /\*/.test(r.phone)), 'masked unless asked')
  const full = await manager.get('people/export.csv?unmasked=1&reason=audit')
  assert.deepEqual(rows((await people('--unmasked')).out), rows(full.bytes.toString()))
  assert.ok(rows(full.bytes.toString()).every((r) => !/\*/.test(r.phone)))
  assert.ok(
    (
      await done(house.server.cli(['export', 'people', '--community', String(house.community), '--format', 'xlsx']))
    ).out.startsWith('PK'),
  )
  const id = await community('导入项目')
  const good = join(dir, 'good.csv')
  const bad = join(dir, 'bad.csv')
  writeFileSync(good, 'name,phone\r\n张三,13900000001\r\n李四,13900000002\r\n')
  writeFileSync(bad, 'name,phone\r\n王五,13900000003\r\n,13900000004\r\n')
  const count = async () => expect(await boss.get(`people?community_id=${id}&count=1&limit=1`), 200).total
  await done(house.server.cli(['import', 'people', good, '--community', '导入项目', '--dry-run']))
  assert.equal(await count(), 0)
  assert.match(
    (await done(house.server.cli(['import', 'people', bad, '--community', String(id)]), 1)).out,
    /row 3: name/,
  )
  assert.equal(await count(), 0)
  const loaded = (await done(house.server.cli(['import', 'people', good, '--community', String(id)]))).out
  assert.equal(await count(), 2)
  const batch = loaded.match(/--undo (\d+)/)[1]
  assert.match((await done(house.server.cli(['import', '--undo', batch]))).out, /^taken back$/m)
  assert.equal(await count(), 0)
  await done(house.server.cli(['import', '--undo', '17']), 1)
  await done(house.server.cli(['import', '--undo', 'x']), 2)
  await done(house.server.cli(['import', 'people', good]), 1) // several communities: which?
  await done(house.server.cli(['import', 'nothing', good, '--community', String(id)]), 1)
  await done(house.server.cli(['import', 'people', join(dir, 'none.csv'), '--community', String(id)]), 1)
})

test('a city’s log: our late flag is theirs on all 77 closed rows with a target', async () => {
  const id = await community('Boston')
  await done(
    house.server.cli(['import', 'tickets', `${DATA}/boston311-100.csv`, '--map', MAP, '--community', 'Boston']),
  )
  const rows = parse(fileText(`${DATA}/boston311-100.csv`))
  const ours = new Map((await listed(id)).map((t) => [t.external_id, t]))
  assert.equal(rows.length, 100)
  assert.equal(ours.size, 100)
  let judged = 0
  for (const row of rows) {
    const t = ours.get(row.case_enquiry_id)
    assert.equal(t.title, row.case_title.trim())
    assert.equal(t.state, row.case_status === 'Closed' ? 'closed' : 'accepted')
    if (row.case_status !== 'Closed' || !row.target_dt.trim()) continue
    assert.equal(t.resolve_breached, row.ontime === 'OVERDUE', row.case_enquiry_id)
    judged++
  }
  assert.equal(judged, 77)
  await done(
    house.server.cli(['import', 'tickets', `${DATA}/boston311-100.csv`, '--map', MAP, '--community', 'Boston']),
    1,
  ) // each once
  assert.equal((await listed(id)).length, 100)
  await done(house.server.cli(['check']))
})

test('a broken log: reasons by row and nothing loaded; accents keep every byte', async () => {
  const broken = await community('Broken')
  const { out } = await done(
    house.server.cli(['import', 'tickets', `${DATA}/boston311-100-bad.tsv`, '--map', MAP, '--community', 'Broken']),
    1,
  )
  assert.match(out, /^row \d+: .*column/m)
  assert.match(out, /nothing was loaded/)
  assert.equal((await listed(broken)).length, 0)
  const accents = await community('Accents')
  await done(
    house.server.cli([
      'import',
      'tickets',
      `${DATA}/boston311-100-with-nonascii.csv`,
      '--map',
      MAP,
      '--community',
      'Accents',
    ]),
  )
  const rows = parse(fileText(`${DATA}/boston311-100-with-nonascii.csv`))
  const ours = new Map((await listed(accents)).map((t) => [t.external_id, t]))
  let foreign = 0
  for (const row of rows) {
    const t = ours.get(row.case_enquiry_id)
    const texts = [t.title, t.detail, t.result, t.address].join(' ')
    for (const column of ['case_title', 'subject', 'reason', 'type', 'location', 'neighborhood']) {
      const text = row[column].trim()
      assert.ok(texts.includes(text), `${column}: ${text}`)
      if (/[^\x00-\x7f]/.test(text)) foreign++
    }
  }
  assert.ok(foreign > 0, 'the file has letters beyond ASCII')
})
