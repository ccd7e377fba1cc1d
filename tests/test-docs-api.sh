#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The public header, the manual pages and the library's symbols are about the
# same functions and constants.

. "$abs_top_srcdir/tests/functions.sh"

header=$abs_top_srcdir/lib/pullback.h
pods=("$abs_top_srcdir"/docs/*.pod)

# Without comments, which name functions too.
gcc -fpreprocessed -dD -E -P -w "$header" >header

grep -oE '\bpb_[a-z0-9_]+ \(' header | tr -d ' (' | sort -u >functions.header
[ "$(wc -l <functions.header)" -ge 50 ] || fail "found few functions"

# A function is documented where a page declares it in its SYNOPSIS and speaks
# of it in its text.
for pod in "${pods[@]}"; do
  sed -n '/^=head1 SYNOPSIS/,/^=head1 [^S]/p' "$pod" |
    { grep -oE '^ .*\bpb_[a-z0-9_]+ \(' || :; } |
    { grep -oE '\bpb_[a-z0-9_]+ \(' || :; } | tr -d ' ('
done | sort -u >functions.synopsis
cat "${pods[@]}" | grep -v '^ ' | grep -oE '\bpb_[a-z0-9_]+' | sort -u \
  >functions.text
comm -23 functions.header functions.synopsis |
  sed 's/$/ is in no SYNOPSIS of a page/' >missing
comm -23 functions.header functions.text |
  sed 's/$/ is not described in a page/' >>missing

# What the pages name must exist, as a function or as a page of section 3.
cat "${pods[@]}" | grep -oE '\bpb_[a-z0-9_]+ ?\([^3]' |
  grep -oE '^pb_[a-z0-9_]+' | sort -u >functions.pods
comm -23 functions.pods functions.header |
  sed 's/$/ is in a page, but not in pullback.h/' >>missing
cat "${pods[@]}" | grep -oE '\bpb_[a-z0-9_]+\(3\)' | sed 's/(3)//' | sort -u |
  while read -r page; do
    [ -f "$abs_top_srcdir/docs/$page.pod" ] ||
      grep -qxF "$page" functions.header ||
      echo "$page(3) is neither a page nor a function"
  done >>missing

# Constants, both ways.
grep -oE '\bPB_[A-Z0-9_]+' header | grep -vxE 'PB_MUST_CHECK' | sort -u \
  >constants.header
cat "${pods[@]}" | grep -oE '\bPB_[A-Z0-9_]+' | sort -u >constants.pods
comm -23 constants.header constants.pods |
  sed 's/$/ is in pullback.h, but in no page/' >>missing
comm -13 constants.header constants.pods |
  sed 's/$/ is in a page, but not in pullback.h/' >>missing

# The library exports what the header declares, and nothing else.
nm -D --defined-only "$abs_top_builddir/lib/.libs/libpullback.so" |
  awk '$2 != "A" { sub (/@.*/, "", $3); print $3 }' | sort -u >symbols
comm -23 functions.header symbols |
  sed 's/$/ is in pullback.h, but not exported/' >>missing
comm -13 functions.header symbols |
  sed 's/$/ is exported, but not in pullback.h/' >>missing

[ ! -s missing ] || { cat missing >&2; fail "$(wc -l <missing) differences"; }
