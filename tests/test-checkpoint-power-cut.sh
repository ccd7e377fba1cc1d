# SPDX-License-Identifier: LGPL-2.1-or-later
# test-checkpoint-power-cut.sh: whatever a power cut leaves of a state folder
# that is being changed, the next start finishes the change or undoes it: so
# every file is synced before it gets its name, and every folder before the next
# step.

. "$abs_top_srcdir/tests/functions.sh"

requires strace -o /dev/null true
seed=${SEED:-$$}
echo "SEED=$seed"
step="$abs_top_builddir/tests/test-checkpoint-commit"

for scenario in create delete; do
  "$step" prepare $scenario
  cp -a state initial
  ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -xx -s 1000000 \
    -o record -e trace=openat,close,write,fsync,renameat,renameat2,unlinkat \
    "$step" do $scenario
  mkdir states
  perl "$abs_top_srcdir/tests/state-crash.pl" record initial 4 states "$seed"
  for n in $(ls states); do
    rm -rf state
    mv "states/$n/state" state
    mv "states/$n/actions" actions
    cp -a state broken
    "$step" recover $scenario >>outcomes || {
      find broken -type f -print -exec cat {} \; >&2
      fail "$scenario: state $n"
    }
    rm -rf broken
  done
  sort outcomes | uniq -c
  for outcome in done undone; do
    grep -qx $outcome outcomes || fail "$scenario: never $outcome"
  done
  rm -rf states initial record outcomes
done
