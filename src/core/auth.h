/* auth.h - who is asking and what they may do. Roles are data: named permission sets, granted to a
 * user at a scope (system, company, branch, community) together with the staff member or person the
 * user is there. Rights are read into one struct who per session and kept for two seconds at most;
 * every change of rights drops them at once. */
#pragma once
#include "core/res.h"

enum { PERMS_MAX = 256, ALL_COMMUNITIES = -1 };
struct perm {         /* declared by modules; roles hold sets of them */
    const char *name; /* "ticket.dispatch" */
    struct text label;
};
struct perms {
    uint64_t w[PERMS_MAX / 64];
};
static inline bool perms_has(const struct perms *p, int i)
{
    return i >= 0 && (p->w[i / 64] >> (i % 64) & 1);
}
static inline void perms_add(struct perms *p, int i)
{
    p->w[i / 64] |= UINT64_C(1) << (i % 64);
}

struct grant {
    int64_t community_id;        /* ALL_COMMUNITIES; 0: the company's own rows */
    int64_t staff_id, person_id; /* who the user is there; 0: nobody */
    struct perms perms;
};
struct who {
    int64_t user_id;
    struct str login, name;
    struct perms any; /* union over all grants */
    const struct grant *grants;
    int ngrants;
    struct str role_keys;      /* "desk,dispatcher" for meta */
    bool must_change_password; /* set by somebody else, or older than the policy allows */
    bool has_factor, must_set_factor;
    int home; /* HOME_DESK, HOME_PHONE */
    bool by_cookie;
    char csrf[33];
    uint8_t session_key[32];
    int rate_per_s; /* 0: unlimited (API tokens that say so) */
};
int perm_index(const char *name); /* -1: unknown; NULL: -1 */
const char *perm_name(int i);
int perm_count(void);
bool who_may(const struct who *w, const char *perm, int64_t community_id);
bool who_may_i(const struct who *w, int perm, int64_t community_id);
int64_t who_staff(const struct who *w, int64_t community_id);  /* 0: not a staff member there */
int64_t who_person(const struct who *w, int64_t community_id); /* 0: no resident there */
/* Holds a grant there, other than a resident's. */
bool who_works(const struct who *w, int64_t community_id);
/* The only community in which the caller holds perm; 0: none or several. */
int64_t who_only_community(const struct who *w, const char *perm);

/* Built-in roles, written into the database once and then data like any other. */
struct role_seed {
    const char *key;
    struct text label;
    const char *perms; /* space separated; "ticket.*" takes all of a prefix */
};

struct module;
void perms_register(const struct module *const *modules);

/* Makes a password hash after checking the rules of the policy (length, kinds of characters; never
 * the login or its reverse): field errors under field. */
struct login_policy;
MUST_USE enum err password_make(struct ctx *c, const struct login_policy *rules, const char *field,
                                struct str login, struct str p, char ret[128]);
/* Drops every cached struct who: after any change of users, roles, grants or tokens. */
void who_forget_all(void);
/* The same who, kept alive until mem ends, for streams that outlive their request. */
const struct who *who_keep(const struct who *w, struct arena *mem);
/* Session cookie or bearer token to a who; *ret is NULL when it is not valid. Lives until the arena
 * ends. */
MUST_USE enum err auth_who(struct ctx *c, struct app *app, struct str cookie_token,
                           struct str bearer, const struct who **ret);
extern const struct resource res_user, res_role, res_grant, res_token;
enum {
    U_LOGIN = R_FIRST,
    U_NAME,
    U_PASSWORD,
    U_ENABLED,
    U_MUST_CHANGE,
    U_HOME,
    U_FAILED,
    U_LOCKED_UNTIL,
    U_DEMO,
    U_PASSWORD_AT,
    U_TOTP,
    U_TOTP_AT,
    U_TOTP_STEP,
    U__N
};
enum { RL_KEY = R_FIRST, RL_NAME, RL_PERMS, RL__N };
enum { G_USER = R_FIRST, G_ROLE, G_SCOPE, G_SCOPE_ID, G_STAFF, G_PERSON, G__N };
enum { TK_NAME = R_FIRST, TK_USER, TK_HASH, TK_EXPIRES, TK_RATE, TK_PERMS, TK_COMMUNITY, TK__N };
enum grant_scope { SCOPE_SYSTEM = 1, SCOPE_COMPANY, SCOPE_BRANCH, SCOPE_COMMUNITY };
enum { HOME_DESK = 1, HOME_PHONE };
/* An API token acts as its user, never with more: perms ("" all of his) and community_id (0: all of
 * his) narrow it further. */
struct token_spec {
    struct str name, perms;
    int64_t community_id, expires_ms; /* 0: never; the command line's alone */
    int rate_per_s;                   /* 0: unlimited; the command line's alone */
};
/* The clear text is shown once. */
MUST_USE enum err token_create(struct ctx *c, struct app *app, struct str login,
                               const struct token_spec *spec, struct str *ret_clear);
MUST_USE enum err roles_seed(struct ctx *c, struct tx *tx, const struct module *const *modules);
