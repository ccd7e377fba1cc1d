#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint list: its forms, its filters, and what excludes what.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/checkpoint-functions.sh"

export TZ=UTC
new_domain

replay 87 'as libvirt' 0 ' Name   Creation Time
-----------------------' list
replay 87 'as libvirt' 0 '' list --name
replay 87 'as libvirt' 0 '' list --tree
replay G 'as libvirt' 0 ' Name   Creation Time   Parent
--------------------------------' list --parent

#   a - b - D        E
#     \ C     \ f
redefine a
redefine b a 1000000001
redefine C a
redefine D b
redefine f b
redefine E

replay 70 'as libvirt' 0 ' Name   Creation Time
-----------------------------------
 a      2001-09-09 01:46:40 +0000
 b      2001-09-09 01:46:41 +0000
 C      2001-09-09 01:46:40 +0000
 D      2001-09-09 01:46:40 +0000
 E      2001-09-09 01:46:40 +0000
 f      2001-09-09 01:46:40 +0000' list
TZ=XXX-5:30 replay G 'as libvirt' 0 ' Name   Creation Time
-----------------------------------
 a      2001-09-09 07:16:40 +0530
 E      2001-09-09 07:16:40 +0530' list --roots
blanks='   ' # of the row of a root, whose last cell is empty
replay 71 'as libvirt' 0 " Name   Creation Time               Parent
--------------------------------------------
 a      2001-09-09 01:46:40 +0000$blanks
 b      2001-09-09 01:46:41 +0000   a
 C      2001-09-09 01:46:40 +0000   a
 D      2001-09-09 01:46:40 +0000   b
 E      2001-09-09 01:46:40 +0000$blanks
 f      2001-09-09 01:46:40 +0000   b" list --parent
replay_names 77 'as libvirt' 'a b C D E f'
replay_names G 'as libvirt' 'a b C D E f' --parent
replay_names 72 'as libvirt' 'a E' --roots
replay_names 73 'as libvirt' 'C D E f' --leaves
replay_names 74 'as libvirt' 'a b' --no-leaves
replay_names 75 'differs: all, as documented; libvirt lists none' \
  'a b C D E f' --leaves --no-leaves
replay_names D.5 'as libvirt' 'E' --roots --leaves
replay_names D.5 'as libvirt' 'a' --roots --no-leaves
replay_names 78 'as libvirt' 'b C' --from a
replay_names 79 'as libvirt' 'b C D f' --from a --descendants
replay_names G 'as libvirt' 'C D f' --from a --descendants --leaves
replay_names G 'as libvirt' 'b' --from a --no-leaves
replay_names G 'as libvirt' '' --from C
replay_names G 'differs: siblings by name; in libvirt in no order' \
  'a b D f C E' --topological
replay_names G 'differs: siblings by name; in libvirt in no order' \
  'b D f C' --topological --from a --descendants

# The lines that separate have blanks at their ends, as virsh draws them.
end=
replay 76 'as libvirt' 0 "a
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
replay 80 'as libvirt' 0 "b
  |
  +- D
  +- f
    $end" list --tree --from b
replay 80 'as libvirt' 0 "a
  |
  +- b
  +- C
    $end" list --tree --from a
replay 80 'as libvirt' 0 "a
  |
  +- b
  |   |
  |   +- D
  |   +- f
  |     $end
  +- C
    $end" list --tree --from a --descendants
replay G 'as libvirt' 0 "E
$end" list --tree --from E

replay 81 "$usage" 2 'Options --tree and --name are mutually exclusive' \
  list --tree --name
replay 82 "$usage" 2 'Options --parent and --roots are mutually exclusive' \
  list --parent --roots
replay 82 "$usage" 2 'Options --parent and --tree are mutually exclusive' \
  list --parent --tree
replay 83 "$usage" 2 'Options --roots and --tree are mutually exclusive' \
  list --roots --tree
replay 83 "$usage" 2 'Options --roots and --from are mutually exclusive' \
  list --roots --from a
replay 84 "$usage" 2 '--leaves and --tree are mutually exclusive' \
  list --leaves --tree
replay 84 "$usage" 2 '--no-leaves and --tree are mutually exclusive' \
  list --no-leaves --tree
replay 85 'differs: exit status 2, not 1, and one wording for all options' 2 \
  'Option --from is required by option --descendants' list --descendants
replay 86 'as libvirt' 1 "no domain checkpoint with matching name 'nope'" \
  list --from nope
replay G 'differs: virsh has no --json' 2 \
  'Options --json and --tree are mutually exclusive' list --json --tree

# One object, with all that is known.
expect_status 0 backup-checkpoint list --json --from a
perl -MJSON::PP -e '
  local $/;
  my $r = decode_json(<STDIN>);
  my $b = $r->{checkpoints}[0];
  die "names" unless join(" ", map { $_->{name} } @{$r->{checkpoints}}) eq "b C";
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
expect_text err 'see backup-checkpoint doctor'
echo 'behaviour H7: differs: a missing parent is marked in the tree, not hidden'
echo 'behaviour H8: differs: a cycle is marked in the tree, not hidden'
expect_status 0 backup-checkpoint list --parent
expect_text out 'a (missing)'
expect_text out 'f (cycle)'
expect_status 0 backup-checkpoint list --json
[ "$(grep -c '"kind": "cycle"' out)" -eq 2 ] || fail "--json tells of no cycle"
[ "$(grep -c '"kind": "missing-parent"' out)" -eq 2 ] ||
  fail "--json tells of no missing parent"
[ "$(grep -c '"broken": "cycle"' out)" -eq 2 ] || fail "--json marks no cycle"
