/* The manual page. */
#ifndef WHILST_APP_MANUAL_H
#define WHILST_APP_MANUAL_H

#include <stdio.h>

/* As roff with the macros of man(7), in UTF-8. */
void manual_print(FILE *out);

#endif
