/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.c: what a pull has done, for people or as JSON. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "nbd-handle.h"
#include "report.h"
#include "size.h"

static const char *
level (const struct report *report)
{
  return report->options->map_name ? "incremental" : "full";
}

static void
add (struct json_object *object, const char *key, struct json_object *value)
{
  json_object_object_add (object, key, value);
}

static void
add_string (struct json_object *object, const char *key, const char *value)
{
  add (object, key, value ? json_object_new_string (value) : NULL);
}

static void
add_number (struct json_object *object, const char *key, uint64_t value)
{
  add (object, key, json_object_new_uint64 (value));
}

/* The keys say what the map said, then what became of it. */
static struct json_object *
bytes_object (const struct report *report)
{
  const struct pull_counters *counters = report->counters;
  struct json_object *bytes = json_object_new_object ();

  add_number (bytes, "clean", atomic_load (&counters->clean));
  add_number (bytes, "dirty", atomic_load (&counters->data));
  add_number (bytes, "dirty-zero", atomic_load (&counters->zero));
  if (!report->options->dry_run) {
    add_number (bytes, "pulled", atomic_load (&counters->read));
    add_number (bytes, "found-zero", report->stats.zero_found_bytes);
    add_number (bytes, "stored", report->stats.stored_bytes);
  }
  return bytes;
}

static struct json_object *
map_object (const struct source *source)
{
  struct json_object *map = json_object_new_object ();

  add_string (map, "source", map_source_name (source->map_source));
  if (source->map_name)
    add_string (map, "name", source->map_name);
  return map;
}

static struct json_object *
json_report (const struct report *report)
{
  const struct options *options = report->options;
  const struct source *source = report->source;
  struct json_object *object = json_object_new_object ();
  char seconds[32];

  add_string (object, "status",
              report->error      ? "failed"
              : options->dry_run ? "dry-run"
                                 : "done");
  add (object, "exit-code", json_object_new_int (report->exit_code));
  if (report->error)
    add_string (object, "error", report->error);
  add_string (object, "level", level (report));
  add_string (object, "uri", options->uri);
  add_string (object, "output", options->output);
  add_string (object, "backing", options->backing);
  if (source->export_name) {
    add_string (object, "export", source->export_name);
    add_number (object, "size", source->size);
    add (object, "map", map_object (source));
  }
  if (report->counters) {
    add (object, "bytes", bytes_object (report));
    add_number (object, "dirty-extents",
                atomic_load (&report->counters->data_extents));
    add_number (object, "dirty-zero-extents",
                atomic_load (&report->counters->zero_extents));
  }
  if (report->cluster_size) {
    add_number (object, "cluster-size", report->cluster_size);
    add_number (object, "file-size", report->stats.file_size);
  }
  snprintf (seconds, sizeof seconds, "%.6f", report->seconds);
  add (object, "seconds",
       json_object_new_double_s (report->seconds, seconds));
  return object;
}

static void
print_json (const struct report *report)
{
  const int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                    | JSON_C_TO_STRING_NOSLASHESCAPE;
  struct json_object *object = json_report (report);

  puts (json_object_to_json_string_ext (object, style));
  json_object_put (object);
}

static void
print_text (const struct report *report)
{
  const struct source *source = report->source;
  const struct pull_counters *counters = report->counters;
  bool dry_run = report->options->dry_run;
  uint64_t data = atomic_load (dry_run ? &counters->data : &counters->read);
  uint64_t extents = atomic_load (&counters->data_extents);
  char name[256], a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], c[SIZE_TEXT_MAX];

  if (dry_run)
    printf ("%s backup of %s (nothing was written)\n", level (report),
            report->options->uri);
  else
    printf ("%s: %s backup of %s\n", report->options->output, level (report),
            report->options->uri);
  if (source->map_name)
    printf ("  dirty map:  %s '%s'\n", map_source_name (source->map_source),
            printable (source->map_name, name, sizeof name));
  printf ("  %s  %s in %" PRIu64 " extent%s\n",
          dry_run ? "to pull:  " : "pulled:   ",
          size_format (data, a), extents, extents == 1 ? "" : "s");
  printf ("  zeroes:     %s not read, %s found\n",
          size_format (atomic_load (&counters->zero), a),
          size_format (report->stats.zero_found_bytes, b));
  if (report->options->map_name)
    printf ("  unchanged:  %s\n",
            size_format (atomic_load (&counters->clean), c));
  if (!dry_run) {
    printf ("  file:       %s\n", size_format (report->stats.file_size, a));
    printf ("  time:       %.2f s, %s/s\n", report->seconds,
            size_format (report->seconds > 0 ? data / report->seconds : 0, b));
  }
}

int
report_print (const struct report *report)
{
  if (report->options->json)
    print_json (report);
  else if (!report->error && !report->options->quiet)
    print_text (report);
  if (fflush (stdout) == EOF || ferror (stdout)) {
    pb_set_error (errno ? errno : EIO, "standard output: %s",
                  strerror (errno ? errno : EIO));
    return -1;
  }
  return 0;
}
