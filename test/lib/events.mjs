// events.mjs - a listener on GET /api/v1/events: keeps what came, waits for what should.
//   const ears = await listen(server.url, desk.session().cookie)
//   await ears.next((e) => e.topic === 'ticket.accepted' && e.id === t.id, 1000)     fails when it does not come
import http from 'node:http'

export function listen(url, cookie) {
  return new Promise((opened, fail) => {
    const request = http.get(`${url}/api/v1/events`, { headers: { cookie }, agent: false }, (reply) => {
      if (reply.statusCode !== 200) {
        reply.resume()
        return fail(new Error(`events: ${reply.statusCode}`))
      }
      const ears = {
        heard: [],
        comments: [],
        status: reply.statusCode,
        headers: reply.headers,
        ended: false,
        close: () => request.destroy(),
      }
      const waiting = new Set()
      const tell = () => waiting.forEach((look) => look())
      let text = ''
      reply.setEncoding('utf8').on('data', (part) => {
        text += part
        for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
          const lines = text.slice(0, at).split('\n')
          text = text.slice(at + 2)
          const data = lines.filter((l) => l.startsWith('data: ')).map((l) => l.slice(6))
          ears.comments.push(...lines.filter((l) => l.startsWith(':')).map((l) => l.slice(1).trim()))
          if (data.length)
            ears.heard.push({
              event: lines.find((l) => l.startsWith('event: '))?.slice(7),
              ...JSON.parse(data.join('\n')),
            })
        }
        if (ears.comments.includes('open')) opened(ears)
        tell()
      })
      reply.on('error', () => {})
      reply.on('close', () => ((ears.ended = true), tell()))
      // Waits until ready() gives something → that.
      ears.until = (ready, ms, what = 'an event') =>
        new Promise((done, late) => {
          const look = () => {
            const hit = ready()
            if (hit === undefined || hit === false) return
            clearTimeout(timer)
            waiting.delete(look)
            done(hit)
          }
          const timer = setTimeout(() => {
            waiting.delete(look)
            late(new Error(`${what} did not come within ${ms} ms; heard ${JSON.stringify(ears.heard.slice(-5))}`))
          }, ms)
          waiting.add(look)
          look()
        })
      ears.next = (wanted, ms, what) => ears.until(() => ears.heard.find(wanted), ms, what)
    })
    request.on('error', (e) => fail(e))
  })
}
