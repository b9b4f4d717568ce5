/* demo_people.c - who lives where: owners with families, tenants, empty homes, and moves over the
 * years. Those there at the start first, then the moves by date, so that ids grow with time. */
#include "main/demo_in.h"

#include <stdlib.h>

static struct resident *resident_new(struct demo *d, struct town *t, struct str name, bool phone,
                                     int64_t at_ms)
{
    struct resident *r = arena_get(d->mem, sizeof *r);
    struct val *v = row_new(d, &d->people, t->id, at_ms);
    r->id = v[R_ID].i;
    r->name = name;
    r->phone = phone ? phone_new(d) : (struct str){0};
    r->tier = chance(d, 40) ? TIER_VIP : TIER_REGULAR;
    v[PE_KIND] = v_int(1);
    v[PE_NAME] = v_text(name);
    v[PE_PHONE] = phone ? v_text(r->phone) : v_null();
    v[PE_TIER] = v_int(r->tier);
    return r;
}

static void stay_new(struct demo *d, struct town *t, struct place *p, struct resident *r,
                     int relation, int64_t from, int64_t to)
{
    struct stay *s = arena_get(d->mem, sizeof *s);
    struct val *v = row_new(d, &d->stays, t->id,
                            from * DAY_MS > d->start_ms ? from * DAY_MS : d->start_ms);
    *s = (struct stay){p->stays, r, from, to, relation, v};
    p->stays = s;
    v[OC_PERSON] = v_int(r->id);
    v[OC_SPACE] = v_int(p->id);
    v[OC_RELATION] = v_int(relation);
    v[OC_FROM] = v_text(date_text(d->mem, date_of_days(from)));
    v[OC_TO] = to ? v_text(date_text(d->mem, date_of_days(to))) : v_null();
}

/* Of the deed or the lease; no throw of the dice, so the rest of the town stays as it was. */
static void contract_for(struct demo *d, struct town *t, const struct resident *r, int relation,
                         int64_t from, int64_t at_ms)
{
    struct val *v = row_new(d, &d->identities, t->id, at_ms);
    v[ID_PERSON] = v_int(r->id);
    v[ID_KIND] = v_int(IDENTITY_CONTRACT);
    v[ID_VALUE] = v_text(text_of(d, "%s-%04d-%04d", relation == REL_OWNER ? "WY" : "ZL",
                                 date_of_days(from).y, (int)(++t->contracts)));
    v[ID_KEY] = v_text(identity_key(d->mem, val_str(v[ID_VALUE])));
}

static void plate_for(struct demo *d, struct town *t, const struct resident *r, int64_t at_ms)
{
    struct val *v = row_new(d, &d->identities, t->id, at_ms);
    v[ID_PERSON] = v_int(r->id);
    v[ID_KIND] = v_int(1);
    v[ID_VALUE] = v_text(plate_new(d));
    v[ID_KEY] = v_text(identity_key(d->mem, val_str(v[ID_VALUE])));
}

static void park_for(struct demo *d, struct town *t, struct resident *r, int64_t from,
                     int64_t at_ms)
{
    plate_for(d, t, r, at_ms);
    for (size_t i = 0; i < t->parking.n; i++)
        if (!t->parking.v[i].stays) {
            stay_new(d, t, &t->parking.v[i], r, REL_OWNER, from, 0);
            return;
        }
}

static bool is_known_home(const struct town *t, const struct place *p)
{
    return p == t->known_home[0] || p == t->known_home[1];
}

/* A household of 1–4 people, those whose accounts visitors use of 3; returns its head. */
static struct resident *family_new(struct demo *d, struct town *t, struct place *p, int relation,
                                   int64_t from, int64_t at_ms)
{
    struct resident *head = resident_new(d, t, person_name(d), true, at_ms);
    stay_new(d, t, p, head, relation, from, 0);
    contract_for(d, t, head, relation, from, at_ms);
    int more = is_known_home(t, p) ? 2 : pick(d, 0, 3);
    for (int i = 0; i < more; i++) {
        struct str name = person_name(d);
        if (i > 0 && chance(d, 850)) /* children mostly carry the name of the head */
            name = text_of(d, "%.3s" PRS, head->name.p, PRA(str_sub(name, 3, name.n)));
        struct resident *one = resident_new(d, t, name, i == 0 || chance(d, 400), at_ms);
        stay_new(d, t, p, one, REL_FAMILY, from, 0);
    }
    if (chance(d, 620))
        park_for(d, t, head, from, at_ms);
    else if (chance(d, 150))
        plate_for(d, t, head, at_ms);
    return head;
}

static int64_t day_of(const struct demo *d, int64_t at_ms)
{
    return date_days(zone_date(d->z, at_ms));
}

static void first_people(struct demo *d, struct town *t, struct place *p)
{
    int64_t from = day_of(d, d->start_ms) - pick(d, 30, 2500);
    int lot = pick(d, 0, 99);
    if (lot < 6)
        return; /* not sold yet */
    if (lot < 12 && p != t->known_home[0] && p != t->known_home[1]) {
        stay_new(d, t, p, resident_new(d, t, person_name(d), true, d->start_ms), REL_OWNER, from,
                 0); /* sold and empty */
        return;
    }
    if (lot < 30) {
        stay_new(d, t, p, resident_new(d, t, person_name(d), true, d->start_ms), REL_OWNER, from,
                 0);
        family_new(d, t, p, REL_TENANT, from + pick(d, 10, 300), d->start_ms);
        return;
    }
    family_new(d, t, p, REL_OWNER, from, d->start_ms);
}

/* Ends the stays of tenants (or of everybody when the home is sold) on the day before, in the rows
 * too. */
static void end_stays(struct demo *d, struct place *p, bool all, int64_t day)
{
    for (struct stay *s = p->stays; s; s = s->next) {
        if (s->to || s->from >= day || (!all && s->relation == REL_OWNER))
            continue;
        s->to = day - 1;
        s->row[OC_TO] = v_text(date_text(d->mem, date_of_days(s->to)));
    }
}

static bool is_let(const struct place *p)
{
    for (const struct stay *s = p->stays; s; s = s->next)
        if (s->relation == REL_TENANT && !s->to)
            return true;
    return false;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* A tenth of the homes change hands or tenants in a year. */
static void moves_make(struct demo *d, struct town *t)
{
    int n = t->households * d->size.years / 10;
    int64_t *days = arena_get(d->mem, (size_t)(n + 1) * sizeof *days);
    int64_t first = day_of(d, d->start_ms) + 30;
    for (int i = 0; i < n; i++)
        days[i] = prng_range(&d->g, first, d->today - 1);
    qsort(days, (size_t)n, sizeof *days, by_number);
    for (int i = 0; i < n; i++) {
        struct place *p = &t->units.v[pick(d, 0, (int)t->units.n - 1)];
        if (is_known_home(t, p))
            continue;
        bool let = is_let(p);
        end_stays(d, p, !let, days[i]);
        family_new(d, t, p, let ? REL_TENANT : REL_OWNER, days[i], days[i] * DAY_MS);
    }
}

/* resident1 and resident2 live somewhere a newcomer finds: 3-2-1502 where there is one. */
static void known_make(struct demo *d, struct town *t)
{
    t->known_home[0] = &t->units.v[t->units.n / 2];
    for (size_t i = 0; i < t->units.n; i++)
        if (str_eqz(t->units.v[i].code, "3-2-1502"))
            t->known_home[0] = &t->units.v[i];
    t->known_home[1] = &t->units.v[t->units.n / 4];
    for (int i = 0; i < 2; i++)
        t->known[i] = family_new(d, t, t->known_home[i], REL_OWNER,
                                 day_of(d, d->start_ms) - 400 - 100 * i, d->start_ms);
}

static void shops_make(struct demo *d, struct town *t)
{
    static const char *const shops[] = {"便民超市", "洁净干洗店",   "老街面馆",
                                        "康健药房", "小橙子托管班", "顺达快递驿站"};
    for (size_t i = 0; i < COUNT_OF(shops); i++) {
        struct resident *r = resident_new(d, t, text_of(d, "%s%s", t->name, shops[i]), true,
                                          d->start_ms);
        struct chunk *k = d->people.last;
        k->v[(k->n - 1) * (size_t)d->people.ncol + PE_KIND] = v_int(2);
        stay_new(d, t, &t->shops.v[i], r, REL_TENANT, day_of(d, d->start_ms) - pick(d, 60, 900), 0);
    }
}

/* Three owners were typed in a second time lately, without their phone: something to merge. Past
 * the stays that tickets are made from, so that everything else of the demo is as it was. */
static void doubles_make(struct demo *d, struct town *t)
{
    enum { DOUBLES = 3, DAYS_AGO = 20 };
    int64_t day = d->today - DAYS_AGO;
    for (size_t i = 0, made = 0; i < t->units.n && made < DOUBLES; i++) {
        const struct stay *s = t->units.v[i].stays;
        if (is_known_home(t, &t->units.v[i]) || !s || s->to || s->relation != REL_OWNER)
            continue;
        struct val *p = row_new(d, &d->people, t->id, day * DAY_MS);
        p[PE_KIND] = v_int(1);
        p[PE_NAME] = v_text(s->who->name);
        p[PE_TIER] = v_int(TIER_REGULAR);
        struct val *o = row_new(d, &d->stays, t->id, day * DAY_MS);
        o[OC_PERSON] = p[R_ID];
        o[OC_SPACE] = v_int(t->units.v[i].id);
        o[OC_RELATION] = v_int(REL_OWNER);
        o[OC_FROM] = v_text(date_text(d->mem, date_of_days(day)));
        o[OC_TO] = v_null();
        made++;
    }
}

void people_make(struct demo *d, struct town *t)
{
    known_make(d, t);
    for (size_t i = 0; i < t->units.n; i++)
        if (!is_known_home(t, &t->units.v[i]))
            first_people(d, t, &t->units.v[i]);
    shops_make(d, t);
    moves_make(d, t);
    if (t->main)
        doubles_make(d, t);
    progress("residents", d->people.n);
}
