/* demo_tickets.c - when which tickets come: by season, weekday and hour, a few per home and year;
 * and the living present: tickets that stand in every open state now, some late, some soon due,
 * some of the accounts that visitors use. */
#include "main/demo_sim.h"

#include <stdlib.h>
#include <string.h>

enum { PER_HOME_YEAR_TENTHS = 25, YEARS_MAX = 12, PRESENT_KEY = 10000000, PROBLEMS_MAX = 200 };

struct plan {
    struct draft *v;
    int n;

    int count[KIND_INQUIRY + 1][YEARS_MAX]; /* numbers given, by kind and year */
    int year0;
};

/* --- what and when --- */

static int choose_category(struct demo *d, int month)
{
    int w[CAT__N], total = 0;
    for (int i = 0; i < CAT__N; i++) {
        const struct demo_category *k = &demo_categories[i];
        int apart = k->peak ? abs(month - k->peak) : 12;
        apart = apart > 6 ? 12 - apart : apart;
        w[i] = k->peak && apart <= 1 ? k->weight * 3 : k->weight;
        total += w[i];
    }
    int at = pick(d, 0, total - 1), i = 0;
    while (at >= w[i])
        at -= w[i++];
    return i;
}

static int problem_of(struct demo *d, int category)
{
    int of[32] = {0}, n = 0;
    for (int i = 0; i < demo_nproblems && n < (int)COUNT_OF(of); i++)
        if (demo_problems[i].category == category)
            of[n++] = i;
    ASSERT(n > 0);
    return of[pick(d, 0, n - 1)];
}

/* Calls peak in the morning and after work; few come at night. */
static int hour_by_habit(struct demo *d)
{
    static const int weight[24] = {2,  1,  1,  1,  1,  2,  6,  14, 26, 30, 26, 20,
                                   14, 14, 18, 19, 20, 24, 28, 30, 26, 18, 10, 5};
    int total = 0, h = 0;
    for (int i = 0; i < 24; i++)
        total += weight[i];
    int at = pick(d, 0, total - 1);
    while (at >= weight[h])
        at -= weight[h++];
    return h;
}

static void add(struct plan *p, int key, struct draft one)
{
    one.key = key;
    p->v[p->n++] = one;
}

static void plan_history(struct demo *d, const struct town *t, struct plan *p)
{
    int64_t n = (int64_t)t->households * d->size.years * PER_HOME_YEAR_TENTHS / 10,
            days = d->size.years * 365;
    for (int64_t i = 0; i < n; i++) {
        int64_t day = d->today - prng_range(&d->g, 0, days - 1);
        int hour = hour_by_habit(d), ms = pick(d, 0, 3599999);
        int64_t at = zone_instant_ms(d->z, date_of_days(day), hour * 3600000 + ms);
        int problem = problem_of(d, choose_category(d, date_of_days(day).m));
        bool slow = chance(d, 45);
        int known = chance(d, 6) ? 1 : chance(d, 4) ? 2 : 0;
        if (at < d->now_ms - 10 * 60000)
            add(p, (int)i,
                (struct draft){
                    .at_ms = at, .problem = problem, .slow = slow, .known = t->main ? known : 0});
    }
}

/* 1: such a thing is answered within the half hour; 2: at once, so that it never stands about. */
static int hurry(int problem)
{
    int p = priority_default(demo_problems[problem].urgency, demo_problems[problem].impact,
                             TIER_REGULAR);
    return p == 1 ? 2 : p == 2;
}

/* One of these categories that is not there yet, as far as there are enough of them. */
static int present_problem(struct demo *d, bool *used, int first, int last, int how_hurried,
                           bool at_home)
{
    int q = 0;
    for (int tries = 0; tries < 200; tries++) {
        q = problem_of(d, pick(d, first, last));
        bool fits = hurry(q) == how_hurried && (!at_home || demo_problems[q].where == AT_HOME);
        if (fits && (!used[q] || tries >= 100))
            break;
    }
    used[q] = true;
    return q;
}

static void plan_present(struct demo *d, const struct town *t, struct plan *p)
{
    static const struct {
        int state, n, young_min, old_min, hurry;
    } now[] = {{RECEIVED, 6, 2, 25, 0},      {RECEIVED, 1, 1, 10, 1},
               {RECEIVED, 2, 45, 200, 1},    {ACCEPTED, 7, 15, 200, 0},
               {DISPATCHED, 7, 40, 420, 0},  {DISPATCHED, 1, 15, 60, 1},
               {IN_PROGRESS, 6, 60, 900, 0}, {PAUSED, 3, 600, 2400, 0},
               {FINISHED, 4, 180, 900, 0},   {INFORMED, 5, 900, 6000, 0}};
    static const struct {
        int state, slack_min;
    } tight[] = {{IN_PROGRESS, -380}, {IN_PROGRESS, -95}, {PAUSED, -1300},    {DISPATCHED, -40},
                 {IN_PROGRESS, 25},   {DISPATCHED, 70},   {IN_PROGRESS, 115}, {ACCEPTED, 170}};
    int part = t->households >= 200 ? 1 : t->households >= 60 ? 2 : 3, known = 0;
    bool used[PROBLEMS_MAX] = {0};
    for (size_t i = 0; i < COUNT_OF(now); i++)
        for (int k = 0; k < (now[i].n + part - 1) / part; k++) {
            struct draft one = {.stop = now[i].state, .favoured = chance(d, 700)};
            one.at_ms = d->now_ms - prng_range(&d->g, now[i].young_min, now[i].old_min) * 60000;
            bool work = now[i].state >= DISPATCHED && now[i].state <= PAUSED;
            if (t->main && k == 0)
                one.known = known++ % 2 + 1;
            one.problem = present_problem(d, used, 0, work ? CAT_CLEANING : CAT__N - 1,
                                          now[i].hurry, one.known);
            add(p, PRESENT_KEY + (int)i * 50 + k, one);
        }
    for (size_t i = 0; i < COUNT_OF(tight); i += (size_t)part) {
        int category = i % 2 ? CAT_DOOR : CAT_WATER;
        int problem = present_problem(d, used, category, category, 0, false);
        add(p, PRESENT_KEY + 1000 + (int)i,
            (struct draft){.stop = tight[i].state,
                           .slack_min = tight[i].slack_min,
                           .favoured = true,
                           .problem = problem});
    }
}

/* --- who and where --- */

static const struct stay *stay_at(struct demo *d, const struct place *p, int64_t day)
{
    const struct stay *fit[24] = {0};
    int n = 0;
    bool let = false;
    for (const struct stay *s = p->stays; s; s = s->next)
        let |= s->relation == REL_TENANT && s->from <= day && (!s->to || s->to >= day);
    for (const struct stay *s = p->stays; s && n < (int)COUNT_OF(fit); s = s->next)
        if (s->from <= day && (!s->to || s->to >= day) && s->who->phone.n &&
            !(let && s->relation == REL_OWNER))
            fit[n++] = s;
    return n ? fit[pick(d, 0, n - 1)] : NULL;
}

static const struct place *home_of_somebody(struct demo *d, const struct town *t, int64_t day,
                                            const struct resident **ret)
{
    for (;;) {
        const struct place *p = &t->units.v[pick(d, 0, (int)t->units.n - 1)];
        const struct stay *s = stay_at(d, p, day);
        if (s) {
            *ret = s->who;
            return p;
        }
    }
}

static const struct place *entrance_of(const struct town *t, const struct place *home)
{
    for (size_t i = 0; i < t->entrances.n; i++) {
        struct str e = t->entrances.v[i].code;
        if (str_starts(home->code, e) && home->code.n > e.n && home->code.p[e.n] == '-')
            return &t->entrances.v[i];
    }
    return &t->entrances.v[0];
}

static const struct place *spot_of(struct demo *d, const struct places *l, unsigned spots)
{
    int fit[32] = {0}, n = 0;
    for (int i = 0; i < (int)l->n && n < (int)COUNT_OF(fit); i++)
        if (!spots || spots >> i & 1)
            fit[n++] = i;
    return &l->v[fit[pick(d, 0, n - 1)]];
}

/* The person's own parking space; of one who has none, somebody's, and then it is he who calls. */
static const struct place *parking_of(struct demo *d, const struct town *t,
                                      const struct resident **person)
{
    const struct places *l = &t->parking;
    for (size_t i = 0; i < l->n; i++)
        if (*person && l->v[i].stays && l->v[i].stays->who == *person)
            return &l->v[i];
    const struct place *p = &l->v[pick(d, 0, (int)l->n - 1)];
    if (*person && p->stays)
        *person = p->stays->who;
    return p;
}

static const struct place *place_of(struct demo *d, const struct town *t,
                                    const struct demo_problem *p, const struct place *home,
                                    const struct resident **person)
{
    switch (p->where) {
    case AT_ENTRANCE: return entrance_of(t, home);
    case AT_AREA: return spot_of(d, &t->areas, p->spots);
    case AT_PLANT: return spot_of(d, &t->plants, p->spots);
    case AT_PARKING: return parking_of(d, t, person);
    default: return home;
    }
}

/* What the desk would type: where, when it is not a home, and what. */
static struct str title_of(struct demo *d, const struct demo_problem *p, int kind,
                           const struct place *at)
{
    if (p->where == AT_PARKING)
        return text_of(d, PRS "车位%s", PRA(at->code), p->title);
    if (p->where != AT_HOME && kind <= KIND_COMPLAINT)
        return text_of(d, PRS "%s", PRA(at->path), p->title);
    return str_of(p->title);
}

static int channel_of(struct demo *d, const struct sim *s)
{
    static const int ways[] = {CH_PHONE,  CH_PHONE, CH_PHONE, CH_PHONE, CH_PHONE,  CH_PHONE,
                               CH_PHONE,  CH_DESK,  CH_DESK,  CH_VISIT, CH_WECHAT, CH_WECHAT,
                               CH_WECHAT, CH_APP,   CH_APP,   CH_QR,    CH_WEB};
    if (!s->person)
        return s->p->where == AT_PLANT && chance(d, 500) ? CH_DEVICE : CH_ROUND;
    if (s->person->account)
        return chance(d, 750) ? CH_APP : CH_WECHAT;
    return ways[pick(d, 0, (int)COUNT_OF(ways) - 1)];
}

/* --- one ticket --- */

static struct str code_of(struct demo *d, struct plan *p, int kind, int64_t at_ms)
{
    static const char *const prefix[] = {"", "WX", "TS", "JY", "BY", "ZX"};
    int year = zone_date(d->z, at_ms).y;
    int *n = &p->count[kind][year - p->year0];
    return text_of(d, "%s-%04d-%06d", prefix[kind], year, ++*n);
}

static void fill_clocks(struct sim *s, int priority)
{
    struct val *v = s->row.v;
    struct sla sla = sla_default(s->cat->kind, priority);
    int64_t due_ms[CLOCK__N];
    ASSERT(sla_due(&sla, &s->d->calendar, s->at_ms, NULL, 0, due_ms));
    for (int k = 0; k < CLOCK__N; k++) {
        v[T_RESPOND_DUE + k] = v_int(due_ms[k]);
        v[T_RESPOND_MIN + k] = v_int(sla.minutes[k]);
    }
    v[T_CLOCK_FROM] = v_int(s->at_ms);
    v[T_CLOCK_HOURS] = v_int(sla.hours);
    v[T_CLOCK_STOPPED] = v_int(0);
}

/* The whole row as ticket_check would have filled it at creation. */
static void fill_row(struct sim *s, struct plan *plan, const struct place *at)
{
    struct val *v = s->row.v;
    int channel = channel_of(s->d, s), tier = s->person ? s->person->tier : TIER_REGULAR;
    int priority = priority_default(s->p->urgency, s->p->impact, tier);
    bool own = channel == CH_WECHAT || channel == CH_APP || channel == CH_WEB || channel == CH_QR ||
               channel == CH_DEVICE;
    int64_t by = s->person && s->person->account ? s->person->account->user_id
                 : own                           ? 0
                                                 : s->desk->account->user_id;
    v[R_CREATED_BY] = by ? v_int(by) : v_null();
    v[T_CODE] = v_text(code_of(s->d, plan, s->cat->kind, s->at_ms));
    v[T_KIND] = v_int(s->cat->kind);
    v[T_TITLE] = v_text(title_of(s->d, s->p, s->cat->kind, at));
    v[T_DETAIL] = v_text(str_of(s->p->detail));
    v[T_SPACE] = v_int(at->id);
    int64_t asset = asset_of(s->t, demo_category_of(s->p), at->id, s->draft->key);
    v[T_ASSET] = asset ? v_int(asset) : v_null();
    v[T_PERSON] = s->person ? v_int(s->person->id) : v_null();
    v[T_CONTACT_NAME] = s->person ? v_text(s->person->name) : v_null();
    v[T_CONTACT_PHONE] = s->person ? v_text(s->person->phone) : v_null();
    v[T_CHANNEL] = v_int(channel);
    v[T_CATEGORY] = v_int(s->t->categories[demo_category_of(s->p)]);
    v[T_URGENCY] = v_int(s->p->urgency);
    v[T_IMPACT] = v_int(s->p->impact);
    v[T_PRIORITY] = v_int(priority);
    v[T_STATE] = v_int(RECEIVED);
    v[T_FIRST_CONTACT] = v_int(s->desk->id);
    fill_clocks(s, priority);
    v[T_RESPOND_BREACHED] = v[T_HANDLE_BREACHED] = v[T_RESOLVE_BREACHED] = v[T_PAUSED_MS] =
        v[T_REWORK] = v[T_REROUTES] = v_int(0);
}

static void rate(struct sim *s)
{
    struct demo *d = s->d;
    int64_t informed = row_int(&s->row, T_INFORMED),
            at = informed + prng_range(&d->g, 5, 1800) * 60000;
    if (!s->person || !informed || at >= d->now_ms || row_int(&s->row, T_STATE) < INFORMED ||
        row_int(&s->row, T_STATE) == CANCELLED || !chance(d, 360))
        return;
    bool late = row_int(&s->row, T_RESOLVE_BREACHED) || row_int(&s->row, T_REWORK);
    int base = late ? pick(d, 2, 4) : pick(d, 1, 10) > 2 ? 5 : 4;
    const char *const *words = base == 5 ? demo_good : base >= 3 ? demo_fair : demo_bad;
    struct val *v = row_new(d, &d->ratings, s->t->id, at);
    v[R_CREATED_BY] = s->person->account ? v_int(s->person->account->user_id) : v_null();
    v[RA_TICKET] = v_int(s->id);
    for (int i = RA_CONTENT; i <= RA_EXPERIENCE; i++) {
        int mark = base + (chance(d, 200) ? pick(d, -1, 1) : 0);
        v[i] = v_int(mark > 5 ? 5 : mark < 1 ? 1 : mark);
    }
    int n = 0;
    while (words[n])
        n++;
    if (chance(d, 550))
        v[RA_COMMENT] = v_text(str_of(words[pick(d, 0, n - 1)]));
    s->at_ms = at;
    sim_note(s, "ticket.rated", s->person->account, S("{\"action\":\"rate\"}"));
}

static void ticket_make(struct demo *d, struct town *t, struct plan *plan, const struct draft *one)
{
    const struct demo_problem *p = &demo_problems[one->problem];
    reseed(d, t, 100 + one->key);
    struct sim s = {.d = d,
                    .t = t,
                    .draft = one,
                    .p = p,
                    .cat = &demo_categories[demo_category_of(p)],
                    .at_ms = one->at_ms};
    const struct place *home = home_of_somebody(d, t, date_days(zone_date(d->z, one->at_ms)),
                                                &s.person);
    if (one->known && p->where != AT_PLANT) {
        s.person = t->known[one->known - 1];
        home = t->known_home[one->known - 1];
    } else if (p->where == AT_PLANT ||
               (p->where != AT_HOME && demo_categories[p->category].kind == KIND_REPAIR &&
                chance(d, 300)))
        s.person = NULL;
    s.desk = member_with(d, t, ROLE_DESK, -1);
    struct val *row = row_new(d, &d->tickets, t->id, one->at_ms);
    s.id = row[R_ID].i;
    memcpy(s.row.v, row, T__N * sizeof *row);
    const struct place *at = place_of(d, t, p, home, &s.person);
    fill_row(&s, plan, at);
    sim_live(&s);
    /* The first look at the clocks finds what those that are open are due. */
    if (row_int(&s.row, T_STATE) < FINISHED && !row_int(&s.row, T_CLOCK_STOPPED))
        s.row.v[T_CLOCK_NEXT] = v_int(d->now_ms);
    ticket_next_due(&s.row);
    memcpy(row, s.row.v, T__N * sizeof *row);
    rate(&s);
}

/* --- all of them --- */

/* A ticket that is to be so near its target was made that long ago. */
static void place_tight(struct demo *d, struct plan *p)
{
    for (int i = 0; i < p->n; i++) {
        struct draft *one = &p->v[i];
        const struct demo_problem *q = &demo_problems[one->problem];
        if (!one->slack_min)
            continue;
        struct sla sla = sla_default(demo_categories[q->category].kind,
                                     priority_default(q->urgency, q->impact, TIER_REGULAR));
        int64_t lo = d->now_ms - 40 * DAY_MS, hi = d->now_ms, due_ms[CLOCK__N];
        while (lo < hi) {
            int64_t mid = lo + (hi - lo) / 2;
            ASSERT(sla_due(&sla, &d->calendar, mid, NULL, 0, due_ms));
            if (due_ms[CLOCK_RESOLVE] < d->now_ms + one->slack_min * INT64_C(60000))
                lo = mid + 1;
            else
                hi = mid;
        }
        one->at_ms = lo;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->problem - y->problem;
}

static void series_make(struct demo *d, const struct town *t, const struct plan *p)
{
    static const char *const prefix[] = {"", "WX", "TS", "JY", "BY", "ZX"};
    for (int k = KIND_REPAIR; k <= KIND_INQUIRY; k++)
        for (int y = 0; y < YEARS_MAX; y++) {
            if (!p->count[k][y])
                continue;
            struct val *v = row_raw(d, &d->series);
            v[0] = v_int(t->id);
            v[1] = v_text(text_of(d, "%s-%04d", prefix[k], p->year0 + y));
            v[2] = v_int(p->count[k][y] + 1);
        }
}

void tickets_make(struct demo *d, struct town *t)
{
    ASSERT(demo_nproblems <= PROBLEMS_MAX);
    struct plan p = {.year0 = zone_date(d->z, d->now_ms).y - YEARS_MAX + 1};
    size_t most = (size_t)t->households * (size_t)d->size.years * PER_HOME_YEAR_TENTHS / 10 + 100;
    p.v = arena_get(d->mem, most * sizeof *p.v);
    reseed(d, t, 1);
    plan_history(d, t, &p);
    reseed(d, t, 2);
    plan_present(d, t, &p);
    place_tight(d, &p);
    qsort(p.v, (size_t)p.n, sizeof *p.v, by_time);
    for (int i = 0; i < p.n; i++) {
        ticket_make(d, t, &p, &p.v[i]);
        if (i % 500 == 0)
            progress("tickets", d->tickets.n);
    }
    series_make(d, t, &p);
}
