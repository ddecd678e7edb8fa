/* A client's opening handshake; the key and its answer are those of RFC 6455, 1.3. */
#include "whilst/handshake.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static enum handshake_result read_all(const char *answer, size_t size, size_t *used,
                                      unsigned *status)
{
    char *copy = malloc(size + 1); /* exact, for the sanitizer */
    memcpy(copy, answer, size);
    copy = realloc(copy, size > 0 ? size : 1);
    enum handshake_result result = handshake_read(KEY, copy, size, used, status);
    free(copy);
    return result;
}

static void expect(const char *answer, enum handshake_result wanted)
{
    size_t used, size = strlen(answer);
    unsigned status;
    assert_int_equal(read_all(answer, size, &used, &status), wanted);
}

TEST(a_key_is_sixteen_bytes_in_base64)
{
    char key[HANDSHAKE_KEY + 1];
    handshake_key((const uint8_t *)"the sample nonce", key);
    assert_string_equal(key, KEY);
}

TEST(the_request)
{
    char out[400], small[10];
    size_t size =
        handshake_print(KEY, "a.example:81", "/ws/websocket?vsn=2.0.0", out, sizeof out);
    assert_int_equal(size, strlen(out));
    assert_string_equal(out,
                        "GET /ws/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: a.example:81\r\n"
                        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\n");
    assert_int_equal(handshake_print(KEY, "a.example:81", "/ws/websocket?vsn=2.0.0", small,
                                     sizeof small),
                     size);
}

TEST(the_right_answer_byte_by_byte)
{
    const char answer[] = SWITCH UPGRADE ACCEPT "\r\nfirst frame";
    size_t head = strlen(answer) - strlen("first frame"), used;
    unsigned status;
    for (size_t size = 0; size < head; size++)
        assert_int_equal(read_all(answer, size, &used, &status), HANDSHAKE_MORE);
    assert_int_equal(read_all(answer, strlen(answer), &used, &status), HANDSHAKE_OK);
    assert_int_equal(used, head);
    assert_int_equal(status, 101);
}

TEST(names_and_tokens_have_no_case_and_lists_are_lists)
{
    expect("HTTP/1.1 101 \r\nUPGRADE:WebSocket\r\nconnection: keep-alive, \tUPGRADE \r\n"
           "X: y\r\nsec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
           HANDSHAKE_OK);
    expect("HTTP/1.1 101\nUpgrade: websocket\nConnection: Upgrade\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n",
           HANDSHAKE_OK);
}

TEST(answers_that_are_not_ours)
{
    expect(SWITCH UPGRADE "\r\n", HANDSHAKE_BAD);
    expect(SWITCH UPGRADE "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
           HANDSHAKE_BAD);
    expect(SWITCH "Upgrade: websocket\r\n" ACCEPT "\r\n", HANDSHAKE_BAD);
    expect(SWITCH "Upgrade: websocket\r\nConnection: close\r\n" ACCEPT "\r\n",
           HANDSHAKE_BAD);
    expect(SWITCH "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", HANDSHAKE_BAD);
    expect(SWITCH UPGRADE ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
           HANDSHAKE_BAD);
    expect(SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n", HANDSHAKE_BAD);
    expect(SWITCH UPGRADE ACCEPT "no colon\r\n\r\n", HANDSHAKE_OK);
}

TEST(refusals_have_their_status)
{
    const char answer[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    size_t used;
    unsigned status;
    assert_int_equal(read_all(answer, strlen(answer), &used, &status), HANDSHAKE_REFUSED);
    assert_int_equal(status, 403);
}

TEST(what_is_no_http)
{
    expect("SSH-2.0-OpenSSH_9.2p1\r\n", HANDSHAKE_BAD);
    expect("\x15\x03\x01", HANDSHAKE_BAD);
    expect("HTTP/2 101\r\n\r\n", HANDSHAKE_BAD);
    expect("HTTP/1.1\r\n\r\n", HANDSHAKE_BAD);
    expect("HTTP/1.1 1x1 a\r\n\r\n", HANDSHAKE_BAD);
    expect("HTTP/1.1 1010\r\n\r\n", HANDSHAKE_BAD);
    char *endless = malloc(HANDSHAKE_ANSWER_MAX + 1);
    memset(endless, 'a', HANDSHAKE_ANSWER_MAX);
    memcpy(endless, SWITCH, strlen(SWITCH));
    endless[HANDSHAKE_ANSWER_MAX] = '\0';
    expect(endless, HANDSHAKE_BAD);
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_sixteen_bytes_in_base64),
        cmocka_unit_test(the_request),
        cmocka_unit_test(the_right_answer_byte_by_byte),
        cmocka_unit_test(names_and_tokens_have_no_case_and_lists_are_lists),
        cmocka_unit_test(answers_that_are_not_ours),
        cmocka_unit_test(refusals_have_their_status),
        cmocka_unit_test(what_is_no_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
