# SPDX-License-Identifier: LGPL-2.1-or-later
# test-fuzz-corpus.sh: the inputs that the fuzz entries start from, and those
# that once found a defect, do no harm.

. "$abs_top_srcdir/tests/functions.sh"

for entry in qcow2 bitmaps xml store serve policy; do
  inputs=("$abs_top_srcdir/tests/fuzz/corpus/$entry"/*)
  [ "${#inputs[@]}" -ge 10 ] || fail "the corpus of $entry is missing"
  "$abs_top_builddir/tests/fuzz/replay-$entry" "${inputs[@]}"
done
