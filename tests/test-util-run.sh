#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ./run passes on what it runs, and says what is wrong where it cannot.

. "$abs_top_srcdir/tests/functions.sh"

run=$abs_top_builddir/run

# shellcheck disable=SC2016 # for the inner shell
expect_status 7 "$run" bash -c 'echo "$PULLBACK_PLUGIN"; exit 7'
expect_text out "$abs_top_builddir/nbdkit-plugin/"

expect_status 2 "$run"
expect_text err 'usage: ./run PROG'
[ ! -s out ] || fail "the usage is on standard output"

# A tree that is configured, but not built.
mkdir empty
sed "s|^abs_top_builddir=.*|abs_top_builddir='$dir/empty'|" "$run" >empty/run
chmod +x empty/run
expect_status 127 empty/run backup-pull --version
expect_text err 'backup-pull is not built yet; run ./bootstrap'
