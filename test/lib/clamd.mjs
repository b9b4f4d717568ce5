// clamd.mjs - ClamAV's daemon with one signature of our own: the EICAR test file. The real ones need hundreds of megabytes from
// the network, and what is asked here is whether its answer is heeded.
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { exited, ownChild } from './temp.mjs'

// In two halves, so that no scanner takes this file away.
export const EICAR = Buffer.from('X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*')

// → { socket, stop(), start() }
export async function startClamd(dir) {
  const socket = join(dir, 'clamd.ctl')
  writeFileSync(join(dir, 'own.ndb'), `Eicar-Test:0:*:${EICAR.toString('hex')}\n`)
  writeFileSync(join(dir, 'clamd.conf'), [`DatabaseDirectory ${dir}`, `LocalSocket ${socket}`, `TemporaryDirectory ${dir}`, 'Foreground yes', 'StreamMaxLength 12M', 'SelfCheck 0', ''].join('\n'))
  let child
  async function start() {
    let log = ''
    child = ownChild(spawn('/usr/sbin/clamd', ['-c', join(dir, 'clamd.conf')], { stdio: ['ignore', 'pipe', 'pipe'] }), 'SIGKILL')
    for (const out of [child.stdout, child.stderr]) out.on('data', (text) => (log += text))
    for (let i = 0; i < 300 && !existsSync(socket); i++) {
      if (child.exitCode !== null) throw new Error(`clamd ended (${child.exitCode}):\n${log}`)
      await pause(100)
    }
  }
  async function stop() {
    child.kill('SIGTERM')
    await exited(child)
  }
  await start()
  return { socket, start, stop }
}
