// site.test.mjs - everything that is not the API: the pages, their caching, health, metrics; and the headers of every reply.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { expect, openHouse } from '../lib/house.mjs'

let house, anyone
before(async () => {
  house = await openHouse()
  anyone = await house.anyone()
})
after(() => house.stop())

// fetch would unpack: the bytes as they come.
function plain(path, headers = {}, method = 'GET') {
  return new Promise((done, fail) => {
    const request = http.request(house.url + path, { method, headers, agent: false }, (reply) => {
      const parts = []
      reply.on('data', (p) => parts.push(p))
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, bytes: Buffer.concat(parts) }))
    })
    request.on('error', fail)
    request.end()
  })
}
async function page() {
  const reply = await plain('/')
  assert.equal(reply.status, 200)
  const html = reply.bytes.toString()
  const assets = [...html.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g)].map((m) => m[1])
  assert.ok(assets.length > 0, 'the page has its program')
  return { reply, html, assets }
}

test('the headers that protect people are on every kind of reply', async () => {
  const desk = await house.as('desk')
  const { assets } = await page()
  const replies = [
    ...(await Promise.all(
      [
        '/',
        '/m',
        '/desk/board',
        '/none.js',
        '/healthz',
        '/readyz',
        '/metrics',
        '/openapi.json',
        assets[0],
        '/api/v1/tickets',
        '/api/v1/none',
        '/api/v1/session',
      ].map((p) => plain(p)),
    )),
    await plain(assets[0], { 'if-none-match': (await plain(assets[0])).headers.etag }),
    await plain('/', {}, 'POST'),
    await plain('/api/v1/tickets', {}, 'PUT'),
    await plain('/', {}, 'HEAD'),
    ...(await Promise.all(
      ['tickets?limit=1', 'tickets/5', 'meta', 'people/export.csv'].map((p) =>
        plain(`/api/v1/${p}`, { cookie: desk.session().cookie }),
      ),
    )),
  ]
  for (const { status, headers } of replies) {
    const csp = headers['content-security-policy']
    assert.ok(csp, `${status} ${headers['content-type']}`)
    assert.ok(!/unsafe-|\*|https?:/.test(csp), csp)
    for (const part of ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"])
      assert.ok(csp.includes(part), part)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.ok(!headers.server || !/\d/.test(headers.server), 'no version for attackers')
  }
})

test('pages need nothing from elsewhere and nothing inline', async () => {
  for (const path of ['/', '/m']) {
    const html = (await plain(path)).bytes.toString()
    assert.ok(!/<script(?![^>]*\bsrc=)[^>]*>[^<]/.test(html), 'no inline script')
    assert.ok(!/(?:src|href)="https?:/.test(html), 'no foreign file')
    assert.ok(!/ on\w+="/.test(html), 'no inline handler')
  }
})

test('assets: named by content, kept for ever, 304, gzip or plain', async () => {
  const { assets } = await page()
  for (const path of assets) {
    const [zipped, raw] = [
      await plain(path, { 'accept-encoding': 'gzip, br' }),
      await plain(path, { 'accept-encoding': 'identity' }),
    ]
    assert.equal(zipped.status, 200)
    assert.equal(zipped.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(zipped.headers['content-encoding'], 'gzip')
    assert.match(zipped.headers.vary, /accept-encoding/i)
    assert.equal(raw.headers['content-encoding'], undefined)
    assert.ok(gunzipSync(zipped.bytes).equals(raw.bytes))
    assert.match(zipped.headers['content-type'], path.endsWith('.js') ? /javascript/ : /css/)
    const unchanged = await plain(path, { 'if-none-match': zipped.headers.etag })
    assert.deepEqual([unchanged.status, unchanged.bytes.length], [304, 0])
    assert.equal((await plain(path, { 'if-none-match': '"other"' })).status, 200)
    const head = await plain(path, {}, 'HEAD')
    assert.deepEqual([head.status, head.bytes.length], [200, 0])
  }
})

test('any page address is the application; a missing file is missing', async () => {
  const { reply, html } = await page()
  assert.equal(reply.headers['cache-control'], 'no-cache')
  assert.match(reply.headers['content-type'], /text\/html/)
  for (const path of ['/desk', '/tickets/17', '/people', '/login'])
    assert.equal((await plain(path)).bytes.toString(), html, path)
  const phone = (await plain('/m')).bytes.toString()
  assert.equal((await plain('/m/tickets/17')).bytes.toString(), phone)
  for (const path of ['/assets/none.js', '/favicon.none', '/../etc/passwd.txt', '/.env'])
    assert.equal((await plain(path)).status, 404, path)
  assert.equal((await plain('/', {}, 'POST')).status, 405)
})

test('health, readiness, metrics', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const reply = await anyone.get(path)
    expect(reply, 200)
    assert.equal(reply.body, 'ok\n')
    assert.equal(reply.headers.get('cache-control'), 'no-store')
  }
  const value = (text, name) => Number(text.match(new RegExp(`^${name} (\\S+)$`, 'm'))[1])
  const count = async () => value((await anyone.get('/metrics')).body, 'anju_http_seconds_count')
  const before = await count()
  await (await house.as('desk')).get('tickets')
  assert.ok((await count()) > before)
  const { body } = await anyone.get('/metrics')
  for (const line of body.trim().split('\n')) assert.match(line, /^(#.*|anju_[a-z_]+(\{[^}]*\})? -?[\d.e+]+)$/)
  assert.ok(value(body, 'anju_db_commits_total') > 0)
})

test('/openapi.json is a document of every address the program knows', async () => {
  const doc = (await anyone.get('/openapi.json')).body
  assert.equal(doc.openapi, '3.1.0')
  const ids = Object.values(doc.paths).flatMap((p) =>
    Object.entries(p)
      .filter(([k]) => k !== 'parameters')
      .map(([, o]) => o.operationId),
  )
  assert.equal(new Set(ids).size, ids.length, 'each operation has its own name')
  for (const path of [
    '/api/v1/tickets',
    '/api/v1/tickets/{id}/actions/{action}',
    '/api/v1/session',
    '/api/v1/desk/board',
    '/api/v1/events',
  ])
    assert.ok(doc.paths[path], path)
  const refs = JSON.stringify(doc)
    .match(/"#\/components\/[^"]+"/g)
    .map((r) => JSON.parse(r))
  for (const ref of new Set(refs))
    assert.ok(
      ref
        .slice(2)
        .split('/')
        .reduce((at, step) => at?.[step], doc),
      ref,
    )
})
