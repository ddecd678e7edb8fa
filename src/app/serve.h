/* `whilst serve`. */
#ifndef WHILST_APP_SERVE_H
#define WHILST_APP_SERVE_H

int serve_main(int count, char **arguments);

#endif
