// The catalogue, mail sheet: what was written by e-mail about a ticket.
import { sheet } from './i18n'

export const E = sheet({
  letters: ['往来邮件', 'Letters'],
  none: ['还没有往来邮件。', 'No letters yet.'],
  write: ['写信', 'Write'],
  answer: ['回信', 'Answer'],
  to: ['对方邮箱', 'Address'],
  to_help: ['不填则回复 {0}', 'empty: an answer to {0}'],
  text: ['内容', 'Text'],
  send: ['发送', 'Send'],
  queued: ['已交付发送', 'On its way'],
  wordings: ['套用答复', 'Wordings'],
  empty: ['（没有文字）', '(no words)'],
})
