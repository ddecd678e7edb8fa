/* Files as pages that say what they are. */
#ifndef WHILST_APP_NAMING_H
#define WHILST_APP_NAMING_H

#include "whilst/label.h"

#include <stdbool.h>

/* The label of a file: its name, if `named`, and its type, as told by `type` (NULL: by its
   bytes and its name). False if a label cannot carry them, which has been said. */
bool naming_read(const char *path, struct slice content, bool named, const char *type,
                 struct label *label);

#endif
