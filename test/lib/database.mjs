// database.mjs - SQL past the program, for states that only time or damage can make. SQLite through python3's own module:
// Node 18 has none, and a second library for the file could break the lock of the first.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { sql } from './postgres.mjs'

const run = promisify(execFile)
const PYTHON = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
for row in db.execute(sys.argv[2]).fetchall():
    print("|".join("" if v is None else str(v) for v in row))
`
export class Database {
  constructor({ db }) {
    this.db = db
  }
  // → the lines of the answer, columns joined by |
  async run(text) {
    if (!this.db.startsWith('sqlite:')) return (await sql(this.db, text)).split('\n').filter(Boolean)
    const { stdout } = await run('python3', ['-c', PYTHON, this.db.slice('sqlite:'.length), text])
    return stdout.split('\n').filter(Boolean)
  }
}
