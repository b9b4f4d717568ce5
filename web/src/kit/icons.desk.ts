// The icons only the desk shows, and which icon a menu item gets.
import { icons_add } from './icons'

icons_add({
  building: 'M5 21V4h9v17M14 9h5v12M3 21h18M8.5 8h2M8.5 12h2M8.5 16h2',
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M3 20c0-3.5 2.5-6 6-6s6 2.5 6 6M16 4.5a3.5 3.5 0 0 1 0 6.5M17.5 14.5c2.2.8 3.5 2.8 3.5 5.5',
  gear: 'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M18.4 5.6l-2.2 2.2M7.8 16.2l-2.2 2.2',
  bell: 'M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15zM10 21h4',
  fold: 'M4 5h16v14H4zM9.5 5v14M15.5 10l-2 2 2 2',
  down: 'M6 9.5l6 6 6-6',
  edit: 'M5 19h4L19 9l-4-4L5 15zM13 7l4 4',
  archive: 'M4 5h16v4H4zM5.5 9v10h13V9M10 13h4',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  upload: 'M12 16V5M7 9l5-5 5 5M5 20h14',
  expand: 'M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7',
  star: 'M12 4l2.4 5 5.6.8-4 3.9 1 5.6-5-2.7-5 2.7 1-5.6-4-3.9 5.6-.8z',
  timer: 'M12 8.5v5l3 2M12 21a8 8 0 1 0 0-16 8 8 0 0 0 0 16M9.5 2.5h5',
  calendar: 'M4 6h16v14H4zM4 10h16M8 3v4M16 3v4',
  key: 'M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 12h9v4M17 12v3',
  idcard: 'M3 6h18v12H3zM8 12.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4M5 16c.4-1.5 1.5-2.2 3-2.2s2.6.7 3 2.2M14.5 10h4M14.5 13.5h4',
  tag: 'M4 12V4h8l8 8-8 8zM8.5 8.5h.01',
  sliders: 'M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4',
  case: 'M4 8h16v11H4zM9 8V5h6v3M4 13h16',
  copies: 'M8 8h12v12H8zM16 8V4H4v12h4',
  join: 'M7 4v4c0 3 2 4 5 4s5 1 5 4v4M17 4v4c0 3-2 4-5 4',
  reply: 'M9 5L4 10l5 5M4 10h9a7 7 0 0 1 7 7v2',
  swap: 'M4 8h14M14 4l4 4-4 4M20 16H6M10 12l-4 4 4 4',
  loop: 'M19 8a8 8 0 0 0-14-1M5 3v4h4M5 16a8 8 0 0 0 14 1M19 21v-4h-4',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 6 6l1-1',
  mail: 'M3 6h18v13H3zM3 7l9 7 9-7',
  book: 'M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11',
  text: 'M4 6h16M4 11h16M4 16h9',
  coin: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16M9 8l3 4 3-4M12 12v5M9.5 13h5M9.5 15.5h5',
  flag: 'M6 21V4h11l-2 4 2 4H6',
  shield: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z',
  tree: 'M5 4v14h5M5 9h5M13 7h6v4h-6zM13 16h6v4h-6z',
})

const MENU: Record<string, string> = {
  desk: 'desk', home: 'home', tickets: 'ticket', spaces: 'building', communities: 'building', companies: 'building',
  branches: 'building', people: 'people', persons: 'people', occupancies: 'people', staff: 'staff', users: 'user',
  skills: 'wrench', 'staff-skills': 'wrench', departments: 'tree', posts: 'case', roles: 'gear', grants: 'key', tokens: 'key',
  ratings: 'star', categories: 'tag', 'sla-policies': 'timer', 'priority-policies': 'sliders', shifts: 'calendar', identities: 'idcard',
  duplicates: 'copies', 'person-merges': 'join', 'data-requests': 'message', consents: 'check', 'retention-rules': 'archive',
  'login-policies': 'shield', audit: 'search', calendar: 'calendar', simulator: 'timer', escalations: 'bell', 'pause-policies': 'pause',
  'ladder-steps': 'upload', assets: 'gear', 'qr-signs': 'pin', 'return-visits': 'phone', handovers: 'swap', loops: 'loop', 'public-links': 'link',
  letters: 'mail', mailboxes: 'mail', handbook: 'book', 'reply-templates': 'text', 'price-items': 'coin', 'intake-settings': 'sliders', quality: 'flag',
  'staff-zones': 'pin', 'consent-texts': 'text', 'processing-activities': 'tree', 'impact-assessments': 'alert', processors: 'case', 'retention-runs': 'refresh',
}
export function menu_icon(key: string): string {
  return MENU[key] ?? 'list'
}
