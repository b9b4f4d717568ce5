/* db.h - one door to the store; two engines behind it: sqlite:PATH (embedded, default) and
 * postgres://… . A unit of work is a function fn(ctx, tx, arg). It may run more than once and, on
 * SQLite, on the writer's thread while the caller waits; so it touches only its transaction, its
 * argument and its arena: no network, files, clock, hashing. Both engines then mean "as if one
 * after another, durable before the reply". After any failed statement the transaction is doomed on
 * both: every later call in it fails and nothing of it stays. One SQL: docs/sql-dialect.md. */
#pragma once
#include "base/err.h"

enum vt { V_NULL, V_INT, V_REAL, V_TEXT, V_BLOB };
struct val {
    enum vt t;
    union {
        int64_t i;
        double r;
        struct str s; /* V_TEXT, V_BLOB */
    };
};
static inline struct val v_null(void)
{
    return (struct val){.t = V_NULL};
}
static inline struct val v_int(int64_t i)
{
    return (struct val){.t = V_INT, .i = i};
}
static inline struct val v_real(double r)
{
    return (struct val){.t = V_REAL, .r = r};
}
static inline struct val v_text(struct str s)
{
    return (struct val){.t = V_TEXT, .s = s};
}
static inline struct val v_blob(struct str s)
{
    return (struct val){.t = V_BLOB, .s = s};
}
#define v_lit(z) v_text(S(z))
static inline int64_t val_int(struct val v)
{
    return v.t == V_INT ? v.i : 0;
}
static inline struct str val_str(struct val v)
{
    return v.t == V_TEXT || v.t == V_BLOB ? v.s : (struct str){0};
}
bool val_eq(struct val a, struct val b); /* NULL equals NULL */

/* A statement with $1..$n. Prepared once per connection, found by address, so it lives as long as
 * the process: a static const, or one made by db_intern. name shows in slow logs, metrics and the
 * prepare-all test. */
struct query {
    const char *name, *sql;
};

struct db;
struct tx;
enum db_engine { DB_SQLITE, DB_POSTGRES };
struct db_options {
    int readers;      /* most read connections (SQLite) or connections (PostgreSQL); 0: 16 */
    int writer_batch; /* SQLite: most units per commit; 0: 256 */
    int busy_ms;      /* how long to wait for a lock held by another process; 0: 5000 */
    int slow_ms;      /* statements slower than this are logged with their name; 0: 200 */
    /* SQLite: a missing file is E_MISSING; nothing is ever written; one file without a -wal beside
     * it, slower to write but easy to carry. PostgreSQL knows none of them. */
    bool must_exist, read_only, one_file;
};
/* Opens, creating a SQLite file that is missing. On failure returns the code; c->fault.message is
 * one English line that says what to do. */
MUST_USE enum err db_open(struct ctx *c, const char *url, const struct db_options *o,
                          struct db **ret);
void db_close(struct db *db);
enum db_engine db_engine_of(const struct db *db);
/* E_OK, or E_BUSY while the database cannot be reached; tries to reconnect. For /readyz. */
MUST_USE enum err db_ping(struct db *db, struct ctx *c);

typedef enum err (*work_fn)(struct ctx *c, struct tx *tx, void *arg);
/* Runs fn on one snapshot, read-only. */
MUST_USE enum err db_read(struct db *db, struct ctx *c, work_fn fn, void *arg);
/* Runs fn in a serializable transaction and returns after it is durable. E_BUSY, E_FULL: nothing
 * was done. */
MUST_USE enum err db_write(struct db *db, struct ctx *c, work_fn fn, void *arg);
/* The same without waiting: done(arg, result) is called once, on the writer's thread or, before
 * this returns, on the caller's. After the call c and arg belong to done, which must not write. */
void db_write_then(struct db *db, struct ctx *c, work_fn fn, void *arg,
                   void (*done)(void *arg, enum err result));
/* fn(arg) runs once the transaction is durable, where db_write or done returns to; it must not
 * write. Forgotten when the transaction is rolled back or re-run. */
void tx_after_commit(struct tx *tx, void (*fn)(void *), void *arg);
struct db *tx_db(struct tx *tx);

/* Rows come as arrays of ncol values that live in c->mem (for q_each: until the callback returns).
 */
typedef enum err (*row_fn)(struct ctx *c, const struct val *row, int ncol, void *arg);
MUST_USE enum err q_each(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                         size_t nin, row_fn fn, void *arg);
/* One row into ret[0..ncol-1]; E_MISSING (without a fault record) when there is none. */
MUST_USE enum err q_one(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                        size_t nin, struct val *ret, int ncol);
struct rows {
    struct val *v; /* n × ncol, row after row */
    size_t n;
    int ncol;
};
/* Up to max rows; one more is E_TOOBIG. Memory from c->mem. */
MUST_USE enum err q_rows(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                         size_t nin, size_t max, struct rows *ret);
/* A change; ret_changed may be NULL. A unique clash fails with E_EXISTS and dooms: where it is
 * expected write ON CONFLICT. */
MUST_USE enum err q_do(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                       size_t nin, int64_t *ret_changed);
/* A change that nobody waits for: on PostgreSQL it travels with the next statement or the commit,
 * on SQLite it runs at once. Its failure fails the transaction, at the latest when it commits, and
 * is E_DB whatever it was; so not for a change that may clash or whose count matters. */
MUST_USE enum err q_send(struct ctx *c, struct tx *tx, const struct query *q, const struct val *in,
                         size_t nin);
#define IN(...) (const struct val[]){__VA_ARGS__}, COUNT_OF(((const struct val[]){__VA_ARGS__}))
#define IN0     NULL, 0

/* Many rows of one table as multi-row VALUES in chunks: the portable fast path. v holds nrows ×
 * ncol values. */
struct bulk {
    const char *table;
    const char *const *columns;
    int ncol;
    const char *on_conflict; /* "" or e.g. "ON CONFLICT DO NOTHING" */
};
MUST_USE enum err q_bulk(struct ctx *c, struct tx *tx, const struct bulk *b, const struct val *v,
                         size_t nrows, int64_t *ret_changed);

/* The query with this text, made once per process and kept; for statements composed from constant
 * identifiers (lists with filters). Bounded: past 2,000 texts returns NULL and the caller answers
 * E_BUSY. */
const struct query *db_intern(struct db *db, struct str name, struct str sql);
/* The same, but past 400 texts a statement that lives in a and is prepared anew for each use: for
 * texts whose variety is in a client's hands, who must not be able to use the bound up. */
const struct query *db_query(struct db *db, struct arena *a, struct str name, struct str sql);
/* Prepares q on the engine without running it; ret_why (in c->mem) says why not. For the
 * prepare-all test. */
MUST_USE enum err db_prepare_check(struct db *db, struct ctx *c, const struct query *q,
                                   struct str *ret_why);
/* The engine's plan of q as text, for the EXPLAIN tests. */
MUST_USE enum err db_explain(struct db *db, struct ctx *c, const struct query *q,
                             const struct val *in, size_t nin, struct str *ret);

/* --- schema: additive migration --- */
enum col_type { COL_INT, COL_REAL, COL_TEXT, COL_BLOB };
struct column {
    const char *name;
    enum col_type type;
    bool not_null;           /* new columns of existing tables: only together with default_sql */
    const char *default_sql; /* NULL or a literal */
};
struct index {
    const char *name; /* whole name, unique in the database */
    const char *columns;
    const char *where; /* NULL: all rows */
    bool unique;
};
struct table {
    const char *name;
    const struct column *columns;
    size_t ncolumns;
    const char *primary_key; /* "id" or "a, b" */
    const struct index *indexes;
    size_t nindexes;
    /* Not NULL: the database itself (triggers) refuses to delete rows and to change them, for every
     * user of it; but the columns named here ("a, b") may go from NULL to a value, all at once. */
    const char *append_only;
    /* A text column of a table keyed by id whose words, one space apart, are indexed. Whoever
     * changes it calls db_words_moved. NULL: none. */
    const char *words;
};
struct fixup {
    int number; /* 1, 2, 3 … over the whole program, never reused */
    const char *why;
    enum err (*run)(struct ctx *c, struct tx *tx);
};
/* Creates what is missing (tables, columns, indexes; never drops), then runs each fixup not run
 * before, in order, each in its transaction. A database newer than the program is refused with
 * E_STATE. Does nothing when the stored schema mark equals ours. */
MUST_USE enum err db_migrate(struct db *db, struct ctx *c, const struct table *tables,
                             size_t ntables, const struct fixup *fixups, size_t nfixups);

/* Whether db_migrate would have nothing to do; changes nothing. */
MUST_USE enum err db_schema_current(struct db *db, struct ctx *c, const struct table *tables,
                                    size_t ntables, const struct fixup *fixups, size_t nfixups,
                                    bool *ret);

/* --- word indexes (words.c): FTS5 on SQLite, GIN on PostgreSQL --- */
struct word { /* lower-case ASCII letters and digits, '_', and any character beyond ASCII */
    struct str text;
    bool begins; /* every word that begins like this */
};
/* In the same transaction: the words of row id were old and are neu (NULL: no row, or no words). */
MUST_USE enum err db_words_moved(struct ctx *c, struct tx *tx, const char *table, const char *words,
                                 int64_t id, struct val old, struct val neu);
/* What waits beside the index goes into it: after many rows were indexed. */
MUST_USE enum err db_words_settle(struct ctx *c, struct tx *tx, const char *table);
/* A SELECT of "hit", the keys of the rows of table t that parameter $param asks for: a window's. */
struct str db_words_hits(struct db *db, struct arena *a, const char *table, const char *words,
                         int param);
/* The FROM part that joins hits with their table's rows (id), the hits first. */
struct str db_words_join(struct db *db, struct arena *a, struct str hits, const char *table);
/* Where hits are asked for, newest first: ask is the parameter for those from … before that hold
 * all words (at least one), about as many as are wanted (more where many are of the same moment);
 * last: there are none below; ask NULL: there are none. want 0: all hits there are. SQLite hands
 * out hits in this order: its window is everything. */
struct words_window {
    struct val ask;
    int64_t from;
    bool last;
};
MUST_USE enum err db_words_window(struct ctx *c, struct tx *tx, const char *table,
                                  const char *words, const struct word *w, size_t n, int64_t before,
                                  int64_t want, struct words_window *ret);

/* --- whole databases (copy.c) --- */
struct db_sum { /* one table: its rows in the order of its key, all columns by name */
    struct str table;
    int64_t rows;
    struct str sum; /* SHA-256, hex; the same on both engines */
};
struct db_sums {
    struct db_sum *v;
    size_t n;
};
/* skip: tables whose name begins like this are not looked at; "": none. On one snapshot. */
MUST_USE enum err db_sums(struct db *db, struct ctx *c, const char *skip, struct db_sums *ret);
/* Copies every row of every table, on one snapshot of from, into to in one transaction, which makes
 * the tables, and reads them back: E_DB when they differ. to must have no tables (E_STATE), unless
 * replace: then they go in the same transaction. Not copied: names that begin with skip, and
 * schema_mark, so that db_migrate looks at every table, index and trigger of the copy. */
MUST_USE enum err db_copy(struct ctx *c, struct db *from, struct db *to, const char *skip,
                          bool replace, struct db_sums *ret);
/* The whole database as it is at one moment, into the empty file at path, as one SQLite file;
 * writers go on meanwhile. */
MUST_USE enum err db_image(struct db *db, struct ctx *c, const char *path);
MUST_USE enum err db_is_empty(struct db *db, struct ctx *c, bool *ret); /* has no tables */
/* E_BUSY while another process has the database open. For a db just opened. */
MUST_USE enum err db_alone(struct db *db, struct ctx *c);

/* --- measures and fault injection --- */
struct db_stats {
    int64_t statements, writes, commits, retries, failed, slow;
    int64_t queue_len;
};
void db_stats_get(struct db *db, struct db_stats *ret);
enum db_fault { DB_FAULT_NONE, DB_FAULT_STATEMENT, DB_FAULT_COMMIT };
/* Tests only: the n-th such step from now fails with E_DB, once. */
void db_fault_nth(struct db *db, enum db_fault what, int64_t n);
bool db_fault_waits(struct db *db); /* it has not come yet */
