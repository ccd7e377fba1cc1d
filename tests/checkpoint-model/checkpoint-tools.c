/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-tools.c: what the tests of checkpoints on real disks share. */

#include "config.h"

#include <stdarg.h>

#include "checkpoint-tools.h"
#include "process.h"
#include "unit.h"

#define ARGUMENTS_MAX 32

void
random_start (uint64_t seed)
{
  unit_random_state = seed * UINT64_C (0x9e3779b97f4a7c15) + 1;
  /* Neighbouring seeds start alike. */
  for (int i = 0; i < 10; i++)
    unit_random ();
}

uint64_t
random_below (uint64_t limit)
{
  return unit_random_below (limit);
}

bool
chance (unsigned one_in)
{
  return random_below (one_in) == 0;
}

static char trace_text[1 << 16];
static size_t trace_length;

void
trace (const char *format, ...)
{
  size_t left = sizeof trace_text - trace_length;
  va_list args;
  int n;

  va_start (args, format);
  n = vsnprintf (trace_text + trace_length, left, format, args);
  va_end (args);
  if (n > 0)
    trace_length += (size_t) n < left ? (size_t) n : left - 1;
}

void
trace_clear (void)
{
  trace_length = 0;
}

void
trace_print (void)
{
  fprintf (stderr, "%.*s", (int) trace_length, trace_text);
}

void
run_program (const char *program, ...)
{
  const char *argv[ARGUMENTS_MAX] = { program };
  va_list args;

  va_start (args, program);
  for (size_t i = 1; i < ARGUMENTS_MAX; i++)
    if ((argv[i] = va_arg (args, const char *)) == NULL)
      break;
  va_end (args);
  CHECK_OK (process_run (argv, -1) == 0);
}
