#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint doctor: each kind of finding, its repair, and what is left.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"
. "$abs_top_srcdir/tests/cli-functions.sh"

requires qemu-io --version

# findings: the kinds that doctor has told in the file out, in order.
findings ()
{
  sed -n 's/^\([a-z][-a-z]*\): .*/\1/p' out | sort | xargs
}

# examine STATUS 'KINDS' ARGS...: doctor ARGS ends with STATUS and finds these.
# Each has one line, and the repair below it.
examine ()
{
  local status=$1 kinds=$2
  shift 2
  expect_status "$status" backup-checkpoint doctor "$@"
  [ "$(findings)" = "$kinds" ] ||
    { cat out >&2; fail "found '$(findings)', not '$kinds'"; }
  [ "$(grep -c '^[a-z]' out)" -eq "$(grep -cE '^  (repair|would)' out)" ] ||
    { cat out >&2; fail "each finding has one line about its repair"; }
}

# healthy: all is well, also for QEMU, but for clusters that nobody uses (status
# 3): what a guest that was killed had begun to write leaves some.
healthy ()
{
  local image

  prints "Domain 'state': nothing is wrong" doctor
  for image in vda.qcow2 vdb.qcow2; do
    qemu-img check -q "$image" >checked 2>&1 || [ $? -eq 3 ] ||
      { cat checked >&2; fail "$image is damaged"; }
  done
}

new_disks
healthy
for name in a b c; do
  backup-checkpoint -q create-as "$name"
done
healthy
expect_status 0 backup-checkpoint doctor --json
grep -q '"status": "sound"' out || fail "--json: not sound"
prints '' -q doctor

# A bitmap is gone, another does not record.
qemu-img bitmap --remove vda.qcow2 b
qemu-img bitmap --disable vdb.qcow2 c
cp -r state saved
examine 1 'bitmap-disabled bitmap-missing'
expect_text out 'bitmap-missing: checkpoint b: disk vda: '
expect_text out 'bitmap-disabled: checkpoint c: disk vdb: '
expect_text out "Domain 'state': 2 found, 0 repaired"
examine 1 'bitmap-disabled bitmap-missing' --fix --dry-run
[ "$(grep -c '^  would repair: ' out)" -eq 2 ] || fail "--dry-run: $(cat out)"
diff -r state saved >&2 || fail "--dry-run has changed something"
[ "$(bitmaps_of vdb.qcow2)" = 'a b c' ] || fail "--dry-run removed a bitmap"
expect_status 0 backup-checkpoint doctor --fix --json
perl -MJSON::PP -e '
  local $/;
  my $r = decode_json(<STDIN>);
  die "status" unless $r->{status} eq "repaired" && @{$r->{findings}} == 2;
  for (@{$r->{findings}}) {
    die "outcome" unless $_->{outcome} eq "repaired" && $_->{repair}
      && $_->{text} && $_->{checkpoint} && $_->{disk} && $_->{bitmap};
  }
' <out || { cat out >&2; fail "doctor --fix --json"; }
healthy
names_are 'a b c'

# Bitmaps without a checkpoint: kept, adopted or removed.
qemu-img bitmap --add vda.qcow2 alien
qemu-img bitmap --add vdb.qcow2 alien
examine 1 'bitmap-orphan bitmap-orphan'
expect_text out '--fix --adopt or --fix --remove-orphans'
examine 1 'bitmap-orphan bitmap-orphan' --fix
[ "$(bitmaps_of vda.qcow2)" = 'a alien c' ] || fail "an orphan was touched"
examine 1 'bitmap-orphan bitmap-orphan' --fix --adopt --dry-run
expect_text out 'would repair: '
expect_status 0 backup-checkpoint doctor --fix --adopt
expect_text out "2 found, 2 repaired"
selects '//disk/@bitmap' ' bitmap="alien"
 bitmap="alien"' alien
healthy
qemu-img bitmap --add vda.qcow2 'odd name'
examine 1 bitmap-orphan --fix --adopt
expect_text out "it cannot become one: checkpoint name 'odd name': "
expect_text out '  repair with --fix --remove-orphans: '
qemu-img bitmap --add --disable vda.qcow2 alien2
examine 1 'bitmap-orphan bitmap-orphan' --fix --adopt
expect_text out 'it has been disabled'
expect_status 0 backup-checkpoint doctor --fix --remove-orphans
[ "$(bitmaps_of vda.qcow2)" = 'a alien c' ] || fail "no orphan was removed"
healthy

# The one that is adopted last is current, also where another disk's bitmap
# joins an older one after that.
mkdir adopted
(
  cd adopted
  qemu-img create -q -f qcow2 vda.qcow2 1M
  qemu-img create -q -f qcow2 vdb.qcow2 1M
  for bitmap in vda.qcow2:m vda.qcow2:z vdb.qcow2:m; do
    qemu-img bitmap --add "${bitmap%:*}" "${bitmap#*:}"
  done
  export PULLBACK_CONNECT=disks:vda=vda.qcow2,vdb=vdb.qcow2
  export PULLBACK_STATE=state
  expect_status 0 backup-checkpoint doctor --fix --adopt
  prints z current
  prints m parent z
)

# What is damaged is said, and what can be done.
mkdir damaged
(
  cd damaged
  qemu-img create -q -f qcow2 vda.qcow2 1M
  export PULLBACK_CONNECT=disks:vda=vda.qcow2 PULLBACK_STATE=state
  mkdir state
  echo gone >state/current # and there is no other checkpoint, either
  prints "Domain 'state': nothing is wrong" doctor
  prints 'Domain checkpoint n created' create-as n
  echo '<nothing/>' >state/journal.xml
  examine 1 unfinished-commit
  expect_text out 'if it is damaged, move that file away: journal.xml'
  expect_text out 'repair: none'
  rm state/journal.xml
  echo damage >state/checkpoints/n.xml
  fails "'n': $dir/damaged/state/checkpoints/n.xml could not be read" delete n
)

# Relations: a missing parent has a repair, a cycle has none.
set_parent ()
{
  perl -0pi -e "s|(<parent>\s*<name>)[^<]*|\${1}$2|" "state/checkpoints/$1.xml"
}
set_parent b gone
examine 1 missing-parent
expect_text out "missing-parent: checkpoint b: its parent 'gone' is not there"
expect_status 0 backup-checkpoint doctor --fix
names_are 'a b' --roots
set_parent c alien
set_parent alien c
examine 1 'cycle cycle' --fix
expect_text out 'repair: none'
expect_text out '2 found, 0 repaired'
prints 'Checkpoint a set as current' \
  current a
set_parent c b
set_parent alien c
healthy

# Which one is current is not known: with one leaf there is a repair.
echo gone >state/current
examine 1 current-unknown
expect_text out 'repair: none'
fails 'it is not known which checkpoint is current' create-as n
expect_text err '(backup-checkpoint current CHECKPOINT)'
fails 'it is not known which' current
expect_status 0 backup-checkpoint list --json
grep -q '"current": null' out || fail "list --json knows what is current"
grep -q '"kind": "current-unknown"' out || fail "list --json hides it"
prints 'Checkpoint alien set as current' \
  current alien
healthy
backup-checkpoint -q delete a
echo gone >state/current
expect_status 0 backup-checkpoint doctor --fix
prints alien current
healthy

# A file that is no checkpoint is kept, and named, even where its name is odd.
odd=$(printf 'state/checkpoints/x\033[2J\377\n.xml')
echo '<nothing/>' >"$odd"
cp state/checkpoints/b.xml state/checkpoints/misnamed.xml
examine 1 'unreadable-file unreadable-file' --fix
expect_text out misnamed.xml
if LC_ALL=C grep -q "$(printf '\033')" out; then
  fail "a control character of a file's name reaches the terminal"
fi
expect_status 1 backup-checkpoint doctor --json
iconv -f UTF-8 -t UTF-8 out | jq -e '.findings | length == 2' >/dev/null ||
  fail "a byte of a file's name makes the report no JSON"
[ -f "$odd" ] || fail "the file is gone"
rm "$odd" state/checkpoints/misnamed.xml
# A folder that is called as a leftover of a crash is none, and in nobody's way.
mkdir state/checkpoints/z.xml.new
examine 1 unreadable-file --fix
expect_text out z.xml.new
rmdir state/checkpoints/z.xml.new
healthy

# A disk in use, and then one that was not closed.
start_guest vda.qcow2
examine 1 disk-unreadable --fix
expect_text out vda.qcow2
guest_does 'write 0 64k'
kill -KILL "$guest_pid"
wait "$guest_pid" 2>/dev/null || :
examine 1 'bitmap-in-use bitmap-in-use'
expect_status 0 backup-checkpoint doctor --fix
healthy
names_are 'alien b c'

# Layers: one lacks a bitmap, one has it with another granularity.
new_disks
backup-checkpoint -q create-as a
backup-checkpoint -q create-as g
mv vda.qcow2 base.qcow2
qemu-img create -q -f qcow2 -F qcow2 -b base.qcow2 mid.qcow2
qemu-img create -q -f qcow2 -F qcow2 -b mid.qcow2 vda.qcow2
qemu-img bitmap --add vda.qcow2 a
qemu-img bitmap --add vda.qcow2 g
qemu-img bitmap --add -g 128k mid.qcow2 g
examine 1 'bitmap-gap bitmap-granularity'
expect_text out 'bitmap-gap: checkpoint a: disk vda: '
expect_text out "Domain 'state': 1 found, 0 repaired, 1 note"
expect_status 1 backup-checkpoint doctor --json
jq -e '.status == "wrong"
       and [.findings[].outcome] == ["found", "note"]' out >/dev/null ||
  { cat out >&2; fail 'doctor --json of a note beside a finding'; }
expect_status 0 backup-checkpoint doctor --fix
expect_text out '1 found, 1 repaired, 1 note'
examine 0 bitmap-granularity
expect_text out '  repair: none is needed'
expect_text out "Domain 'state': nothing is wrong, 1 note"
expect_status 0 backup-checkpoint doctor --json
jq -e '.status == "sound" and [.findings[].outcome] == ["note"]' out \
  >/dev/null || { cat out >&2; fail 'doctor --json of a note'; }

# The domain is not what it was.
mv vda.qcow2 elsewhere.qcow2
examine 1 disk-unreadable
mv elsewhere.qcow2 vda.qcow2
PULLBACK_CONNECT="disks:vda=$dir/vda.qcow2" \
  examine 1 'bitmap-granularity disk-unknown disk-unknown'
cat >web1.xml <<END
<domain type='kvm'>
  <name>web1</name>
  <uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid>
  <devices>
    <disk type='file'>
      <driver type='qcow2'/>
      <source file='$dir/vdb.qcow2'/>
      <target dev='vdb'/>
    </disk>
  </devices>
</domain>
END
export PULLBACK_CONNECT="xml:$dir/web1.xml" PULLBACK_STATE="$dir/web1"
backup-checkpoint -q create-as x '' vdb
sed -i s/1809/1810/ web1.xml
examine 1 'bitmap-orphan bitmap-orphan foreign-domain'
expect_text out 'foreign-domain: checkpoint x: '
# Its bitmap says nothing of this domain's disk, and is not ours to remove.
expect_status 0 backup-checkpoint dumpxml --no-domain --size x
grep -q "bitmap='x'/>" out || fail "a size since another domain's checkpoint"
fails 'is of the domain with uuid' delete x
expect_text err '(--metadata)'
bitmaps_of vdb.qcow2 >expected
backup-checkpoint -q delete --metadata x
bitmaps_of vdb.qcow2 | diff - expected || fail 'a bitmap is gone'
grep -qw x expected || fail 'the bitmap is gone'

# A failure is no finding.
expect_status 1 backup-checkpoint -c xml:nosuch.xml doctor --json
grep -q '"status": "failed"' out || fail "no report of a failure"
misused 'Option --fix is required by option --adopt' doctor --adopt
misused 'Option --fix is required by option --dry-run' doctor --dry-run
misused 'Options --adopt and --remove-orphans are mutually exclusive' \
  doctor --fix --adopt --remove-orphans
