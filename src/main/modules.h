/* modules.h - the directory board of the house. */
#pragma once
#include "core/app.h"

extern const struct module *const all_modules[];
