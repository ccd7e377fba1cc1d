#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# pullback.h compiles by itself, in C and in C++, also without GNU extensions.

. "$abs_top_srcdir/tests/functions.sh"

requires gcc --version
requires g++ --version

cat >alone.c <<'END'
#include <pullback.h>

extern const char *version (void);

const char *
version (void)
{
  return pb_get_version ();
}
END
cp alone.c alone.cc

flags=(-I "$abs_top_srcdir/lib" -Wall -Wextra -pedantic -Werror -fsyntax-only)
for standard in c99 c11 gnu11; do
  gcc "-std=$standard" "${flags[@]}" -Wstrict-prototypes alone.c
done
for standard in c++11 c++17; do
  g++ "-std=$standard" "${flags[@]}" alone.cc
done
