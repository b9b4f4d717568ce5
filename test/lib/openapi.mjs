// openapi.mjs - every reply of a journey is held against the program's own /openapi.json: an operation, a status, a content
// type or a member that the document does not know is a failure. The document is read from the program under test itself.
import Ajv from 'ajv/dist/2020.js'
import { client } from './server.mjs'

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const formats = {
  int64: { type: 'number', validate: Number.isSafeInteger },
  date: /^\d{4}-\d\d-\d\d$/,
  'date-time': (s) => INSTANT.test(s) && !Number.isNaN(Date.parse(s)),
  password: true,
}

class Document {
  constructor(json) {
    this.json = json
    this.ajv = new Ajv({ strict: false, formats, allErrors: true })
    this.ajv.addSchema(json, 'doc')
    this.paths = Object.entries(json.paths)
      .map(([path, item]) => ({ path, item, match: pattern(path) }))
      .sort((a, b) => holes(a.path) - holes(b.path)) // people/duplicates before people/{id}
  }

  find(method, path) {
    const known = this.paths.filter((p) => p.match.test(path))
    const want = method === 'HEAD' ? 'get' : method.toLowerCase()
    const hit = known.find((p) => p.item[want])
    return { known: known.length > 0, path: hit?.path, method: want, operation: hit?.item[want] }
  }

  // JSON pointer into the document → the compiled schema there.
  schema(...steps) {
    const at = steps.map((s) => encodeURIComponent(String(s).replaceAll('~', '~0').replaceAll('/', '~1')))
    return this.ajv.getSchema(`doc#/${at.join('/')}`)
  }

  explain(method, path, reply) {
    const found = this.find(method, path)
    const type = (reply.headers.get('content-type') ?? '').split(';')[0].trim()
    const problem = () => {
      if (type !== 'application/problem+json') return `an error of type "${type}"`
      const fits = this.schema('components', 'schemas', 'Problem')
      if (!fits(reply.body)) return this.ajv.errorsText(fits.errors)
      return reply.body.status === reply.status ? '' : `the body says status ${reply.body.status}`
    }
    if (!found.operation) {
      if (reply.status === (found.known ? 405 : 404)) return method === 'HEAD' ? '' : problem()
      return 'no such operation'
    }
    const answers = found.operation.responses
    const key = [String(reply.status), `${String(reply.status)[0]}XX`].find((k) => answers[k])
    if (!key) return 'the operation has no such status'
    if (method === 'HEAD') return ''
    if (answers[key].$ref) return problem()
    const content = answers[key].content
    if (!content) return reply.body === null ? '' : 'a body where none is told of'
    const kind = content[type] ? type : content['*/*'] ? '*/*' : null
    if (!kind) return `content type "${type}"`
    if (!content[kind].schema || !/json/.test(kind)) return ''
    const fits = this.schema('paths', found.path, found.method, 'responses', key, 'content', kind, 'schema')
    return fits(reply.body) ? '' : this.ajv.errorsText(fits.errors, { separator: '\n  ' })
  }

  check(method, address, reply) {
    const path = new URL(address, 'http://x').pathname
    if (!path.startsWith('/api/')) return
    const why = this.explain(method, path, reply)
    if (why)
      throw new Error(
        `${method} ${path} → ${reply.status} is not as /openapi.json says: ${why}\n  ${JSON.stringify(reply.body)?.slice(0, 2000)}`,
      )
  }
}

const holes = (path) => path.split('{').length
const pattern = (path) => {
  const parts = path
    .split(/(\{\w+\})/)
    .map((p) => (p === '{id}' ? '[1-9]\\d*' : p === '{token}' ? '[^/]+' : p[0] === '{' ? '[a-z_-]+' : p.replaceAll('.', '\\.')))
  return new RegExp(`^${parts.join('')}$`)
}

let document
export async function openapi(url) {
  document ??= fetch(`${url}/openapi.json`).then(async (reply) => new Document(await reply.json()))
  return document
}

// A client (server.mjs) whose every reply is checked.
export async function checkedClient(url) {
  const doc = await openapi(url)
  return client(url, (method, address, reply) => doc.check(method, address, reply))
}
