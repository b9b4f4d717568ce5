// Logging out on the phone: not behind the back of work that was not sent, and nothing of the person stays on the device.
import { api, session } from '../kit/api'
import { fill } from '../kit/i18n'
import { ask, toast, toast_problem } from '../kit/notify'
import { Q } from '../kit/texts.offline'
import { erase } from './copy'
import { entries } from './store'

export async function leave(): Promise<void> {
  if (session.offline) return toast(Q.logout_offline, 'bad') // the server would go on taking this phone for the person
  const n = (await entries().catch(() => [])).length
  if (n && !(await ask({ title: fill(Q.logout_ask, n), text: Q.logout_text, yes: Q.logout_yes, danger: true }))) return
  try {
    await api('DELETE', '/session')
  } catch (e) {
    return toast_problem(e)
  }
  await erase().catch(() => {})
  location.assign('/m')
}
