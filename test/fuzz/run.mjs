// run.mjs - runs the libFuzzer targets one after the other, two processes at a time, and says what came out. New inputs go to
// the build folder; with FUZZ_KEEP=1 those that reach something new are merged into test/fuzz/corpus, smallest first.
//   node test/fuzz/run.mjs FOLDER_OF_TARGETS [name]
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const [folder, only] = process.argv.slice(2)
const SECONDS = process.env.FUZZ_SECONDS ?? '60'
const targets = readdirSync('test/fuzz').filter((f) => /_fuzz\.c$/.test(f)).map((f) => f.replace(/_fuzz\.c$/, '')).filter((n) => !only || n === only)
if (!targets.length) {
  console.error(`no target "${only}"`)
  process.exit(2)
}
const crashes = 'test/fuzz/crashes/'
mkdirSync(crashes, { recursive: true })

function run(name, args) {
  return new Promise((done) => {
    const child = spawn(join(folder, `${name}_fuzz`), args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (t) => (log = (log + t).slice(-20_000)))
    child.once('close', (code) => done({ code, log }))
  })
}

let failed = 0
const queue = [...targets]
async function worker() {
  for (let name = queue.shift(); name; name = queue.shift()) {
    const learnt = join(folder, '..', '..', 'corpus', name)
    const corpus = `test/fuzz/corpus/${name}`
    mkdirSync(learnt, { recursive: true })
    mkdirSync(corpus, { recursive: true })
    const common = ['-detect_leaks=0', '-rss_limit_mb=6000', '-dict=test/fuzz/words.dict', `-artifact_prefix=${crashes}`]
    const { code, log } = await run(name, [`-max_total_time=${SECONDS}`, '-timeout=25', '-max_len=8192', ...common, learnt, corpus])
    const speed = log.match(/Done (\d+) runs in (\d+) second/)
    const cover = [...log.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? '?'
    console.log(`${code === 0 ? 'ok    ' : 'FOUND '} ${name.padEnd(10)} ${speed ? `${speed[1]} runs in ${speed[2]} s` : ''}, ${cover} edges`)
    if (code !== 0) {
      failed++
      console.log(log.slice(-4000))
    } else if (process.env.FUZZ_KEEP) await run(name, ['-merge=1', ...common, corpus, learnt])
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
process.exitCode = failed ? 1 : 0
