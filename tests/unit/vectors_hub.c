/* Every file of tests/vectors/hub: a conversation, played to the bare hub with its messages
   cut into parts of several sizes. */
#include "vectors.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 400
#define ROUND_TRIP_MS 2 /* between two messages, as on a fast network */

/* How messages are cut: into parts of `size` bytes, or of random sizes if it is 0. */
struct cut {
    size_t size;
    uint64_t random;
};

struct conversation {
    struct world *world;
    struct cut *cut;
    struct client *clients[NAMES_MAX];
    size_t count;
};

static struct client *find(const struct conversation *conversation, const char *name)
{
    size_t i = conversation->count;
    while (i > 0 && strcmp(conversation->clients[i - 1]->name, name) != 0)
        i--;
    if (i == 0) fail_msg("%s: who is %s?", vectors_name, name);
    return conversation->clients[i - 1];
}

/* The size of the next part of a message. The inside of a large one is not cut to pieces,
   to save time: its head and its tail are where parts matter. */
static size_t next_part(struct cut *cut, size_t at, size_t size)
{
    size_t part = cut->size, left = size - at;
    if (part == 0) part = 1 + random_below(&cut->random, 300);
    if (at > 9000 && left > 3000 && part < 1000) part = 1000;
    return part < left ? part : left;
}

static void from(struct conversation *conversation, struct client *client,
                 const json_t *step)
{
    struct vector_bytes bytes = vectors_bytes(step);
    enum message_form form = bytes.binary ? MESSAGE_BINARY : MESSAGE_TEXT;
    size_t at = 0;
    pass(conversation->world, ROUND_TRIP_MS);
    do {
        size_t part = next_part(conversation->cut, at, bytes.size);
        say_part(client, form, bytes.data + at, part, at == 0, at + part == bytes.size);
        at += part;
    } while (at < bytes.size);
    free(bytes.data);
}

static bool is_same(struct message *message, const struct vector_bytes *bytes)
{
    const char *got = (const char *)message_bytes(message);
    if ((message->form == MESSAGE_BINARY) != (bytes->binary != 0)) return false;
    if (message->size == bytes->size && memcmp(got, bytes->data, bytes->size) == 0)
        return true;
    if (bytes->binary) return false;
    json_t *expected = json_loadb(bytes->data, bytes->size, JSON_ALLOW_NUL, NULL);
    json_t *actual = json_loadb(got, message->size, JSON_ALLOW_NUL, NULL);
    bool same = expected != NULL && json_equal(expected, actual);
    json_decref(expected);
    json_decref(actual);
    return same;
}

static void to(struct client *client, const json_t *step)
{
    struct vector_bytes bytes = vectors_bytes(step);
    if (client->count == 0)
        fail_msg("%s: %s was sent nothing, not %.500s", vectors_name, client->name,
                 bytes.data);
    struct message *message = take(client);
    if (!is_same(message, &bytes))
        fail_msg("%s: %s was sent %.*s, not %.500s", vectors_name, client->name,
                 (int)(message->size < 500 ? message->size : 500),
                 (const char *)message_bytes(message), bytes.data);
    message_unref(message);
    free(bytes.data);
}

static void closed(struct client *client, const json_t *step)
{
    const char *reason = vectors_string(step, "reason");
    json_int_t code = json_integer_value(json_object_get(step, "code"));
    if (client->count > 0 || client->code != code ||
        strcmp(reason_word(client->reason), reason) != 0)
        fail_msg("%s: %s, %zu messages, close %d %s, not %d %s", vectors_name, client->name,
                 client->count, client->code, reason_word(client->reason), (int)code,
                 reason);
}

static void leave_quiet(struct client *client)
{
    if (client->count > 0 || client->id == 0)
        fail_msg("%s: %s is not quiet: %.200s", vectors_name, client->name,
                 client->count == 0 ? reason_word(client->reason)
                                    : (const char *)message_bytes(take(client)));
}

static void play_step(struct conversation *conversation, const json_t *step)
{
    const char *name;
    if ((name = vectors_string(step, "connect")) != NULL) {
        assert_true(conversation->count < NAMES_MAX);
        conversation->clients[conversation->count++] = arrive(conversation->world, name);
    } else if ((name = vectors_string(step, "from")) != NULL) {
        from(conversation, find(conversation, name), step);
    } else if ((name = vectors_string(step, "to")) != NULL) {
        to(find(conversation, name), step);
    } else if ((name = vectors_string(step, "closed")) != NULL) {
        closed(find(conversation, name), step);
    } else if ((name = vectors_string(step, "disconnect")) != NULL) {
        drop(find(conversation, name));
    } else if ((name = vectors_string(step, "leave_quiet")) != NULL) {
        leave_quiet(find(conversation, name));
    } else {
        fail_msg("%s: what is this step?", vectors_name);
    }
}

/* The refusals counted are those that the vector names, and no others. */
static void check_refusals(struct world *world, const json_t *expected)
{
    static const char *const labels[] = {"",
#define X(name, label, word) label,
                                         REASONS(X)
#undef X
    };
    size_t named = 0;
    if (!json_is_object(expected)) fail_msg("%s: no refusals", vectors_name);
    for (int reason = 1; reason < REASONS_END; reason++) {
        const json_t *count = json_object_get(expected, labels[reason]);
        uint64_t counted = refusals(world, (enum reason)reason);
        named += count != NULL ? 1 : 0;
        if (counted != (uint64_t)json_integer_value(count))
            fail_msg("%s: %s was refused %d times", vectors_name, labels[reason],
                     (int)counted);
    }
    if (named != json_object_size(expected))
        fail_msg("%s: an unknown reason", vectors_name);
}

static struct cut the_cut;

static void run(const json_t *vector)
{
    struct conversation conversation = {.world = world_new(NULL), .cut = &the_cut};
    size_t i;
    json_t *step;
    if (vectors_string(vector, "about") == NULL) fail_msg("%s: about what?", vectors_name);
    json_array_foreach(json_object_get(vector, "steps"), i, step)
        play_step(&conversation, step);
    check_refusals(conversation.world, json_object_get(vector, "refusals"));
    world_free(conversation.world);
}

TEST(every_conversation_goes_as_written_in_whole_messages)
{
    the_cut = (struct cut){.size = SIZE_MAX};
    vectors_run("hub", run);
}

TEST(every_conversation_goes_as_written_byte_by_byte)
{
    the_cut = (struct cut){.size = 1};
    vectors_run("hub", run);
}

TEST(every_conversation_goes_as_written_in_parts_of_7_bytes)
{
    the_cut = (struct cut){.size = 7};
    vectors_run("hub", run);
}

TEST(every_conversation_goes_as_written_in_parts_of_1000_bytes)
{
    the_cut = (struct cut){.size = 1000};
    vectors_run("hub", run);
}

TEST(every_conversation_goes_as_written_in_parts_of_random_sizes)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        the_cut = (struct cut){.random = seed};
        vectors_run("hub", run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_conversation_goes_as_written_in_whole_messages),
        cmocka_unit_test(every_conversation_goes_as_written_byte_by_byte),
        cmocka_unit_test(every_conversation_goes_as_written_in_parts_of_7_bytes),
        cmocka_unit_test(every_conversation_goes_as_written_in_parts_of_1000_bytes),
        cmocka_unit_test(every_conversation_goes_as_written_in_parts_of_random_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
