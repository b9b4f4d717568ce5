// The installed phone: its service worker, and new versions of it, which come when the person wants them.
import { reactive } from 'vue'
import { ask } from '../kit/notify'
import { Q } from '../kit/texts.offline'

const LOOK_MS = 3600e3
export const update = reactive({ ready: false })
let worker: ServiceWorkerRegistration | null = null

export async function install(): Promise<void> {
  if (!navigator.serviceWorker || !import.meta.env.PROD) return
  const reg = await navigator.serviceWorker.register('/phone-worker.js', { scope: '/m', updateViaCache: 'none' }).catch(() => null)
  if (!reg) return // without https there is no worker; the phone pages work with a network
  worker = reg
  const look = () => (update.ready = !!reg.waiting && !!navigator.serviceWorker.controller)
  look()
  reg.addEventListener('updatefound', () => reg.installing?.addEventListener('statechange', look))
  let looked = Date.now()
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || Date.now() - looked < LOOK_MS) return
    looked = Date.now()
    reg.update().catch(() => {})
  })
}

function typed(): boolean {
  return [...document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('textarea, input:not([type=checkbox], [type=radio])')]
    .some((i) => i.value !== i.defaultValue)
}
export async function update_now(): Promise<void> {
  if (typed() && !(await ask({ title: Q.update_now, text: Q.update_typed, yes: Q.update_now, danger: true }))) return
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
  worker?.waiting?.postMessage('take-over')
}
