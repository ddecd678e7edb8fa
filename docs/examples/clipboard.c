/* A clipboard between machines, in one file: an example of libwhilst.

       clipboard copy SERVER < TEXT    shares it, prints its address, and waits until Ctrl+C
       clipboard paste ADDRESS         prints the text
       clipboard watch ADDRESS         prints how many have it, whenever that changes

   Built with: cc clipboard.c $(pkg-config --cflags --libs whilst) -o clipboard */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <whilst/whilst.h>

#define TEXT_MAX (1 << 20)

enum task { COPY, PASTE, WATCH };

struct clipboard {
    enum task task;
    char hash[WHILST_HASH_SIZE]; /* of the text */
    bool told;                   /* its address was printed */
    int code;                    /* to exit with */
    struct whilst *whilst;
    uv_signal_t signals[2];
};

/* Every handle is closed, so that uv_run returns. */
static void finish(struct clipboard *clipboard, int code)
{
    clipboard->code = code;
    whilst_close(clipboard->whilst);
    for (int i = 0; i < 2; i++)
        if (!uv_is_closing((uv_handle_t *)&clipboard->signals[i]))
            uv_close((uv_handle_t *)&clipboard->signals[i], NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct clipboard *clipboard = signal->data;
    (void)number;
    finish(clipboard, clipboard->task == PASTE);
}

static void print_address(struct clipboard *clipboard)
{
    char address[WHILST_ADDRESS_SIZE];
    if (clipboard->told || clipboard->task != COPY) return;
    clipboard->told = true;
    whilst_address(clipboard->whilst, clipboard->hash, address);
    printf("%s\n", address);
}

static void on_event(struct whilst *whilst, const struct whilst_event *event, void *data)
{
    struct clipboard *clipboard = data;
    (void)whilst;
    switch (event->kind) {
    case WHILST_LOST:
        fprintf(stderr, "clipboard: %s\n", event->text);
        if (event->again_ms == UINT64_MAX) finish(clipboard, 1);
        break;
    case WHILST_HOLDING: print_address(clipboard); break;
    case WHILST_HANDED: fprintf(stderr, "somebody took it\n"); break;
    case WHILST_COUNT:
        if (clipboard->task == WATCH) printf("%" PRIu32 " have it\n", event->count);
        break;
    case WHILST_NOBODY: fprintf(stderr, "nobody has it now; waiting\n"); break;
    case WHILST_FOUND:
        if (clipboard->task == WATCH) break;
        finish(clipboard, fwrite(event->bytes, 1, event->size, stdout) != event->size);
        break;
    case WHILST_REFUSED:
    case WHILST_OVER:
        fprintf(stderr, "clipboard: the server refuses: %s\n", event->reason);
        finish(clipboard, 1);
        break;
    default: break;
    }
    fflush(stdout);
}

/* Whatever it is to do is asked for at once: it happens when the server is reached. */
static enum whilst_result begin(struct clipboard *clipboard)
{
    static char text[TEXT_MAX];
    if (clipboard->task == PASTE) return whilst_get(clipboard->whilst, clipboard->hash);
    if (clipboard->task == WATCH) return whilst_watch(clipboard->whilst, clipboard->hash);
    size_t size = fread(text, 1, sizeof text, stdin);
    return whilst_hold(clipboard->whilst, text, size, clipboard->hash);
}

static int run(struct clipboard *clipboard, const char *server)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    char error[WHILST_ERROR_SIZE];
    uv_loop_t *loop = uv_default_loop();
    clipboard->whilst = whilst_open(loop, server, NULL, on_event, clipboard, error);
    if (clipboard->whilst == NULL) {
        fprintf(stderr, "clipboard: %s\n", error);
        return 2;
    }
    for (int i = 0; i < 2; i++) {
        uv_signal_init(loop, &clipboard->signals[i]);
        clipboard->signals[i].data = clipboard;
        uv_signal_start(&clipboard->signals[i], on_signal, numbers[i]);
    }
    enum whilst_result result = begin(clipboard);
    if (result != WHILST_OK) {
        fprintf(stderr, "clipboard: %s\n", whilst_result_text(result));
        finish(clipboard, 1);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) == 0 ? clipboard->code : 1;
}

int main(int count, char **arguments)
{
    static const char *const tasks[] = {"copy", "paste", "watch"};
    struct clipboard clipboard = {.task = COPY};
    signal(SIGPIPE, SIG_IGN);
    while (count == 3 && clipboard.task <= WATCH &&
           strcmp(arguments[1], tasks[clipboard.task]) != 0)
        clipboard.task++;
    if (count != 3 || clipboard.task > WATCH) {
        fprintf(stderr, "usage: clipboard copy SERVER | paste ADDRESS | watch ADDRESS\n");
        return 2;
    }
    if (clipboard.task != COPY && !whilst_find_hash(arguments[2], clipboard.hash)) {
        fprintf(stderr, "clipboard: '%s' is not a page's address\n", arguments[2]);
        return 2;
    }
    return run(&clipboard, arguments[2]);
}
