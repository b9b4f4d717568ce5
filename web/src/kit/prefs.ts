// Theme and text size: kept in the browser, mirrored to attributes on <html> that the style sheet reads.
import { ref } from 'vue'

export const dark = ref(
  localStorage.getItem('anju.theme')
    ? localStorage.getItem('anju.theme') === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches,
)
export const large = ref(localStorage.getItem('anju.large') === '1')

export function prefs_apply(): void {
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light'
  document.documentElement.toggleAttribute('data-large', large.value)
}
export function dark_set(on: boolean): void {
  dark.value = on
  localStorage.setItem('anju.theme', on ? 'dark' : 'light')
  prefs_apply()
}
export function large_set(on: boolean): void {
  large.value = on
  localStorage.setItem('anju.large', on ? '1' : '0')
  prefs_apply()
}
