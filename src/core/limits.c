/* Limits that need a memory of their own: token buckets, and what each address has open.

   A bucket is one number, the time at which it will be full (the generic cell rate
   algorithm, ITU-T I.371). An origin exists whilst its address has a session or an away
   holder; it is owned by the table of origins. Caps that are plain comparisons stand where
   the thing is counted. */
#include "limits.h"

#include "memory.h"

#include <stddef.h>

bool limits_take(struct bucket *bucket, uint32_t rate, uint32_t burst, uint64_t now_ms)
{
    if (rate == 0) return true;
    uint64_t now_us = now_ms * 1000, one_us = 1000000 / rate;
    uint64_t full_us = bucket->full_us > now_us ? bucket->full_us : now_us;
    if (full_us + one_us > now_us + one_us * (burst > 0 ? burst : 1)) return false;
    bucket->full_us = full_us + one_us;
    return true;
}

bool limits_has_left(const struct bucket *bucket, uint64_t now_ms)
{
    return bucket->full_us < (now_ms + 1000) * 1000;
}

void limits_overdraw(struct bucket *bucket, size_t rate, size_t amount, uint64_t now_ms)
{
    uint64_t now_us = now_ms * 1000;
    if (rate == 0) return;
    if (bucket->full_us < now_us) bucket->full_us = now_us;
    bucket->full_us += (uint64_t)amount * 1000000 / rate;
}

static struct origin *find_origin(struct hub *hub, const struct address *address,
                                  uint64_t key)
{
    struct table_link *link = table_first(&hub->origins, key);
    for (; link != NULL; link = table_next(link)) {
        struct origin *origin = MEMORY_OWNER(link, struct origin, link);
        if (memcmp(&origin->address, address, sizeof *address) == 0) return origin;
    }
    return NULL;
}

static void settle(struct hub *hub, struct origin *origin)
{
    if (origin->sessions > 0 || origin->away > 0) return;
    table_remove(&hub->origins, &origin->link);
    memory_free(origin);
}

struct address address_network(const struct address *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct address network = *address;
    if (memcmp(address->bytes, mapped, sizeof mapped) != 0) memset(network.bytes + 8, 0, 8);
    return network;
}

enum reason limits_enter(struct hub *hub, const struct address *address,
                         struct origin **origin)
{
    static const struct address nowhere = {{0}};
    struct address network = address_network(address);
    uint32_t most = hub->config.connections_per_address_max;
    *origin = NULL;
    if (hub->metrics.sessions >= hub->config.connections_max) return REASON_CONNECTIONS;
    if (memcmp(address, &nowhere, sizeof nowhere) == 0) return REASON_NONE;
    uint64_t key = siphash(hub->secret, &network, sizeof network);
    struct origin *found = find_origin(hub, &network, key);
    if (found != NULL && most != 0 && found->sessions >= most)
        return REASON_ADDRESS_CONNECTIONS;
    if (found == NULL) {
        found = memory_new(sizeof *found);
        if (found == NULL || !table_add(&hub->origins, &found->link, key)) {
            memory_free(found);
            return REASON_BUSY;
        }
        found->address = network;
    }
    found->sessions++;
    *origin = found;
    return REASON_NONE;
}

void limits_leave(struct hub *hub, struct origin *origin)
{
    if (origin == NULL) return;
    origin->sessions--;
    settle(hub, origin);
}

bool limits_go_away(struct hub *hub, struct origin *origin)
{
    uint32_t most = hub->config.away_per_address_max;
    if (origin == NULL) return true;
    if (most != 0 && origin->away >= most) return false;
    origin->away++;
    return true;
}

void limits_come_back(struct hub *hub, struct origin *origin)
{
    if (origin == NULL) return;
    origin->away--;
    settle(hub, origin);
}
