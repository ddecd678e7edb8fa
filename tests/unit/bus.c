/* The words of the bus: subjects and messages, there and back. */
#include "bus.h"

#include "unit.h"

#include <stdlib.h>

static void assert_there_and_back(const struct bus_subject *subject, const char *expected)
{
    char text[BUS_SUBJECT_MAX + 1];
    struct bus_subject read;
    size_t size = bus_subject_write(subject, text);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(text, expected);
    assert_true(bus_subject_read((struct slice){text, size}, &read));
    assert_memory_equal(&read, subject, sizeof read);
}

static struct bus_subject zeroed(enum bus_subject_kind kind)
{
    struct bus_subject subject;
    memset(&subject, 0, sizeof subject);
    subject.kind = kind;
    return subject;
}

TEST(subjects_are_texts)
{
    struct bus_subject subject = zeroed(BUS_HEARTBEAT);
    assert_there_and_back(&subject, "hb");
    subject = zeroed(BUS_NODE);
    subject.node = UINT64_C(0x0123456789abcdef);
    assert_there_and_back(&subject, "n.0123456789abcdef");
    subject.kind = BUS_INBOX;
    subject.request = 7;
    assert_there_and_back(&subject, "i.0123456789abcdef.0000000000000007");
    subject.request = 0;
    subject.every = true;
    assert_there_and_back(&subject, "i.0123456789abcdef.*");
    subject = zeroed(BUS_WANT);
    subject.hash = hash_of("hello", 5);
    assert_there_and_back(&subject, "w.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ");
    subject.kind = BUS_PRESENCE;
    assert_there_and_back(&subject, "p.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ");
}

TEST(other_texts_are_no_subjects)
{
    static const char *const texts[] = {
        "",
        "h",
        "hbb",
        "n",
        "n.",
        "n.0123456789abcde",
        "n.0123456789abcdef0",
        "n.0123456789ABCDEF",
        "n.*",
        "i.0123456789abcdef",
        "i.0123456789abcdef.",
        "i.0123456789abcdef.**",
        "i.*.0000000000000007",
        "i.0123456789abcdef.000000000000000g",
        "w.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmC",
        "w.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCR",
        "p.LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ",
        "x.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ",
        "_INBOX.abc",
    };
    struct bus_subject subject;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(bus_subject_read(slice_of(texts[i]), &subject));
        assert_int_equal(subject.kind, BUS_NOTHING);
    }
}

TEST(names_of_nodes)
{
    assert_true(bus_name_is_valid("a"));
    assert_true(bus_name_is_valid("Node-1_b.example"));
    assert_true(bus_name_is_valid("12345678901234567890123456789012"));
    assert_false(bus_name_is_valid("123456789012345678901234567890123"));
    assert_false(bus_name_is_valid(""));
    assert_false(bus_name_is_valid("a b"));
    assert_false(bus_name_is_valid("a*"));
    assert_int_equal(bus_node_of("hello"), UINT64_C(0x2cf24dba5fb0a30e));
}

static struct bus_record full(enum bus_kind kind)
{
    return (struct bus_record){.kind = kind,
                               .node = UINT64_C(0x8877665544332211),
                               .incarnation = 1700000000000,
                               .seq = 5,
                               .request = UINT64_MAX,
                               .tally = {9, 2, 7},
                               .hash = hash_of("hello", 5),
                               .page_max = 1 << 20,
                               .limit = 4,
                               .index = 15,
                               .total = 1000000,
                               .reason = BUS_NO_ROOM};
}

static const struct {
    enum bus_kind kind;
    size_t size;
} sizes[] = {{BUS_CELL, 37},   {BUS_CELL_ASK, 37}, {BUS_CELL_ANSWER, 69}, {BUS_ORDER, 41},
             {BUS_SIGN, 9},    {BUS_CHUNK, 17},    {BUS_NO, 10},          {BUS_CREDIT, 21},
             {BUS_CANCEL, 17}, {BUS_ALIVE, 25},    {BUS_BYE, 25},         {BUS_GOING, 25}};

TEST(messages_are_of_fixed_sizes)
{
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t head[BUS_HEAD_MAX], again[BUS_HEAD_MAX];
        struct bus_record record = full(sizes[i].kind), read;
        assert_int_equal(bus_record_write(&record, head), sizes[i].size);
        assert_true(bus_record_read(head, sizes[i].size, &read));
        assert_int_equal(bus_record_write(&read, again), sizes[i].size);
        assert_memory_equal(head, again, sizes[i].size);
    }
}

/* None shorter is read, and none longer but those that end in a rest. */
TEST(messages_of_other_sizes_are_refused)
{
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t head[BUS_HEAD_MAX] = {0};
        struct bus_record record = full(sizes[i].kind), read;
        enum bus_kind kind = sizes[i].kind;
        size_t size = bus_record_write(&record, head);
        for (size_t less = 0; less < size; less++)
            assert_false(bus_record_read(head, less, &read));
        bool rest = kind == BUS_CHUNK || kind >= BUS_ALIVE;
        assert_int_equal(bus_record_read(head, size + 1, &read), rest);
        if (rest) assert_int_equal(read.rest.size, 1);
    }
}

TEST(fields_stand_in_the_order_of_the_document)
{
    static const uint8_t cell[37] = {
        0x11, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 1, 0x8b,
        0xcf, 0xe5, 0x68, 0,    0,    0,    0,    0,    0,    0, 0, 5, 0,
        0,    0,    9,    0,    0,    0,    2,    0,    0,    0, 7};
    uint8_t head[BUS_HEAD_MAX];
    struct bus_record record = full(BUS_CELL);
    bus_record_write(&record, head);
    assert_memory_equal(head, cell, sizeof cell);
}

TEST(unlikely_messages_are_refused)
{
    uint8_t head[BUS_HEAD_MAX] = {0}, *large = calloc(1, BUS_MESSAGE_MAX + 1);
    struct bus_record record = full(BUS_CELL), read;
    assert_false(bus_record_read("", 0, &read));
    for (int kind = 0; kind < 256; kind++) {
        head[0] = (uint8_t)kind;
        if (kind < BUS_CELL || kind > BUS_GOING)
            assert_false(bus_record_read(head, sizeof head, &read));
    }
    record.tally = (struct tally){3, 4, 0};
    assert_false(bus_record_read(head, bus_record_write(&record, head), &read));
    record.tally = (struct tally){3, 0, 4};
    assert_false(bus_record_read(head, bus_record_write(&record, head), &read));
    record.tally = (struct tally){BUS_VISITORS_MAX + 1, 0, 0};
    assert_false(bus_record_read(head, bus_record_write(&record, head), &read));
    record = full(BUS_NO);
    record.reason = BUS_NO_ENDS;
    assert_false(bus_record_read(head, bus_record_write(&record, head), &read));
    large[0] = BUS_CHUNK;
    assert_true(bus_record_read(large, 17 + BUS_CHUNK_BYTES, &read));
    assert_false(bus_record_read(large, 18 + BUS_CHUNK_BYTES, &read));
    large[0] = BUS_ALIVE;
    assert_true(bus_record_read(large, 25 + BUS_NAME_MAX, &read));
    assert_false(bus_record_read(large, 26 + BUS_NAME_MAX, &read));
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subjects_are_texts),
        cmocka_unit_test(other_texts_are_no_subjects),
        cmocka_unit_test(names_of_nodes),
        cmocka_unit_test(messages_are_of_fixed_sizes),
        cmocka_unit_test(messages_of_other_sizes_are_refused),
        cmocka_unit_test(fields_stand_in_the_order_of_the_document),
        cmocka_unit_test(unlikely_messages_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
