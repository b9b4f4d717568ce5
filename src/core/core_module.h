/* core_module.h - the core's own name plate, for the directory board. */
#pragma once
#include "core/app.h"

extern const struct module core_module; /* first on every directory board */
