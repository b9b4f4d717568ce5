/* classes.c - place */
#include "rooms/handbook/room.h"

static const struct field category_fields[CA__N] = {
    STANDARD_FIELDS,
    [CA_NAME] = {"name", F_TEXT, REQUIRED | UNIQUE | SEARCH | LIST, 1, 60,
                 .label = {"分类", "Category"}},
    [CA_NAME_EN] = {"name_en", F_TEXT, LIST, 0, 60, .label = {"英文名", "English name"}},
    [CA_KIND] = {"kind", F_ENUM, REQUIRED | FILTER | LIST, .choices = ticket_kinds,
                 .label = {"适用类别", "For"}},
    [CA_SKILL] = {"skill_id", F_REF, LIST, .ref = "skills", .label = {"所需技能", "Skill needed"}},
};
const struct resource res_category = {.name = "category",
                                      .path = "categories",
                                      .label = {"工单分类", "Category"},
                                      .fields = category_fields,
                                      .nfields = CA__N,
                                      .title = "name",
                                      POLICY_RIGHTS};
