#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# All behaviours of libvirt that are replayed: how many there are, and that
# docs/libvirt-differences.md has just those that differ.

. "$abs_top_srcdir/tests/functions.sh"

doc="$abs_top_srcdir/docs/libvirt-differences.md"
minimum=120

# A line each: CASE, as-libvirt or differs, and the sentence.
sed -n "s/^ *behaviour '\([^']*\)' \([a-z-]*\) \(.*\)/\1\t\2\t\3/p" \
  "$abs_top_srcdir"/tests/test-checkpoint-*.sh >behaviours

# One that is written otherwise would be left out.
lines=$(cat "$abs_top_srcdir"/tests/test-checkpoint-*.sh |
  grep -cE '^ *behaviour( |$)')
[ "$lines" -eq "$(wc -l <behaviours)" ] ||
  fail "of $lines behaviours, $(wc -l <behaviours) are lines of their own"
wrong=$(cut -f 2 behaviours | grep -vE '^(as-libvirt|differs)$' || :)
[ -z "$wrong" ] || fail "neither as-libvirt nor differs: $wrong"
twice=$(cut -f 1,3 behaviours | sort | uniq -d)
[ -z "$twice" ] || fail "twice: $twice"

awk -F '\t' '$2 == "differs" { print $1 }' behaviours | sort -u >differ
grep -oE '\[[A-Z][^]]*\]' "$doc" | tr -d '[]' | sort >documented
twice=$(uniq -d documented)
[ -z "$twice" ] || fail "documented twice: $twice"
diff documented differ >&2 ||
  fail "what differs (>) is not what libvirt-differences.md says (<)"

total=$(wc -l <behaviours)
echo "$total behaviours, $(grep -c $'\tdiffers\t' behaviours) of which" \
  "differ on purpose"
[ "$total" -ge "$minimum" ] || fail "there are to be at least $minimum"
