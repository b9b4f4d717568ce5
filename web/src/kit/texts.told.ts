// The catalogue, told sheet: the escalations a person has still to see.
import { sheet } from './i18n'

export const W = sheet({
  title: ['升级提醒', 'Told to you'],
  see: ['已知悉', 'Seen'],
  see_of: ['已知悉 {0} {1}', 'Seen {0} {1}'],
  see_all: ['全部已知悉', 'All seen'],
  used: ['{0}已用 {1}%', '{1}% of {0} used'],
  nobody: ['没有找到负责人，由调度知悉', 'nobody to tell was found: for the dispatchers'],
  more: ['给我的全部 {0} 条', 'All {0} told to me'],
  more_nobody: ['无负责人的全部 {0} 条', 'All {0} that found nobody'],
})
