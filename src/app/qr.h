/* QR codes on a terminal. */
#ifndef WHILST_APP_QR_H
#define WHILST_APP_QR_H

#include <stdio.h>

/* Shows a text; two rows of it in each line. */
void qr_print(const char *text, FILE *out);

#endif
