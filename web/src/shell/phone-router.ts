// The phone's own small router. vue-router alone is 11 kB of the phone entry's 40 kB; eight flat pages need only this:
// History API under /m, lazy pages, remembered scroll positions. It must not grow features: then take the library.
import { defineComponent, h, nextTick, shallowRef, type App, type Component } from 'vue'

interface Route { at: RegExp; page: () => Promise<{ default: Component }>; props: (m: string[]) => Record<string, unknown> }
const BASE = '/m'
const routes: Route[] = []
const shown = shallowRef<{ path: string; page: Component; props: Record<string, unknown> } | null>(null)
export const path = shallowRef(path_now())

function path_now(): string {
  return location.pathname.slice(BASE.length) || '/'
}
async function show(scroll: number): Promise<void> {
  const to = path_now()
  for (const r of routes) {
    const m = r.at.exec(to)
    if (!m) continue
    const page = (await r.page()).default
    if (to !== path_now()) return
    path.value = to
    shown.value = { path: to, page, props: r.props(m) }
    await nextTick()
    scrollTo(0, scroll)
    return
  }
  return replace('/')
}
const url = (to: string) => BASE + (to === '/' ? '' : to)

export function push(to: string): Promise<void> {
  history.replaceState({ ...history.state, scroll: scrollY }, '')
  history.pushState({ depth: (history.state?.depth ?? 0) + 1 }, '', url(to))
  return show(0)
}
export function replace(to: string): Promise<void> {
  history.replaceState({ depth: history.state?.depth ?? 0 }, '', url(to))
  return show(0)
}
/* Back, or to the first page when this tab began here. */
export function back(): void {
  if (history.state?.depth) history.back()
  else void replace('/')
}

export const RouterLink = defineComponent({
  props: { to: { type: String, required: true } },
  setup: (p, { slots }) => () =>
    h('a', {
      href: url(p.to),
      class: { 'router-link-exact-active': path.value === p.to },
      'aria-current': path.value === p.to ? 'page' : undefined,
      onClick: (e: MouseEvent) => {
        if (e.ctrlKey || e.metaKey || e.shiftKey || e.button) return
        e.preventDefault()
        void push(p.to)
      },
    }, slots.default?.()),
})
export const RouterView = defineComponent({
  setup: () => () => (shown.value ? h(shown.value.page, { ...shown.value.props, key: shown.value.path }) : null),
})

/* patterns: '/task/:id' takes digits, ':word' names take letters. */
export function phone_router(table: Record<string, Route['page']>) {
  for (const [pattern, page] of Object.entries(table)) {
    const names = [...pattern.matchAll(/:(\w+)/g)].map((m) => m[1])
    routes.push({
      at: new RegExp('^' + pattern.replace(/:id/g, '(\\d+)').replace(/:\w+/g, '([a-z]+)') + '$'),
      page,
      props: (m) => Object.fromEntries(names.map((n, i) => [n, n === 'id' ? Number(m[i + 1]) : m[i + 1]])),
    })
  }
  return {
    install(app: App): void {
      app.component('RouterLink', RouterLink)
      app.component('RouterView', RouterView)
      history.scrollRestoration = 'manual'
      addEventListener('popstate', (e) => void show((e.state as { scroll?: number } | null)?.scroll ?? 0))
      void show(0)
    },
  }
}
