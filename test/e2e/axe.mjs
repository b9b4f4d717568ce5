// axe.mjs - the accessibility check of every browser spec: axe, all rules of WCAG 2.1 A and AA. Why not the ready-made
// @axe-core/playwright: it sends axe's 1.3 MB three times for each check and fetches up to 800 kB about what passed. Here
// the browser keeps axe for every page of a window, starts it when first asked, and answers with violations only. No rule
// and no element may be left out here to save time.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect } from '@playwright/test'

const RULES = ['wcag2a', 'wcag2aa', 'wcag21aa']
const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const keep = `globalThis.startAxe = () => { ${source}\nreturn window.axe }`
const kept = new WeakSet()

// A page computes few colours and axe reads each thousands of times: its slow reading is done once a text.
function runAxe([tags, without]) {
  if (!window.axe) {
    const { Color } = globalThis.startAxe().commons.color
    const read = Color.prototype.parseString
    const known = new Map()
    Color.prototype.parseString = function (text) {
      const before = known.get(text)
      if (before) [this.r, this.g, this.b, this.alpha] = before
      else {
        read.call(this, text) // throws for what is no colour
        known.set(text, [this.r, this.g, this.b, this.alpha])
      }
      return this
    }
  }
  const rules = Object.fromEntries(without.map((rule) => [rule, { enabled: false }]))
  const options = { runOnly: { type: 'tag', values: tags }, rules, reporter: 'no-passes' }
  return window.axe.run(document, options).then((r) => r.violations)
}

/* → axe's violations on the page as it stands. */
export async function violationsOf(page, without = []) {
  expect(page.frames(), 'axe is started in the main frame only').toHaveLength(1)
  const context = page.context()
  if (!kept.has(context)) {
    kept.add(context)
    await context.addInitScript({ content: keep })
  }
  if (!(await page.evaluate(() => 'startAxe' in globalThis))) await page.evaluate(keep)
  return page.evaluate(runAxe, [RULES, without])
}
export const isGrave = (v) => v.impact === 'serious' || v.impact === 'critical'
