/* demo_texts.h - what goes wrong in a community and what people say about it: data for the demo. */
#pragma once
#include "rooms/service/service.h"

enum {
    SKILL_WATER,
    SKILL_POWER,
    SKILL_CARPENTRY,
    SKILL_MASON,
    SKILL_LIFT,
    SKILL_WEAK,
    SKILL_FIRE,
    SKILL_CLEAN,
    SKILL_GREEN,
    SKILL_ORDER,
    SKILL__N
};
extern const char *const demo_skills[SKILL__N];

enum {
    CAT_WATER,
    CAT_DRAIN,
    CAT_LEAK,
    CAT_POWER,
    CAT_LIGHT,
    CAT_DOOR,
    CAT_WALL,
    CAT_LIFT,
    CAT_INTERCOM,
    CAT_GATE,
    CAT_FIRE,
    CAT_NETWORK,
    CAT_HEAT,
    CAT_PUBLIC,
    CAT_NOISE,
    CAT_PARKING,
    CAT_CLEANING,
    CAT_PETS,
    CAT_ATTITUDE,
    CAT_DECORATION,
    CAT_GREEN,
    CAT_IDEA_SAFETY,
    CAT_IDEA_LIFE,
    CAT_PRAISE,
    CAT_FEES,
    CAT_PROCEDURE,
    CAT__N,
    /* Of everybody's places: what the same trouble is called there (demo_category_of). */
    CAT_BOOSTER = CAT__N,
    CAT_MANHOLE,
    CAT_RAIN_DRAIN,
    CAT_BASEMENT,
    CAT_SWITCH_ROOM,
    CAT_PUBLIC_DOOR,
    CAT_PUBLIC_WALL,
    CAT_ROAD,
    CAT_CAMERA,
    CAT__ALL
};
struct demo_category {
    const char *name; /* in the shipped table (rooms/handbook) */
    int kind, skill;  /* skill -1: none */
    int weight;       /* how often */
    int peak;         /* month in which it is three times as frequent, 0: none */
};
extern const struct demo_category demo_categories[CAT__ALL];

/* Public areas and plant rooms, in the order of demo_places.c. */
enum { GARDEN, EAST_GATE, WEST_GATE, PLAYGROUND, FITNESS, GARAGE, WASTE, LOCKERS, BIKES, ROAD };
enum { SWITCHGEAR, PUMPS, FIRE_ROOM, CCTV, CABLES, RAIN_PUMPS, FIRE_PUMPS };
#define SPOT(n) (1u << (n))
enum demo_where { AT_HOME, AT_ENTRANCE, AT_AREA, AT_PLANT, AT_PARKING };
struct demo_problem {
    int category, where, urgency, impact;
    const char *title, *detail, *cause, *measure, *result;
    const char *parts; /* NULL: none */
    unsigned spots;    /* AT_AREA, AT_PLANT: bits of the places where it happens; 0: anywhere */
};
extern const struct demo_problem demo_problems[];
extern const int demo_nproblems;
/* The category of a problem where it is: those of a home are for homes only. */
int demo_category_of(const struct demo_problem *p);

extern const char *const demo_good[],
    *const demo_fair[], *const demo_bad[]; /* rating comments; each list ends with NULL */
extern const char *const demo_returns[],
    *const demo_declines[], *const demo_cancels[], *const demo_pauses[], *const demo_notes[];
