# SPDX-License-Identifier: LGPL-2.1-or-later
# Random disks through both kinds of server, full and incremental.
#
#   SEED=17 make check TESTS=test-e2e-random.sh    repeats one seed
#   SEEDS=500 FIRST_SEED=1000 make check TESTS=... runs others

. "$abs_top_srcdir/tests/functions.sh"

requires qemu-img --version
requires qemu-io --version
requires qemu-nbd --version
requires nbdkit --version
requires perl -MJSON::PP -e 1

# Sanitizers make it many times slower, and need fewer examples.
seeds=${SEEDS:-50}
if [ -n "$SANITIZE_PRELOAD" ] && [ -z "${SEEDS:-}" ]; then
  seeds=6
fi
first=${FIRST_SEED:-1}
if [ -n "${SEED:-}" ]; then
  first=$SEED
  seeds=1
fi

# libtool's wrapper scripts cost as much as a small backup.
PATH="$abs_top_builddir/client/.libs:$PATH"

# In memory, where there is room: the disks are small, the syncs are many.
if [ -w /dev/shm ]; then
  work=$(mktemp -d /dev/shm/pullback-e2e.XXXXXX)
  cleanup_fn rm -rf "$work"
  cd "$work"
fi
perl "$abs_top_srcdir/tests/e2e-random.pl" "$first" "$seeds" 2
