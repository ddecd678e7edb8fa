/* Chance that the seed decides. */
#ifndef WHILST_CORE_CHANCE_H
#define WHILST_CORE_CHANCE_H

#include "state.h"

/* A number below `below` (splitmix64; Steele, Lea and Flood, 2014). */
static inline uint32_t chance(struct hub *hub, uint32_t below)
{
    uint64_t z = hub->chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % below);
}

#endif
