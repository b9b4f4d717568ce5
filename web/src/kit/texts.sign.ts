// The catalogue, signing sheet: words of the signature pad and the voice note.
import { sheet } from './i18n'

export const G = sheet({
  sign: ['客户签名', 'Customer signs'],
  sign_here: ['请在框内签名', 'Sign in the box'],
  sign_type: ['或输入姓名', 'Or type the name'],
  sign_clear: ['重签', 'Start over'],
  sign_keep: ['完成签名', 'Done'],
  sign_none: ['还没有签名。', 'Nothing is signed yet.'],
  voice: ['录语音', 'Record a voice note'],
  voice_on: ['正在录音 {0} 秒（最长 {1} 秒）', 'Recording, {0} s (at most {1})'],
  voice_heard: ['住户在自己的工单里也能听到。', 'The resident can hear it on his request, too.'],
  voice_keep: ['停止并保存', 'Stop and keep'],
  voice_drop: ['不要了', 'Discard'],
  voice_denied: ['浏览器没有麦克风权限：请在网站设置里允许麦克风后再试。', 'The browser may not use the microphone: allow it in the site settings and try again.'],
  voice_none: ['这台设备不能录音。', 'This device cannot record.'],
})
