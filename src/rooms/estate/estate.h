/* estate.h - the door of the estate room: company, branch, community and the one space tree. */
#pragma once
#include "core/app.h"

extern const struct module estate_module;
extern const struct resource res_company, res_branch, res_community, res_space;
extern const struct query
    Q_COMMUNITIES_OF; /* for struct app: ($1 scope, $2 id) -> id, name, time_zone */

enum { CO_NAME = R_FIRST, CO_CREDIT_CODE, CO__N };
enum { BR_COMPANY = R_FIRST, BR_NAME, BR__N };
enum { CM_NAME = R_FIRST, CM_COMPANY, CM_BRANCH, CM_ADDRESS, CM_TIME_ZONE, CM_PHONE, CM__N };
enum space_kind { SP_BUILDING = 1, SP_ENTRANCE, SP_FLOOR, SP_UNIT, SP_AREA, SP_PLANT, SP_PARKING };
enum {
    SP_KIND = R_FIRST,
    SP_PARENT,
    SP_NAME,
    SP_CODE,
    SP_PATH,
    SP_BUILT_AREA,
    SP_INNER_AREA,
    SP_USE,
    SP__N
};
