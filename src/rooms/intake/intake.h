/* intake.h - the door of the intake room: requests that come from outside, through channels no
 * clerk sits at. What they make is an ordinary ticket. */
#pragma once
#include "rooms/service/service.h"

extern const struct module intake_module;
extern const struct resource res_intake_setting;
enum { IN_OPEN311 = R_FIRST, IN_NOTICE, IN__N };
