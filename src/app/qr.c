/* A QR code in half blocks, dark on a light ground whatever the terminal's colours are, with
   the quiet zone that readers need (ISO/IEC 18004). */
#include "qr.h"

#include <qrencode.h>
#include <stdbool.h>
#include <unistd.h>

#define QUIET 4 /* modules around it */

static bool is_dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width) return false;
    return code->data[y * code->width + x] & 1;
}

void qr_print(const char *text, FILE *out)
{
    static const char *const halves[] = {" ", "▄", "▀", "█"};
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    bool colours = isatty(fileno(out));
    if (code == NULL) return;
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        if (colours) fputs("\033[30;107m", out);
        for (int x = -QUIET; x < code->width + QUIET; x++)
            fputs(halves[2 * is_dark(code, x, y) + is_dark(code, x, y + 1)], out);
        fputs(colours ? "\033[0m\n" : "\n", out);
    }
    QRcode_free(code);
}
