/* What nodes say to each other: docs/protocol.md, section 8. */
#ifndef WHILST_CORE_BUS_H
#define WHILST_CORE_BUS_H

#include "whilst/bus.h"

/* The first byte of every message: version 1 in its high half. */
enum bus_kind {
    BUS_CELL = 0x11, /* who is at a page, in one node */
    BUS_CELL_ASK,    /* the same; the others are to say theirs */
    BUS_CELL_ANSWER, /* the same, to the one who asked */
    BUS_ORDER,       /* a page is wanted */
    BUS_SIGN,        /* it is being looked for */
    BUS_CHUNK,       /* a part of it */
    BUS_NO,          /* it is not to be had here */
    BUS_CREDIT,      /* more parts may be sent */
    BUS_CANCEL,      /* it is not wanted any more */
    BUS_ALIVE,
    BUS_BYE,
    BUS_GOING,
    BUS_FAR_ORDER, /* a page is wanted of a partner */
    BUS_CLAIM,     /* how many are at a page at a partner */
    BUS_CLAIM_ASK, /* the partner is to say so, for a while */
};

#define BUS_VISITORS_MAX (UINT32_C(1) << 24) /* that one node may say to have at a page */

/* What a node knows of who is at a page, of its own sessions. */
struct tally {
    uint32_t visitors; /* holders, those away included */
    uint32_t away;
    uint32_t holders; /* that can be asked */
};

/* Why a page is not to be had from a node. */
enum bus_no { BUS_NO_HOLDER, BUS_NO_ANSWER, BUS_NO_RIGHT_ANSWER, BUS_NO_ROOM, BUS_NO_ENDS };

/* A message's fields; which are used follows from its kind. */
struct bus_record {
    enum bus_kind kind;
    uint64_t node; /* who says it; not in an ORDER, whose reply says it */
    uint64_t incarnation, seq;
    uint64_t request;
    struct tally tally;
    struct page_hash hash;
    uint32_t page_max; /* ORDER: bytes */
    uint32_t limit;    /* ORDER, CREDIT: chunks before this one may be sent */
    uint32_t index;    /* CHUNK */
    uint32_t total;    /* CHUNK: bytes of the page */
    uint8_t reason;    /* NO: enum bus_no */
    struct slice rest; /* CHUNK: the bytes; ALIVE, BYE: the node's name */
};

/* Writes all but a chunk's bytes; returns the size. */
size_t bus_record_write(const struct bus_record *record, uint8_t head[BUS_HEAD_MAX]);
/* False if it is no message of ours, or too long or short for one. */
bool bus_record_read(const void *bytes, size_t size, struct bus_record *record);

#endif
