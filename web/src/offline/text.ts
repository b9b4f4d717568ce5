// What an entry of the queue is called.
import { L } from '../kit/i18n'
import { action, resource } from '../kit/meta'
import { Q } from '../kit/texts.offline'
import { R } from '../kit/texts.record'
import type { Entry } from './store'

export function entry_text(e: Entry): string {
  if (e.kind === 'comment') return Q.comment
  if (e.kind === 'photo') return e.stage === 'voice' ? R.stage_voice : e.stage === 'signature' ? R.stage_signature : Q.photo
  return L(action(resource(e.subject.split('/')[1]), e.action!)?.label) || e.action!
}
