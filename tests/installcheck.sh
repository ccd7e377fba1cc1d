#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# installcheck.sh: what "make install" has put in place works from there.  Run
# by "make installcheck", which sets the folders; DESTDIR may be empty.

set -euo pipefail

dir=$(mktemp -d "${TMPDIR:-/tmp}/pullback-installcheck.XXXXXX")
trap 'rm -rf "$dir"' EXIT

fail ()
{
  echo "installcheck: FAILED: $*" >&2
  exit 1
}

export PKG_CONFIG_SYSROOT_DIR=${DESTDIR:-}
export PKG_CONFIG_PATH=$DESTDIR$libdir/pkgconfig
export LD_LIBRARY_PATH=$DESTDIR$libdir
export PATH=$DESTDIR$bindir:$PATH
export PULLBACK_PLUGIN=$DESTDIR$nbdkit_plugindir/nbdkit-pullback-plugin.so

for file in \
  "$includedir/pullback.h" \
  "$mandir/man1/backup-checkpoint.1" \
  "$mandir/man1/backup-pull.1" \
  "$mandir/man1/backup-serve.1" \
  "$mandir/man1/nbdkit-pullback-plugin.1" \
  "$mandir/man3/pb_view.3" \
  "$bash_completion_dir/backup-checkpoint" \
  "$bash_completion_dir/backup-pull"
do
  [ -f "$DESTDIR$file" ] || fail "$DESTDIR$file is not there"
done

grep -qx '.so man3/pb_view.3' "$DESTDIR$mandir/man3/pb_view_pread.3" ||
  fail "pb_view(3) is not found by its functions"

[ "$(pkg-config --modversion libpullback)" = "$version" ] ||
  fail "pkg-config gives the wrong version"
for program in backup-checkpoint backup-pull backup-serve; do
  [ "$($program --version)" = "$program $version" ] ||
    fail "$program gives the wrong version"
done
nbdkit "$PULLBACK_PLUGIN" --dump-plugin >"$dir/dump"
grep -qx name=pullback "$dir/dump" || fail "nbdkit does not load the plugin"

# The schemas, for those who look at XML with other tools.
for document in domaincheckpoint/ backups/; do
  echo "<$document>" |
    xmllint --noout --nonet \
      --relaxng "$DESTDIR$pkgdatadir/schemas/${document%/}.rng" - 2>"$dir/err" ||
    { cat "$dir/err" >&2; fail "xmllint with the schema of <$document>"; }
done

# The examples, by what pkg-config says and nothing else; then the main job.
read -ra flags <<<"$(pkg-config --cflags --libs libpullback)"
for example in changed-since dirty-extents; do
  "${CC:-gcc}" -Wall -Wextra -Werror -o "$dir/$example" \
    "$srcdir/docs/examples/$example.c" "${flags[@]}"
done
bash "$srcdir/docs/examples/demo.sh" "$dir/demo"
"$dir/dirty-extents" "$dir/demo/disk.qcow2" cp2 >"$dir/extents"
grep -qF '"start": 12582912, "length": 1048576, "dirty": true, "zero": false' \
  "$dir/extents" || { cat "$dir/extents" >&2; fail "wrong extents"; }
echo "installcheck: all of it works from where it is installed"
