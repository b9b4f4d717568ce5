// The catalogue, work sheet: the steps of the work, materials and charges.
import { sheet } from './i18n'

export const W = sheet({
  steps: ['处理步骤', 'Steps of the work'],
  steps_done: ['{0}/{1} 步', '{0} of {1}'],
  done_by: ['{0} {1}', '{0}, {1}'],
  skip: ['不适用', 'Not needed'],
  skip_title: ['这一步为什么不做？', 'Why is this step not needed?'],
  undo: ['撤回', 'Undo'],
  items: ['用料与收费', 'Materials and charges'],
  items_none: ['还没有记用料和收费', 'Nothing was used or charged yet'],
  add: ['加一项', 'Add an item'],
  list: ['价目表', 'Price list'],
  off_list: ['不在价目表', 'Not on the list'],
  each: ['¥{0}/{1}', '¥{0} per {1}'],
  each_one: ['¥{0}', '¥{0} each'],
  total: ['合计', 'Total'],
  payable: ['客户应付', 'To be paid by the customer'],
  drop: ['去掉', 'Take out'],
  drop_ask: ['去掉“{0}”？', 'Take “{0}” out?'],
  left: ['还没做的', 'Not done yet'],
  left_steps: ['处理步骤还有 {0}/{1} 步没勾', '{0} of {1} steps not ticked'],
  left_photo: ['没有处理后的照片', 'No photo of how it is now'],
  left_signature: ['客户没有签名', 'The customer has not signed'],
  left_signature_pay: ['有收费，客户没有签名', 'There is something to pay and the customer has not signed'],
  left_back: ['回去补', 'Go back and add'],
  sign_for: ['请确认后签名：应付 ¥{0}', 'Please check and sign: ¥{0} to be paid'],
})
