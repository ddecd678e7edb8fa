/* The NATS protocol: what a server sends, in pieces of every size, and what we write. The
   lines are those of the published protocol's pages. */
#include "whilst/nats.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define PAYLOAD_MAX 64

/* One line for everything that was read. */
static void describe(char *log, size_t size, enum nats_kind kind,
                     const struct nats_event *event)
{
    static const char *const kinds[] = {"more", "info", "message", "too large", "ping",
                                        "pong", "ok",   "error",   "broken"};
    size_t used = strlen(log);
    log += used;
    size -= used;
    int subject = (int)event->subject.size, reply = (int)event->reply.size;
    if (kind == NATS_MESSAGE)
        snprintf(log, size, "%.*s %llu <%.*s> %u [%zu] '%.*s';", subject,
                 event->subject.data, (unsigned long long)event->subscription, reply,
                 reply > 0 ? event->reply.data : "", event->status, event->headers.size,
                 (int)event->size, (const char *)event->payload);
    else if (kind == NATS_TOO_LARGE)
        snprintf(log, size, "too large %.*s %zu;", subject, event->subject.data,
                 event->size);
    else
        snprintf(log, size, "%s%s%.*s;", kinds[kind], event->text.size > 0 ? " " : "",
                 (int)event->text.size, event->text.size > 0 ? event->text.data : "");
}

/* Feeds bytes in pieces of one size, each in memory of its own. */
static void read_in_pieces(const char *bytes, size_t size, size_t piece, char *log,
                           size_t log_size)
{
    struct nats nats = {.payload_bytes_max = PAYLOAD_MAX};
    enum nats_kind kind = NATS_MORE;
    log[0] = '\0';
    for (size_t done = 0; done < size && kind != NATS_BROKEN; done += piece) {
        size_t part = size - done < piece ? size - done : piece;
        uint8_t *copy = malloc(part);
        const uint8_t *at = memcpy(copy, bytes + done, part);
        struct nats_event event;
        while ((kind = nats_next(&nats, &at, copy + part, &event)) != NATS_MORE) {
            describe(log, log_size, kind, &event);
            if (kind == NATS_BROKEN) break;
        }
        free(copy);
    }
    nats_clear(&nats);
}

static void expect_bytes(const char *bytes, size_t size, const char *log)
{
    char said[1000];
    for (size_t piece = 1; piece <= size; piece += piece < 200 ? 1 : 97) {
        read_in_pieces(bytes, size, piece, said, sizeof said);
        assert_string_equal(said, log);
    }
}

static void expect(const char *bytes, const char *log)
{
    expect_bytes(bytes, strlen(bytes), log);
}

TEST(the_examples_of_the_protocol)
{
    expect("MSG FOO.BAR 9 11\r\nHello World\r\n", "FOO.BAR 9 <> 0 [0] 'Hello World';");
    expect("MSG FOO.BAR 9 GREETING.34 11\r\nHello World\r\n",
           "FOO.BAR 9 <GREETING.34> 0 [0] 'Hello World';");
    expect("HMSG FOO.BAR 9 34 45\r\nNATS/1.0\r\nFoodGroup: vegetable\r\n\r\nHello "
           "World\r\n",
           "FOO.BAR 9 <> 0 [34] 'Hello World';");
    expect("HMSG FOO.BAR 9 BAZ.69 34 45\r\nNATS/1.0\r\nFoodGroup: vegetable\r\n\r\nHello "
           "World\r\n",
           "FOO.BAR 9 <BAZ.69> 0 [34] 'Hello World';");
    expect("PING\r\n", "ping;");
    expect("PONG\r\n", "pong;");
    expect("+OK\r\n", "ok;");
    expect("-ERR 'Unknown Protocol Operation'\r\n", "error Unknown Protocol Operation;");
    expect("INFO {\"server_id\":\"A\"}\r\n", "info {\"server_id\":\"A\"};");
}

TEST(nobody_responds)
{
    expect("HMSG i.a.1 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", "i.a.1 3 <> 503 [16] '';");
    expect("HMSG i.a.1 3 30 30\r\nNATS/1.0 503 No Responders\r\n\r\n\r\n",
           "i.a.1 3 <> 503 [30] '';");
    expect("HMSG i.a.1 3 14 14\r\nNATS/1.0 50\r\nx\r\n", "i.a.1 3 <> 0 [14] '';");
    expect("HMSG i.a.1 3 5 5\r\nxxxxx\r\n", "i.a.1 3 <> 0 [5] '';");
    expect("HMSG i.a.1 3 12 12\r\nHTTP/1.0 503\r\n", "i.a.1 3 <> 0 [12] '';");
}

TEST(items_follow_one_another)
{
    expect("PING\r\nMSG a 1 0\r\n\r\nMSG b 2 3\r\nabc\r\n+OK\r\nPONG\r\n",
           "ping;a 1 <> 0 [0] '';b 2 <> 0 [0] 'abc';ok;pong;");
    expect("MSG a 1 6\r\nMSG b \r\nPING\r\n", "a 1 <> 0 [0] 'MSG b ';ping;");
}

TEST(what_is_said_loosely)
{
    expect("ping\r\n", "ping;");
    expect("Msg\ta  1\t r   1 \r\nx\r\n", "a 1 <r> 0 [0] 'x';");
    expect("PING\nPONG \r\n", "ping;pong;");
    expect("-ERR plain\r\n", "error plain;");
    expect("-ERR\r\n", "error;");
    expect("info   {}\r\n", "info {};");
}

TEST(a_message_that_is_too_large_is_passed_over)
{
    char bytes[400], log[100];
    for (size_t size = PAYLOAD_MAX; size < PAYLOAD_MAX + 3; size++) {
        snprintf(bytes, sizeof bytes, "MSG big 7 %zu\r\n%0*d\r\nPING\r\n", size, (int)size,
                 0);
        if (size == PAYLOAD_MAX)
            snprintf(log, sizeof log, "big 7 <> 0 [0] '%0*d';ping;", (int)size, 0);
        else
            snprintf(log, sizeof log, "too large big %zu;ping;", size);
        expect(bytes, log);
    }
}

TEST(what_no_server_says)
{
    static const char *const wrong[] = {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "PINGS\r\n",
                                        "PING 1\r\n", "SSH-2.0-x\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(wrong[i], "broken no NATS server answers;");
}

TEST(lines_of_messages_that_are_wrong)
{
    static const char *const wrong[] = {"MSG\r\n",
                                        "MSG a 1\r\n",
                                        "MSG a x 1\r\n",
                                        "MSG a 1 r s 1\r\n",
                                        "MSG a 1 -1\r\n",
                                        "MSG a 1 1x\r\n",
                                        "HMSG a 1 1\r\n",
                                        "HMSG a 1 2 1\r\n",
                                        "HMSG a 1 r 1 x\r\n",
                                        "MSG a 1 99999999999999999999\r\n",
                                        "HMSG a 1 r s 1 1\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(wrong[i], "broken a message's line is wrong;");
    expect("MSG a 1 1\r\nabc", "broken a message's end is wrong;");
    expect("MSG a 1 1\r\na\n\r", "broken a message's end is wrong;");
}

TEST(lines_are_bounded)
{
    char *line = malloc(NATS_INFO_MAX + 2);
    memset(line, 'x', NATS_INFO_MAX + 2);
    memcpy(line, "-ERR ", 5);
    memcpy(line + NATS_LINE_MAX - 2, "\r\n", 2);
    char said[NATS_LINE_MAX + 100];
    read_in_pieces(line, NATS_LINE_MAX, 1000, said, sizeof said);
    assert_memory_equal(said, "error xxx", 9);
    memset(line + 5, 'x', NATS_INFO_MAX - 5);
    expect_bytes(line, NATS_LINE_MAX + 1, "broken a line is too long;");
    memcpy(line, "INFO ", 5);
    read_in_pieces(line, NATS_INFO_MAX, 1000, said, sizeof said);
    assert_string_equal(said, "");
    read_in_pieces(line, NATS_INFO_MAX + 1, 1000, said, sizeof said);
    assert_string_equal(said, "broken a line is too long;");
    free(line);
}

TEST(nothing_is_set_aside_for_what_is_too_large)
{
    struct nats nats = {.payload_bytes_max = PAYLOAD_MAX};
    const char *line = "MSG a 1 1000000000\r\nxx";
    const uint8_t *at = (const uint8_t *)line, *end = at + strlen(line);
    struct nats_event event;
    assert_int_equal(nats_next(&nats, &at, end, &event), NATS_TOO_LARGE);
    assert_int_equal(event.size, 1000000000);
    assert_int_equal(nats_next(&nats, &at, end, &event), NATS_MORE);
    assert_null(nats.kept);
    nats_clear(&nats);
}

/* ---- INFO ---- */

TEST(an_info_is_read)
{
    struct nats_info info;
    assert_true(nats_read_info(
        slice_of("{\"server_id\":\"NB\",\"server_name\":\"east\",\"version\":\"2.9.10\","
                 "\"headers\":true,\"max_payload\":1048576,\"tls_required\":true,"
                 "\"tls_available\":false,\"nonce\":\"qiWm\",\"ldm\":true,"
                 "\"connect_urls\":[\"10.0.0.1:4222\",\"[::1]:4223\"]}"),
        &info));
    assert_true(slice_is(info.server_name, "east"));
    assert_true(slice_is(info.version, "2.9.10"));
    assert_true(slice_is(info.nonce, "qiWm"));
    assert_true(info.headers && info.tls_required && info.lame_duck);
    assert_false(info.tls_available);
    assert_int_equal(info.payload_bytes_max, 1048576);
    struct slice urls = info.connect_urls, url;
    assert_true(nats_next_url(&urls, &url) && slice_is(url, "10.0.0.1:4222"));
    assert_true(nats_next_url(&urls, &url) && slice_is(url, "[::1]:4223"));
    assert_false(nats_next_url(&urls, &url));
    assert_false(nats_next_url(&urls, &url));
}

TEST(an_info_that_says_little)
{
    struct nats_info info;
    struct slice url;
    assert_true(nats_read_info(slice_of(" {} "), &info));
    assert_int_equal(info.nonce.size, 0);
    assert_int_equal(info.payload_bytes_max, 0);
    assert_false(nats_next_url(&info.connect_urls, &url));
    assert_true(nats_read_info(
        slice_of("{\"connect_urls\":[\"a\\n\",\"b\"],\"nonce\":\"\\u0041\"}"), &info));
    assert_int_equal(info.nonce.size, 0);
    assert_true(nats_next_url(&info.connect_urls, &url) && slice_is(url, "b"));
    assert_true(nats_read_info(slice_of("{\"connect_urls\":\"a\",\"nonce\":3}"), &info));
    assert_false(nats_next_url(&info.connect_urls, &url));
    assert_true(nats_read_info(slice_of("{\"connect_urls\":[1,\"a\"]}"), &info));
    assert_false(nats_next_url(&info.connect_urls, &url));
}

TEST(an_info_that_is_none)
{
    struct nats_info info;
    assert_false(nats_read_info(slice_of(""), &info));
    assert_false(nats_read_info(slice_of("[]"), &info));
    assert_false(nats_read_info(slice_of("{"), &info));
    assert_false(nats_read_info(slice_of("{} x"), &info));
}

/* ---- writing ---- */

TEST(subjects)
{
    static const char *const right[] = {"a", "a.b", "FOO.BAR", "w.x_-Y", "$SYS.a"};
    static const char *const wild[] = {"*", ">", "a.*", "*.b", "a.*.b", "a.>"};
    static const char *const wrong[] = {"",    ".",  "a.",   ".a",  "a..b", "a b",  "a\tb",
                                        "a\n", "a*", "a.>b", ">.a", "a.**", "a\x7f"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_true(nats_is_subject(slice_of(right[i]), false));
    for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        assert_true(nats_is_subject(slice_of(wild[i]), true));
        assert_false(nats_is_subject(slice_of(wild[i]), false));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(nats_is_subject(slice_of(wrong[i]), true));
    char longest[NATS_SUBJECT_MAX + 2];
    memset(longest, 'x', sizeof longest);
    assert_true(nats_is_subject((struct slice){longest, NATS_SUBJECT_MAX}, false));
    assert_false(nats_is_subject((struct slice){longest, NATS_SUBJECT_MAX + 1}, false));
}

TEST(names)
{
    assert_true(nats_is_name(slice_of("node-1")));
    assert_false(nats_is_name(slice_of("node.1")));
    assert_false(nats_is_name(slice_of("*")));
    assert_false(nats_is_name(slice_of("")));
}

static void assert_written(const char *out, size_t size, const char *wanted)
{
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(out, wanted, size);
}

TEST(commands)
{
    char out[NATS_COMMAND_MAX];
    struct slice none = {"", 0};
    assert_written(out, nats_write_ping(out), "PING\r\n");
    assert_written(out, nats_write_pong(out), "PONG\r\n");
    assert_written(out, nats_write_subscribe(slice_of("FOO"), none, 1, out),
                   "SUB FOO 1\r\n");
    assert_written(out, nats_write_subscribe(slice_of("BAR"), slice_of("G1"), 44, out),
                   "SUB BAR G1 44\r\n");
    assert_written(out, nats_write_unsubscribe(1, 0, out), "UNSUB 1\r\n");
    assert_written(out, nats_write_unsubscribe(1, 5, out), "UNSUB 1 5\r\n");
    assert_written(out, nats_write_publish(slice_of("FOO"), none, 0, 11, out),
                   "PUB FOO 11\r\n");
    assert_written(
        out, nats_write_publish(slice_of("FRONT.DOOR"), slice_of("JOKE.22"), 0, 11, out),
        "PUB FRONT.DOOR JOKE.22 11\r\n");
    assert_written(out, nats_write_publish(slice_of("FOO"), none, 22, 33, out),
                   "HPUB FOO 22 33\r\n");
    assert_written(out, nats_write_publish(slice_of("NOTIFY"), slice_of("a"), 22, 22, out),
                   "HPUB NOTIFY a 22 22\r\n");
}

TEST(the_longest_command_has_room)
{
    char out[NATS_COMMAND_MAX], longest[NATS_SUBJECT_MAX];
    memset(longest, 'x', sizeof longest);
    struct slice text = {longest, sizeof longest};
    assert_true(nats_write_publish(text, text, UINT32_MAX, UINT32_MAX, out) > 510);
    assert_true(nats_write_subscribe(text, text, UINT64_MAX, out) > 510);
}

TEST(connect)
{
    char out[1000];
    struct nats_login login = {.name = slice_of("n\"1"), .version = slice_of("1.0")};
    struct print whole = {out, sizeof out, 0}, counted = {0};
    nats_print_connect(&whole, &login);
    assert_written(out, whole.length,
                   "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,"
                   "\"headers\":true,\"no_responders\":true,\"protocol\":1,\"lang\":\"c\","
                   "\"tls_required\":false,\"name\":\"n\\\"1\",\"version\":\"1.0\"}\r\n");
    nats_print_connect(&counted, &login);
    assert_int_equal(counted.length, whole.length);
}

TEST(connect_with_everything)
{
    char out[1000];
    struct nats_login login = {.user = slice_of("u"),
                               .password = slice_of("p\\"),
                               .token = slice_of("t"),
                               .jwt = slice_of("j.w.t"),
                               .nkey = slice_of("U"),
                               .signature = slice_of("s"),
                               .tls = true};
    struct print whole = {out, sizeof out, 0};
    nats_print_connect(&whole, &login);
    assert_non_null(strstr(out, ",\"tls_required\":true,\"user\":\"u\",\"pass\":\"p\\\\\","
                                "\"auth_token\":\"t\",\"jwt\":\"j.w.t\",\"nkey\":\"U\","
                                "\"sig\":\"s\"}\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_protocol),
        cmocka_unit_test(nobody_responds),
        cmocka_unit_test(items_follow_one_another),
        cmocka_unit_test(what_is_said_loosely),
        cmocka_unit_test(a_message_that_is_too_large_is_passed_over),
        cmocka_unit_test(what_no_server_says),
        cmocka_unit_test(lines_of_messages_that_are_wrong),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(nothing_is_set_aside_for_what_is_too_large),
        cmocka_unit_test(an_info_is_read),
        cmocka_unit_test(an_info_that_says_little),
        cmocka_unit_test(an_info_that_is_none),
        cmocka_unit_test(subjects),
        cmocka_unit_test(names),
        cmocka_unit_test(commands),
        cmocka_unit_test(the_longest_command_has_room),
        cmocka_unit_test(connect),
        cmocka_unit_test(connect_with_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
