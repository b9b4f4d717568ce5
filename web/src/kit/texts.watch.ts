// The catalogue, watch sheet: who follows a ticket.
import { sheet } from './i18n'

export const W = sheet({
  title: ['关注人', 'Watched by'],
  first: ['首问责任人', 'first contact'],
  watch: ['关注', 'Watch'],
  unwatch: ['取消关注', 'Stop watching'],
  always: ['您是首问责任人，始终关注', 'As first contact you always watch it'],
  none: ['还没有人关注', 'Nobody yet'],
  notice: ['您关注的 {0}', 'You watch {0}'],
})
