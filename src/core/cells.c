/* Cells: a count that converges.

   The number of people at a page is the sum of the cells of all nodes. Each cell has one
   writer, its node; of two values the one with the larger incarnation and seq holds, in
   whatever order they come. A node's cells go when it is gone; a cell that its node does
   not tell again when it is asked to (several visits long) goes too, so that nothing which
   was lost on the way stays wrong. */
#include "cells.h"

#include "cluster.h"
#include "interests.h"
#include "memory.h"
#include "nodes.h"
#include "pages.h"
#include "presence.h"
#include "relay.h"

#include <stddef.h>

#define UNHEARD_MAX 2

struct tally cells_others(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    return interest == NULL ? (struct tally){0} : interest->others;
}

struct cell *cells_find(const struct interest *interest, uint64_t node)
{
    struct cell *cell = interest->cells;
    while (cell != NULL && cell->node->id != node)
        cell = cell->next;
    return cell;
}

static struct cell *cell_new(struct hub *hub, struct interest *interest, struct node *node)
{
    struct cell *cell = memory_new(sizeof *cell);
    if (cell == NULL) return NULL;
    cell->node = node;
    cell->life = node->life;
    cell->interest = interest;
    cell->next = interest->cells;
    interest->cells = cell;
    ring_init(&cell->ring);
    ring_append(&node->cells, &cell->ring);
    hub->metrics.bus_cells++;
    return cell;
}

static void set_tally(struct cell *cell, struct tally tally)
{
    struct tally *others = &cell->interest->others, *old = &cell->tally;
    others->visitors += tally.visitors - old->visitors;
    others->away += tally.away - old->away;
    others->holders += tally.holders - old->holders;
    cell->node->pages += (tally.visitors > 0 ? 1u : 0) - (old->visitors > 0 ? 1u : 0);
    cell->node->holders += tally.holders - old->holders;
    *old = tally;
}

/* Tells the people at the page. */
static void tell(struct hub *hub, const struct interest *interest, bool offered)
{
    struct page *page = pages_find(hub, &interest->hash);
    if (page == NULL) return;
    presence_others_changed(hub, page);
    if (offered) relay_holder_came(hub, page);
}

static void update(struct hub *hub, struct cell *cell, const struct bus_record *record)
{
    struct tally old = cell->tally, new = record->tally;
    cell->seq = record->seq;
    cell->unheard = 0;
    if (new.visitors == old.visitors &&new.away == old.away &&new.holders == old.holders)
        return;
    set_tally(cell, new);
    cell->interest->known = true;
    tell(hub, cell->interest, new.holders > 0 && old.holders == 0);
}

void cells_hear(struct hub *hub, const struct page_hash *hash,
                const struct bus_record *record)
{
    struct node *node = nodes_hear(hub, record->node, record->incarnation);
    struct interest *interest = interests_find(hub, hash);
    if (node == NULL || interest == NULL) return;
    struct cell *cell = cells_find(interest, record->node);
    if (cell == NULL && record->tally.visitors > 0) cell = cell_new(hub, interest, node);
    if (cell != NULL && cell->life != node->life) {
        ring_append(&node->cells, &cell->ring);
        cell->life = node->life;
        cell->seq = 0;
        cell->barred = false;
    }
    if (cell != NULL && record->seq > cell->seq) update(hub, cell, record);
    if (record->kind == BUS_CELL_ASK) interests_answer(hub, interest, record->node);
}

void cells_drop(struct hub *hub, struct cell *cell)
{
    struct interest *interest = cell->interest;
    struct cell **at = &interest->cells;
    while (*at != cell)
        at = &(*at)->next;
    *at = cell->next;
    set_tally(cell, (struct tally){0});
    ring_remove(&cell->ring);
    memory_free(cell);
    hub->metrics.bus_cells--;
    tell(hub, interest, false);
}

void cells_visit(struct hub *hub, struct interest *interest)
{
    struct cell *next;
    for (struct cell *cell = interest->cells; cell != NULL; cell = next) {
        next = cell->next;
        if (cell->unheard++ >= UNHEARD_MAX) cells_drop(hub, cell);
    }
}

bool cells_are_unheard(const struct interest *interest)
{
    const struct cell *cell = interest->cells;
    while (cell != NULL && cell->unheard == 0)
        cell = cell->next;
    return cell != NULL;
}

void cells_drop_all(struct hub *hub, struct interest *interest)
{
    while (interest->cells != NULL)
        cells_drop(hub, interest->cells);
}
