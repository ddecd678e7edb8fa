/* `whilst help`. */
#ifndef WHILST_APP_HELP_H
#define WHILST_APP_HELP_H

int help_main(int count, char **arguments);

#endif
