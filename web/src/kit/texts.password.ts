// The catalogue, password sheet: the words around a password field.
import { sheet } from './i18n'

export const P = sheet({
  show: ['显示密码', 'Show the password'],
  strength: ['密码强度', 'Password strength'],
  weak: ['弱：容易被猜到', 'Weak: easily guessed'],
  fair: ['一般：再长一些更好', 'Fair: longer is better'],
  good: ['良好', 'Good'],
  strong: ['强', 'Strong'],
})
