/* demo_staff.c - the people who serve: departments, posts, staff with their logins and skills, the
 * shift plan of two weeks back and ahead. Somebody of the desk and of the workers is on duty at
 * every hour, and those whose accounts visitors use always are. */
#include "main/demo_in.h"

#include "main/demo_texts.h"

enum { SHIFT_DAYS = 14 };

struct job_line {
    const char *login; /* NULL: numbered by role */
    int role, department, post;
    unsigned skills;
};
#define SK(n) (1u << (n))
static const char *const departments[] = {"客户服务部", "工程维修部", "秩序维护部",
                                          "环境管理部", "财务部",     "项目办公室"};
static const char *const posts[] = {"项目经理", "客服主管", "客服专员",
                                    "工程调度", "维修技工", "收费员"};
static const struct job_line main_team[] = {
    {"manager", ROLE_MANAGER, 5, 0, 0},
    {"desk", ROLE_DESK, 0, 1, 0},
    {"desk2", ROLE_DESK, 0, 2, 0},
    {"desk3", ROLE_DESK, 0, 2, 0},
    {"desk4", ROLE_DESK, 0, 2, 0},
    {"dispatcher", ROLE_DISPATCHER, 1, 3, 0},
    {"dispatcher2", ROLE_DISPATCHER, 1, 3, 0},
    {"worker1", ROLE_WORKER, 1, 4, SK(SKILL_WATER) | SK(SKILL_POWER) | SK(SKILL_CARPENTRY)},
    {"worker2", ROLE_WORKER, 1, 4,
     SK(SKILL_POWER) | SK(SKILL_LIFT) | SK(SKILL_WEAK) | SK(SKILL_FIRE)},
    {"worker3", ROLE_WORKER, 1, 4, SK(SKILL_WATER) | SK(SKILL_MASON)},
    {"worker4", ROLE_WORKER, 1, 4, SK(SKILL_WATER) | SK(SKILL_POWER)},
    {"worker5", ROLE_WORKER, 1, 4, SK(SKILL_WEAK) | SK(SKILL_FIRE) | SK(SKILL_LIFT)},
    {"worker6", ROLE_WORKER, 1, 4, SK(SKILL_CARPENTRY) | SK(SKILL_MASON)},
    {"worker7", ROLE_WORKER, 3, 4, SK(SKILL_CLEAN) | SK(SKILL_GREEN)},
    {"worker8", ROLE_WORKER, 3, 4, SK(SKILL_CLEAN) | SK(SKILL_GREEN)},
    {"worker9", ROLE_WORKER, 2, 4, SK(SKILL_ORDER)},
    {"worker10", ROLE_WORKER, 2, 4, SK(SKILL_ORDER)},
    {"cashier", ROLE_CASHIER, 4, 5, 0}};
static const struct job_line small_team[] = {
    {"manager-b", ROLE_MANAGER, 5, 0, 0},
    {"desk-b", ROLE_DESK, 0, 2, 0},
    {"desk2-b", ROLE_DESK, 0, 2, 0},
    {"dispatcher-b", ROLE_DISPATCHER, 1, 3, 0},
    {"worker1-b", ROLE_WORKER, 1, 4,
     SK(SKILL_WATER) | SK(SKILL_POWER) | SK(SKILL_WEAK) | SK(SKILL_LIFT) | SK(SKILL_FIRE)},
    {"worker2-b", ROLE_WORKER, 1, 4, SK(SKILL_CARPENTRY) | SK(SKILL_MASON) | SK(SKILL_WATER)},
    {"worker3-b", ROLE_WORKER, 3, 4, SK(SKILL_CLEAN) | SK(SKILL_GREEN) | SK(SKILL_ORDER)}};

static void shift_new(struct demo *d, struct town *t, const struct member *m, int64_t from_ms,
                      int hours)
{
    struct val *v = row_new(d, &d->shifts, t->id, d->start_ms);
    v[SH_STAFF] = v_int(m->id);
    v[SH_FROM] = v_int(from_ms);
    v[SH_TO] = v_int(from_ms + hours * HOUR_MS);
}

/* Three shifts of eight hours in turn. Members 0 and 1 of a role stand by round the clock (24
 * 小时值班), from morning to morning: the demo is looked at at any hour. */
static void shifts_make(struct demo *d, struct town *t)
{
    for (int day = -SHIFT_DAYS; day <= SHIFT_DAYS; day++) {
        int64_t morning = zone_instant_ms(d->z, date_of_days(d->today + day), 8 * 3600000);
        int nth[ROLE__N] = {0};
        for (int i = 0; i < t->nmembers; i++) {
            const struct member *m = &t->members[i];
            int n = nth[m->role]++;
            if (m->role == ROLE_MANAGER || m->role == ROLE_CASHIER) {
                if (date_weekday(date_of_days(d->today + day)) <= 5)
                    shift_new(d, t, m, morning, 9);
            } else if (n == 0 || (m->role == ROLE_WORKER && n == 1)) {
                shift_new(d, t, m, morning, 24);
            } else if ((n + day + 140) % 4 < 3) {
                shift_new(d, t, m, morning + (n + day + 140) % 4 * 8 * HOUR_MS, 8);
            }
        }
    }
}

static void skills_make(struct demo *d, struct town *t)
{
    for (int i = 0; i < SKILL__N; i++) {
        struct val *v = row_new(d, &d->skills, t->id, d->start_ms);
        v[SK_NAME] = v_text(str_of(demo_skills[i]));
        v[SK_CERTIFICATE] = v_int(i == SKILL_POWER || i == SKILL_LIFT);
        t->skills[i] = v[R_ID].i;
    }
}

/* The whole shipped table, as every new community has it. */
static void categories_make(struct demo *d, struct town *t)
{
    for (size_t i = 0; i < d->nclasses; i++) {
        struct val *v = row_new(d, &d->categories, t->id, d->start_ms);
        for (int f = CA_NAME; f < CA__N; f++)
            v[f] = d->classes[i].row.v[f];
        for (int k = 0; k < SKILL__N; k++)
            if (str_eqz(d->classes[i].skill, demo_skills[k]))
                v[CA_SKILL] = v_int(t->skills[k]);
        for (int k = 0; k < CAT__ALL; k++)
            if (str_eqz(val_str(v[CA_NAME]), demo_categories[k].name))
                t->categories[k] = v[R_ID].i;
    }
    for (int k = 0; k < CAT__ALL; k++)
        ASSERT(t->categories[k]);
}

static void member_new(struct demo *d, struct town *t, const struct job_line *j, const int64_t *dep,
                       const int64_t *post)
{
    struct str name = person_name(d);
    struct member *m = &t->members[t->nmembers++];
    m->role = j->role;
    m->skills = j->skills;
    m->account = account_new(d, j->login, name, j->role == ROLE_WORKER ? HOME_PHONE : HOME_DESK);
    struct val *v = row_new(d, &d->staff, t->id, d->start_ms);
    m->id = v[R_ID].i;
    v[ST_NAME] = v_text(name);
    v[ST_PHONE] = v_text(phone_new(d));
    v[ST_DEPARTMENT] = v_int(dep[j->department]);
    v[ST_POST] = v_int(post[j->post]);
    v[ST_USER] = v_int(m->account->user_id);
    v[ST_DESK] = v_int(j->role == ROLE_DESK);
    v[ST_WORKER] = v_int(j->role == ROLE_WORKER);
    grant_new(d, m->account, j->role, SCOPE_COMMUNITY, t->id, m->id, 0);
    for (int i = 0; i < SKILL__N; i++)
        if (j->skills & SK(i)) {
            struct val *s = row_new(d, &d->staff_skills, t->id, d->start_ms);
            s[SS_STAFF] = v_int(m->id);
            s[SS_SKILL] = v_int(t->skills[i]);
            if (i == SKILL_POWER || i == SKILL_LIFT) {
                s[SS_CERTIFICATE] = v_text(text_of(d, "T%08lld", (long long)(m->id % 100000000)));
                s[SS_VALID_TO] = v_text(date_text(d->mem, date_of_days(d->today + 200)));
            }
        }
}

void staff_make(struct demo *d, struct town *t)
{
    int64_t dep[COUNT_OF(departments)], post[COUNT_OF(posts)];
    struct val *rows[COUNT_OF(departments)];
    for (size_t i = 0; i < COUNT_OF(departments); i++) {
        struct val *v = row_new(d, &d->departments, t->id, d->start_ms);
        v[DP_NAME] = v_text(str_of(departments[i]));
        dep[i] = v[R_ID].i;
        rows[i] = v;
    }
    for (size_t i = 0; i < COUNT_OF(posts); i++) {
        struct val *v = row_new(d, &d->posts, t->id, d->start_ms);
        v[PO_NAME] = v_text(str_of(posts[i]));
        post[i] = v[R_ID].i;
    }
    skills_make(d, t);
    categories_make(d, t);
    const struct job_line *team = t->main ? main_team : small_team;
    for (size_t i = 0; i < (t->main ? COUNT_OF(main_team) : COUNT_OF(small_team)); i++)
        member_new(d, t, &team[i], dep, post);
    for (int i = t->nmembers - 1; i >= 0; i--) /* whom a team names first heads his department */
        rows[team[i].department][DP_HEAD] = v_int(t->members[i].id);
    shifts_make(d, t);
}

const struct member *member_with(struct demo *d, const struct town *t, int role, int skill)
{
    const struct member *fit[MEMBERS_MAX] = {0};
    int n = 0;
    for (int i = 0; i < t->nmembers; i++)
        if (t->members[i].role == role && (skill < 0 || t->members[i].skills & SK(skill)))
            fit[n++] = &t->members[i];
    ASSERT(n > 0);
    return fit[pick(d, 0, n - 1)];
}
