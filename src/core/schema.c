/* schema.c - see schema.h. A table of fields becomes up to four schemas (row, list, body of create,
 * body of patch) and one per action; the few replies that no table describes are written down here
 * as shapes. */
#include "core/schema.h"

#include <string.h>

static const struct {
    const char *name, *shape;
} fixed[] = {
    {"Problem", "{type:str, title:str, status:int, code:str, detail?:str, fields?:[@FieldFault], "
                "current_version?:int, "
                "trace_id?:str, demo?:bool}"},
    {"FieldFault", "{field:str, code:str, message:str}"},
    {"Refs", "<<str>>"},
    {"Label", "[str]"},
    {"Session", "{user:{id:int, login:str, name:str, home:(desk|phone), "
                "must_change_password:bool, second_factor:bool, must_set_second_factor:bool}, "
                "csrf:str}"},
    {"Meta", "{version:str, now:instant, demo:bool, me:@Me, communities:[{id:int, name:str, "
             "time_zone:str}], "
             "permissions:[str], menu:[{key:str, label:@Label, items:[@MenuItem]}], "
             "resources:<@MetaResource>}"},
    {"Me", "{id:int, login:str, name:str, home:(desk|phone), staff_id:int?, person_id:int?, "
           "roles:[str]}"},
    {"MenuItem", "{key:str, label:@Label, page?:str, resource?:str}"},
    {"MetaResource",
     "{name:str, path:str, label:@Label, scope:(community|system), title:str?, "
     "code:str?, tree:str?, mine?:@Label, "
     "may:[(read|create|update|remove|import|export|timeline)], fields:[@MetaField], "
     "actions:[@MetaAction]}"},
    {"MetaField",
     "{name:str, "
     "type:(id|int|bool|money|area|qty|text|longtext|enum|ref|date|instant|phone|email|secret|json)"
     ", "
     "label:@Label, help?:@Label, required?:bool, filter?:bool, sort?:bool, search?:bool, "
     "server_set?:bool, "
     "create_only?:bool, personal?:bool, list?:bool, min?:int, max?:int, ref?:str, "
     "choices?:[@MetaChoice]}"},
    {"MetaChoice", "{key:str, label:@Label, tone:(grey|blue|green|amber|red)}"},
    {"MetaAction",
     "{key:str, label:@Label, tone:(primary|plain|danger|part), input:[@MetaField], moves:<str>}"},
    {"Search", "{items:[{resource:str, id:int, title:str, subtitle:str}]}"},
    {"Timeline", "{items:[{id:int, at:instant, topic:str, action:str?, from:str?, to:str?, "
                 "actor:str?, comment:str?, recorded_at?:instant, "
                 "data:object}]}"},
    {"FileList", "{items:[{id:int, name:str, type:str, bytes:int, stage:(before|after|other), "
                 "taken_at:instant?, created_at:instant}]}"},
    {"Import",
     "{rows:int, ok:int, failed:int, dry_run:bool, batch_id:int?, ignored:[str], errors:[{row:int, "
     "fields:[@FieldFault]}]}"},
};

const char *schema_name(struct oas *o, const char *name, const char *suffix)
{
    struct buf b;
    bool up = true;
    buf_init(&b, o->mem, 200);
    for (; *name; name++) {
        bool word = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                    (*name >= '0' && *name <= '9');
        if (word)
            buf_putc(&b, up && *name >= 'a' && *name <= 'z' ? (char)(*name - 32) : *name);
        up = !word;
    }
    buf_putz(&b, suffix);
    return str_z(o->mem, buf_str(&b));
}

const char *schema_action_name(struct oas *o, const struct resource *r, const struct action *a)
{
    return schema_name(o, r->name, schema_name(o, arena_fmt(o->mem, "action-%s", a->key).p, ""));
}

void schema_ref(struct oas *o, const char *key, const char *component)
{
    jw_obj_flat(&o->w, key);
    jw_str(&o->w, "$ref", arena_fmt(o->mem, "#/components/schemas/%s", component));
    jw_end(&o->w);
}

static void put_type(struct oas *o, const char *type, bool nullable)
{
    if (!nullable) {
        jw_strz(&o->w, "type", type);
        return;
    }
    jw_arr_flat(&o->w, "type");
    jw_strz(&o->w, NULL, type);
    jw_strz(&o->w, NULL, "null");
    jw_end(&o->w);
}

/* --- shapes --- */

struct shape {
    struct oas *o;
    const char *p;
};

static bool took(struct shape *s, char ch)
{
    while (*s->p == ' ')
        s->p++;
    if (*s->p != ch)
        return false;
    s->p++;
    return true;
}

static const char *shape_word(struct shape *s)
{
    const char *from = s->p += strspn(s->p, " ");
    s->p += strspn(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    ASSERT(s->p > from);
    return str_z(s->o->mem, (struct str){from, (size_t)(s->p - from)});
}

/* Where the type at p ends: whether it may be null must be known before it is written. */
static bool nullable_after(const char *p)
{
    int depth = 0;
    p += strspn(p, " ");
    do {
        depth += strchr("{[<(", *p) ? 1 : strchr("}]>)", *p) ? -1 : 0;
        p++;
    } while (*p && (depth > 0 || !strchr("?,}]>", *p)));
    return *p == '?';
}

static void shape_type(struct shape *s, const char *key);

static void shape_members(struct shape *s)
{
    struct jsonw *w = &s->o->w;
    struct str need[100];
    size_t n = 0;
    jw_obj(w, "properties");
    while (!took(s, '}')) {
        const char *name = shape_word(s);
        bool may_miss = took(s, '?');
        ASSERT(took(s, ':') && n < COUNT_OF(need));
        if (!may_miss)
            need[n++] = str_of(name);
        shape_type(s, name);
        took(s, ',');
    }
    jw_end(w);
    jw_arr_flat(w, "required");
    for (size_t i = 0; i < n; i++)
        jw_str(w, NULL, need[i]);
    jw_end(w);
    jw_bool(w, "additionalProperties", false);
}

static void shape_keys(struct shape *s, bool nullable)
{
    struct jsonw *w = &s->o->w;
    jw_arr_flat(w, "enum");
    do
        jw_strz(w, NULL, shape_word(s));
    while (took(s, '|'));
    if (nullable)
        jw_null(w, NULL);
    jw_end(w);
    ASSERT(took(s, ')'));
}

static void shape_plain(struct shape *s, bool nullable)
{
    static const struct plain {
        const char *word, *type, *format;
    } plain[] = {{"int", "integer", "int64"},        {"str", "string", NULL},
                 {"bool", "boolean", NULL},          {"date", "string", "date"},
                 {"instant", "string", "date-time"}, {"object", "object", NULL}};
    const char *word = shape_word(s);
    const struct plain *found = NULL;
    if (strcmp(word, "any") == 0)
        return;
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        if (strcmp(word, plain[i].word) == 0)
            found = &plain[i];
    ASSERT(found); /* a reply's shape in a route table names no such type */
    put_type(s->o, found->type, nullable);
    if (found->format)
        jw_strz(&s->o->w, "format", found->format);
}

static void shape_component(struct shape *s, bool nullable)
{
    struct jsonw *w = &s->o->w;
    struct str ref = arena_fmt(s->o->mem, "#/components/schemas/%s", shape_word(s));
    if (!nullable) {
        jw_str(w, "$ref", ref);
        return;
    }
    jw_arr_flat(w, "anyOf");
    jw_obj(w, NULL);
    jw_str(w, "$ref", ref);
    jw_end(w);
    jw_obj(w, NULL);
    jw_strz(w, "type", "null");
    jw_end(w);
    jw_end(w);
}

static void shape_type(struct shape *s, const char *key)
{
    struct jsonw *w = &s->o->w;
    bool nullable = nullable_after(s->p);
    s->p += strspn(s->p, " ");
    if (*s->p == '{')
        jw_obj(w, key);
    else
        jw_obj_flat(w, key);
    if (took(s, '{')) {
        put_type(s->o, "object", nullable);
        shape_members(s);
    } else if (took(s, '[')) {
        put_type(s->o, "array", nullable);
        shape_type(s, "items");
        ASSERT(took(s, ']'));
    } else if (took(s, '<')) {
        put_type(s->o, "object", nullable);
        shape_type(s, "additionalProperties");
        ASSERT(took(s, '>'));
    } else if (took(s, '(')) {
        put_type(s->o, "string", nullable);
        shape_keys(s, nullable);
    } else if (took(s, '@')) {
        shape_component(s, nullable);
    } else
        shape_plain(s, nullable);
    took(s, '?');
    jw_end(w);
}

void schema_shape(struct oas *o, const char *key, const char *shape)
{
    struct shape s = {o, shape};
    shape_type(&s, key);
    ASSERT(!*s.p);
}

/* --- fields --- */

static void enum_keys(struct oas *o, const struct field *f, bool nullable)
{
    put_type(o, "string", nullable);
    jw_arr_flat(&o->w, "enum");
    for (const struct choice *ch = f->choices; ch->key; ch++)
        jw_strz(&o->w, NULL, ch->key);
    if (nullable)
        jw_null(&o->w, NULL);
    jw_end(&o->w);
}

static void opaque_json(struct oas *o, bool masked, bool nullable)
{
    jw_arr_flat(&o->w, "type");
    jw_strz(&o->w, NULL, "object");
    jw_strz(&o->w, NULL, "array");
    if (masked)
        jw_strz(&o->w, NULL, "string");
    if (nullable)
        jw_strz(&o->w, NULL, "null");
    jw_end(&o->w);
}

static void text_type(struct oas *o, const struct field *f, bool out, bool nullable)
{
    put_type(o, "string", nullable);
    if (out)
        return;
    if (f->type == F_SECRET) {
        jw_strz(&o->w, "format", "password");
        jw_bool(&o->w, "writeOnly", true);
    }
    if (f->flags & REQUIRED) /* otherwise an empty text is taken as null */
        jw_int(&o->w, "minLength", field_min(f) > 0 ? field_min(f) : 1);
    jw_int(&o->w, "maxLength", field_max(f));
}

static void int_type(struct oas *o, const struct field *f, bool out, bool nullable)
{
    bool is_id = f->type == F_REF || f->type == F_ID;
    put_type(o, "integer", nullable);
    jw_strz(&o->w, "format", "int64");
    if (out)
        return;
    if (is_id || f->min || f->max)
        jw_int(&o->w, "minimum", is_id ? 1 : field_min(f));
    if (f->max)
        jw_int(&o->w, "maximum", field_max(f));
}

static const char *field_about(struct oas *o, const struct field *f)
{
    static const char *const units[] = {
        [F_MONEY] = "in fen", [F_AREA] = "in 0.01 m²", [F_QTY] = "in 0.001"};
    if (f->help.en)
        return f->help.en;
    if (f->ref)
        return arena_fmt(o->mem, "id in %s", f->ref).p;
    return (size_t)f->type < COUNT_OF(units) ? units[f->type] : NULL;
}

void schema_field(struct oas *o, const char *key, const struct field *f, bool out, bool nullable)
{
    bool masked = out && f->flags & PERSONAL; /* some callers read 138****1234 */
    jw_obj_flat(&o->w, key);
    switch (f->type) {
    case F_BOOL: put_type(o, "boolean", nullable); break;
    case F_ENUM: enum_keys(o, f, nullable); break;
    case F_JSON: opaque_json(o, masked, nullable); break;
    case F_DATE:
    case F_INSTANT:
        put_type(o, "string", nullable);
        if (!masked || f->type == F_INSTANT)
            jw_strz(&o->w, "format", f->type == F_DATE ? "date" : "date-time");
        break;
    default:
        if (field_column(f->type) == COL_TEXT)
            text_type(o, f, out, nullable);
        else
            int_type(o, f, out, nullable);
    }
    if (f->label.en)
        jw_strz(&o->w, "title", f->label.en);
    if (field_about(o, f))
        jw_strz(&o->w, "description", field_about(o, f));
    jw_end(&o->w);
}

/* --- bodies and rows --- */

bool schema_taken(const struct field *f, enum read_mode mode)
{
    return !(f->flags & (SERVER_SET | HIDDEN)) && !(mode == READ_PATCH && f->flags & CREATE_ONLY);
}

void schema_input(struct oas *o, const char *key, const struct field *fields, int n,
                  enum read_mode mode, bool version)
{
    struct jsonw *w = &o->w;
    jw_obj(w, key);
    jw_strz(w, "type", "object");
    jw_obj(w, "properties");
    for (int i = 0; i < n; i++)
        if (schema_taken(&fields[i], mode))
            schema_field(o, fields[i].name, &fields[i], false, !(fields[i].flags & REQUIRED));
    if (version) {
        schema_shape(o, "version", "int");
        schema_shape(o, "happened_at", "instant");
    }
    jw_end(w);
    if (mode != READ_PATCH) {
        jw_arr_flat(w, "required");
        for (int i = 0; i < n; i++)
            if (fields[i].flags & REQUIRED)
                jw_strz(w, NULL, fields[i].name);
        jw_end(w);
    }
    jw_bool(w, "additionalProperties", false);
    jw_end(w);
}

static bool row_shows(const struct field *f)
{
    return !(f->flags & HIDDEN) && f->type != F_SECRET;
}

static bool row_may_be_null(const struct resource *r, int i)
{
    if (i < R_FIRST)
        return i == R_CREATED_BY;
    return !(r->fields[i].flags & REQUIRED) && !(r->machine && r->machine->state_field == i);
}

static void row_actions(struct oas *o, const struct machine *m)
{
    jw_obj_flat(&o->w, "actions");
    jw_strz(&o->w, "type", "array");
    jw_obj(&o->w, "items");
    jw_strz(&o->w, "type", "string");
    if (m) {
        jw_arr(&o->w, "enum");
        for (int i = 0; i < m->nactions; i++)
            jw_strz(&o->w, NULL, m->actions[i].key);
        jw_end(&o->w);
    }
    jw_end(&o->w);
    jw_strz(&o->w, "description", "what this caller may do now");
    jw_end(&o->w);
}

static void schema_row(struct oas *o, const struct resource *r)
{
    struct jsonw *w = &o->w;
    jw_obj(w, schema_name(o, r->name, ""));
    jw_strz(w, "type", "object");
    jw_strz(w, "title", r->label.en);
    jw_obj(w, "properties");
    for (int i = 0; i < r->nfields; i++)
        if (row_shows(&r->fields[i]))
            schema_field(o, r->fields[i].name, &r->fields[i], true, row_may_be_null(r, i));
    row_actions(o, r->machine);
    schema_ref(o, "refs", "Refs");
    for (size_t i = 0; i < COUNT_OF(r->extras) && r->extras[i].name; i++)
        schema_shape(o, r->extras[i].name, r->extras[i].shape);
    jw_end(w);
    jw_arr_flat(w, "required");
    for (int i = 0; i < r->nfields; i++)
        if (row_shows(&r->fields[i]) && !r->fields[i].see)
            jw_strz(w, NULL, r->fields[i].name);
    jw_end(w);
    jw_bool(w, "additionalProperties", false);
    jw_end(w);
}

static void schema_resource(struct oas *o, const struct resource *r)
{
    schema_row(o, r);
    if (r->read || r->rules)
        schema_shape(o, schema_name(o, r->name, "List"),
                     arena_fmt(o->mem, "{items:[@%s], next:str?, total?:int, refs?:@Refs}",
                               schema_name(o, r->name, ""))
                         .p);
    if (r->create) /* rows of the company do not name a community */
        schema_input(o, schema_name(o, r->name, "Create"), r->fields + (r->system ? R_VERSION : 0),
                     r->nfields - (r->system ? R_VERSION : 0), READ_CREATE, false);
    if (r->update)
        schema_input(o, schema_name(o, r->name, "Patch"), r->fields, r->nfields, READ_PATCH, false);
    for (int i = 0; r->machine && i < r->machine->nactions; i++) {
        const struct action *a = &r->machine->actions[i];
        schema_input(o, schema_action_name(o, r, a), a->input, a->ninput, READ_INPUT, true);
    }
}

void schema_components(struct oas *o)
{
    const struct resource *const *list;
    int n = app_resources(&list);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        schema_shape(o, fixed[i].name, fixed[i].shape);
    for (int i = 0; i < n; i++)
        schema_resource(o, list[i]);
}

bool schema_known(struct oas *o, const char *component)
{
    const struct resource *const *list;
    int n = app_resources(&list);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        if (strcmp(component, fixed[i].name) == 0)
            return true;
    for (int i = 0; i < n; i++)
        if (strcmp(component, schema_name(o, list[i]->name, "")) == 0 ||
            ((list[i]->read || list[i]->rules) &&
             strcmp(component, schema_name(o, list[i]->name, "List")) == 0))
            return true;
    return false;
}
