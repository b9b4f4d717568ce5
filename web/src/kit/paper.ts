// The paper of the page that is printed now. A size is known only when the page is there (a roll is as long as what is on
// it), and style sheets of pages seen before stay loaded; so it is a sheet of its own, last and only while it is needed.
const sheet = new CSSStyleSheet()

/* "A4", "80mm 210mm"; null: no page needs one any more. */
export function paper_set(size: string | null, margin = '0'): void {
  sheet.replaceSync(size ? `@page { size: ${size}; margin: ${margin}; }` : '')
  const others = document.adoptedStyleSheets.filter((s) => s !== sheet)
  document.adoptedStyleSheets = size ? [...others, sheet] : others
}
