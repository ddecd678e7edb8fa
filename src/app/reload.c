/* What SIGHUP changes: the rows of the table that are marked so. File, environment and flags are
   read as at the start; with a mistake in any of them nothing changes. Options that need a
   restart stay as they are, so their texts live as long as the options; those of the others
   live until the file is read again. */
#include "reload.h"

#include "option_print.h"

#include <stdlib.h>
#include <string.h>

static void log_mistake(void *context, const struct option_mistake *mistake)
{
    (void)context;
    log_event(LOG_CONFIG_MISTAKE, LOG_TEXT("where", mistake->where),
              LOG_TEXT("what", mistake->what));
}

/* A value as it would be written, or NULL without memory. The caller frees it. */
static char *value_new(const struct option_row *row, const struct options *options)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) return NULL;
    option_print_value(row, options, out);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}

static size_t size_of(const struct option_row *row)
{
    switch (option_kind_of(row)) {
    case OPTION_COUNT:
    case OPTION_CHOICE: return sizeof(uint32_t);
    case OPTION_SIZE: return sizeof(size_t);
    case OPTION_FLAG: return sizeof(bool);
    case OPTION_TEXT:
    case OPTION_FILE: return sizeof(const char *);
    case OPTION_LIST: return sizeof(struct option_list);
    }
    return 0;
}

/* Says what is different in one row; whether it is now in force. */
static bool compare(const struct option_row *row, const struct options *now,
                    const struct options *read)
{
    char *from = value_new(row, now), *to = value_new(row, read);
    bool reloads = (row->kind & OPTION_RELOADS) != 0;
    bool differs = from != NULL && to != NULL && strcmp(from, to) != 0;
    if (differs)
        log_event(reloads ? LOG_CONFIG_CHANGED : LOG_CONFIG_NEEDS_RESTART,
                  LOG_TEXT("option", row->flag), LOG_TEXT("from", from),
                  LOG_TEXT("to", to));
    free(from);
    free(to);
    return differs && reloads;
}

/* Takes every row that may change, changed or not: its text may lie in the older file. */
static unsigned take(struct reload *reload, const struct options *read)
{
    const struct option_row *row;
    unsigned changed = 0;
    for (size_t i = 0; (row = option_row_at(&options_table, i)) != NULL; i++) {
        changed += compare(row, &reload->before, read);
        if ((row->kind & OPTION_RELOADS) == 0) continue;
        const void *value = (const char *)read + row->field;
        memcpy((char *)reload->options + row->field, value, size_of(row));
        memcpy((char *)&reload->before + row->field, value, size_of(row));
    }
    return changed;
}

static bool put_in_force(struct reload *reload, struct options *read)
{
    struct options *options = reload->options;
    struct log_config before = options_log(options);
    unsigned changed = take(reload, read);
    options_settle(options);
    free(reload->texts);
    reload->texts = read->reading.texts;
    read->reading.texts = NULL;
    struct log_config log = options_log(options);
    if (log.level != before.level)
        log_set_level(log.level); /* else as the operator left it */
    log.level = log_settings()->level;
    log_configure(&log);
    log_event(LOG_CONFIG_READ, LOG_NUMBER("changed", changed));
    return changed > 0;
}

static bool read_again(void *owner)
{
    struct reload *reload = owner;
    bool changed = false;
    struct options *read = malloc(sizeof *read);
    if (read == NULL) return false;
    options_init(read);
    read->reading.tell = log_mistake;
    if (options_read(read, reload->count, reload->arguments))
        changed = put_in_force(reload, read);
    else
        log_event(LOG_CONFIG_REFUSED, LOG_NUMBER("mistakes", read->reading.mistakes));
    options_clear(read);
    free(read);
    return changed;
}

void reload_attach(struct reload *reload, struct options *options, int count,
                   char **arguments)
{
    *reload = (struct reload){
        .options = options, .before = *options, .count = count, .arguments = arguments};
    options->server.reload = read_again;
    options->server.owner = reload;
}

void reload_clear(struct reload *reload)
{
    free(reload->texts);
}
