/* man.h - the manual page, made of what the verbs say of themselves. */
#pragma once
#include "main/verb.h"

void man_print(struct buf *b);
