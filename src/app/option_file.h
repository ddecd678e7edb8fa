/* The configuration file as text: lines of `key = value`. */
#ifndef WHILST_APP_OPTION_FILE_H
#define WHILST_APP_OPTION_FILE_H

/* Who is told what stands in a file, line by line. */
struct option_file_reader {
    /* `value` is valid as long as *texts; "" where nothing stands. */
    void (*entry)(void *context, unsigned line, const char *key, const char *value);
    /* Line 0: the whole file. */
    void (*mistake)(void *context, unsigned line, const char *what);
    void *context;
};

/* Reads a whole file. *texts holds the values and is the caller's to free; NULL if it could
   not be read, which has been told. */
void option_file_read(const char *path, const struct option_file_reader *reader,
                      char **texts);

#endif
