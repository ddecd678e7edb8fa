/* From a file to a label, by the rules of static/file_types.js: pictures, recordings and
   PDFs tell by themselves what they are; of text the name knows better, for source code is
   full of what looks like tags. */
#include "naming.h"

#include "files.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Types that bytes do not tell. */
static const struct {
    const char *extension, *type;
} types[] = {
    {"md", "text/markdown"}, {"markdown", "text/markdown"}, {"html", "text/html"},
    {"htm", "text/html"},    {"svg", "image/svg+xml"},      {"bmp", "image/bmp"},
    {"ico", "image/x-icon"}, {"aac", "audio/aac"},          {"mp3", "audio/mpeg"},
    {"opus", "audio/ogg"},   {"oga", "audio/ogg"},          {"mkv", "video/x-matroska"},
    {"ogv", "video/ogg"},
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_medium(const char *type)
{
    return begins(type, "image/") || begins(type, "audio/") || begins(type, "video/");
}

static const char *type_of(const char *name, struct slice content)
{
    const char *told = label_plain_type(content.data, content.size);
    const char *dot = strrchr(name, '.'), *known = "";
    if (is_medium(told) || strcmp(told, "application/pdf") == 0) return told;
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(dot + 1, types[i].extension) == 0) known = types[i].type;
    if (!begins(told, "text/")) return is_medium(known) ? known : told;
    if (begins(known, "text/")) return known;
    return dot == NULL || dot[1] == '\0' ? told : "text/plain";
}

static bool say(const char *path, const char *why)
{
    char shown[256];
    file_show_name(path, shown);
    fprintf(stderr, "whilst: %s: %s\n", shown, why);
    return false;
}

bool naming_read(const char *path, struct slice content, bool named, const char *type,
                 struct label *label)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    bool is_input = strcmp(path, "-") == 0;
    if (is_input) name = "";
    if (type == NULL) type = type_of(name, content);
    *label = (struct label){.type = slice_of(type), .content = content};
    if (!label_is_type(label->type))
        return say(type, "not a media type, such as text/html");
    if (!named) return true;
    label->name = slice_of(name);
    if (is_input) return say(path, "there is no name to give with --named");
    return label_is_name(label->name) ||
           say(path, "a page cannot carry this name; rename the file");
}
