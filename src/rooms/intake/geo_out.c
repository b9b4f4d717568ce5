/* geo_out.c - Open311's two formats of the same answer: a JSON array of objects, or XML with one
 * element per field. */
#include "rooms/intake/room.h"

void geo_begin(struct geo_out *o, const char *list, const char *item)
{
    o->item = item;
    o->records = 0;
    if (o->xml)
        buf_fmt(o->b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<%s>", list);
    else
        buf_putc(o->b, '[');
}

void geo_record(struct geo_out *o)
{
    if (o->xml)
        buf_fmt(o->b, "<%s>", o->item);
    else
        buf_putz(o->b, o->records ? ",{" : "{");
    o->records++;
    o->fields = 0;
}

static void name_put(struct geo_out *o, const char *name)
{
    if (o->xml)
        buf_fmt(o->b, "<%s>", name);
    else
        buf_fmt(o->b, "%s\"%s\":", o->fields++ ? "," : "", name);
}

/* What XML cannot say at all (controls but tab and line ends) is left out. */
static void put_xml(struct buf *b, struct str s)
{
    size_t from = 0;
    for (size_t i = 0; i <= s.n; i++) {
        unsigned char ch = i < s.n ? (unsigned char)s.p[i] : 0;
        if (i < s.n && (ch >= ' ' || ch == '\t' || ch == '\n' || ch == '\r'))
            continue;
        buf_html(b, str_sub(s, from, i - from));
        from = i + 1;
    }
}

void geo_text(struct geo_out *o, const char *name, struct str value)
{
    name_put(o, name);
    if (!o->xml) {
        buf_json(o->b, value);
        return;
    }
    put_xml(o->b, value);
    buf_fmt(o->b, "</%s>", name);
}

void geo_raw(struct geo_out *o, const char *name, struct str value)
{
    name_put(o, name);
    buf_put(o->b, value);
    if (o->xml)
        buf_fmt(o->b, "</%s>", name);
}

void geo_record_end(struct geo_out *o)
{
    if (o->xml)
        buf_fmt(o->b, "</%s>", o->item);
    else
        buf_putc(o->b, '}');
}

void geo_end(struct geo_out *o, const char *list)
{
    if (o->xml)
        buf_fmt(o->b, "</%s>\n", list);
    else
        buf_putc(o->b, ']');
}
