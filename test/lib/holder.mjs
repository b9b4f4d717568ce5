// holder.mjs - a process of its own that holds many connections open: node holder.mjs PORT COUNT KIND
//   KIND idle      nothing is ever sent           head     half a request head
//        body      half a request body            reader   big pages are asked for and never read
//        login     the head of a login and no body
// Each thousand comes from its own loopback address, 127.0.0.2 and up: one address may not hold more. Prints "held N of M" once
// all are open or refused, and ends when its input does.
import { connect } from 'node:net'

const [port, count, kind] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]]
const FIRST_ADDRESS = Number(process.argv[5] ?? 2)
const PER_ADDRESS = 900
const AT_ONCE = 200
const first = {
  idle: '',
  head: 'GET /api/v1/session HTTP/1.1\r\nHost: x\r\nX-Slow: a',
  body: 'POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{"login":',
  login: 'POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n',
  reader: 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20),
}[kind]
let open = 0
const sockets = []

const dial = (n) =>
  new Promise((done) => {
    const localAddress = `127.0.0.${FIRST_ADDRESS + Math.floor(n / PER_ADDRESS)}`
    const socket = connect({ port, host: '127.0.0.1', localAddress }, () => {
      open++
      if (first) socket.write(first)
      done()
    })
    if (kind === 'reader') socket.pause()
    socket.on('error', done)
    socket.on('close', () => open--)
    sockets.push(socket)
  })

for (let n = 0; n < count; n += AT_ONCE)
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - n) }, (_, i) => dial(n + i)))
console.log(`held ${open} of ${count}`)
// Drips, so that nobody is silent.
if (kind === 'head' || kind === 'body')
  setInterval(() => sockets.forEach((s) => s.writable && s.write(kind === 'head' ? 'a' : ' ')), 1000).unref()
process.stdin.on('end', () => process.exit(0)).resume()
