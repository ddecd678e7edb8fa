/* Counted bytes with room in front. */
#include "whilst/message.h"

#include "unit.h"

#include <string.h>

static void assert_bytes(struct message *message, const char *text)
{
    assert_int_equal(message->size, strlen(text));
    assert_memory_equal(message_bytes(message), text, message->size);
}

TEST(a_new_message_is_empty_and_held_once)
{
    struct message *message = message_new(MESSAGE_BINARY, 10, 20);
    assert_int_equal(message->refs, 1);
    assert_int_equal(message->form, MESSAGE_BINARY);
    assert_int_equal(message->size, 0);
    message_unref(message);
}

TEST(what_is_appended_follows_what_is_there)
{
    struct message *message = message_new(MESSAGE_TEXT, 0, 6);
    message_append(message, "one", 3);
    message_append(message, "", 0);
    message_append(message, "two", 3);
    assert_bytes(message, "onetwo");
    message_unref(message);
}

TEST(a_head_is_put_before_the_body)
{
    struct message *message = message_new(MESSAGE_TEXT, 7, 4);
    message_append(message, "body", 4);
    message_prepend(message, "head", 4);
    message_prepend(message, "the", 3);
    assert_bytes(message, "theheadbody");
    message_unref(message);
}

TEST(a_transport_may_use_the_headroom)
{
    struct message *message = message_new(MESSAGE_TEXT, 4, 4);
    message_append(message, "body", 4);
    message_prepend(message, "head", 4);
    assert_true(message->start >= MESSAGE_HEADROOM);
    memset(message_bytes(message) - MESSAGE_HEADROOM, 0xff, MESSAGE_HEADROOM);
    assert_bytes(message, "headbody");
    message_unref(message);
}

TEST(a_message_grows_and_keeps_its_bytes_and_its_front)
{
    struct message *message = message_new(MESSAGE_BINARY, 5, 0);
    char expected[2001] = "";
    for (int i = 0; i < 1000; i++) {
        assert_true(message_reserve(&message, 2));
        message_append(message, "ab", 2);
        memcpy(expected + 2 * i, "ab", 3);
    }
    assert_bytes(message, expected);
    message_prepend(message, "front", 5);
    assert_memory_equal(message_bytes(message), "frontabab", 9);
    assert_int_equal(message->form, MESSAGE_BINARY);
    message_unref(message);
}

TEST(room_that_is_there_does_not_move_a_message)
{
    struct message *message = message_new(MESSAGE_TEXT, 0, 100), *before = message;
    assert_true(message_reserve(&message, 100));
    assert_ptr_equal(message, before);
    message_unref(message);
}

TEST(growing_costs_few_moves)
{
    struct message *message = message_new(MESSAGE_TEXT, 0, 16);
    size_t capacity = message->capacity;
    int moves = 0;
    for (int i = 0; i < 1 << 20; i += 64) {
        static const char bytes[64];
        assert_true(message_reserve(&message, sizeof bytes));
        message_append(message, bytes, sizeof bytes);
        if (message->capacity != capacity) moves++;
        capacity = message->capacity;
    }
    assert_in_range(moves, 1, 20);
    assert_true(message->capacity < 3 << 20);
    message_unref(message);
}

TEST(a_reservation_without_memory_leaves_the_message_alone)
{
    struct message *message = message_new(MESSAGE_TEXT, 0, 3), *before = message;
    message_append(message, "abc", 3);
    if (sizeof(size_t) == 8) {
        /* More than any machine has; sanitizers would stop the program for asking. */
#if !defined(__SANITIZE_ADDRESS__)
        assert_false(message_reserve(&message, (size_t)1 << 62));
        assert_null(message_new(MESSAGE_TEXT, 0, (size_t)1 << 62));
#endif
    }
    assert_ptr_equal(message, before);
    assert_bytes(message, "abc");
    message_unref(message);
}

TEST(the_last_holder_frees_a_message)
{
    struct message *message = message_new(MESSAGE_TEXT, 0, 1);
    assert_ptr_equal(message_ref(message), message);
    message_ref(message);
    assert_int_equal(message->refs, 3);
    message_unref(message);
    message_unref(message);
    assert_int_equal(message->refs, 1);
    message_unref(message);
    message_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_message_is_empty_and_held_once),
        cmocka_unit_test(what_is_appended_follows_what_is_there),
        cmocka_unit_test(a_head_is_put_before_the_body),
        cmocka_unit_test(a_transport_may_use_the_headroom),
        cmocka_unit_test(a_message_grows_and_keeps_its_bytes_and_its_front),
        cmocka_unit_test(room_that_is_there_does_not_move_a_message),
        cmocka_unit_test(growing_costs_few_moves),
        cmocka_unit_test(a_reservation_without_memory_leaves_the_message_alone),
        cmocka_unit_test(the_last_holder_frees_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
