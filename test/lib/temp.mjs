// temp.mjs - what a test leaves behind: temporary folders and child processes, removed when this process ends, however it
// ends. Signals become an ordinary exit so that the same clean-up runs.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = new Set()
const children = new Set()

export function tempDir(name = 'anju-test') {
  const dir = mkdtempSync(join(tmpdir(), `${name}-`))
  folders.add(dir)
  return dir
}

export function removeDir(dir) {
  folders.delete(dir)
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
}

// The child gets this signal if it still runs at our end.
export function ownChild(child, signal = 'SIGKILL') {
  const entry = { child, signal }
  children.add(entry)
  child.once('exit', () => children.delete(entry))
  return child
}

export function exited(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', resolve))
}

process.on('exit', () => {
  for (const { child, signal } of children) child.kill(signal)
  for (const dir of folders) rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
})
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]])
  process.on(signal, () => process.exit(code))
