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
  tree: 'M5 4v14h5M5 9h5M13 7h6v4h-6zM13 16h6v4h-6z',
})

const MENU: Record<string, string> = {
  desk: 'desk', home: 'home', tickets: 'ticket', spaces: 'building', communities: 'building', companies: 'building',
  branches: 'building', people: 'people', persons: 'people', occupancies: 'people', staff: 'staff', users: 'user',
  skills: 'wrench', departments: 'tree', roles: 'gear',
}
export function menu_icon(key: string): string {
  return MENU[key] ?? 'list'
}
