/* demo_sim.h - the life of one ticket. */
#pragma once
#include "main/demo_in.h"
#include "main/demo_texts.h"

struct draft { /* a ticket before it lives */
    int64_t at_ms;
    int key;       /* of its own random numbers: what other tickets do changes nothing in it */
    int problem;   /* of demo_problems */
    int stop;      /* state in which it stands now; 0: as far as its time lets it come */
    int known;     /* 1, 2: resident1, resident2; 0: anybody */
    bool favoured; /* goes to worker1 or worker2 where they have the skill */
    bool slow;     /* is left lying beyond its target */
    int slack_min; /* stop: minutes left until its target, negative: beyond; 0: no matter */
};
struct sim {
    struct demo *d;
    struct town *t;
    const struct draft *draft;
    const struct demo_problem *p;
    const struct demo_category *cat;
    const struct resident *person; /* NULL: found by the staff themselves */
    const struct member *desk, *worker;
    int64_t id, at_ms;
    int seq, version;
    struct row row, old;
};
/* Takes the ticket from its creation to its end, to its stop or to now. The row must be complete
 * but for the steps. */
void sim_live(struct sim *s);
/* An event that changes no field. */
void sim_note(struct sim *s, const char *topic, const struct account *by, struct str data);
