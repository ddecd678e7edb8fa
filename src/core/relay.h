/* Bringing a page from one of its holders to its seekers. */
#ifndef WHILST_CORE_RELAY_H
#define WHILST_CORE_RELAY_H

#include "state.h"

/* A holder is in its page's group now: in front, if it may be asked. */
void relay_holder_came(struct hub *hub, struct page *page);
/* A holder left the page, or is away: it cannot answer any more. It is out of the session's
   hands already, and out of its page's front. */
void relay_holder_left(struct hub *hub, struct membership *holder);

/* A seeker is in front of its page's group now, and does not wait: it is served, or waits,
   and is told how things are. */
void relay_seeker_came(struct hub *hub, struct membership *seeker);
/* A seeker's own content_request. */
void relay_seek_again(struct hub *hub, struct membership *seeker);
/* A seeker is about to leave the page's group. */
void relay_seeker_leaves(struct hub *hub, struct membership *seeker);

/* An order waits for the page, or one of them does not any more. */
void relay_order_came(struct hub *hub, struct page *page);
void relay_order_left(struct hub *hub, struct page *page);

/* Nobody is to have the page: its fetch ends. */
void relay_give_up(struct hub *hub, struct page *page);

/* A want of the page's fetch came to nothing: others are asked. */
void relay_go_on(struct hub *hub, struct page *page);
/* A want is due at another time than before. */
void relay_reschedule(struct hub *hub, struct page *page);

/* Part of an answer came from a holder that was asked. */
void relay_heard(struct hub *hub, struct membership *holder);
/* The bytes came and their hash is right. Takes the message, which holds the bytes alone
   and has WIRE_CONTENT_FRONT in front. */
void relay_take_answer(struct hub *hub, struct membership *holder, struct message *bytes);
/* The same, from another node. */
void relay_take_page(struct hub *hub, struct page *page, struct message *bytes);
/* The holder sent something else, and is about to leave the page for it. */
void relay_note_wrong(struct membership *holder);
/* There is no memory for the holder's answer: the fetch goes on later. */
void relay_postpone(struct hub *hub, struct membership *holder);
void relay_postpone_page(struct hub *hub, struct page *page); /* for a want's */
/* There may be memory again: fetches in line go on. Called after every input. */
void relay_resume(struct hub *hub);

/* The fetch's deadline is reached. */
void relay_due(struct hub *hub, struct fetch *fetch);

#endif
