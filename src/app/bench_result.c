/* Phases, and what is told of them: a table to read, or a line of JSON. */
#include "bench.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Above this share of a core the driver is measured, not the server. */
#define DRIVER_BUSY 0.9

void result_note(struct result *result, const char *name, double value, const char *unit)
{
    if (result->notes_count == NOTES_MAX) return;
    result->notes[result->notes_count++] =
        (struct note){.name = name, .unit = unit, .value = value};
}

void result_fault(struct result *result, const char *text)
{
    size_t i = 0;
    while (i < result->faults_count && strcmp(result->faults[i].text, text) != 0)
        i++;
    if (i == FAULTS_MAX) return;
    struct fault_count *fault = &result->faults[i];
    if (i == result->faults_count) {
        result->faults_count++;
        snprintf(fault->text, sizeof fault->text, "%s", text);
    }
    fault->count++;
}

void result_clear(struct result *result)
{
    for (size_t i = 0; i < result->phases_count; i++)
        free(result->phases[i].times);
    *result = (struct result){0};
}

struct phase *result_begin(struct result *result, const char *name, const char *unit,
                           pid_t process)
{
    size_t i = 0;
    while (i < result->phases_count && strcmp(result->phases[i].name, name) != 0)
        i++;
    if (i == PHASES_MAX) abort();
    struct phase *phase = &result->phases[i];
    if (i == result->phases_count) {
        result->phases_count++;
        *phase = (struct phase){.name = name, .unit = unit};
        phase->times = calloc(1, sizeof *phase->times);
        if (phase->times == NULL) abort();
    }
    phase->server_began_ns = process == 0 ? 0 : measure_cpu_ns(process);
    phase->driver_began_ns = measure_own_cpu_ns();
    phase->began_ns = measure_now_ns();
    return phase;
}

void result_end(struct phase *phase, pid_t process)
{
    phase->wall_ns += measure_now_ns() - phase->began_ns;
    phase->driver_ns += measure_own_cpu_ns() - phase->driver_began_ns;
    if (process != 0) phase->server_ns += measure_cpu_ns(process) - phase->server_began_ns;
}

/* ---- telling ---- */

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static double per_second(const struct phase *phase)
{
    return share(phase->count, phase->wall_ns) * 1e9;
}

static double quantile_us(const struct phase *phase, double wanted)
{
    return (double)histogram_quantile(phase->times, wanted) / 1000;
}

/* A time, with the unit that suits it. */
static const char *show_time(uint64_t ns, uint64_t count, char text[16])
{
    if (count == 0)
        strcpy(text, "-");
    else if (ns < 10000000)
        snprintf(text, 16, "%.1f us", (double)ns / 1e3);
    else
        snprintf(text, 16, "%.1f ms", (double)ns / 1e6);
    return text;
}

static void print_phase(const struct phase *phase, FILE *out)
{
    static const double shares[] = {0.5, 0.9, 0.99};
    const struct histogram *times = phase->times;
    char text[16], count[40];
    snprintf(count, sizeof count, "%llu %s", (unsigned long long)phase->count, phase->unit);
    fprintf(out, "%-16s %20s %9.2f s", phase->name, count, (double)phase->wall_ns / 1e9);
    if (times->count > 0)
        fprintf(out, " %11.0f/s", per_second(phase));
    else
        fprintf(out, " %13s", "-");
    for (size_t i = 0; i < 3; i++)
        fprintf(out, " %11s",
                show_time(histogram_quantile(times, shares[i]), times->count, text));
    fprintf(out, " %11s", show_time(times->most, times->count, text));
    if (phase->server_ns == 0 || phase->count == 0)
        fprintf(out, " %10s", "-");
    else
        fprintf(out, " %7.2f us", share(phase->server_ns, phase->count) / 1e3);
    fprintf(out, " %5.0f %% %5.0f %%%s\n", 100 * share(phase->server_ns, phase->wall_ns),
            100 * share(phase->driver_ns, phase->wall_ns),
            share(phase->driver_ns, phase->wall_ns) > DRIVER_BUSY ? " !" : "");
}

static bool driver_was_busy(const struct result *result)
{
    for (size_t i = 0; i < result->phases_count; i++)
        if (share(result->phases[i].driver_ns, result->phases[i].wall_ns) > DRIVER_BUSY)
            return true;
    return false;
}

static void print_table(const struct result *result, FILE *out)
{
    fprintf(out, "%-16s %20s %11s %13s %11s %11s %11s %11s %10s %7s %7s\n", "", "count",
            "time", "rate", "p50", "p90", "p99", "max", "server", "server", "driver");
    fprintf(out, "%-16s %20s %11s %13s %11s %11s %11s %11s %10s %7s %7s\n", "", "", "", "",
            "", "", "", "", "CPU each", "busy", "busy");
    for (size_t i = 0; i < result->phases_count; i++)
        print_phase(&result->phases[i], out);
    if (result->notes_count > 0) fprintf(out, "\n");
    for (size_t i = 0; i < result->notes_count; i++)
        fprintf(out, "%-40s %.6g %s\n", result->notes[i].name, result->notes[i].value,
                result->notes[i].unit);
    for (size_t i = 0; i < result->faults_count; i++)
        fprintf(out, "%s%-40s %u times\n", i == 0 ? "\n" : "", result->faults[i].text,
                result->faults[i].count);
    if (driver_was_busy(result))
        fprintf(out,
                "\n! the driver was busier than %.0f %% of a core: such a rate may be "
                "its own limit\n",
                100 * DRIVER_BUSY);
}

static json_t *phase_json(const struct phase *phase)
{
    const struct histogram *times = phase->times;
    json_t *json =
        json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "name", phase->name, "unit",
                  phase->unit, "count", (json_int_t)phase->count, "seconds",
                  (double)phase->wall_ns / 1e9, "per_second", per_second(phase),
                  "server_us_each", share(phase->server_ns, phase->count) / 1e3,
                  "server_busy", share(phase->server_ns, phase->wall_ns), "driver_busy",
                  share(phase->driver_ns, phase->wall_ns));
    if (times->count > 0)
        json_object_update_new(
            json, json_pack("{s:f, s:f, s:f, s:f}", "p50_us", quantile_us(phase, 0.5),
                            "p90_us", quantile_us(phase, 0.9), "p99_us",
                            quantile_us(phase, 0.99), "max_us", (double)times->most / 1e3));
    return json;
}

static void print_json(const struct result *result, const struct bench_options *options,
                       const char *mix, FILE *out)
{
    json_t *phases = json_array(), *notes = json_object(), *faults = json_object();
    for (size_t i = 0; i < result->phases_count; i++)
        json_array_append_new(phases, phase_json(&result->phases[i]));
    for (size_t i = 0; i < result->notes_count; i++)
        json_object_set_new(notes, result->notes[i].name,
                            json_real(result->notes[i].value));
    for (size_t i = 0; i < result->faults_count; i++)
        json_object_set_new(faults, result->faults[i].text,
                            json_integer(result->faults[i].count));
    json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:b}", "version", WHILST_VERSION, "mix",
        mix, options->in_process ? "sessions" : "visitors",
        (json_int_t)(options->in_process ? options->sessions : options->visitors), "size",
        (json_int_t)options->size, "seed", (json_int_t)options->seed, "phases", phases,
        "notes", notes, "faults", faults, "driver_was_busy", driver_was_busy(result));
    json_dumpf(json, out, JSON_COMPACT | JSON_REAL_PRECISION(6));
    fprintf(out, "\n");
    json_decref(json);
}

void result_print(const struct result *result, const struct bench_options *options,
                  const char *mix, FILE *out)
{
    if (options->json)
        print_json(result, options, mix, out);
    else
        print_table(result, out);
}
