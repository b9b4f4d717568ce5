/* audit.h - the event log for the auditor: who did what, when, to what, over all communities he may
 * read; and whether the chain is whole. */
#pragma once
#include "core/core.h"

enum err audit_list(struct ctx *c, struct req *q);
enum err audit_verify(struct ctx *c, struct req *q);
extern const struct field audit_query[];
extern const struct query *const audit_queries[];
#define AUDIT_ROUTES                                                                               \
    {"GET",                                                                                        \
     "/api/v1/audit",                                                                              \
     "audit.read",                                                                                 \
     .run = audit_list,                                                                            \
     .input = audit_query,                                                                         \
     .ninput = 7,                                                                                  \
     .help = {"操作日志", "The event log, newest first"},                                          \
     .reply = "{items:[{id:int,at:instant,community_id:int,topic:str,resource:str,subject_id:int," \
              "user_id:int?,user:str?,position:int?,data:object}],next:str?}"},                    \
    {                                                                                              \
        "GET", "/api/v1/audit/verify", "audit.read", SLOW | NO_TX,                                 \
            .run = audit_verify, .help = {"校验日志", "Walk every event chain"},                   \
            .reply =                                                                               \
                "{faults:[{id:int,text:str}],chains:[{community_id:int,length:int,head:str}]}"     \
    }
