/* Partners: other organisations, each with subjects of its own.

   The bus's servers see to it that a partner can speak on its own subjects alone, so the
   name in a subject is who it is (docs/federation). Nothing that comes from there is
   believed: pages are hashed, counts are told as its claims, everything has a rate. What is
   refused is counted, and who has too much refused is not listened to for a while, which is
   twice as long each time: we end our subscriptions, so that the bus's servers stop the
   flood before it reaches us. */
#include "partners.h"

#include "bus.h"
#include "claims.h"
#include "cluster.h"
#include "limits.h"
#include "memory.h"
#include "orders.h"
#include "wants.h"

#include <inttypes.h>

#define DEAF_FIRST_MS 1000
#define DEAF_MOST_MS 60000
#define REST_FIRST_MS 1000
#define FAULTS_MOST 5        /* after so many it rests longest */
#define LISTEN_AGAIN_MS 1000 /* after there was no memory */

/* ---- subscriptions ---- */

static struct bus_subject subject_of(const struct hub *hub, const struct partner *partner,
                                     int which)
{
    static const enum bus_subject_kind kinds[] = {BUS_WANT, BUS_NODE, BUS_INBOX,
                                                  BUS_CLAIMS};
    struct bus_subject subject = {.kind = kinds[which], .every = kinds[which] == BUS_INBOX};
    partners_address(partner, &subject);
    subject.side = BUS_FROM;
    if (subject.kind == BUS_NODE || subject.kind == BUS_INBOX)
        subject.node = hub->bus->node;
    return subject;
}

static bool is_wanted(const struct hub *hub, const struct partner *partner, int which)
{
    const struct hub_config *config = &hub->config;
    const bool by_mode[] = {config->partners_have, config->partners_have,
                            config->partners_want, true};
    return !partner->deaf && by_mode[which];
}

/* Subscribes to what is to be heard of the partner, and to nothing else. */
static void listen(struct hub *hub, struct partner *partner)
{
    bool done = true;
    if (!cluster_is_up(hub)) return;
    for (int i = 0; i < 4; i++) {
        bool wanted = is_wanted(hub, partner, i), is = partner->subscribed >> i & 1;
        struct bus_effect effect = {.kind = wanted ? EFFECT_SUBSCRIBE : EFFECT_UNSUBSCRIBE,
                                    .group = wanted && i == 0,
                                    .subscription = PARTNERS_SUBSCRIPTIONS_FIRST +
                                                    4 * (uint64_t)partner->index +
                                                    (uint64_t)i,
                                    .subject = subject_of(hub, partner, i)};
        if (wanted == is) continue;
        if (cluster_queue(hub, &effect))
            partner->subscribed ^= (uint8_t)(1u << i);
        else
            done = false;
    }
    if (!done && !partner->deaf)
        deadlines_set(&hub->deadlines, &partner->due, hub->now_ms + LISTEN_AGAIN_MS);
}

void partners_bus_up(struct hub *hub)
{
    for (uint32_t i = 0; i < hub->bus->partners_count; i++)
        listen(hub, &hub->bus->partners[i]);
}

void partners_bus_down(struct hub *hub)
{
    for (uint32_t i = 0; i < hub->bus->partners_count; i++)
        hub->bus->partners[i].subscribed = 0;
}

void partners_due(struct hub *hub, struct partner *partner)
{
    if (partner->deaf) partner->awake_ms = hub->now_ms;
    partner->deaf = false;
    partner->metrics.deaf = 0;
    listen(hub, partner);
}

/* ---- who behaves, and who does not ---- */

static void go_deaf(struct hub *hub, struct partner *partner)
{
    bool again = partner->awake_ms != 0 && hub->now_ms < partner->awake_ms + DEAF_MOST_MS &&
                 partner->deaf_ms != 0;
    uint32_t pause = again ? 2 * partner->deaf_ms : DEAF_FIRST_MS;
    struct bus_effect effect = {.kind = EFFECT_DEAF};
    partner->deaf_ms = effect.deaf_ms = pause < DEAF_MOST_MS ? pause : DEAF_MOST_MS;
    partner->deaf = true;
    partner->metrics.deaf = 1;
    partner->refusals = (struct bucket){0};
    partner->metrics.refusals[REASON_PARTNER_DEAF]++;
    hub->metrics.refusals[REASON_PARTNER_DEAF]++;
    partners_address(partner, &effect.subject);
    cluster_queue(hub, &effect);
    listen(hub, partner);
    deadlines_set(&hub->deadlines, &partner->due, hub->now_ms + partner->deaf_ms);
}

void partners_refuse(struct hub *hub, struct partner *partner, enum reason reason)
{
    uint32_t rate = hub->config.partner_refusal_rate;
    partner->metrics.refusals[reason]++;
    hub->metrics.refusals[reason]++;
    if (!partner->deaf && !limits_take(&partner->refusals, rate, rate, hub->now_ms))
        go_deaf(hub, partner);
}

void partners_failed(const struct hub *hub, struct partner *partner)
{
    partner->rest_until_ms = hub->now_ms + ((uint64_t)REST_FIRST_MS << partner->faults);
    if (partner->faults < FAULTS_MOST) partner->faults++;
}

void partners_did_well(struct partner *partner)
{
    partner->rest_until_ms = 0;
    partner->faults = 0;
}

/* ---- what they say ---- */

void partners_address(const struct partner *partner, struct bus_subject *subject)
{
    subject->side = BUS_TO;
    memcpy(subject->partner, partner->name, strlen(partner->name) + 1);
}

static struct partner *find(const struct hub *hub, const char *name)
{
    for (uint32_t i = 0; i < hub->bus->partners_count; i++)
        if (strcmp(hub->bus->partners[i].name, name) == 0) return &hub->bus->partners[i];
    return NULL;
}

/* False if it is none, or not on that subject, or not asked for. */
static bool hear(struct hub *hub, struct partner *partner,
                 const struct bus_subject *subject, const struct bus_record *record)
{
    bool mine = subject->node == hub->bus->node && !subject->every;
    bool have = hub->config.partners_have, want = hub->config.partners_want;
    switch (record->kind) {
    case BUS_FAR_ORDER:
        return subject->kind == BUS_WANT && have && orders_hear_far(hub, partner, record);
    case BUS_CREDIT:
    case BUS_CANCEL:
        return subject->kind == BUS_NODE && mine && have &&
               orders_hear_more(hub, partner, record);
    case BUS_SIGN:
    case BUS_CHUNK:
    case BUS_NO:
        return subject->kind == BUS_INBOX && mine && want &&
               wants_hear(hub, partner, subject->request, record);
    case BUS_CLAIM:
    case BUS_CLAIM_ASK:
        return subject->kind == BUS_CLAIMS && claims_hear(hub, partner, record);
    default: return false;
    }
}

void partners_hear(struct hub *hub, const struct bus_message *message)
{
    struct partner *partner = find(hub, message->subject.partner);
    struct bus_record record;
    if (partner == NULL) {
        hub->metrics.refusals[REASON_BUS_MESSAGE]++;
        return;
    }
    if (partner->deaf) return; /* it was on its way */
    partner->metrics.received_total++;
    if (message->nobody || !bus_record_read(message->bytes, message->size, &record) ||
        !hear(hub, partner, &message->subject, &record))
        partners_refuse(hub, partner, REASON_PARTNER_MESSAGE);
}

/* ---- beginning and end ---- */

bool partners_begin(struct hub *hub)
{
    const struct hub_config *config = &hub->config;
    struct bus *bus = hub->bus;
    uint32_t count = 0;
    while (count < PARTNERS_MAX && config->partners[count][0] != '\0')
        count++;
    if (count == 0) return true;
    bus->partners = memory_new(count * sizeof *bus->partners);
    if (bus->partners == NULL || !deadlines_admit(&hub->deadlines, count)) {
        memory_free(bus->partners);
        bus->partners = NULL;
        return false;
    }
    bus->partners_count = count;
    for (uint32_t i = 0; i < count; i++) {
        bus->partners[i].name = config->partners[i];
        bus->partners[i].index = (uint8_t)i;
        bus->partners[i].due.kind = DEADLINE_PARTNER;
    }
    return true;
}

void partners_end(struct hub *hub)
{
    struct bus *bus = hub->bus;
    for (uint32_t i = 0; i < bus->partners_count; i++)
        deadlines_unset(&hub->deadlines, &bus->partners[i].due);
    deadlines_dismiss(&hub->deadlines, bus->partners_count);
    memory_free(bus->partners);
}

/* ---- numbers ---- */

static void print_row(struct print *to, const struct hub *hub, size_t at, const char *field,
                      const char *type, const char *help)
{
    print(to, "# HELP whilst_partner_%s %s\n# TYPE whilst_partner_%s %s\n", field, help,
          field, type);
    for (uint32_t i = 0; i < hub->bus->partners_count; i++) {
        const struct partner *partner = &hub->bus->partners[i];
        print(to, "whilst_partner_%s{partner=\"%s\"} %" PRIu64 "\n", field, partner->name,
              *(const uint64_t *)(const void *)((const char *)&partner->metrics + at));
    }
}

static void print_refusals(struct print *to, const struct partner *partner)
{
    static const enum reason reasons[] = {REASON_PARTNER_MESSAGE,
                                          REASON_PARTNER_RATE,
                                          REASON_PARTNER_ORDERS,
                                          REASON_PARTNER_BYTES,
                                          REASON_PARTNER_DEAF,
                                          REASON_BLOCKED,
                                          REASON_BUSY};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        print(to,
              "whilst_partner_refusals_total{partner=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
              partner->name, metrics_reason_label(reasons[i]),
              partner->metrics.refusals[reasons[i]]);
}

void hub_print_partners(struct print *to, struct hub *hub)
{
    if (hub->bus == NULL || hub->bus->partners_count == 0) return;
    for (uint32_t i = 0; i < hub->bus->partners_count; i++) {
        struct partner *partner = &hub->bus->partners[i];
        partner->metrics.rests = hub->now_ms < partner->rest_until_ms ? 1 : 0;
    }
#define X(type, field, help)                                                               \
    print_row(to, hub, offsetof(struct partner_metrics, field), #field, #type, help);
    PARTNER_METRICS(X)
#undef X
    print(to, "# HELP whilst_partner_refusals_total What was refused of a partner\n"
              "# TYPE whilst_partner_refusals_total counter\n");
    for (uint32_t i = 0; i < hub->bus->partners_count; i++)
        print_refusals(to, &hub->bus->partners[i]);
}
