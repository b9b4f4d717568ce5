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
registry.menu_page('loops', '/loops')
registry.menu_page('quality', '/quality')
registry.menu_page('qr-signs', '/qr-signs')
registry.record_part('tickets', 'panel', defineAsyncComponent(() => import('./rooms/intake/TicketSeal.vue')))
registry.record_part('tickets', 'panel', defineAsyncComponent(() => import('./rooms/mail/TicketLetters.vue')))
registry.record_part('tickets', 'bar', defineAsyncComponent(() => import('./rooms/intake/LinkButtons.vue')))
for (const of of ['spaces', 'people']) registry.record_part(of, 'peek', defineAsyncComponent(() => import('./rooms/service/HomeLinks.vue')))
registry.record_part('tickets', 'form', defineAsyncComponent(() => import('./rooms/service/SortHelp.vue')))
registry.menu_page('handbook', '/handbook')
registry.list_start('return-visits', 'state=open&sort=due_at')
registry.record_page('handbook-pages', (id) => '/handbook?page=' + id)
registry.create_page('person-merges', '/duplicates')
registry.record_page('tickets', (id) => '/tickets/' + id)
registry.action_dialog('tickets', 'inform', defineAsyncComponent(() => import('./rooms/service/InformDialog.vue')))
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
    { path: '/quality', component: () => import('./rooms/people/QualityPage.vue') },
    { path: '/households/:id(\\d+)', component: () => import('./rooms/service/HouseholdPage.vue'), props: (r) => ({ id: Number(r.params.id) }) },
    { path: '/tickets/:id(\\d+)/sheet', component: () => import('./rooms/service/WorkSheet.vue'), props: (r) => ({ id: Number(r.params.id) }) },
    { path: '/qr-signs', component: () => import('./rooms/intake/SignsPage.vue') },
    { path: '/handbook', component: () => import('./rooms/handbook/HandbookPage.vue') },
    { path: '/loops', component: () => import('./rooms/service/LoopsPage.vue') },
    { path: '/import/:path', component: () => import('./shell/ImportPage.vue'), props: true },
    { path: '/r/:path', component: ListPage, props: true },
    { path: '/desk', component: () => import('./rooms/service/DeskPage.vue') },
    { path: '/tickets/:id(\\d+)', component: () => import('./rooms/service/TicketPage.vue'), props: (r) => ({ id: Number(r.params.id) }) },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})
createApp(DeskApp).use(router).mount('#app')
