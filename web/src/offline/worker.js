// The service worker of the phone (/m): keeps the shell - one page and the files it can ask for - so that it opens without
// a network. vite.config.ts puts SHELL and VERSION in front. It never touches the API: what a person may keep of the
// server's data is decided in copy.ts, by who is logged in. A new version waits until the person says so (install.ts) or all
// windows are closed: a page is never changed under what somebody is typing.
const NAME = 'anju-shell-' + VERSION

self.addEventListener('install', (e) => {
  e.waitUntil(caches.open(NAME).then((c) => c.addAll(SHELL.map((url) => new Request(url, { cache: 'no-cache' })))))
})
self.addEventListener('activate', (e) => {
  e.waitUntil(self.clients.claim()) // the first time: what this very page loads later must be there too
  e.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((n) => n.startsWith('anju-shell-') && n !== NAME).map((n) => caches.delete(n)))),
  )
})
self.addEventListener('message', (e) => {
  if (e.data === 'take-over') self.skipWaiting()
})

async function kept(url, request) {
  const cache = await caches.open(NAME)
  return (await cache.match(url, { ignoreVary: true })) ?? fetch(request)
}
self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url)
  if (e.request.method !== 'GET' || url.origin !== location.origin) return
  if (e.request.mode === 'navigate') {
    if (url.pathname === '/m' || url.pathname.startsWith('/m/')) e.respondWith(kept('/m', e.request))
  } else if (SHELL.includes(url.pathname)) e.respondWith(kept(url.pathname, e.request))
})
