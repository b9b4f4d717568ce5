// Photos are shrunk in the browser to at most 1600 px and JPEG before they travel: a phone's 5 MB become 300 kB. What
// the browser cannot decode is sent as it is and the server judges it.
import { api } from './api'
import type { FileItem } from './types'

const EDGE = 1600

export async function photo_shrink(file: Blob): Promise<Blob> {
  let image: ImageBitmap
  try {
    image = await createImageBitmap(file, { imageOrientation: 'from-image' })
  } catch {
    return file
  }
  const scale = Math.min(1, EDGE / Math.max(image.width, image.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(image.width * scale)
  canvas.height = Math.round(image.height * scale)
  const paint = canvas.getContext('2d')
  if (!paint) return file
  paint.fillStyle = '#fff'
  paint.fillRect(0, 0, canvas.width, canvas.height)
  paint.drawImage(image, 0, 0, canvas.width, canvas.height)
  image.close()
  const out = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.82))
  return out ?? file
}

/* Draws a preview. A canvas, because blob: pictures are not in our content policy. */
export async function photo_preview(file: Blob, canvas: HTMLCanvasElement): Promise<void> {
  const image = await createImageBitmap(file, { imageOrientation: 'from-image' })
  const side = Math.min(image.width, image.height)
  canvas.width = canvas.height = 240
  canvas.getContext('2d')?.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, 240, 240)
  image.close()
}

export type Stage = 'before' | 'after' | 'other' | 'signature' | 'voice'
export async function photo_ready(file: File): Promise<{ small: Blob; name: string }> {
  const small = file.type.startsWith('image/') ? await photo_shrink(file) : file
  return { small, name: small === file ? file.name : (file.name.replace(/\.[^.]*$/, '') || 'photo') + '.jpg' }
}
export async function photo_send(ticket: number, file: File, stage: Stage): Promise<FileItem> {
  const { small, name } = await photo_ready(file)
  const form = new FormData()
  form.append('stage', stage)
  form.append('file', small, name)
  return api<FileItem>('POST', `/tickets/${ticket}/files`, { form })
}
