// list.mjs - every protection with the smallest edit that takes it away and the test that must then fail. One entry:
//   [what protects, file, text as it is, text without it, test files…]
// The text must be in the file exactly once. Not in the list: what the compiler or boot refuses by itself (a route without a
// right, a statement that is no constant), and limits that only a load shows (bench).
const session = 'test/journeys/session.test.mjs'
const access = 'test/journeys/access.test.mjs'
const threats = 'test/journeys/threats.test.mjs'
const hostile = 'test/journeys/hostile.test.mjs'
const personal = 'test/journeys/personal.test.mjs'
const privacy = 'test/journeys/privacy.test.mjs'
const matrix = 'test/journeys/matrix.test.mjs'
const scope = 'test/journeys/scope.test.mjs'
const imports = 'test/journeys/import.test.mjs'
const merge = 'test/journeys/merge.test.mjs'
const late = 'test/journeys/late.test.mjs'
const idem = 'test/journeys/idempotency.test.mjs'
const backup = 'test/faults/backup.test.mjs'
const disk = 'test/faults/disk.test.mjs'
const offline = 'test/e2e/offline.spec.mjs'

export const mutants = [
  // --- 1. durability
  ['an answer only after the commit', 'src/db/sqlite.c',
    'static enum err w_commit(void *conn)\n{\n    return plain(conn, P_COMMIT);', 'static enum err w_commit(void *conn)\n{\n    static int n;\n    if (++n % 20 == 0) { plain(conn, P_ROLLBACK); return E_OK; }\n    return plain(conn, P_COMMIT);',
    'test/faults/kill.test.mjs'],
  ['a repeated request does its work once', 'src/core/web.c',
    '    if (fresh)\n        return E_OK;\n    TRY(q_one(&k->c, tx, &Q_IDEM_GET', '    if (fresh || k)\n        return E_OK;\n    TRY(q_one(&k->c, tx, &Q_IDEM_GET', idem],
  ['a repeated import is staged once', 'src/core/batch.c', '    TRY(req_once(s->q, tx, &replayed));', '    replayed = false;', imports, 'test/unit/fault_test.c'],
  ['a full disk is 507', 'src/db/sqlite.c', 'case SQLITE_FULL: return E_FULL;', 'case SQLITE_FULL: return E_DB;', disk],
  ['a full disk under an upload is 507', 'src/base/fs.c', 'why == ENOSPC || why == EDQUOT || why == EFBIG ? E_FULL : E_BUSY', 'why == ENOENT ? E_FULL : E_BUSY', disk],
  ['a read-only disk is 503', 'src/base/fs.c', 'why == EFBIG ? E_FULL : E_BUSY', 'why == EFBIG ? E_FULL : E_DB', disk],
  ['a locked database is 503', 'src/db/sqlite.c', '    case SQLITE_BUSY:\n', '', 'test/faults/lost.test.mjs'],
  ['what a kill left is swept at the start', 'src/main/verbs/serve.c', 'int left = fs_sweep(tmp.p, "-", TEMP_OLD_S);', 'int left = 0;', disk],
  ['the checksum of a backup\'s rows', 'src/core/backup.c', 'bool good = str_eqz(hex_of(a, sum, sizeof sum), w->sum);', 'bool good = true;', backup],
  ['a failed statement leaves nothing', 'src/db/sqlite.c', '    TRY(plain(conn, P_UNDO));\n', '', 'src/db/test/db_test.c', 'test/unit/fault_test.c'],
  // --- 2. the log
  ['a changed event is found', 'src/core/seal.c', '    else if (!str_eq(seal_of(c->mem, w->head, position, row), stored))', '    else if (!stored.n)', 'src/core/test/seal_test.c'],
  ['a removed event is found', 'src/core/seal.c', '    if (position != w->at + 1)', '    if (position < 0)', 'src/core/test/seal_test.c'],
  ['removed last events are found', 'src/core/seal.c', '    if (w->at < w->end.length)', '    if (w->at < 0)', 'src/core/test/seal_test.c'],
  ['the end of the chain is signed', 'src/core/seal.c', '    if (keys_ready() && !key_signed(c->mem, USE_SIGN, end_text(c->mem, &w->end), w->end.sign))', '    if (!keys_ready())', 'src/core/test/seal_test.c'],
  ['append-only in SQLite', 'src/db/migrate.c', "buf_fmt(b, \" BEGIN SELECT RAISE(ABORT, '%s is append-only'); END\", t->name);", "buf_putz(b, \" BEGIN SELECT 1; END\");", 'src/core/test/seal_test.c', 'src/db/test/db_test.c'],
  ['append-only in PostgreSQL', 'src/db/migrate.c', "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$", "$$ BEGIN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$", 'src/core/test/seal_test.c', 'src/db/test/db_test.c'],
  // --- 3. access
  ['a route needs its right', 'src/core/web.c', '    if (!r->perm || (c->who && perms_has(&c->who->any, perm_index(r->perm))))', '    if (!r->perm || c->who)', matrix],
  ['a right holds in its own community only', 'src/core/res_api.c', '    TRY(may_here(c, rt->update_i, row_int(&old, R_COMMUNITY)));\n    TRY(edit_allowed(c, rt, &neu', '    TRY(edit_allowed(c, rt, &neu', matrix, scope],
  ['a row out of sight is not there', 'src/core/res.c', '    if (!rules_sql(c, rt, community, &sql, &args))\n        return out_of_sight(c, community);', '    if (!rules_sql(c, rt, community, &sql, &args)) {\n        *ret = row;\n        return E_OK;\n    }', scope, matrix],
  ['own rows only (sight)', 'src/core/res.c', '    enum err e = q_one(c, tx, q, args.v, args.n, &one, 1);\n    if (e == E_MISSING)\n        return out_of_sight(c, community);', '    enum err e = q_one(c, tx, q, args.v, args.n, &one, 1);\n    if (e == E_MISSING)\n        e = E_OK;', scope, matrix],
  ['own rows only (lists)', 'src/core/res.c', "        buf_put(sql, n++ ? S(\" OR (\") : S(\" AND ((\"));\n", "        buf_put(sql, n++ ? S(\" OR (\") : S(\" AND ((1 = 1 OR \"));\n", scope],
  ['references stay in their community', 'src/core/res.c', '(target->system || val_int(v[0]) == community_id)', '(target->system || community_id)', 'test/journeys/bad_input.test.mjs', scope],
  ['fields a role may not set', 'src/core/res_api.c', '            !who_may_i(c->who, rt->edit_i[i], community))', '            !c)', 'test/journeys/ticket_life.test.mjs', access, scope, matrix],
  ['mass assignment', 'src/core/field.c', '    if (f->flags & SERVER_SET) {', '    if (!f) {', threats],
  ['the page token (CSRF)', 'src/core/web.c', '    if (token.n == n && bytes_equal(token.p, k->c.who->csrf, n))', '    if (token.n <= n)', session, threats],
  ['only JSON is read as JSON', 'src/core/web.c', '    if (!is_type(type, "application/json"))', '    if (!r)', threats, 'test/journeys/bad_input.test.mjs'],
  ['the content policy', 'src/core/site.c', `S_INIT("default-src 'self'; object-src`, `S_INIT("default-src *; object-src`, 'test/journeys/site.test.mjs'],
  ['no page in a frame', 'src/core/site.c', "frame-ancestors 'none'; ", '', threats, 'test/journeys/site.test.mjs'],
  ['nothing personal in caches', 'src/core/web.c', '        if (header_val(reply, "Cache-Control").t == V_NULL)\n            reply_header(reply, "Cache-Control", S("no-store"));\n', '', threats, 'test/journeys/site.test.mjs'],
  ['a locked name stays locked for the right password', 'src/core/session.c', '    if (until_ms > c->now_ms)\n        return locked(c, until_ms);', '', session],
  ['wrong passwords are counted', 'src/core/session.c', '        TRY(db_write(l->q->app->db, c, login_write, l));\n    return FAIL', '        (void)login_write;\n    return FAIL', session],
  ['unknown names are locked like known ones', 'src/core/session.c', '    if (failed && ++g->failed >= p->lock_after) {', '    if (failed && ++g->failed < 0) {', session],
  ['unknown names cost the same work', 'src/core/session.c', '        if (!password_hash(S("not a password"), hash))', '        if (!memset(hash, 0, sizeof hash))', session],
  ['a first password must be changed', 'src/core/web.c', '    if (c->who && c->who->must_change_password && !(r->flags & (PW_OK | PUBLIC)))', '    if (!c)', session],
  ['a first password does not last', 'src/core/session.c', '    if (l.right && expired(c, &l))', '    if (l.right && !c && expired(c, &l))', threats],
  ['password kinds', 'src/core/password.c', '    if (password_kinds(p) < rules->password_kinds)', '    if (password_kinds(p) < 0)', access],
  ['password history', 'src/core/password.c', 'i < ch->history.n && (int)i < most - 1', 'i < ch->history.n && (int)i < 0 * most', access],
  ['a login name as a password', 'src/core/password.c', '    return reverse || str_eq_nocase(login, p);', '    return reverse && !p.p;', access],
  ['well-known passwords', 'src/core/password.c', '    if (is_guessable(c, login, p))', '    if (is_guessable(c, login, p) && !c)', access],
  ['a one-time code works once', 'src/core/session.c', '    l->right = fits && l->step > val_int(l->user[L_TOTP_STEP]);', '    l->right = fits;', access],
  ['a one-time code works once, side by side too', 'src/core/session.c', 'WHERE id = $1 AND COALESCE(totp_step, 0) < $2"', 'WHERE id = $1 AND COALESCE(totp_step, 0) <= $2"', access],
  ['a recovery code works once', 'src/core/session.c', '    return used ? E_OK\n', '    return used || l ? E_OK\n', access],
  ['recovery codes carry 112 bits', 'src/core/factor.c', 'CODE_BYTES = 14', 'CODE_BYTES = 8', access],
  ['the second factor asks for the password', 'src/core/factor.c', '    if (!password_check(str_z(c->mem, val_str(f->user[0])), row_str(&q->in, 0)))', '    if (!c)', access],
  ['administrators must set a second factor', 'src/core/web.c', '    if (c->who && c->who->must_set_factor && !(r->flags & (PW_OK | PUBLIC)))', '    if (!c)', access],
  ['idle sessions end', 'src/core/auth.c', '    if (is_stale(c->now_ms, val_int(v[2]), p->idle_minutes * INT64_C(60000)) ||\n', '    if (\n', session],
  ['sessions end', 'src/core/auth.c', '        is_stale(c->now_ms, val_int(v[13]), p->absolute_hours * INT64_C(3600000)))', '        !c)', session],
  ['a disabled user is out at once', 'src/core/auth.c', '    if (!val_int(v[6]) || val_int(v[8])', '    if (val_int(v[8])', session],
  ['a token ends', 'src/core/auth.c', 'expires <= c->now_ms || (l->bearer', '(expires <= c->now_ms && !l->bearer) || (l->bearer', session, access],
  ['a token has no more rights than it was given', 'src/core/auth.c', '            g.perms.w[k] &= l->only.w[k];', '            g.perms.w[k] |= 0;', access],
  ['a token stays in its community', 'src/core/auth.c', '        if (!l->only_community || g.community_id == l->only_community)', '        if (kept < n)', access],
  ['a token makes no tokens', 'src/core/token.c', '    if (!c->who->by_cookie)\n        return FAIL(c, E_DENIED, "令牌不能再生成令牌"', '    if (!c)\n        return FAIL(c, E_DENIED, "令牌不能再生成令牌"', access],
  ['no two powers in one hand', 'src/core/rights.c', '        if (perms_has(p, perm_index(powers[i].perm)))\n            return FAIL_FIELD', '        if (!c)\n            return FAIL_FIELD', access],
  ['nobody gives himself rights', 'src/core/rights.c', '    if (c->who && row_int(neu, G_USER) == c->who->user_id)', '    if (!c)', access, threats],
  ['the last who gives rights stays', 'src/core/rights.c', '        if (perms_has(&p, perm_index("role.manage")))\n            return E_OK;', '        return E_OK;', access],
  ['a password change ends other sessions', 'src/core/password.c', '    TRY(q_do(c, tx, &Q_CLOSE_OTHERS, IN(v_int(ch->user_id), v_text(ch->keep)), NULL));\n', '', session],
  ['rate per login', 'src/core/web.c', '    if (limit_take(key, per_s, c->who ? per_s * 8 : ANON_BURST, &wait_s))', '    if (limit_take(key, per_s, c->who ? per_s * 8 : ANON_BURST, &wait_s) || k)', 'test/journeys/bad_input.test.mjs', threats],
  ['signed addresses are signed', 'src/core/file_link.c', '        !key_signed(c->mem, USE_LINK, link_text(c, q->ids[0], until_ms, by),\n                    http_param(q->h, "sign")))', '        by < 0)', access],
  ['signed addresses end', 'src/core/file_link.c', '        until_ms <= c->now_ms ||\n', '', 'test/unit/links_test.c'],
  ['addresses of copies end', 'src/rooms/privacy/subject_copy.c', ' || until_ms <= c->now_ms ||\n', ' ||\n', 'test/unit/links_test.c'],
  ['a signature is for one use', 'src/core/key.c', '    key_derive(k->master, use, key);\n    mac_of(key, text, mac);', '    key_derive(k->master, "anjulink", key);\n    mac_of(key, text, mac);\n    (void)use;', 'test/unit/links_test.c'],
  ['a link is for who sees the file', 'src/core/file_link.c', '    TRY(file_find(c, tx, l->q->ids[0], &l->file, &l->subject));', '    TRY(res_load(c, tx, &res_file, l->q->ids[0], &l->file));', threats, access],
  ['uploads are judged by content', 'src/core/file.c', '            memcmp(head + magics[i].at, magics[i].bytes, magics[i].n) == 0)', '            n > 0)', threats],
  ['uploads pass the virus scanner', 'src/core/file.c', '    TRY(virus_scan(c, q->app, p->path));', '', 'test/journeys/virus.test.mjs'],
  ['no scanner, no upload', 'src/core/virus.c', '    return FAIL(c, E_BUSY,', '    return E_OK;\n    return FAIL(c, E_BUSY,', 'test/journeys/virus.test.mjs'],
  ['uploads per login and day', 'src/core/file.c', '    if (val_int(sum) + u->bytes <= u->quota_mb << 20)', '    if (val_int(sum) >= 0)', threats],
  ['cells that would run are disarmed', 'src/base/text.c', `memchr("=+-@\\t\\r", s.p[0], 6) != NULL`, 'memchr("", s.p[0], 0) != NULL', threats, 'test/journeys/bulk.test.mjs'],
  // --- 4. privacy
  ['personal values are masked', 'src/core/res_render.c', '    if (plain || !(f->flags & PERSONAL))', '    if (f)', personal],
  ['in full needs the right', 'src/core/reveal.c', '    if (!who_may_i(c->who, personal_read_index(), community))', '    if (!c)', personal, scope],
  ['in full is on record', 'src/core/reveal.c', '    TRY(note(c, q->tx, q->res, &row, row_str(&q->in, 0)));', '    (void)note;', personal],
  ['an export in full needs the right', 'src/core/export.c', '    if (!who_may(c->who, "personal.export", x->spec.community_id))', '    if (!c)', personal],
  ['an export in full needs a reason', 'src/core/export.c', '    if (!utf8_valid(x->reason) || utf8_len(x->reason) < 2 || utf8_len(x->reason) > 200)', '    if (!c)', personal],
  ['exports are on record', 'src/core/export.c', '    return db_write(q->app->db, c, export_note, x);', '    (void)export_note;\n    return E_OK;', personal],
  ['ID numbers are closed', 'src/core/encrypted.c', '            row_put(neu, i, v_text(box));', '            (void)box;', personal],
  ['a box opens in its own row only', 'src/core/encrypted.c', 'return arena_fmt(c->mem, "%s.%s:%lld", r->name, r->fields[i].name, (long long)id);', 'return arena_fmt(c->mem, "%s.%s:%lld", r->name, r->fields[i].name, (long long)id * 0);', personal, 'src/base/test/crypto_test.c'],
  ['a resident reads what is meant for him', 'src/core/event.c', '            if (a->input[k].flags & TOLD && json_get(data, a->input[k].name))', '            if (json_get(data, a->input[k].name))', personal],
  ['residents are not named in the log', 'src/core/event.c', '    return c->who && (who_works(c->who, community_id) || !who_person(c->who, community_id));', '    return c->who != NULL;', personal, privacy],
  ['a restricted person is out of lists', 'src/core/res.c', '    if (rt->r->veil.sql && !who_may_i(c->who, rt->veil_i, community_id))', '    if (!c)', privacy],
  ['a restricted person is out of pages', 'src/core/res.c', '    bool veiled = r->veil.sql && c->who && !who_may_i(c->who, rt->veil_i, community);', '    bool veiled = false;', privacy],
  ['a restricted person is named nowhere', 'src/core/res_render.c', 'bool veiled = rt->names_veiled.sql &&', 'bool veiled = false &&', privacy],
  ['who lives here is not erased', 'src/rooms/privacy/erase.c', '                       IN(v_int(community), v_int(person), v_text(today_in(c, community))), &id, 1);\n    if (e == E_OK)', '                       IN(v_int(community), v_int(person), v_text(today_in(c, community))), &id, 1);\n    if (e == E_OK && !c)', privacy],
  ['erasure: phone numbers in texts', 'src/rooms/privacy/erase.c', '    if (digits < DIGITS_LEAST)\n        return 0;', '    if (digits < 1000)\n        return 0;', privacy, 'src/rooms/privacy/test/privacy_test.c'],
  ['erasure: the person\'s fields', 'src/rooms/privacy/erase.c', '        row_put(&neu, gone_fields[i], v_null());\n', '        (void)gone_fields[i];\n', privacy],
  ['erasure: logins', 'src/rooms/privacy/erase.c', '    TRY(erase_logins(c, tx, person));\n', '    (void)erase_logins;\n', privacy],
  ['erasure: words in old events', 'src/core/event.c', 'e == E_OK  ? HUSHED', 'e == E_OK  ? STAFF', privacy, merge],
  ['erasure: what was merged away', 'src/rooms/privacy/erase.c', '        TRY(erase_person(c, tx, val_int(merged.v[i * 4]), ret_more));\n', '', merge],
  // --- 5. import
  ['a chunk is loaded once', 'src/core/batch_run.c', 'WHERE id = $1 AND state = $2 AND next_no = $3"', 'WHERE id = $1 AND state = $2 AND next_no <> $3 + 1000000"', 'test/unit/batch_test.c'],
  ['a check keeps nothing', 'src/core/batch.c', '    return e == E_OK ? E_STATE : e; /* nothing of it stays */', '    return e;', imports],
  ['taking back keeps what was changed', 'src/core/batch_run.c', '    if (row_int(&old, R_VERSION) != 1)', '    if (row_int(&old, R_VERSION) < 0)', imports],
  ['taking back keeps what is used', 'src/core/batch_run.c', '    TRY(pointed_to(c, tx, r, k->plan.community_id, id, &by));', '    (void)pointed_to;\n    by = NULL;', imports],
  ['a name that two have is no name', 'src/core/import_row.c', '            if (n > 1)', '            if (n > 9)', imports],
  ['an import is there for who may load', 'src/core/batch.c', '    if (!r || !import_allowed(c->who, r, row_int(ret, R_COMMUNITY)))', '    if (!r)', scope, imports],
  // --- 6. offline
  ['only the own worker tells late', 'src/core/late.c', '    if (me && r->staff_field && row_int(row, r->staff_field) == me)', '    if (me || c)', late],
  ['not later than 72 h', 'src/core/late.c', '    if (said_ms < now_ms - LATE_MAX_MS)', '    if (said_ms < 0)', late, 'src/core/test/late_test.c'],
  ['not before the last step', 'src/core/late.c', '    if (said_ms < floor_ms - LATE_SKEW_MS)', '    if (said_ms < 0)', late, 'src/core/test/late_test.c'],
  ['the queue sends each thing once', 'web/src/offline/queue.ts', '    return api(\'POST\', path, { body: { ...e.input, happened_at: e.at }, key: e.id, signal })', '    return api(\'POST\', path, { body: { ...e.input, happened_at: e.at }, key: token_random(), signal })', offline],
  ['the queue keeps original times', 'web/src/offline/queue.ts', '{ ...e.input, happened_at: e.at }', '{ ...e.input }', offline],
  ['the queue keeps the order', 'web/src/offline/queue.ts', "    if (go_on === 'skip') skip.add(next.subject)\n", "    if (go_on === 'skip') return\n", offline],
  ['the queue is bounded', 'web/src/offline/store.ts', 'if (all.length >= MAX_ENTRIES || all', 'if (all.length < 0 || 0 * all', offline],
  ['the queue survives for its owner only', 'web/src/offline/queue.ts', "all.value.filter((e) => e.user === session.user?.id)", "all.value.filter((e) => e.user > 0)", offline],
  // --- 8. hostile HTTP
  ['one meaning of where a request ends', 'src/http/query.c', '    return f->lengths == 0 && f->chunked && strcmp(version, "HTTP/1.1") == 0;', '    return true;', 'src/http/test/http_test.c', hostile],
  ['one length', 'src/http/query.c', 'f->lengths > 1 || ', '', 'src/http/test/http_test.c', hostile],
  ['one Host', 'src/http/query.c', 'f->hosts > 1 || ', '', 'src/http/test/http_test.c', hostile],
  ['folded lines are refused', 'src/http/query.c', '    h->framing.bad |= folded(name, value);\n', '', 'src/http/test/http_test.c', hostile],
  ['spaces in an address are refused', 'src/http/query.c', "    return str_find(path, S(\" \")) < 0 && str_find(query, S(\" \")) < 0;", '    return true;', 'src/http/test/http_test.c', hostile],
  ['a parameter counts once', 'src/core/web.c', '    if (!s.twice.p)\n        return E_OK;', '    if (s.mem)\n        return E_OK;', threats],
  ['long addresses are 414', 'src/http/query.c', '    if (path.n > PATH_MAX_BYTES || query.n > QUERY_MAX_BYTES)', '    if (path.n > 1 << 30)', hostile],
  ['slow ones are cut', 'src/http/watch.c', '        if (deadline != 0 && now > deadline)', '        if (deadline < 0)', 'src/http/test/http_test.c', hostile],
  ['a flood of logins waits in line', 'src/core/session.c', '        return !password_busy() ? E_OK', '        return c ? E_OK', 'test/unit/line_test.c'],
  // --- the service desk in depth
  ['a door that is shut is not there', 'src/rooms/intake/open311.c', 's.open311 = 1 AND s.archived', 's.archived', 'test/journeys/open311.test.mjs'],
  ['posting needs a token with the right', 'src/rooms/intake/open311.c', '    if (!who || !who_may(who, "ticket.create", a->community))', '    if (!a->community)', 'test/journeys/open311.test.mjs'],
  ['only what came this way is public', 'src/rooms/intake/open311.c', 't.channel = 13 AND t.archived', 't.archived', 'test/journeys/open311.test.mjs'],
  ['a certificate in force, whatever the reason', 'src/rooms/service/rules.c', '    TRY(check_certificate(c, tx, old, row_int(in, ASSIGNEE_ID), need));\n', '', 'src/rooms/service/test/dispatch_test.c'],
  ['a pause moves nothing that was due before', 'src/rooms/handbook/sla.c', '*due_ms <= p->from_ms || ', '', 'src/rooms/service/test/clock_test.c'],
  ["a worker's pause waits for a yes", 'src/rooms/service/pauses.c', '    ask = ask && c->who && !who_may(c->who, "ticket.dispatch", community);', '    ask = false;', 'src/rooms/service/test/clock_test.c'],
  ['each rung once per promise', 'src/rooms/service/ladder.c', 'if (has_fired(l, clock, r->percent) || ', 'if (', 'src/rooms/service/test/ladder_test.c'],
  ['residents hear nothing of escalations', 'src/rooms/service/ladder.c', ',\\"internal\\":true}', '}', 'test/journeys/clocks.test.mjs'],
]
