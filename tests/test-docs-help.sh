#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --help of each program and its manual page name the same options, and so do
# those of each command that a program has.

. "$abs_top_srcdir/tests/functions.sh"

# Options, one a line, in text on standard input.
options_of ()
{
  grep -oE -- '(^|[^-A-Za-z0-9])(-[A-Za-z]|--[a-z][-a-z]+)($|[^-A-Za-z])' |
    grep -oE -- '-[-A-Za-z]+' | sort -u
}

# The options of a help, on standard input.
help_options ()
{
  grep -E '^ +-' | sed 's/^ *//; s/  .*//; s/,/\n/g' | options_of
}

# page_options PROGRAM HEADING: those that are items of that part of the page.
page_options ()
{
  awk -v heading="=head$2" '
    /^=head/ { if (on && $1 <= substr(heading, 1, 6)) on = 0
               if ($0 == heading) on = 1 }
    on && /^=item/ { print }' "$abs_top_srcdir/docs/$1.pod" |
    sed 's/[A-Z]<//g; s/>//g; s/ (.*//; s/,/\n/g' | options_of
}

for program in backup-checkpoint backup-pull backup-serve; do
  "$program" --help | help_options >help
  page_options "$program" '1 OPTIONS' >manual
  [ "$(wc -l <help)" -ge 8 ] ||
    fail "found few options in $program --help: $(cat help)"
  diff help manual || fail "$program: --help (<) and the manual page (>) differ"

  # --version and --help are answers, not errors.
  expect_status 0 "$program" --version
  [ ! -s err ] || fail "$program --version wrote on standard error"
  grep -qxE "$program [0-9]+\.[0-9]+\.[0-9]+" out || fail "$(cat out)"
  expect_status 0 "$program" --help
  [ ! -s err ] || fail "$program --help wrote on standard error"
  [ "$(wc -L <out)" -lt 80 ] || fail "$program --help is too wide"
done

# Commands, in the same order, and with the same operands.
backup-checkpoint --help |
  sed -n '/^Commands:/,/^$/s/^  \([a-z][-a-z]*.*\)/\1/p' |
  sed 's/   *.*//; s/ *$//' >help
sed -n '/^=head1 COMMANDS/,/^=head1 X/p' \
  "$abs_top_srcdir/docs/backup-checkpoint.pod" >commands.pod
grep '^=head2' commands.pod | sed 's/^=head2 //' >commands
sed 's/ .*//' help | diff - commands || fail "other commands: help <, manual >"
grep '^ [a-z]' commands.pod | sed 's/^ //; s/ \[OPTION\]\.\.\.//' |
  diff help - || fail "other operands: help <, manual >"

total=0
while read -r command; do
  backup-checkpoint "$command" --help | help_options >help || :
  page_options backup-checkpoint "2 $command" >manual || :
  diff help manual || fail "$command: --help (<) and the manual page (>) differ"
  total=$((total + $(wc -l <help)))
done <commands
[ "$total" -ge 35 ] || fail "found few options of commands: $total"
