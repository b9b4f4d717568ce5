// The catalogue, sound sheet: the board's tone.
import { sheet } from './i18n'

export const W = sheet({
  sound: ['提示音', 'Sound'],
  on: ['开', 'on'],
  off: ['关', 'off'],
  help: ['新工单到来、卡片变红时响一声', 'A tone when a ticket comes in and when a card turns red'],
  blocked: ['浏览器要求先点一下页面才能发声', 'The browser plays nothing until the page was clicked once'],
})
