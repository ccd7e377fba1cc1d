/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list-table.c: checkpoints as a table, set as virsh sets its tables. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "document.h"
#include "listing.h"

#define MAX_COLUMNS 3

struct row {
  char *cells[MAX_COLUMNS];
};

struct table {
  size_t nr_columns, nr_rows;
  struct row *rows;
};

static void
table_clear (struct table *table)
{
  for (size_t i = 0; i < table->nr_rows; i++)
    for (size_t j = 0; j < MAX_COLUMNS; j++)
      free (table->rows[i].cells[j]);
  free (table->rows);
}

/* The time in this place's own hours, or as it is written where it is none. */
static char *
format_time (const struct entry *entry)
{
  CLEANUP_FREE char *text
    = document_text (entry->document, "creationTime", NULL);
  char buffer[64];
  struct tm local;
  time_t seconds;

  if (text == NULL)
    return strdup ("-");
  errno = 0;
  seconds = strtoll (text, NULL, 10);
  if (errno != 0 || localtime_r (&seconds, &local) == NULL
      || strftime (buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
    return strdup (text);
  return strdup (buffer);
}

static char *
format_parent (const struct entry *entry)
{
  char *text;

  if (entry->parent_name == NULL)
    return strdup ("");
  if (entry->broken == NULL)
    return strdup (entry->parent_name);
  if (asprintf (&text, "%s (%s)", entry->parent_name, entry->broken) == -1)
    return NULL;
  return text;
}

static int
fill_row (struct row *row, const struct entry *entry, bool with_parent)
{
  row->cells[0] = strdup (entry->name);
  row->cells[1] = format_time (entry);
  if (with_parent)
    row->cells[2] = format_parent (entry);
  return row->cells[0] && row->cells[1] && (!with_parent || row->cells[2])
           ? 0
           : -1;
}

static void
print_row (const struct row *row, const int *widths, size_t nr_columns)
{
  for (size_t i = 0; i + 1 < nr_columns; i++)
    printf (" %-*s  ", widths[i], row->cells[i]);
  printf (" %s\n", row->cells[nr_columns - 1]);
}

static void
print_table (const struct table *table)
{
  static char name[] = "Name", time[] = "Creation Time", parent[] = "Parent";
  const struct row header = { { name, time, parent } };
  int widths[MAX_COLUMNS] = { 0 };

  for (size_t j = 0; j < table->nr_columns; j++) {
    widths[j] = (int) strlen (header.cells[j]);
    for (size_t i = 0; i < table->nr_rows; i++) {
      int width = (int) strlen (table->rows[i].cells[j]);

      if (width > widths[j])
        widths[j] = width;
    }
  }
  print_row (&header, widths, table->nr_columns);
  for (size_t j = 0; j < table->nr_columns; j++)
    for (int i = 0; i < widths[j] + 3; i++)
      putchar ('-');
  putchar ('\n');
  for (size_t i = 0; i < table->nr_rows; i++)
    print_row (&table->rows[i], widths, table->nr_columns);
}

static int
fill_table (struct table *table, const struct listing *listing,
            bool with_parent)
{
  table->nr_columns = with_parent ? 3 : 2;
  table->rows = calloc (listing->nr_shown + 1, sizeof table->rows[0]);
  if (table->rows == NULL)
    return -1;
  for (size_t i = 0; i < listing->nr_shown; i++) {
    table->nr_rows++;
    if (fill_row (&table->rows[i], &listing->entries[listing->order[i]],
                  with_parent)
        == -1)
      return -1;
  }
  return 0;
}

int
listing_print_table (const struct listing *listing, bool with_parent)
{
  CLEANUP (table_clear) struct table table = { .nr_rows = 0 };

  if (fill_table (&table, listing, with_parent) == -1) {
    pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
    return -1;
  }
  print_table (&table);
  return 0;
}
