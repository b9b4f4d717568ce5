/* demo_sim.c - lets a ticket live: the same steps, clocks, flags and events as the machine of the
 * service room makes, but at times that lie behind us. Late flags are set where the minute job
 * would have set them. */
#include "main/demo_sim.h"

static const char *const state_keys[] = {
    "",       "received", "accepted", "dispatched", "in_progress",
    "paused", "finished", "informed", "closed",     "cancelled"};
static const char *const channel_keys[] = {"",       "phone", "desk", "visit", "wechat",
                                           "app",    "web",   "qr",   "sms",   "email",
                                           "device", "round", "other"};
static const char *const pause_keys[] = {"", "customer", "parts", "third_party", "weather"};

static int list_len(const char *const *l)
{
    int n = 0;
    while (l[n])
        n++;
    return n;
}

static const char *one_of(struct demo *d, const char *const *l)
{
    return l[pick(d, 0, list_len(l) - 1)];
}

/* --- events --- */

static void log_add(struct sim *s, const char *topic, int64_t at_ms, const struct account *by,
                    struct str data)
{
    struct demo *d = s->d;
    if (d->nlog == d->caplog) {
        size_t cap = d->caplog ? d->caplog * 2 : 4096;
        struct draft_event *more = arena_get(d->mem, cap * sizeof *more);
        for (size_t i = 0; i < d->nlog; i++)
            more[i] = d->log[i];
        d->log = more;
        d->caplog = cap;
    }
    d->log[d->nlog++] = (struct draft_event){at_ms, s->t->id, s->id, s->seq++, topic, by, data};
}

void sim_note(struct sim *s, const char *topic, const struct account *by, struct str data)
{
    log_add(s, topic, s->at_ms, by, data);
}

static void put(struct sim *s, int f, struct val v)
{
    s->row.v[f] = v;
}

static void begin(struct sim *s)
{
    s->old = s->row;
    buf_clear(&s->d->json);
}

static void say(struct sim *s, const char *name, const char *text)
{
    buf_fmt(&s->d->json, ",\"%s\":", name);
    buf_json(&s->d->json, str_of(text));
}

/* {"diff":{…},"action":…,"from":…,"to":…,inputs}, as the store writes it. The inputs were said
 * since begin. */
static void finish(struct sim *s, const char *topic, const char *action, int to, int64_t at_ms,
                   const struct account *by)
{
    struct buf *b = &s->d->line;
    const struct zone *utc = zone_find("UTC");
    int from = (int)row_int(&s->old, T_STATE), n = 0;
    if (to)
        put(s, T_STATE, v_int(to));
    buf_clear(b);
    buf_put(b, S("{\"diff\":{"));
    for (int i = R_FIRST; i < T__N; i++) {
        if (val_eq(s->old.v[i], s->row.v[i]))
            continue;
        buf_fmt(b, "%s\"%s\":[", n++ ? "," : "", res_ticket.fields[i].name);
        field_to_json(b, &res_ticket.fields[i], s->old.v[i], utc);
        buf_putc(b, ',');
        field_to_json(b, &res_ticket.fields[i], s->row.v[i], utc);
        buf_putc(b, ']');
    }
    buf_fmt(b, "},\"action\":\"%s\"", action);
    if (to)
        buf_fmt(b, ",\"from\":\"%s\",\"to\":\"%s\"", state_keys[from], state_keys[to]);
    buf_put(b, buf_str(&s->d->json));
    buf_putc(b, '}');
    log_add(s, topic, at_ms, by, str_dup(s->d->mem, buf_str(b)));
    s->version++;
    if (at_ms > row_int(&s->row, R_UPDATED_AT))
        put(s, R_UPDATED_AT, v_int(at_ms));
}

/* --- clocks --- */

static const struct clock {
    int due, stopped, flag;
    const char *name;
} clocks[] = {{T_RESPOND_DUE, T_RESPONDED, T_RESPOND_BREACHED, "respond"},
              {T_HANDLE_DUE, T_HANDLED, T_HANDLE_BREACHED, "handle"},
              {T_RESOLVE_DUE, T_RESOLVED, T_RESOLVE_BREACHED, "resolve"}};

/* What the minute job has marked by until_ms. */
static void mark_late(struct sim *s, int64_t until_ms)
{
    for (size_t i = 0; i < COUNT_OF(clocks); i++) {
        const struct clock *k = &clocks[i];
        int64_t sweep_ms = (row_int(&s->row, k->due) / 60000 + 1) * 60000;
        if (row_has(&s->row, k->stopped) || row_int(&s->row, k->flag) || sweep_ms > until_ms ||
            (row_int(&s->row, T_CLOCK_STOPPED) && i != CLOCK_RESPOND))
            continue;
        begin(s);
        put(s, k->flag, v_int(1));
        say(s, "clock", k->name);
        finish(s, "ticket.breached", "breach", 0, sweep_ms, NULL);
    }
}

static void stop_clock(struct sim *s, int i)
{
    const struct clock *k = &clocks[i];
    if (row_has(&s->row, k->stopped))
        return;
    put(s, k->stopped, v_int(s->at_ms));
    if (s->at_ms > row_int(&s->row, k->due))
        put(s, k->flag, v_int(1));
}

static int hour_of(const struct demo *d, int64_t at_ms)
{
    return (int)((at_ms / 1000 + zone_offset_s(d->z, at_ms)) % 86400 / 3600);
}

/* Moves the time on by so many minutes; by day: nights are slept through. False when that lies
 * ahead of us. In a ticket that stands somewhere now the steps before are squeezed into its age. */
static bool wait(struct sim *s, int lo_min, int hi_min, bool by_day)
{
    struct demo *d = s->d;
    int64_t left = d->now_ms - s->at_ms,
            at = s->at_ms + prng_range(&d->g, (int64_t)lo_min * 60000, (int64_t)hi_min * 60000);
    int hour = hour_of(d, at);
    if (by_day && (hour < 8 || hour >= 21))
        at += ((hour < 8 ? 8 - hour : 32 - hour) * 60 + pick(d, 0, 40)) * INT64_C(60000);
    if (s->draft->stop && at > s->at_ms + left * 3 / 10)
        at = s->at_ms + left * pick(d, 5, 30) / 100;
    if (at >= d->now_ms)
        return false;
    mark_late(s, at);
    s->at_ms = at;
    return true;
}

/* --- steps: each false when the ticket goes no further --- */

static bool stands(const struct sim *s)
{
    return s->draft->stop && row_int(&s->row, T_STATE) == s->draft->stop;
}

static bool is_urgent(const struct sim *s)
{
    return row_int(&s->row, T_PRIORITY) <= 2;
}

static bool accept(struct sim *s)
{
    bool late = chance(s->d, 25);
    if (stands(s) || !wait(s, 1, is_urgent(s) ? (late ? 60 : 9) : 45, !is_urgent(s)))
        return false;
    begin(s);
    stop_clock(s, 0);
    finish(s, "ticket.accepted", "accept", ACCEPTED, s->at_ms, s->desk->account);
    if (chance(s->d, 120)) {
        struct buf *b = &s->d->line;
        buf_clear(b);
        buf_put(b, S("{\"action\":\"comment\",\"text\":"));
        buf_json(b, str_of(one_of(s->d, demo_notes)));
        buf_put(b, chance(s->d, 600) ? S(",\"internal\":true}") : S("}"));
        sim_note(s, "ticket.comment", s->desk->account, str_dup(s->d->mem, buf_str(b)));
    }
    return true;
}

static void choose_worker(struct sim *s)
{
    s->worker = member_with(s->d, s->t, ROLE_WORKER, s->cat->skill);
    for (int i = 0, n = 0; s->draft->favoured && i < s->t->nmembers && n < 2; i++) {
        const struct member *m = &s->t->members[i];
        n += m->role == ROLE_WORKER;
        if (m->role == ROLE_WORKER && (s->cat->skill < 0 || m->skills >> s->cat->skill & 1) &&
            (n == 2 || chance(s->d, 500))) {
            s->worker = m;
            return;
        }
    }
}

static bool dispatch(struct sim *s, bool rework)
{
    if (stands(s) || !wait(s, 1, is_urgent(s) ? 5 : 90, !is_urgent(s)))
        return false;
    const struct member *boss = member_with(s->d, s->t, ROLE_DISPATCHER, -1);
    if (!rework)
        choose_worker(s);
    begin(s);
    put(s, T_ASSIGNEE, v_int(s->worker->id));
    put(s, T_DISPATCHED, v_int(s->at_ms));
    buf_fmt(&s->d->json, ",\"assignee_id\":%lld", (long long)s->worker->id);
    finish(s, "ticket.dispatched", "dispatch", DISPATCHED, s->at_ms, boss->account);
    return true;
}

static bool decline(struct sim *s)
{
    if (s->draft->stop || !wait(s, 5, 40, false))
        return false;
    begin(s);
    put(s, T_ASSIGNEE, v_null());
    put(s, T_REROUTES, v_int(row_int(&s->row, T_REROUTES) + 1));
    say(s, "reason", one_of(s->d, demo_declines));
    finish(s, "ticket.declined", "decline", ACCEPTED, s->at_ms, s->worker->account);
    return true;
}

static bool start(struct sim *s)
{
    int64_t p = row_int(&s->row, T_PRIORITY);
    if (stands(s) || !wait(s, p == 1 ? 3 : 15, p == 1 ? 13 : p == 2 ? 130 : 900, p > 2))
        return false;
    begin(s);
    stop_clock(s, 1);
    finish(s, "ticket.started", "start", IN_PROGRESS, s->at_ms, s->worker->account);
    return true;
}

static bool pause(struct sim *s)
{
    int class = pick(s->d, 1, 4);
    if (!wait(s, 10, 40, false))
        return false;
    begin(s);
    put(s, T_PAUSE_CLASS, v_int(class));
    put(s, T_PAUSED_AT, v_int(s->at_ms));
    bool stops = class != PAUSE_THIRD_PARTY;
    int state = class == PAUSE_CUSTOMER ? PAUSE_FREE : PAUSE_APPROVED;
    put(s, T_PAUSE_STATE, v_int(state));
    put(s, T_CLOCK_STOPPED, v_int(stops));
    struct val *row = row_new(s->d, &s->d->pauses, s->t->id, s->at_ms);
    row[TP_TICKET] = s->row.v[R_ID];
    row[TP_CLASS] = v_int(class);
    row[TP_REASON] = v_text(str_of(demo_pauses[class - 1]));
    row[TP_FROM] = v_int(s->at_ms);
    row[TP_STOPS] = v_int(stops);
    row[TP_STATE] = v_int(state);
    say(s, "class", pause_keys[class]);
    say(s, "reason", demo_pauses[class - 1]);
    finish(s, "ticket.paused", "pause", PAUSED, s->at_ms, s->worker->account);
    if (stands(s) || !wait(s, 120, class == 2 ? 1500 : 700, true))
        return false;
    begin(s);
    put(s, T_PAUSED_MS,
        v_int(row_int(&s->row, T_PAUSED_MS) + s->at_ms - row_int(&s->row, T_PAUSED_AT)));
    put(s, T_PAUSED_AT, v_null());
    put(s, T_PAUSE_CLASS, v_null());
    put(s, T_CLOCK_STOPPED, v_int(0));
    row[TP_TO] = v_int(s->at_ms);
    struct pause over = {row[TP_FROM].i, s->at_ms, stops};
    int64_t due_ms = row_int(&s->row, T_RESOLVE_DUE);
    ASSERT(pause_moves((int)row_int(&s->row, T_CLOCK_HOURS), &s->d->calendar, &over, &due_ms));
    put(s, T_RESOLVE_DUE, v_int(due_ms));
    finish(s, "ticket.resumed", "resume", IN_PROGRESS, s->at_ms, s->worker->account);
    return true;
}

static void put_text(struct sim *s, int f, const char *text)
{
    if (!text)
        return;
    put(s, f, v_text(str_of(text)));
    say(s, res_ticket.fields[f].name, text);
}

static bool done(struct sim *s)
{
    int64_t target_min = (row_int(&s->row, T_RESOLVE_DUE) - s->at_ms) / 60000;
    bool ok = s->draft->slow && target_min > 0
                  ? wait(s, (int)target_min + 30, (int)(target_min * 13 / 10) + 600, true)
                  : wait(s, 20, is_urgent(s) ? 150 : 300, !is_urgent(s));
    if (stands(s) || !ok)
        return false;
    begin(s);
    put_text(s, T_RESULT, s->p->result);
    put_text(s, T_CAUSE, s->p->cause);
    put_text(s, T_MEASURE, s->p->measure);
    if (s->p->parts && s->p->where == AT_HOME) {
        put(s, T_COST, v_int(pick(s->d, 3, 36) * 500));
        buf_fmt(&s->d->json, ",\"cost\":%lld", (long long)row_int(&s->row, T_COST));
    }
    put_text(s, T_PARTS, s->p->parts);
    stop_clock(s, 1);
    stop_clock(s, 2);
    finish(s, "ticket.finished", "finish", FINISHED, s->at_ms, s->worker->account);
    return true;
}

/* The desk answers talk itself. */
static bool answer(struct sim *s)
{
    if (stands(s) || !wait(s, 5, s->cat->kind == KIND_SUGGESTION ? 2800 : 240, true))
        return false;
    begin(s);
    put_text(s, T_RESULT, s->p->result);
    stop_clock(s, 1);
    stop_clock(s, 2);
    finish(s, "ticket.finished", "answer", FINISHED, s->at_ms, s->desk->account);
    return true;
}

static bool inform(struct sim *s)
{
    if (stands(s) || !wait(s, 3, 150, true))
        return false;
    int64_t ch = row_int(&s->row, T_CHANNEL) == CH_WECHAT || row_int(&s->row, T_CHANNEL) == CH_APP
                     ? row_int(&s->row, T_CHANNEL)
                     : CH_PHONE;
    struct str note = text_of(s->d, "您好,%s", s->p->result);
    begin(s);
    put(s, T_ANSWER_CHANNEL, v_int(ch));
    put(s, T_ANSWER, v_text(note));
    put(s, T_INFORMED, v_int(s->at_ms));
    if (!row_has(&s->row, T_ASSIGNEE)) /* who took it answered it himself */
        put(s, T_VOUCHED, v_int(s->at_ms));
    say(s, "channel", channel_keys[ch]);
    say(s, "note", note.p);
    finish(s, "ticket.informed", "inform", INFORMED, s->at_ms, s->desk->account);
    return true;
}

static bool give_back(struct sim *s)
{
    static const int cleared[] = {T_ASSIGNEE, T_VOUCHED,        T_RESOLVED, T_INFORMED,
                                  T_ANSWER,   T_ANSWER_CHANNEL, T_CLOSED};
    if (!wait(s, 60, 1500, true))
        return false;
    begin(s);
    put(s, T_REWORK, v_int(row_int(&s->row, T_REWORK) + 1));
    for (size_t i = 0; i < COUNT_OF(cleared); i++)
        put(s, cleared[i], v_null());
    say(s, "reason", one_of(s->d, demo_returns));
    finish(s, "ticket.returned", "return", ACCEPTED, s->at_ms,
           s->person && s->person->account ? s->person->account : s->desk->account);
    return true;
}

/* The first contact is asked at the end; most say so within the hour. */
static void vouch(struct sim *s)
{
    if (row_has(&s->row, T_VOUCHED) || stands(s) || !chance(s->d, 800) || !wait(s, 2, 60, true))
        return;
    begin(s);
    put(s, T_VOUCHED, v_int(s->at_ms));
    finish(s, "ticket.vouched", "vouch", INFORMED, s->at_ms, s->desk->account);
}

/* Most customers say yes within three days; the others' silence counts as yes after seven. */
static bool close(struct sim *s)
{
    bool silent = chance(s->d, 280);
    int64_t hour_after = (s->at_ms + 7 * DAY_MS) / HOUR_MS * HOUR_MS + HOUR_MS;
    if (stands(s))
        return false;
    if (silent) {
        if (hour_after >= s->d->now_ms)
            return false;
        s->at_ms = hour_after;
    } else if (!wait(s, 20, 3 * 1440, true))
        return false;
    begin(s);
    put(s, T_CLOSED, v_int(s->at_ms));
    const struct account *by = silent                            ? NULL
                               : s->person && s->person->account ? s->person->account
                                                                 : s->desk->account;
    finish(s, "ticket.closed", silent ? "close" : "confirm", CLOSED, s->at_ms, by);
    return true;
}

static bool cancel(struct sim *s)
{
    if (!wait(s, 10, 300, true))
        return false;
    begin(s);
    put(s, T_CLOSED, v_int(s->at_ms));
    say(s, "reason", one_of(s->d, demo_cancels));
    finish(s, "ticket.cancelled", "cancel", CANCELLED, s->at_ms, s->desk->account);
    return true;
}

/* --- a whole life --- */

static bool work(struct sim *s, bool rework)
{
    if (!dispatch(s, rework))
        return false;
    if (!rework && chance(s->d, 30) && (!decline(s) || !dispatch(s, false)))
        return false;
    if (!start(s))
        return false;
    if ((s->draft->stop == PAUSED || (!s->draft->stop && chance(s->d, 90))) && !pause(s))
        return false;
    return done(s) && inform(s);
}

static void live(struct sim *s)
{
    bool talk = s->cat->kind >= KIND_SUGGESTION, settled = !s->draft->stop;
    if (settled && !is_urgent(s) && chance(s->d, 15)) {
        cancel(s);
        return;
    }
    if (!accept(s))
        return;
    if (settled && !talk && !is_urgent(s) && chance(s->d, 25)) {
        cancel(s);
        return;
    }
    if (talk ? !answer(s) || !inform(s) : !work(s, false))
        return;
    if (settled && !talk && chance(s->d, 40) && (!give_back(s) || !work(s, true)))
        return;
    vouch(s);
    close(s);
}

void sim_live(struct sim *s)
{
    s->version = 1;
    log_add(s, "ticket.created", s->at_ms,
            s->person && s->person->account  ? s->person->account
            : row_has(&s->row, R_CREATED_BY) ? s->desk->account
                                             : NULL,
            S("{}"));
    live(s);
    if (row_int(&s->row, T_STATE) < CLOSED)
        mark_late(s, s->d->now_ms);
    put(s, R_VERSION, v_int(s->version));
}
