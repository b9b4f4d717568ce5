// The desk entry: shell, list and form load at once, bespoke pages when they are opened.
import { createApp, defineAsyncComponent } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'
import ListPage from './kit/ListPage.vue'
import { lang_apply } from './kit/i18n'
import { prefs_apply } from './kit/prefs'
import { registry } from './kit/registry'
import DeskApp from './shell/DeskApp.vue'
import './style/tokens.css'
import './style/base.css'
import './style/parts.css'
import './style/service.css'
import './style/desk.css'

lang_apply()
prefs_apply()

registry.menu_page('desk', '/desk')
registry.menu_page('audit', '/audit')
registry.menu_page('duplicates', '/duplicates')
registry.menu_page('calendar', '/calendar')
registry.menu_page('simulator', '/simulator')
registry.create_page('person-merges', '/duplicates')
registry.record_page('tickets', (id) => '/tickets/' + id)
registry.action_dialog('tickets', 'dispatch', defineAsyncComponent(() => import('./rooms/service/DispatchDialog.vue')))

const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: () => import('./shell/HomePage.vue') },
    { path: '/login', redirect: '/' },
    { path: '/account', component: () => import('./shell/AccountPage.vue') },
    { path: '/audit', component: () => import('./shell/AuditPage.vue') },
    { path: '/duplicates', component: () => import('./rooms/people/DuplicatesPage.vue') },
    { path: '/calendar', component: () => import('./rooms/calendar/CalendarPage.vue') },
    { path: '/simulator', component: () => import('./rooms/service/SimulatorPage.vue') },
    { path: '/import/:path', component: () => import('./shell/ImportPage.vue'), props: true },
    { path: '/r/:path', component: ListPage, props: true },
    { path: '/desk', component: () => import('./rooms/service/DeskPage.vue') },
    { path: '/tickets/:id(\\d+)', component: () => import('./rooms/service/TicketPage.vue'), props: (r) => ({ id: Number(r.params.id) }) },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})
createApp(DeskApp).use(router).mount('#app')
