/* What visitors do: the mixes of `whilst bench`. */
#ifndef WHILST_APP_BENCH_MIXES_H
#define WHILST_APP_BENCH_MIXES_H

#include "bench_load.h"

/* Plays a mix; false when it was not played to its end, which is among the faults. */
bool mix_idle(struct load *load);
bool mix_crowd(struct load *load);
bool mix_fetch(struct load *load);
bool mix_nobody(struct load *load);
bool mix_fanout(struct load *load);
bool mix_churn(struct load *load);
bool mix_storm(struct load *load);
bool mix_frontpage(struct load *load);

#endif
