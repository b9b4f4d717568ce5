// The icons of both entries, drawn with one 24-unit stroke, as one component: <Icon name="bell" />. Decorative: the text
// beside it, or the button's label, carries the meaning. The desk adds its own set (icons.desk.ts) at start.
import { defineComponent, h } from 'vue'

const paths: Record<string, string> = {
  home: 'M4 11 12 4l8 7M6 9.5V20h12V9.5M10 20v-6h4v6',
  desk: 'M4 13a8 8 0 0 1 16 0M4 13v4a2 2 0 0 0 2 2h1v-7H6a2 2 0 0 0-2 2m16-1v4a2 2 0 0 1-2 2h-1v-7h1a2 2 0 0 1 2 2M17 19c0 1.5-2 2-4 2',
  ticket: 'M5 4h14v16l-3-2-2 2-2-2-2 2-2-2-3 2zM9 9h6M9 13h6',
  staff: 'M12 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M5 20c0-3.5 3-6 7-6s7 2.5 7 6M12 14v3',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M20 20l-4-4',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
  moon: 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5',
  help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M9.5 9.5a2.5 2.5 0 1 1 3.7 2.2c-.8.5-1.2 1-1.2 2M12 17h.01',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20.5c.5-4 3.5-6 7.5-6s7 2 7.5 6',
  right: 'M9.5 6l6 6-6 6',
  left: 'M14.5 6l-6 6 6 6',
  phone: 'M6 4h3l1.5 4.5L8.5 10a11 11 0 0 0 5.5 5.5l1.5-2L20 15v3a2 2 0 0 1-2 2A14 14 0 0 1 4 6a2 2 0 0 1 2-2',
  camera: 'M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 16.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7.5V12l3 2',
  alert: 'M12 4 2.5 20h19zM12 10v4.5M12 17.5h.01',
  check: 'M5 12.5l4.5 4.5L19 7',
  pause: 'M9 6v12M15 6v12',
  wrench: 'M14.5 5.5a4.5 4.5 0 0 0-5.3 6L4 16.7 7.3 20l5.2-5.2a4.5 4.5 0 0 0 6-5.3l-2.8 2.8-2.8-.7-.7-2.8z',
  message: 'M4 5h16v11H11l-4 4v-4H4z',
  bulb: 'M9 18h6M10 21h4M8.5 15A6 6 0 1 1 15.5 15c-.5.5-.8 1.2-.8 2H9.3c0-.8-.3-1.5-.8-2',
  heart: 'M12 20C5 15 3.5 11.5 3.5 9A4.5 4.5 0 0 1 12 7a4.5 4.5 0 0 1 8.5 2c0 2.5-1.5 6-8.5 11',
  pin: 'M12 21c4.5-4.5 7-8 7-11a7 7 0 1 0-14 0c0 3 2.5 6.5 7 11M12 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5',
  more: 'M5.5 12h.01M12 12h.01M18.5 12h.01',
  refresh: 'M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6',
  hand: 'M8 12V6a1.5 1.5 0 0 1 3 0v5-7a1.5 1.5 0 0 1 3 0v7-5a1.5 1.5 0 0 1 3 0v8c0 4-2 7-6 7-3 0-4.5-1.5-6-4l-2-3.5c-.6-1.5 1.2-2.5 2.2-1.3z',
  star: 'M12 3.5l2.6 5.6 6 .7-4.5 4.1 1.2 6-5.3-3-5.3 3 1.2-6L3.4 9.8l6-.7z',
  logout: 'M10 5H5v14h5M14 8l4 4-4 4M18 12H9',
}
export function icons_add(more: Record<string, string>): void {
  Object.assign(paths, more)
}

export const Icon = defineComponent({
  props: { name: { type: String, required: true } },
  setup: (p) => () =>
    h('svg', { class: ['icon', p.name === 'star' && 'icon-star'], viewBox: '0 0 24 24', 'aria-hidden': 'true' }, [
      h('path', { d: paths[p.name] }),
    ]),
})
