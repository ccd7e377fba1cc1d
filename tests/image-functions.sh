# SPDX-License-Identifier: LGPL-2.1-or-later
# image-functions.sh: our reading of images against QEMU's.  Sourced after
# functions.sh.

image_tool="$abs_top_builddir/tests/image-tool"

# expect_error TEXT ARGS...: image-tool must fail, and say TEXT.
expect_error ()
{
  local text=$1
  shift
  expect_status 1 "$image_tool" "$@"
  expect_text err "$text"
}

# Both maps in one form: a line "START LENGTH STATE DEPTH" for each extent, equal
# neighbours merged.  DEPTH is 0 where no layer has anything to say.  Whether
# QEMU sees zeroes inside data (holes in the file below) does not matter here.
_merge_map='
  reduce .[] as $e ([];
    if length > 0 and .[-1].s == $e.s and .[-1].d == $e.d
    then .[-1].length += $e.length else . + [$e] end)
  | .[] | "\(.start) \(.length) \(.s) \(.d)"'

qemu_map ()
{
  qemu-img map --output=json "$@" >qemu-map.json
  jq -r '[.[] | {start, length,
                 s: (if .data then "data" else "zero" end),
                 d: (if .present then .depth + 1 else 0 end)}] |'"$_merge_map" \
    qemu-map.json
}

our_map ()
{
  "$image_tool" "$@" map >our-map.json
  jq -r '[.[] | {start, length, s: (if .zero then "zero" else "data" end),
                 d: .depth}] |'"$_merge_map" our-map.json
}

# same_bytes IMAGE [OPTIONS]: the whole disk as QEMU reads it.
same_bytes ()
{
  local image=$1
  shift
  qemu-img convert -f qcow2 -O raw "$image" want.raw
  "$image_tool" "$@" "$image" dump >got.raw
  cmp want.raw got.raw || fail "$image does not read as QEMU reads it"
  rm want.raw got.raw
}

# same_as_qemu IMAGE [OPTIONS]: bytes and map.
same_as_qemu ()
{
  local image=$1
  same_bytes "$@"
  shift
  qemu_map -f qcow2 "$image" >want.map
  our_map "$@" "$image" >got.map
  diff want.map got.map || fail "the map of $image is not QEMU's"
}
