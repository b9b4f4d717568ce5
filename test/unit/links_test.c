/* links_test.c - signed addresses end: a right signature whose time is over opens nothing. Only who
 * holds the key can make one that lies in the past, so this is asked in-process. */
#include "../fuzz/door.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "core/key.h"
#include "rooms/privacy/room.h"

#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* of nothing */

/* An empty upload of a ticket, as file.c keeps it. */
static int64_t put_file(struct house *h)
{
    struct row row = {0};
    house_as(h, AS_SYSTEM);
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, FI_SUBJECT, v_lit("ticket"));
    row_put(&row, FI_SUBJECT_ID, v_int(house_ticket(h, KIND_REPAIR)));
    row_put(&row, FI_STAGE, v_int(1));
    row_put(&row, FI_NAME, v_lit("a.png"));
    row_put(&row, FI_TYPE, v_lit("image/png"));
    row_put(&row, FI_BYTES, v_int(0));
    row_put(&row, FI_SHA, v_lit(SUM));
    house_ok(h, house_insert(h, &res_file, &row));
    struct str path = file_path(h->mem, &h->app, S(SUM)),
               dir = arena_fmt(h->mem, "%s/files", h->dir),
               sub = arena_fmt(h->mem, PRS "/%.2s", PRA(dir), SUM);
    assert_int_equal(fs_folder(dir.p), 0);
    assert_int_equal(fs_folder(sub.p), 0);
    int fd = open(path.p, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    return row_int(&row, R_ID);
}

static int64_t put_request(struct house *h)
{
    struct row row = {0};
    house_as(h, AS_DESK);
    row_put(&row, R_COMMUNITY, v_int(h->a));
    row_put(&row, DR_PERSON, v_int(h->person[AS_RESIDENT]));
    row_put(&row, DR_KIND, v_int(ASK_ACCESS));
    row_put(&row, DR_CHANNEL, v_int(BY_DESK));
    house_ok(h, house_insert(h, &res_data_request, &row));
    house_sql(h, arena_fmt(h->mem,
                           "UPDATE data_request SET state = %d, finished_at = %lld WHERE id = %lld",
                           DR_FINISHED, (long long)HOUSE_NOW, (long long)row_int(&row, R_ID))
                     .p);
    return row_int(&row, R_ID);
}

/* What the address answers when it is signed for until_ms. */
static int ask(struct house *h, const char *use, const char *text, const char *path, int64_t id,
               int64_t until_ms)
{
    struct str sign, body, what = arena_fmt(h->mem, text, (long long)id, (long long)until_ms);
    house_ok(h, key_sign(&h->c, use, what, &sign));
    struct str target = arena_fmt(h->mem, path, (long long)id, (long long)until_ms);
    return door_call("nobody", "GET",
                     arena_fmt(h->mem, PRS "&by=7&sign=" PRS, PRA(target), PRA(sign)),
                     (struct str){0}, (struct str){0}, &body);
}

static void test_links_end(void **state)
{
    (void)state;
    struct house *h = door_house();
    int64_t file = put_file(h), request = put_request(h), now = HOUSE_NOW;
    const struct {
        const char *use, *text, *path;
        int64_t id;
    } links[] = {{"anjulink", "file %lld %lld 7", "/api/v1/files/%lld/signed?until=%lld", file},
                 {"anjucopy", "copy %lld %lld 7 0",
                  "/api/v1/data-requests/%lld/signed?format=json&until=%lld", request}};
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        assert_int_equal(
            ask(h, links[i].use, links[i].text, links[i].path, links[i].id, now + HOUR_MS), 200);
        assert_int_equal(
            ask(h, links[i].use, links[i].text, links[i].path, links[i].id, now - 1000), 404);
        assert_int_equal(
            ask(h, "anjuseal", links[i].text, links[i].path, links[i].id, now + HOUR_MS), 404);
    }
    door_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_links_end)};
    return house_run(tests, COUNT_OF(tests));
}
