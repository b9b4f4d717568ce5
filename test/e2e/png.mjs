// png.mjs - the little of PNG the browser tests need: photos to upload, made here so that no binary is in the repository, and
// screenshots brought down to 256 colours, a third of the bytes with no difference one sees. Not a library: 8-bit RGB(A) only.
import { deflateSync, inflateSync } from 'node:zlib'

const SIGN = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])
const CRCS = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n >>> 0
})
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE((body.reduce((c, x) => CRCS[(c ^ x) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0, out.length - 4)
  return out
}
/* kind 2: RGB, 3: palette; rows each begin with their filter byte. */
function png(width, height, kind, rows, palette) {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, kind, 0, 0, 0], 8)
  const plte = palette ? [chunk('PLTE', palette)] : []
  return Buffer.concat([SIGN, chunk('IHDR', head), ...plte, chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))])
}

/* A photo for setInputFiles: shaded stripes of one colour, so that before and after differ. */
export function picture(name, [r, g, b], width = 64, height = 48) {
  const rows = Buffer.alloc(height * (width * 3 + 1))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const shade = 1 - 0.4 * (y / height) - ((x >> 5) % 2) * 0.1
      rows.set([r * shade, g * shade, b * shade], y * (width * 3 + 1) + 1 + x * 3)
    }
  return { name, mimeType: 'image/png', buffer: png(width, height, 2, rows) }
}

function pixels(file) {
  const data = []
  let width, height, bytes
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12) {
    const type = file.toString('latin1', at + 4, at + 8)
    const body = file.subarray(at + 8, at + 8 + file.readUInt32BE(at))
    if (type === 'IHDR') [width, height, bytes] = [body.readUInt32BE(0), body.readUInt32BE(4), body[9] === 6 ? 4 : 3]
    else if (type === 'IDAT') data.push(body)
  }
  const raw = inflateSync(Buffer.concat(data))
  const line = width * bytes
  const out = Buffer.alloc(line * height)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)]
    for (let x = 0; x < line; x++) {
      const i = y * line + x
      const a = x >= bytes ? out[i - bytes] : 0
      const b = y ? out[i - line] : 0
      const c = x >= bytes && y ? out[i - line - bytes] : 0
      const p = a + b - c
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
      const guess = [0, a, b, (a + b) >> 1, pa <= pb && pa <= pc ? a : pb <= pc ? b : c][filter]
      out[i] = raw[y * (line + 1) + 1 + x] + guess
    }
  }
  return { width, height, bytes, out }
}

/* The 256 most frequent colours; every other pixel takes the nearest of them. */
export function pngShrink(file) {
  const { width, height, bytes, out } = pixels(file)
  const count = new Map()
  const key = (i) => (out[i] << 16) | (out[i + 1] << 8) | out[i + 2]
  for (let i = 0; i < out.length; i += bytes) count.set(key(i), (count.get(key(i)) ?? 0) + 1)
  const colours = [...count].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([k]) => k)
  const place = new Map(colours.map((k, i) => [k, i]))
  const far = (a, b) => ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2
  const rows = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const k = key((y * width + x) * bytes)
      if (!place.has(k)) place.set(k, colours.reduce((best, c, i) => (far(c, k) < far(colours[best], k) ? i : best), 0))
      rows[y * (width + 1) + 1 + x] = place.get(k)
    }
  return png(width, height, 3, rows, Buffer.from(colours.flatMap((k) => [k >> 16, (k >> 8) & 255, k & 255])))
}
