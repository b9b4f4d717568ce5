/* backup.h - the whole house in one file: an SQLite database with every table as it was at one
 * moment, the uploads, and a manifest with a SHA-256 of each table and of everything. The key file
 * is never in it: who finds a backup reads no ID number. A backup says nothing about its engine, so
 * one of PostgreSQL goes back into SQLite and the other way round. */
#pragma once
#include "core/app.h"

struct backup_told {
    int64_t tables, rows, files, bytes; /* files: uploads; bytes: of the uploads */
    int64_t missing; /* uploads that rows speak of and that are not there, or are damaged */
    struct str made; /* when, RFC 3339 */
};
struct backup_make {
    struct db *db;
    const char *data_dir, *path;
    bool replace; /* an older file of this name */
    /* Looks at the copy before it is closed; may be NULL. */
    enum err (*look)(struct ctx *c, struct db *copy, void *arg);
    void *arg;
};
/* Writes path, reads it back and compares; on failure path is what it was. The database may be of
 * an older program. */
MUST_USE enum err backup_make(struct ctx *c, const struct backup_make *m, struct backup_told *ret);
/* Reads all of it; E_STATE says what is damaged, E_INVALID that it is no backup. */
MUST_USE enum err backup_verify(struct ctx *c, const char *path, struct backup_told *ret);
/* The rows into to, which has no tables or gives them up (replace); row-exact. */
MUST_USE enum err backup_rows(struct ctx *c, const char *path, struct db *to, bool replace);
/* The uploads into data_dir; those that are there stay. */
MUST_USE enum err backup_files(struct ctx *c, const char *path, const char *data_dir);
