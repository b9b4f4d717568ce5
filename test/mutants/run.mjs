// run.mjs - `make mutants`: takes each protection of list.mjs away, one at a time, in a copy of the tree, and runs the tests that
// must then fail: a test that passes without what it tests is no test. ONLY="csrf|token": those whose name matches.
// MUTANTS_ENGINE=postgres: journeys on that engine (sqlite). One line each; exit 1 when one survives or does not build.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { removeDir, tempDir } from '../lib/temp.mjs'
import { mutants } from './list.mjs'

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..')
const wanted = new RegExp(process.env.ONLY || '.', 'i')
const dir = tempDir('anju-mutants')
const env = { ...process.env, ANJU_BUILD: 'build', ANJU_TEST_ENGINES: process.env.MUTANTS_ENGINE || 'sqlite', CCACHE_BASEDIR: dir, CCACHE_NOHASHDIR: '1' }
for (const name of ['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'ONLY', 'B', 'MODE']) delete env[name]
const run = (command, args) => spawnSync(command, args, { cwd: dir, env, encoding: 'utf8', maxBuffer: 256 << 20 })

// What git knows, as it is in the folder now, and what npm brought: no network for a copy.
function copyTree() {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, maxBuffer: 64 << 20 }).toString().split('\0')
  execFileSync('cp', ['--parents', '-a', ...files.filter((f) => f && existsSync(join(root, f))), dir], { cwd: root })
  for (const f of ['web/node_modules', 'test/node_modules']) execFileSync('cp', ['-a', join(root, f), join(dir, f)])
}
// The browser and the faults see the release build, everything else the one with the address sanitizer.
function build(file, tests) {
  const jobs = ['-j2', '-s', 'WARN=-w'] // what a mutant leaves unused is no fault
  const ships = tests.some((t) => /^test\/(e2e|faults)\//.test(t))
  const runs = [...(ships ? [['all']] : []), ...(file.startsWith('web/') ? [] : [['MODE=asan', 'all', 'tests']])]
  for (const args of runs) {
    const made = run('make', [...jobs, ...args])
    if (made.status !== 0) return made.stdout + made.stderr
  }
  return null
}
function failing(tests) {
  for (const test of tests) {
    const ran = run('node', ['test/run.mjs', test])
    if (ran.status === 0) continue
    // The names of the tests that noticed: cmocka's, node's or the browser's.
    const names = [...ran.stdout.matchAll(/^\s*(?:not ok \d+ - (.*)|\d+\) (.* › .*))$/gm)].map((m) => (m[1] ?? m[2]).trim())
    return `${test}: ${names.filter((n) => !/sqlite|postgres|\.mjs$/.test(n))[0] ?? 'failed'}`
  }
  return null
}

let bad = 0
try {
  copyTree()
  const whole = build('', ['test/e2e/'])
  if (whole) throw new Error(`the tree does not build:\n${whole}`)
  for (const [name, file, from, to, ...tests] of mutants.filter(([n]) => wanted.test(n))) {
    const path = join(dir, file)
    const text = readFileSync(path, 'utf8')
    const began = Date.now()
    let said
    if (text.split(from).length !== 2) said = `STALE    the text is ${text.split(from).length - 1} times in ${file}`
    else {
      writeFileSync(path, text.replace(from, () => to))
      const failed = build(file, tests)
      const seen = failed ? null : failing(tests)
      said = failed ? `NO BUILD ${failed.slice(-600)}` : seen ? `noticed  ${seen}` : `SURVIVED ${tests.join(' ')}`
      writeFileSync(path, text)
    }
    if (!said.startsWith('noticed')) bad++
    console.log(`${said}\t${name} (${((Date.now() - began) / 1000).toFixed(0)} s)`)
  }
} finally {
  removeDir(dir)
}
console.log(bad ? `${bad} to look at` : 'every protection is missed when it is gone')
process.exitCode = bad ? 1 : 0
