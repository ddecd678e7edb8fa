/* `whilst config`. */
#ifndef WHILST_APP_CONFIG_H
#define WHILST_APP_CONFIG_H

int config_main(int count, char **arguments);

#endif
