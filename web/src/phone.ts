// The phone entry: workers and residents under /m. Only the frame loads at once; each role's pages come when opened.
import { createApp } from 'vue'
import { spare_set } from './kit/api'
import { lang_apply } from './kit/i18n'
import { prefs_apply } from './kit/prefs'
import { phone_router } from './shell/phone-router'
import PhoneApp from './shell/PhoneApp.vue'
import './style/tokens.css'
import './style/base.css'
import './style/parts.css'
import './style/phone.css'

lang_apply()
prefs_apply()

const open = /^\/([pqv])\/([^/]+)$/.exec(location.pathname)
if (open) void import('./rooms/intake/phone/open').then((m) => m.open(open[1], open[2]))
else start()

function start(): void {
  spare_set(() => import('./offline/copy'))
  const router = phone_router({
    '/': () => import('./rooms/service/phone/HomePage.vue'),
    '/pool': () => import('./rooms/service/phone/PoolPage.vue'),
    '/task/:id': () => import('./rooms/service/phone/TaskPage.vue'),
    '/requests': () => import('./rooms/service/phone/RequestsPage.vue'),
    '/request/:id': () => import('./rooms/service/phone/RequestPage.vue'),
    '/report/:kind': () => import('./rooms/service/phone/ReportPage.vue'),
    '/me': () => import('./rooms/service/phone/MePage.vue'),
    '/data': () => import('./rooms/privacy/phone/MyDataPage.vue'),
    '/account': () => import('./shell/AccountPage.vue'),
  })
  createApp(PhoneApp).use(router).mount('#app')
  void import('./offline/install').then((m) => m.install())
}
