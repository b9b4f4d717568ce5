/* batch.h - inside the core: an import that people survive. A file is staged as lines in the
 * database, checked as a whole without keeping anything, then loaded in small units of work by the
 * job thread: other writers go on between them, a crash or a cancel stops between two, and every
 * line knows what it made, so the whole can be taken back. Cells are forgotten when their line is
 * loaded, everything after KEEP_DAYS. */
#pragma once
#include "core/import_in.h"

enum {
    IM_RESOURCE = R_FIRST,
    IM_NAME,
    IM_STATE,
    IM_ROWS,
    IM_BAD,  /* lines with a reason */
    IM_DONE, /* lines loaded, or taken back */
    IM_NEXT, /* lines up to here are settled; of an undo: lines from here */
    IM_HEADER,
    IM_COLUMNS,
    IM_USER_NAME,
    IM__N
};
enum batch_state {
    BATCH_LOADED,
    BATCH_CHECKED,
    BATCH_RUNNING,
    BATCH_CANCELLED,
    BATCH_DONE,
    BATCH_UNDOING,
    BATCH_UNDONE
};
enum line_state { LINE_WAITING, LINE_MADE, LINE_BAD, LINE_UNDONE };
enum { BATCH_KEEP_DAYS = 30, BATCH_CHUNK = 500 };

/* Lines as rows, with the reasons of those that cannot be. */
struct batch_line {
    struct batch_line *next;
    int64_t no, id;    /* id: of the row it made */
    struct str reason; /* JSON [{"field","code","message"}]; empty: none */
    bool settled;      /* the reason stands: a re-run of the transaction does not clear it */
    fieldset set;
    struct val v[]; /* nfields; nothing when there is a reason */
};
struct batch_load {
    struct app *app;
    struct import_plan plan;
    struct row batch;
    struct arena *mem; /* the lines */
    struct batch_line *first, **last;
    int64_t n, bad, last_no;
};
/* The plan of a batch as its columns say. E_STATE when the program no longer knows the resource. */
MUST_USE enum err batch_plan(struct ctx *c, const struct row *batch, struct import_plan *ret);
/* Reads up to max waiting lines after no, outside transactions. */
MUST_USE enum err batch_lines(struct ctx *c, struct batch_load *l, int64_t after_no, size_t max);
/* Inserts all lines without a reason; new reasons are written beside their lines. *ret_bad: how
 * many. Any of them and the caller must roll back. */
MUST_USE enum err batch_insert(struct ctx *c, struct tx *tx, struct batch_load *l,
                               int64_t *ret_bad);
/* The batch's state moves on when it is still from; E_STATE otherwise. */
MUST_USE enum err batch_move(struct ctx *c, struct tx *tx, const struct row *batch, int from,
                             int to, int64_t next, const char *event);
extern const struct query *const batch_run_queries[];
void batch_hurry(struct tx *tx); /* the job thread looks at once after the commit */
