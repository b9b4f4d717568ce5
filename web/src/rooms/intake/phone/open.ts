// Pages of the phone's entry that need no login: /p/ a ticket's progress, /v/ one vote on it,
// /q/ the sign on a wall. What follows is the secret that opens it; it is
// never kept in the browser's store.
import { createApp, type Component } from 'vue'
import PublicFrame from './PublicFrame.vue'

const pages: Record<string, () => Promise<{ default: Component }>> = {
  p: () => import('./ProgressPage.vue'),
  v: () => import('./RatePage.vue'),
  q: () => import('./SignPage.vue'),
}
export async function open(kind: string, token: string): Promise<void> {
  createApp(PublicFrame, { page: (await pages[kind]()).default, token }).mount('#app')
}
