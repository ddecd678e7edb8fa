/* The commands that are errands. */
#ifndef WHILST_APP_ERRANDS_H
#define WHILST_APP_ERRANDS_H

int share_main(int count, char **arguments);
int get_main(int count, char **arguments);
int keep_main(int count, char **arguments);
int watch_main(int count, char **arguments);
int admin_main(int count, char **arguments);

#endif
