/* The real server, with any bytes as what one client sends to it.

   The first byte says in which pieces they come, whether the client then shuts its end, and
   whether somebody else wants the page that it may hold, before or behind that.
   Whatever came back must be complete answers with their security headers, or frames behind
   an upgrade that was asked for; and when the client has gone, nothing of it may be left. */
#include "answers.h"
#include "live.h"
#include "must.h"

#include <string.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count, (void)arguments;
    live_open();
    return 0;
}

static bool names(const uint8_t *data, size_t size, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++)
        if (strncasecmp((const char *)data + i, word, length) == 0) return true;
    return false;
}

static void check(const struct client *client, const uint8_t *data, size_t size)
{
    size_t frames = answers_check(client->got, client->size, false);
    if (frames == client->size) return;
    MUST(names(data, size, "upgrade") && names(data, size, "websocket"));
    MUST(names(data, size, "sec-websocket-version"));
    answers_check_frames(client->got + frames, client->size - frames, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {0, 0, 0, 0, 1, 7, 100, 600};
    struct client client;
    if (size < 1) return 0;
    size_t step = steps[data[0] & 7], slow = step == 1 && size > 300 ? 300 : size;
    live_connect(&client);
    if (data[0] & 16) live_seek();
    live_send(&client, data + 1, slow - 1, step);
    live_send(&client, data + slow, size - slow, 0);
    live_settle(&client, 1);
    if (data[0] & 32) {
        live_seek();
        live_settle(&client, 1);
    }
    if (data[0] & 8) {
        live_shut(&client);
        live_settle(&client, 1);
    }
    check(&client, data + 1, size - 1);
    live_disconnect(&client);
    live_end();
    return 0;
}
