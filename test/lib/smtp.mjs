// smtp.mjs - the mail around the program: a server of others (smtp.py), and msmtp, which the program calls to send and the
// tests call to write to it.
//   const smtp = await startSmtp('wy.example.cn')       openHouse({ args: ['--sendmail', smtp.sendmail] })
//   smtp.deliverTo(server)                              what is for that domain goes to `anju mail` of this server
//   const said = await smtp.write('a@b.cn', 'service@wy.example.cn', message)   → { code, err }
//   const letter = await smtp.came('a@b.cn')            the next letter that came for that address: { head, text, raw }
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { exited, ownChild, removeDir, tempDir } from './temp.mjs'

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((ready) => probe.once('listening', ready))
  const { port } = probe.address()
  await new Promise((done) => probe.close(done))
  return port
}
function script(path, text) {
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o700)
  return path
}
// The head's lines by name in lower case, encoded words decoded; the text decoded.
function read(raw) {
  const [top, ...rest] = raw.replace(/\r\n/g, '\n').split('\n\n')
  const words = (s) => s.replace(/\?=\s+=\?/g, '?==?').replace(/=\?utf-8\?(b|q)\?([^?]*)\?=/gi, (_, how, x) =>
    how.toLowerCase() === 'b' ? Buffer.from(x, 'base64').toString() : decodeURIComponent(x.replace(/_/g, ' ').replace(/=/g, '%')))
  const head = Object.fromEntries(top.replace(/\n[ \t]+/g, ' ').split('\n').map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), words(l.slice(l.indexOf(':') + 2))]))
  const body = rest.join('\n\n')
  return { raw, head, text: /base64/.test(head['content-transfer-encoding']) ? Buffer.from(body, 'base64').toString() : body }
}

export async function startSmtp(domain) {
  const dir = tempDir('anju-smtp')
  const port = await freePort()
  const conf = join(dir, 'msmtprc')
  writeFileSync(conf, `account default\nhost 127.0.0.1\nport ${port}\nauth off\ntls off\ntimeout 20\n`, { mode: 0o600 })
  let child
  async function start() {
    child = ownChild(spawn('/usr/bin/python3', [resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, 'smtp.py'), dir, domain, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] }))
    await new Promise((ready, fail) => {
      child.stdout.once('data', ready)
      child.once('exit', () => fail(new Error('the mail server did not start')))
    })
  }
  await start()
  const seen = new Set()
  return {
    dir,
    start,
    sendmail: script(join(dir, 'sendmail'), `exec msmtp -C ${conf} "$@"`),
    deliverTo(server) {
      const program = resolve(process.env.ANJU_BIN ?? join(process.env.ANJU_BUILD ?? 'build', 'anju'))
      script(join(dir, 'mda'), `exec ${program} mail --to "$1" --db '${server.db}' --data '${server.dir}'`)
    },
    async write(from, to, message) {
      const one = ownChild(spawn('msmtp', ['-C', conf, '-f', from, '--', to]))
      let err = ''
      one.stderr.setEncoding('utf8').on('data', (text) => (err += text))
      one.stdin.on('error', () => {})
      one.stdin.end(message)
      await exited(one)
      return { code: one.exitCode, err }
    },
    async came(to) {
      for (let i = 0; i < 600; i++) {
        const name = existsSync(dir) && readdirSync(dir).sort().find((n) => n.endsWith(`-${to}.eml`) && !seen.has(n))
        if (name) {
          seen.add(name)
          return read(readFileSync(join(dir, name), 'utf8'))
        }
        await pause(100)
      }
      throw new Error(`no letter came for ${to}`)
    },
    waiting: () => readdirSync(dir).filter((n) => n.endsWith('.eml') && !seen.has(n)).length,
    async halt() {
      child.stdin.end()
      await exited(child)
    },
    async stop() {
      child.kill('SIGKILL')
      await exited(child)
      removeDir(dir)
    },
  }
}
