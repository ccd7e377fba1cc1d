# SPDX-License-Identifier: LGPL-2.1-or-later
# test-fault-output.sh: the output's folder or names change under a pull.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/fault-functions.sh"

fault_disk 2
uri="nbd+unix:///?socket=$dir/disk.sock"
serve "$dir/disk.sock" disk.qcow2

# pull_and STATUS COMMAND...: COMMAND runs while folder/out.qcow2 is written.
pull_and ()
{
  local want=$1 got=0
  shift
  rm -rf folder
  mkdir folder
  backup-pull -q --rate-limit 1M --request-size 64k "$uri" folder/out.qcow2 \
    >out 2>err &
  local pid=$!
  wait_for "the pull to write" test -s folder/out.qcow2.partial
  "$@"
  wait $pid || got=$?
  [ $got -eq $want ] || fail "$*: exit status $got: $(cat err)"
}

pull_and 1 rm -rf folder
expect_text err "folder/out.qcow2"
expect_text err "No such file or directory"
[ ! -e folder ] || fail "the folder is back"

pull_and 1 rm folder/out.qcow2.partial
expect_text err "folder/out.qcow2"
expect_unfinished folder/out.qcow2

# A folder under another name is the same folder.
rm -rf moved
pull_and 0 mv folder moved
expect_right moved/out.qcow2

# Another's file that has come to the name is left alone.
pull_and 1 cp full.qcow2 folder/out.qcow2
expect_text err "folder/out.qcow2"
expect_text err "File exists"
cmp full.qcow2 folder/out.qcow2 || fail "another's file was replaced"
mv folder/out.qcow2 other.qcow2
expect_unfinished folder/out.qcow2
expect_rerun "$uri" folder/out.qcow2
