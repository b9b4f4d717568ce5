// The browser is Debian's own Chromium; nothing is downloaded. Two workers, each file whole in one: a page mostly waits, and one
// alone leaves a quarter of the smallest machine idle.
import { defineConfig } from '@playwright/test'

/* The files whose circles are walked on PostgreSQL too, whole; story, mail and desk_round choose for themselves. */
const BOTH = /(circle|desk_depth|hands)\.spec\.mjs$/
const postgres = (process.env.ANJU_TEST_ENGINES ?? 'sqlite postgres').includes('postgres')

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.mjs',
  workers: 2,
  projects: [{ name: 'sqlite', metadata: { engine: 'sqlite' } }, ...(postgres ? [{ name: 'postgres', testMatch: BOTH, metadata: { engine: 'postgres' } }] : [])],
  retries: 0,
  forbidOnly: !!process.env.CI,
  timeout: 180_000,
  expect: { timeout: 30_000 }, // two cores for the server, the browser and whatever else runs there
  outputDir: `../../${process.env.ANJU_BUILD ?? 'build'}/e2e`,
  reporter: [['line'], ...(process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ? [['json']] : [])],
  use: {
    browserName: 'chromium',
    headless: true,
    launchOptions: { executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] },
    viewport: { width: 1366, height: 768 },
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    screenshot: 'only-on-failure',
    trace: process.env.ANJU_TEST_TRACE ? 'retain-on-failure' : 'off', // costs a third of the time
  },
})
