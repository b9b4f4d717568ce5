// Writes /phone-worker.js into the build: src/offline/worker.js with the list of files the phone can ask for - everything
// its entry imports at once or later, its pictures and its manifest - and a version that changes when any of them does.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { minify } from 'terser'

const web = new URL('..', import.meta.url).pathname
export const WORKER = 'phone-worker.js'

function reach(bundle, name, seen) {
  const chunk = bundle[name]
  if (!chunk || seen.has(name)) return seen
  seen.add(name)
  for (const css of chunk.viteMetadata?.importedCss ?? []) seen.add(css)
  for (const next of [...(chunk.imports ?? []), ...(chunk.dynamicImports ?? [])]) reach(bundle, next, seen)
  return seen
}

export function phone_shell() {
  return {
    name: 'anju-phone-shell',
    enforce: 'post',
    apply: 'build',
    async generateBundle(_, bundle) {
      const entry = Object.values(bundle).find((c) => c.type === 'chunk' && c.isEntry && c.name === 'phone')
      const files = [...reach(bundle, entry.fileName, new Set())].sort()
      const pictures = readdirSync(web + 'public').filter((f) => /\.(svg|png|webmanifest)$/.test(f)).sort()
      const hash = createHash('sha256')
      for (const f of ['m.html', ...files]) hash.update(bundle[f].code ?? bundle[f].source)
      for (const f of pictures) hash.update(readFileSync(web + 'public/' + f))
      const source = readFileSync(web + 'src/offline/worker.js', 'utf8')
      hash.update(source)
      const shell = ['/m', ...[...files, ...pictures].map((f) => '/' + f)]
      const head = `const VERSION = ${JSON.stringify(hash.digest('hex').slice(0, 16))}\nconst SHELL = ${JSON.stringify(shell)}\n`
      this.emitFile({ type: 'asset', fileName: WORKER, source: (await minify(head + source, { ecma: 2020, toplevel: true })).code })
    },
  }
}
