// The catalogue, tools sheet: palette and keyboard help, which open on demand.
import { sheet } from './i18n'

export const U = sheet({
  palette_hint: ['输入页面、房号、姓名、电话或工单号', 'Page, room, name, phone or ticket number'],
  palette_pages: ['页面', 'Pages'],
  palette_new: ['新建{0}', 'New {0}'],
  palette_records: ['记录', 'Records'],
  palette_empty: ['没有匹配的结果', 'No match'],
  key_palette: ['查找或跳转', 'Find or go to'],
  key_search: ['聚焦搜索框', 'Focus the search box'],
  key_new: ['新建', 'New'],
  key_move: ['下一行 / 上一行', 'Next / previous row'],
  key_enter: ['打开所选', 'Open the selected one'],
  key_esc: ['关闭', 'Close'],
  key_arrows: ['在看板卡片间移动', 'Move between the cards of the board'],
  key_dispatch: ['派单所选卡片', 'Dispatch the selected card'],
  key_help: ['打开本帮助', 'This help'],
})
