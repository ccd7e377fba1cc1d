#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint list: its forms, its filters, and what excludes what.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"
. "$abs_top_srcdir/tests/cli-functions.sh"

export TZ=UTC
new_disks

behaviour 'V 87' as-libvirt 'no checkpoints: the head of the table alone'
prints ' Name   Creation Time
-----------------------' list
prints '' list --name
prints '' list --tree
prints ' Name   Creation Time   Parent
--------------------------------' list --parent

#   a - b - D        E
#     \ C     \ f
define a
define b a 1000000001
define C a
define D b
define f b
define E

behaviour 'V 70' as-libvirt 'a table, in order without regard to case'
prints ' Name   Creation Time
-----------------------------------
 a      2001-09-09 01:46:40 +0000
 b      2001-09-09 01:46:41 +0000
 C      2001-09-09 01:46:40 +0000
 D      2001-09-09 01:46:40 +0000
 E      2001-09-09 01:46:40 +0000
 f      2001-09-09 01:46:40 +0000' list
behaviour 'G 1' as-libvirt 'times are those of the time zone'
TZ=IST-5:30 prints ' Name   Creation Time
-----------------------------------
 a      2001-09-09 07:16:40 +0530
 E      2001-09-09 07:16:40 +0530' list --roots
blanks='   ' # of the row of a root, whose last cell is empty
behaviour 'V 71' as-libvirt '--parent: nothing for a root'
prints " Name   Creation Time               Parent
--------------------------------------------
 a      2001-09-09 01:46:40 +0000$blanks
 b      2001-09-09 01:46:41 +0000   a
 C      2001-09-09 01:46:40 +0000   a
 D      2001-09-09 01:46:40 +0000   b
 E      2001-09-09 01:46:40 +0000$blanks
 f      2001-09-09 01:46:40 +0000   b" list --parent
behaviour 'V 77' as-libvirt '--name: names only'
names_are 'a b C D E f'
behaviour 'G 2' as-libvirt '--parent --name: names only'
names_are 'a b C D E f' --parent
behaviour 'V 72' as-libvirt '--roots: those without a parent'
names_are 'a E' --roots
behaviour 'V 73' as-libvirt '--leaves: those without children'
names_are 'C D E f' --leaves
behaviour 'V 74' as-libvirt '--no-leaves: those with children'
names_are 'a b' --no-leaves
behaviour 'V 75' differs '--leaves --no-leaves: all'
names_are 'a b C D E f' --leaves --no-leaves
behaviour 'D.5 1' as-libvirt '--roots and a filter of leaves: both hold'
names_are 'E' --roots --leaves
names_are 'a' --roots --no-leaves
behaviour 'V 78' as-libvirt '--from: its children'
names_are 'b C' --from a
behaviour 'V 79' as-libvirt '--from --descendants: all below it'
names_are 'b C D f' --from a --descendants
behaviour 'G 3' as-libvirt '--from and a filter of leaves: both hold'
names_are 'C D f' --from a --descendants --leaves
names_are 'b' --from a --no-leaves
names_are '' --from C
behaviour 'G 4' differs '--topological: parents first, and siblings by name'
names_are 'a b D f C E' --topological
names_are 'b D f C' --topological --from a --descendants

# The lines that separate have blanks at their ends, as virsh draws them.
end=
behaviour 'V 76' as-libvirt '--tree: each root, and children by name'
prints "a
  |
  +- b
  |   |
  |   +- D
  |   +- f
  |     $end
  +- C
    $end
E
$end" list --tree
behaviour 'V 80' as-libvirt '--tree --from: that checkpoint is the root'
prints "b
  |
  +- D
  +- f
    $end" list --tree --from b
prints "a
  |
  +- b
  +- C
    $end" list --tree --from a
prints "a
  |
  +- b
  |   |
  |   +- D
  |   +- f
  |     $end
  +- C
    $end" list --tree --from a --descendants
prints "E
$end" list --tree --from E

behaviour 'V 81' differs '--tree excludes --name'
misused 'Options --tree and --name are mutually exclusive' \
  list --tree --name
behaviour 'V 82' differs '--parent excludes --roots and --tree'
misused 'Options --parent and --roots are mutually exclusive' \
  list --parent --roots
misused 'Options --parent and --tree are mutually exclusive' \
  list --parent --tree
behaviour 'V 83' differs '--roots excludes --tree and --from'
misused 'Options --roots and --tree are mutually exclusive' \
  list --roots --tree
misused 'Options --roots and --from are mutually exclusive' \
  list --roots --from a
behaviour 'V 84' differs '--tree excludes the filters of leaves'
misused '--leaves and --tree are mutually exclusive' \
  list --leaves --tree
misused '--no-leaves and --tree are mutually exclusive' \
  list --no-leaves --tree
behaviour 'V 85' differs '--descendants requires --from'
misused 'Option --from is required by option --descendants' list --descendants
behaviour 'V 86' as-libvirt '--from a checkpoint that is not there'
fails "no domain checkpoint with matching name 'nope'" \
  list --from nope
misused 'Options --json and --tree are mutually exclusive' list --json --tree

# One object, with all that is known.
expect_status 0 backup-checkpoint list --json --from a
perl -MJSON::PP -e '
  local $/;
  my $r = decode_json(<STDIN>);
  my $b = $r->{checkpoints}[0];
  die "names"
    unless join(" ", map { $_->{name} } @{$r->{checkpoints}}) eq "b C";
  die "b" unless $b->{parent} eq "a" && $b->{"creation-time"} == 1000000001
    && !$b->{current} && !defined $b->{broken} && !@{$b->{disks}}
    && !@{$b->{backups}} && !defined $b->{description};
  die "report" unless $r->{status} eq "done" && $r->{domain} eq "state"
    && $r->{current} eq "D" && !@{$r->{findings}};
' <out || { cat out >&2; fail "list --json"; }
expect_status 1 backup-checkpoint list --json --from nope
grep -q '"status": "failed"' out || fail "no report of a failure"

# What has no sound place is shown, and marked.
rm state/checkpoints/a.xml
set_parent ()
{
  perl -0pi -e "s|(<parent>\s*<name>)[^<]*|\${1}$2|" "state/checkpoints/$1.xml"
}
set_parent D f
set_parent f D
behaviour 'G 5' differs 'a broken tree is drawn, and marked'
checked
expect_status 0 backup-checkpoint list --tree
cat >expected <<END
E
$end
(broken)
  |
  +- b (parent a: missing)
  +- C (parent a: missing)
  +- D (parent f: cycle)
  +- f (parent D: cycle)
    $end
END
diff -u expected out >&2 || fail "list --tree of a broken tree"
expect_text err '4 findings; see backup-checkpoint doctor'
expect_text err "warning: missing-parent: checkpoint b: its parent 'a' is not"
expect_text err 'warning: cycle: checkpoint f: '
expect_status 0 backup-checkpoint list --parent
expect_text out 'a (missing)'
expect_text out 'f (cycle)'
expect_status 0 backup-checkpoint list --json
[ "$(grep -c '"kind": "cycle"' out)" -eq 2 ] || fail "--json tells of no cycle"
[ "$(grep -c '"kind": "missing-parent"' out)" -eq 2 ] ||
  fail "--json tells of no missing parent"
[ "$(grep -c '"broken": "cycle"' out)" -eq 2 ] || fail "--json marks no cycle"
[ ! -s err ] || fail "--json warns of what is in its report"

# What cannot be shown is told of, in each form, and images have no say in it.
rm -r state
for name in a b c; do
  define "$name"
done
echo damage >state/checkpoints/b.xml
echo gone >state/current
rm vda.qcow2
# warned 'NAMES' ARGS...: list prints these names, each once, and warns.
warned ()
{
  local names=$1
  shift
  checked
  expect_status 0 backup-checkpoint list "$@"
  [ "$(grep -oE '\b[abc]\b' out | xargs)" = "$names" ] ||
    { cat out >&2; fail "list $* does not print '$names'"; }
  expect_text err "warning: unreadable-file: $dir/state/checkpoints/b.xml: "
  expect_text err 'warning: current-unknown: it is not known which checkpoint'
  expect_text err 'warning: 2 findings; see backup-checkpoint doctor'
  [ "$(wc -l <err)" -eq 3 ] || { cat err >&2; fail "more is said: list $*"; }
}
warned 'a c'
for form in --parent --tree --name --roots --leaves --topological \
            '--name --roots' '--name --leaves'; do
  # shellcheck disable=SC2086 # options
  warned 'a c' $form
done
warned '' --no-leaves
warned '' --name --from a
expect_status 0 backup-checkpoint list --json
jq -e '[.findings[].kind] == ["unreadable-file", "current-unknown"]' out \
  >/dev/null || { cat out >&2; fail 'the findings of list --json'; }
[ ! -s err ] || fail "--json warns of what is in its report"

# A change that was interrupted and cannot be finished.
rm state/checkpoints/b.xml
backup-checkpoint -q current a
echo '<nothing/>' >state/journal.xml
expect_status 0 backup-checkpoint list --name
expect_text err 'warning: unfinished-commit: '
expect_text err 'warning: 1 finding; see backup-checkpoint doctor'

behaviours_done
