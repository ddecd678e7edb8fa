/* Why something was refused: one word, the same in replies, close reasons, metrics and docs
   (docs/protocol.md, section 4). */
#ifndef WHILST_REASON_H
#define WHILST_REASON_H

/* X(NAME, label in /metrics, word on the wire) */
#define REASONS(X)                                                                         \
    X(UNMATCHED_TOPIC, "unmatched_topic", "unmatched topic")                               \
    X(UNKNOWN_EVENT, "unknown_event", "unknown_event")                                     \
    X(BAD_PAYLOAD, "bad_payload", "bad_payload")                                           \
    X(BAD_TOKEN, "bad_token", "bad_token")                                                 \
    X(WRONG_HASH, "wrong_hash", "wrong_hash")                                              \
    X(WRONG_BYTES, "wrong_bytes", "wrong_bytes")                                           \
    X(PAGE_SIZE, "page_size", "page_size")                                                 \
    X(NOT_ASKED, "not_asked", "not_asked")                                                 \
    X(NOT_TEXT, "not_text", "not_text")                                                    \
    X(TOO_MANY_TOPICS, "too_many_topics", "too_many_topics")                               \
    X(JOIN_RATE, "join_rate", "join_rate")                                                 \
    X(ASK_RATE, "ask_rate", "ask_rate")                                                    \
    X(BUSY, "busy", "busy")                                                                \
    X(BLOCKED, "blocked", "blocked")                                                       \
    X(DROPPED, "dropped", "dropped")                                                       \
    X(BAD_JSON, "bad_json", "bad_json")                                                    \
    X(BAD_UTF8, "bad_utf8", "bad_utf8")                                                    \
    X(BAD_BINARY, "bad_binary", "bad_binary")                                              \
    X(MESSAGE_SIZE, "message_size", "message_size")                                        \
    X(FRAGMENTS, "fragments", "fragments")                                                 \
    X(MESSAGE_RATE, "message_rate", "message_rate")                                        \
    X(SLOW_READER, "slow_reader", "slow_reader")                                           \
    X(SILENT, "silent", "silent")                                                          \
    X(ADDRESS_CONNECTIONS, "address_connections", "address_connections")                   \
    X(CONNECTIONS, "connections", "connections")                                           \
    X(BUS_MESSAGE, "bus_message", "bus_message")                                           \
    X(BUS_CHUNK, "bus_chunk", "bus_chunk")                                                 \
    X(BUS_BYTES, "bus_bytes", "bus_bytes")                                                 \
    X(BUS_RATE, "bus_rate", "bus_rate")                                                    \
    X(BUS_NODES, "bus_nodes", "bus_nodes")                                                 \
    X(BUS_NAME, "bus_name", "bus_name")                                                    \
    X(PARTNER_MESSAGE, "partner_message", "partner_message")                               \
    X(PARTNER_RATE, "partner_rate", "partner_rate")                                        \
    X(PARTNER_ORDERS, "partner_orders", "partner_orders")                                  \
    X(PARTNER_BYTES, "partner_bytes", "partner_bytes")                                     \
    X(PARTNER_DEAF, "partner_deaf", "partner_deaf")                                        \
    X(TLS_TIMEOUT, "tls_timeout", "tls_timeout")                                           \
    X(BAD_TLS, "bad_tls", "bad_tls")                                                       \
    X(NOT_TLS, "not_tls", "not_tls")                                                       \
    X(RESTART, "restart", "restart")

enum reason {
    REASON_NONE,
#define X(name, label, word) REASON_##name,
    REASONS(X)
#undef X
        REASONS_END
};

/* The word on the wire; "" for REASON_NONE. */
const char *reason_word(enum reason reason);

#endif
