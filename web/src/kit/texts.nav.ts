// The catalogue, sheet of the phone's frame: what stands on the screen before any page does.
import { sheet } from './i18n'

export const N = sheet({
  tab_tasks: ['任务', 'Tasks'],
  tab_pool: ['抢单', 'Open pool'],
  tab_me: ['我的', 'Me'],
  tab_home: ['首页', 'Home'],
  tab_requests: ['诉求', 'Requests'],
  nav: ['主导航', 'Main'],
})
