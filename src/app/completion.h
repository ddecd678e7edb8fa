/* Completions for shells. */
#ifndef WHILST_APP_COMPLETION_H
#define WHILST_APP_COMPLETION_H

#include <stdio.h>

void completion_print_bash(FILE *out);
void completion_print_zsh(FILE *out);

#endif
