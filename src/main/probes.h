/* probes.h - what `anju doctor` tries besides the rooms' own probes: this machine, the database
 * engine, and the running service through its web door. Ends with a zero element. */
#pragma once
#include "core/probe.h"

extern const struct probe house_probes[];
