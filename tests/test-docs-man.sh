#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every manual page is formatted without a warning, and has its parts in order.

. "$abs_top_srcdir/tests/functions.sh"

requires groff --version

count=0
for page in "$abs_top_builddir"/docs/*.[13]; do
  groff -k -man -Tutf8 -ww -z "$page" 2>warnings
  [ ! -s warnings ] || { cat warnings >&2; fail "$page has warnings"; }
  count=$((count + 1))

  # The order of parts that they have in common.
  pod=$abs_top_srcdir/docs/$(basename "${page%.?}").pod
  grep '^=head1 ' "$pod" | sed 's/=head1 //' >parts
  [ "$(head -n 2 parts | xargs)" = "NAME SYNOPSIS" ] ||
    fail "$pod does not start with NAME and SYNOPSIS"
  grep -qx 'SEE ALSO' parts || fail "$pod has no SEE ALSO"
done
[ "$count" -gt 0 ] || fail "there are no manual pages"
