#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --help of each program and the OPTIONS of its manual page name the same
# options.

. "$abs_top_srcdir/tests/functions.sh"

# Options, one a line, in text on standard input.
options_of ()
{
  grep -oE -- '(^|[^-A-Za-z0-9])(-[A-Za-z]|--[a-z][-a-z]+)($|[^-A-Za-z])' |
    grep -oE -- '-[-A-Za-z]+' | sort -u
}

for program in backup-pull backup-serve; do
  "$program" --help | grep -E '^ +-' | sed 's/,/\n/g' | options_of >help
  sed -n '/^=head1 OPTIONS/,/^=head1 [^O]/p' \
    "$abs_top_srcdir/docs/$program.pod" |
    grep '^=item' | sed 's/[A-Z]<//g; s/>//g; s/,/\n/g' | options_of >manual

  [ "$(wc -l <help)" -ge 10 ] ||
    fail "found few options in $program --help: $(cat help)"
  diff help manual || fail "$program: --help (<) and the manual page (>) differ"

  # --version and --help are answers, not errors.
  expect_status 0 "$program" --version
  [ ! -s err ] || fail "$program --version wrote on standard error"
  expect_status 0 "$program" --help
  [ ! -s err ] || fail "$program --help wrote on standard error"
done
