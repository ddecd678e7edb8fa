/* Telling the service manager, by the protocol of sd_notify(3). */
#ifndef WHILST_NET_NOTIFY_H
#define WHILST_NET_NOTIFY_H

#include <stdint.h>

/* Sends lines such as "READY=1". Silent where nobody wants to know. */
__attribute__((format(printf, 1, 2))) void notify_say(const char *format, ...);

/* The manager ends this process when it has heard no WATCHDOG=1 for so long; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
