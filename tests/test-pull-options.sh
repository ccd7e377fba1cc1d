# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-options.sh: a wrong command line gets one clear message and exit
# status 2, and nothing is connected or written.

. "$abs_top_srcdir/tests/functions.sh"

# wrong TEXT ARGS...: exit status 2, TEXT on standard error, nothing on
# standard output.
wrong ()
{
  local text=$1
  shift
  expect_status 2 backup-pull "$@"
  expect_text err "$text"
  expect_text err "Try 'backup-pull --help'."
  [ ! -s out ] || fail "wrote to standard output: $*"
}

uri='nbd+unix:///?socket=nosuch'

wrong "an NBD URI is needed"
wrong "the name of the output file is needed" "$uri"
wrong "the name of the output file is empty" "$uri" ""
wrong "'c' is one argument too many" "$uri" b c
wrong "cannot be written to a pipe" "$uri" -
wrong "'out.qcow2' is not an NBD URI, such as" out.qcow2 "$uri"
wrong "'' is not an NBD URI" '' o
wrong "'http://localhost/' is not an NBD URI" http://localhost/ o
wrong "needs socket=PATH" nbd+unix:///vda o
wrong "socket has no value" 'nbd+unix:///vda?socket' o
wrong "socket has no value" 'nbd+unix:///vda?socket=' o
wrong "socket=PATH is for nbd+unix" 'nbd://localhost/vda?socket=/s' o
wrong "socket is there twice" 'nbd+unix:///?socket=a&socket=b' o
wrong "no parameter 'tls-certs'" 'nbds://localhost/?tls-certs=/pki' o
wrong "there is no port 999999" nbd://localhost:999999/ o
wrong "no name has a NUL character" nbd://localhost/a%00b o
wrong "unrecognized option '--nosuch'" --nosuch "$uri" o
wrong "--backing makes an increment" --backing f "$uri" o
wrong "an increment needs --backing" --bitmap b "$uri" o
wrong "an increment needs --backing" --since c "$uri" o
wrong "only one of them, once" --bitmap b --since c --backing f "$uri" o
wrong "a name has 1 to 1023 bytes" --bitmap "" --backing f "$uri" o
wrong "a name has 1 to 1023 bytes" \
  --since "$(head -c 1024 /dev/zero | tr '\0' x)" --backing f "$uri" o
for n in 0 65 x -1 ''; do
  wrong "--connections: '$n' is not a number from 1 to 64" -C "$n" "$uri" o
done
wrong "--requests: '1025' is not a number from 1 to 1024" -R 1025 "$uri" o
for size in 0 1000 4095 64M 1k5 99999999999999999999; do
  wrong "--request-size: '$size' is not a power of two" \
    --request-size "$size" "$uri" o
done
wrong "--cluster-size: '4M' is not a power of two from 512 to 2097152" \
  --cluster-size 4M "$uri" o
wrong "--rate-limit: '0' is not a size" --rate-limit 0 "$uri" o
wrong "--rate-limit: 'fast' is not a size" --rate-limit fast "$uri" o
wrong "'lz4' is neither zlib nor zstd" --compress=lz4 "$uri" o
wrong "the level of zlib is a number from 1 to 9, not '10'" \
  --compress=zlib:10 "$uri" o
wrong "the level of zstd is a number from 1 to 19, not ''" \
  --compress=zstd: "$uri" o
wrong "'tree' is none of auto, bar, none" --progress=tree "$uri" o
wrong "file descriptor 77 is not open" --progress=77 "$uri" o
wrong "--quiet and --verbose exclude each other" -q -v "$uri" o
[ ! -e o ] && [ ! -e o.partial ] || fail "an output was made"

expect_status 0 backup-pull --help
expect_text out "Usage: backup-pull"
[ ! -s err ] || fail "--help writes to standard error"
expect_status 0 backup-pull --version
grep -qxE 'backup-pull [0-9]+\.[0-9]+\.[0-9]+' out || fail "--version: $(cat out)"
