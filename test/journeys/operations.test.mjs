// operations.test.mjs - what the people who run the machine rely on: https and its renewal, the log file's bound, the names
// in /metrics, a doctor that says ok only of what he tried, and the Debian package's contents.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, openHouse, PASSWORD } from '../lib/house.mjs'
import { cli, engine } from '../lib/server.mjs'
import { removeDir, tempDir } from '../lib/temp.mjs'

const dir = tempDir('anju-operations')
const program = resolve(process.env.ANJU_BIN ?? join(process.env.ANJU_BUILD ?? 'build', 'anju'))
let house
before(async () => {
  house = await openHouse()
})
after(async () => {
  await house.stop()
  removeDir(dir)
})
async function until(what, look) {
  for (let i = 0; i < 600; i++) {
    const found = await look()
    if (found) return found
    await pause(100)
  }
  assert.fail(`waited in vain for ${what}`)
}

// --- https ---

function certificate(name, days = 30) {
  const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)]
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert]
      .concat(['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', String(days)]),
    { stdio: 'ignore' },
  )
  return { cert, key }
}
// → { version, cipher, name } of one handshake; rejects when it fails
function shake(port, options) {
  return new Promise((done, fail) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
      done({ version: socket.getProtocol(), cipher: socket.getCipher().name, name: socket.getPeerCertificate().subject.CN })
      socket.destroy()
    })
    socket.on('error', fail)
  })
}
const weak = (version) => ({ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' })
const ask = (port, path, options = {}) =>
  new Promise((done, fail) => {
    const { body, ...rest } = options
    const all = { host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false, ...rest }
    const request = https.request(all, (reply) => {
      const parts = []
      reply.on('data', (p) => parts.push(p))
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, text: Buffer.concat(parts).toString() }))
    })
    request.on('error', fail)
    request.end(body)
  })

test('https: 1.2 and 1.3 with good ciphers, nothing older; secure cookie, HSTS; renewed while connections stay', async () => {
  const { cert, key } = certificate('first')
  const log = join(dir, 'tls.log')
  const args = ['--tls-cert', cert, '--tls-key', key, '--log-file', log]
  const child = await startTls(house.server.db, args, log)
  try {
    const { port } = child
    for (const version of ['TLSv1', 'TLSv1.1']) await assert.rejects(shake(port, weak(version)), version)
    const [two, three] = [await shake(port, weak('TLSv1.2')), await shake(port, weak('TLSv1.3'))]
    assert.deepEqual([two.version, three.version], ['TLSv1.2', 'TLSv1.3'])
    for (const { cipher } of [two, three]) assert.match(cipher, /GCM|CHACHA20/)
    for (const ciphers of ['AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384'])
      await assert.rejects(shake(port, { ...weak('TLSv1.2'), ciphers: `${ciphers}:@SECLEVEL=0` }), ciphers)

    const body = JSON.stringify({ login: 'desk', password: PASSWORD })
    const headers = { 'content-type': 'application/json' }
    const login = await ask(port, '/api/v1/session', { method: 'POST', headers, body })
    assert.equal(login.status, 201)
    assert.match(login.headers['set-cookie'][0], /; Secure(;|$)/)
    const cookie = login.headers['set-cookie'][0].split(';')[0]
    assert.match(cookie, /^__Host-anju=/)
    assert.equal((await ask(port, '/api/v1/session', { headers: { cookie } })).status, 200)
    assert.equal(login.headers['strict-transport-security'], 'max-age=31536000')

    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 }) // one connection, open over the renewal
    assert.equal((await ask(port, '/healthz', { agent })).status, 200)
    const [socket] = Object.values(agent.freeSockets)[0]
    const next = certificate('second')
    renameSync(next.cert, cert)
    renameSync(next.key, key)
    child.process.kill('SIGHUP')
    await until('the new certificate', async () => (await shake(port)).name === 'second')
    assert.equal((await ask(port, '/healthz', { agent })).status, 200)
    assert.ok(!socket.destroyed && Object.values(agent.freeSockets)[0][0] === socket, 'the old connection went on')
    agent.destroy()

    writeFileSync(key, 'no key') // a renewal that went wrong changes nothing
    child.process.kill('SIGHUP')
    await until('a line about it', () => /level=error area=serve .*stays.*no private key/.test(readFileSync(log, 'utf8')))
    assert.equal((await shake(port)).name, 'second')
  } finally {
    await child.stop()
  }
})

// startServer waits for http://; here the log file says where it listens.
async function startTls(db, args, log) {
  const { spawn } = await import('node:child_process')
  const { ownChild, exited } = await import('../lib/temp.mjs')
  const data = join(dir, 'tls-data')
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const key = join(house.server.dir, 'anju.key')
  const all = ['serve', '--db', db, '--data', data, '--key-file', key, '--node', '1', '--listen', '127.0.0.1:0', ...args]
  const process = ownChild(spawn(program, all, { stdio: 'ignore' }))
  const found = await until('https', () => existsSync(log) && readFileSync(log, 'utf8').match(/https:\/\/127\.0\.0\.1:(\d+)/))
  return {
    port: Number(found[1]),
    process,
    async stop() {
      process.kill('SIGTERM')
      await exited(process)
      assert.equal(process.exitCode, 0)
    },
  }
}

test('https: a certificate that cannot be served is refused at the start, in words', async () => {
  const [good, other, old] = [certificate('good'), certificate('other'), join(dir, 'old.pem')]
  // openssl req has no -not_after in Debian 12: x509 signs anew with a day in the past.
  const csr = join(dir, 'old.csr')
  execFileSync('openssl', ['req', '-new', '-key', good.key, '-subj', '/CN=old', '-out', csr])
  execFileSync('openssl', ['x509', '-req', '-in', csr, '-signkey', good.key, '-days', '-1', '-out', old], { stdio: 'ignore' })
  const noise = join(dir, 'noise.pem')
  writeFileSync(noise, 'hello')
  for (const [cert, key, words] of [
    ['/nowhere.pem', good.key, /cannot read \/nowhere\.pem: No such file/],
    [noise, good.key, /holds no PEM certificate/],
    [good.cert, noise, /holds no private key/],
    [good.cert, other.key, /does not belong to the certificate/],
    [old, good.key, /expired on \d{4}-\d\d-\d\d; renew it/],
    [good.cert, null, /both a certificate and its key/],
  ]) {
    const { code, err } = await cli([
      ...['serve', '--db', `sqlite:${join(dir, 'refused.db')}`, '--data', join(dir, 'refused'), '--listen', '127.0.0.1:0'],
      ...['--tls-cert', cert, ...(key ? ['--tls-key', key] : [])],
    ])
    assert.equal(code, 1)
    assert.match(err, words)
  }
})

test('a proxy is believed when it is trusted, one of a list too: https, secure cookie, HSTS', async () => {
  const claim = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' }
  const seen = async (server) => {
    const reply = await fetch(`${server.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...claim },
      body: JSON.stringify({ login: 'desk', password: PASSWORD }),
    })
    assert.equal(reply.status, 201)
    return [/; Secure/.test(reply.headers.get('set-cookie')), reply.headers.get('strict-transport-security')]
  }
  assert.deepEqual(await seen(house.server), [false, null], 'anybody can send a header')
  const behind = await openHouse({ args: ['--trusted-proxy', '192.0.2.1, 127.0.0.1'] })
  try {
    assert.deepEqual(await seen(behind.server), [true, 'max-age=31536000'])
  } finally {
    await behind.stop()
  }
})

// --- logs ---

test('the log file: bounded over all its files, opened anew on SIGHUP, refused when it cannot be', async () => {
  const folder = join(dir, 'logs')
  mkdirSync(folder)
  const path = join(folder, 'anju.log')
  const child = await startTls(house.server.db, [...tlsArgs(), '--log-file', path, '--log-mb', '10', '--log', 'debug'], path)
  try {
    renameSync(path, join(folder, 'moved')) // as logrotate does
    child.process.kill('SIGHUP')
    await until('a new file', () => existsSync(path) && /msg="reloaded"/.test(readFileSync(path, 'utf8')))
    // Two megabytes of lines: more than one file's share of ten.
    const agent = new https.Agent({ keepAlive: true, maxSockets: 8 })
    const many = async () => {
      for (let i = 0; i < 250; i++) await ask(child.port, `/api/v1/session?${'x'.repeat(60)}`, { agent })
    }
    await until('a second file', async () => {
      await Promise.all(Array.from({ length: 8 }, many))
      return existsSync(`${path}.1`)
    })
    agent.destroy()
    for (const name of readdirSync(folder).filter((n) => n !== 'moved'))
      assert.ok(statSync(join(folder, name)).size <= (1 << 20) + 8192, `${name} is bounded`)
  } finally {
    await child.stop()
  }
  for (const [args, words] of [
    [['--log-file', '/nowhere/anju.log'], /cannot write the log file/],
    [['--log-file', path, '--log-mb', '3'], /--log-mb is a number from 10/],
  ]) {
    const { code, err } = await house.server.cli(['serve', '--listen', '127.0.0.1:0', ...args])
    assert.equal(code, 2)
    assert.match(err, words)
  }
})
const tlsArgs = () => {
  const { cert, key } = certificate('logs')
  return ['--tls-cert', cert, '--tls-key', key]
}

// --- metrics ---

const METRICS = `anju_build_info anju_db_commits_total anju_db_failed_total anju_db_queue anju_db_retries_total anju_db_slow_total
  anju_db_statements_total anju_db_up anju_db_writes_total anju_http_connections anju_http_queue anju_http_rejected_total
  anju_http_responses_total anju_http_seconds anju_http_workers anju_jobs_dead anju_jobs_due anju_jobs_oldest_seconds
  anju_live_streams anju_logins_total anju_process_open_fds anju_process_resident_bytes anju_process_threads
  anju_start_time_seconds`.split(/\s+/)

test('/metrics: every name is known, documented, valid text format and moves with what happens', async () => {
  const anyone = await house.anyone()
  const text = async () => (await anyone.get('/metrics')).body
  const value = (body, name) => Number(body.split('\n').find((l) => l.startsWith(`${name} `)).split(' ')[1])
  const first = await text()
  assert.deepEqual([...first.matchAll(/^# TYPE (\S+) /gm)].map((m) => m[1]).sort(), METRICS, 'a name is a promise')
  const page = readFileSync('docs/operations.md', 'utf8')
  let family
  for (const line of first.trimEnd().split('\n')) {
    const head = line.match(/^# (HELP|TYPE) (\w+) (.+)$/)
    if (head) {
      if (head[1] === 'TYPE') assert.match(head[3], /^(counter|gauge|histogram)$/)
      family = head[2]
      assert.ok(page.includes(family), `docs/operations.md explains ${family}`)
      continue
    }
    const sample = line.match(/^(\w+?)(_bucket|_sum|_count)?(\{\w+="[^"\\]*"(,\w+="[^"\\]*")*\})? -?[\d.e+-]+$/)
    assert.ok(sample && line.startsWith(family), line)
  }
  const buckets = [...first.matchAll(/^anju_http_seconds_bucket\{le="[^"]+"\} (\d+)$/gm)].map((m) => Number(m[1]))
  assert.deepEqual(buckets, [...buckets].sort((a, b) => a - b), 'buckets add up')
  assert.equal(buckets.at(-1), value(first, 'anju_http_seconds_count'))

  const failed = 'anju_logins_total{result="failed"}'
  expect(await anyone.post('session', { login: 'nobody-here', password: 'Wrong-pass-1' }), 401)
  const second = await text()
  assert.equal(value(second, failed), value(first, failed) + 1)
  for (const name of ['anju_process_resident_bytes', 'anju_process_threads', 'anju_process_open_fds', 'anju_db_up'])
    assert.ok(value(second, name) > 0, name)
  assert.match(second, new RegExp(`^anju_build_info\\{version="[^"]+",engine="${engine}"\\} 1$`, 'm'))
})

// --- doctor ---

const doctor = async (args = [], code = 0) => {
  const run = await house.server.cli(['doctor', '--json', ...args])
  assert.equal(run.code, code, run.out + run.err)
  const { probes } = JSON.parse(run.out)
  return Object.fromEntries(probes.map((p) => [p.name, p]))
}
const listen = () => ['--listen', house.url.slice('http://'.length)]

test('doctor: every channel of a healthy house is tried, and leaves nothing behind', async () => {
  const found = await doctor(listen())
  for (const name of ['database', 'schema', 'jobs', 'clock', 'time zones', 'limits', 'engine', 'web door', 'job run', 'live'])
    assert.equal(found[name].state, 'ok', JSON.stringify(found[name]))
  assert.equal(found.accounts.state, 'warn')
  assert.match(found.accounts.tried, /demo accounts/)
  for (const name of ['tls', 'backups']) assert.equal(found[name].state, 'not tried', 'what was not tried is not ok')
  for (const p of Object.values(found)) {
    assert.ok(p.tried.length > 10, p.name)
    if (p.state === 'warn' || p.state === 'broken') assert.ok(p.next, `${p.name} says what to do`)
  }
  const security = await house.as('security')
  assert.deepEqual(
    expect(await security.get('tokens?limit=200'), 200).items.filter((t) => t.name === 'anju doctor'),
    [],
    'its one-time token is gone',
  )
  assert.deepEqual(readdirSync(house.server.dir).filter((n) => n.startsWith('doctor-')), [])
})

test('doctor: what is broken is called broken, and the rest is still tried', async () => {
  const nobody = ['--listen', '127.0.0.1:1']
  const alone = await doctor([...nobody, '--backups', dir], 1)
  assert.equal(alone['web door'].state, 'broken')
  assert.equal(alone.live.state, 'broken')
  assert.equal(alone['job run'].state, 'ok', 'the service does run, only not there')
  assert.notEqual(alone.backups.state, 'not tried')

  const none = await cli(['doctor', '--json', '--db', `sqlite:${join(dir, 'none.db')}`, '--data', join(dir, 'none'), ...nobody])
  assert.equal(none.code, 1)
  const states = Object.fromEntries(JSON.parse(none.out).probes.map((p) => [p.name, p.state]))
  assert.equal(states.database, 'broken')
  for (const name of ['schema', 'uploads', 'jobs', 'accounts', 'engine', 'job run', 'live']) assert.equal(states[name], 'not tried')
  assert.equal(states['data folder'], 'broken')
  assert.ok(!existsSync(join(dir, 'none.db')), 'a doctor makes no database')

  // A service that hears but does not work: frozen, its job stays undone.
  house.server.process().kill('SIGSTOP')
  try {
    const frozen = await doctor(listen(), 1)
    for (const name of ['web door', 'job run', 'live']) assert.equal(frozen[name].state, 'broken', JSON.stringify(frozen[name]))
  } finally {
    house.server.process().kill('SIGCONT')
  }
})

// --- the package ---

test('the Debian package: complete, the same twice, its scripts and manual page sound', { skip: !existsSync('/usr/bin/dpkg-deb') }, () => {
  const sh = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const out = join(dir, 'dist')
  const build = () => sh('tools/deb.sh', program, out, '9.9').trim()
  const file = build()
  const bytes = readFileSync(file)
  assert.ok(readFileSync(build()).equals(bytes), 'reproducible')
  const names = sh('dpkg-deb', '-c', file)
  for (const [mode, path] of [
    ['-rwxr-xr-x root/root', './usr/bin/anju'],
    ['-rwxr-xr-x root/root', './usr/lib/anju/backup'],
    ['-rw-r--r-- root/root', './etc/anju/anju.conf'],
    ['-rw-r--r-- root/root', './lib/systemd/system/anju.service'],
    ['-rw-r--r-- root/root', './usr/share/man/man1/anju.1.gz'],
    ['-rw-r--r-- root/root', './usr/share/doc/anju/copyright'],
  ])
    assert.ok(names.split('\n').some((l) => l.startsWith(mode) && l.endsWith(` ${path}`)), path)
  assert.match(sh('dpkg-deb', '-f', file, 'Depends'), /libmicrohttpd12 .*libsqlite3-0 .*adduser/)
  const root = join(dir, 'root')
  sh('dpkg-deb', '-x', file, root)
  assert.equal(sh(join(root, 'usr/bin/anju'), 'version'), sh(program, 'version'))
  // The settings file of the package is one that the program takes.
  const conf = spawnSync(join(root, 'usr/bin/anju'), ['doc', 'errors', '--config', join(root, 'etc/anju/anju.conf')])
  assert.equal(conf.status, 0, String(conf.stderr))
  const man = sh('zcat', join(root, 'usr/share/man/man1/anju.1.gz'))
  for (const verb of sh(program, '--help').matchAll(/^ {2}([a-z]+) /gm)) assert.match(man, new RegExp(`^\\.?\\\\fBanju ${verb[1]}\\\\fR`, 'm'))
  for (const script of ['preinst', 'postinst', 'prerm', 'postrm']) sh('sh', '-n', `packaging/debian/${script}`)
  if (existsSync('/usr/bin/shellcheck'))
    sh('shellcheck', ...['preinst', 'postinst', 'prerm', 'postrm'].map((s) => `packaging/debian/${s}`), 'tools/deb.sh', 'tools/deb_test.sh', 'packaging/backup.sh')
})

test('the backup script: a new one first, then the oldest of ours go', () => {
  const folder = join(dir, 'backups')
  mkdirSync(folder)
  const fake = join(dir, 'backup-program') // stands for the verb: writes the file it is told
  writeFileSync(fake, '#!/bin/sh\n[ "$1" = backup ] || exit 2\n[ -z "$FAIL" ] || exit 1\necho data >"$2"\n', { mode: 0o755 })
  for (let day = 10; day < 20; day++) writeFileSync(join(folder, `anju-202601${day}T000000Z.backup`), 'old')
  writeFileSync(join(folder, 'notes.txt'), 'mine')
  const run = (env) => spawnSync('packaging/backup.sh', { env: { PATH: process.env.PATH, ANJU_BIN: fake, ANJU_BACKUP_DIR: folder, ...env } })
  assert.equal(run({ FAIL: '1' }).status, 1)
  assert.equal(readdirSync(folder).length, 11, 'a failure removes nothing')
  assert.equal(run({ ANJU_BACKUP_KEEP: 'x' }).status, 2)
  assert.equal(run({ ANJU_BACKUP_KEEP: '3' }).status, 0)
  const kept = readdirSync(folder).sort()
  assert.deepEqual(kept.slice(0, 2), ['anju-20260118T000000Z.backup', 'anju-20260119T000000Z.backup'])
  assert.equal(kept.length, 4)
  assert.ok(kept.includes('notes.txt'))
})
