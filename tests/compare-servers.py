# SPDX-License-Identifier: LGPL-2.1-or-later
# compare-servers.py: a libnbd program that asks two servers of the same disk for
# the same things, at random, and compares what they say.
#
#   compare-servers.py SEED COUNT THEIR-URI OUR-URI CONTEXT...
#
# Block status is asked for in all contexts at once, with and without REQ_ONE,
# of ranges that are aligned to nothing.  The answers may be cut at different
# places, so what both tell is compared; in ours all contexts must cover the same
# length, and what a server must not do is looked for.  Reads are plain, in
# chunks, and with DF.

import random
import sys

import nbd


def connect(uri, contexts):
    h = nbd.NBD()
    for name in contexts:
        h.add_meta_context(name)
    h.connect_uri(uri)
    for name in contexts:
        assert h.can_meta_context(name), (uri, name)
    return h


def status(h, contexts, offset, length, flags):
    """{context: [(length, flags)...]}, as it was said."""
    said = {}

    def extents(context, at, entries, error):
        assert context not in said, context
        said[context] = list(zip(entries[0::2], entries[1::2]))

    h.block_status(length, offset, extents, flags)
    assert sorted(said) == sorted(contexts), said
    return said


def covered(entries):
    return sum(entry[0] for entry in entries)


def flat(entries, length):
    """The first LENGTH bytes of ENTRIES, neighbours merged."""
    result = []
    for count, flags in entries:
        count = min(count, length)
        length -= count
        if count and result and result[-1][1] == flags:
            result[-1][0] += count
        elif count:
            result.append([count, flags])
    return result


def check_rules(said, length, flags):
    """What holds of every answer of ours."""
    lengths = set(covered(entries) for entries in said.values())
    assert len(lengths) == 1, said
    assert 0 < min(lengths) <= length, (lengths, length)
    for entries in said.values():
        assert all(count > 0 for count, value in entries), entries
        if flags & nbd.CMD_FLAG_REQ_ONE:
            assert len(entries) == 1, entries


def compare_status(theirs, ours, contexts, offset, length):
    flags = random.choice((0, nbd.CMD_FLAG_REQ_ONE))
    want = status(theirs, contexts, offset, length, 0)
    got = status(ours, contexts, offset, length, flags)
    check_rules(got, length, flags)
    for name in contexts:
        common = min(covered(want[name]), covered(got[name]), length)
        assert flat(want[name], common) == flat(got[name], common), (
            name, offset, length, flags)


def read_chunks(h, offset, count, flags):
    """The bytes, of chunks that must cover all of it once."""
    data = bytearray(count)
    missing = [count]
    chunks = [0]

    def chunk(part, at, kind, error):
        assert offset <= at and at + len(part) <= offset + count
        data[at - offset:at - offset + len(part)] = part
        missing[0] -= len(part)
        chunks[0] += 1

    h.pread_structured(count, offset, chunk, flags)
    assert missing[0] == 0, missing
    if flags & nbd.CMD_FLAG_DF:
        assert chunks[0] == 1, chunks
    return bytes(data)


def compare_reads(theirs, ours, offset, count):
    want = bytes(theirs.pread(count, offset))
    assert bytes(ours.pread(count, offset)) == want, (offset, count)
    for flags in (0, nbd.CMD_FLAG_DF):
        assert read_chunks(ours, offset, count, flags) == want, (
            offset, count, flags)


def main():
    seed, number = int(sys.argv[1]), int(sys.argv[2])
    contexts = sys.argv[5:]
    theirs, ours = (connect(uri, contexts) for uri in sys.argv[3:5])
    size = ours.get_size()
    assert size == theirs.get_size()
    random.seed(seed)
    for i in range(number):
        offset = random.randrange(size)
        length = random.randrange(1, size - offset + 1)
        compare_status(theirs, ours, contexts, offset, length)
        if i % 4 == 0:
            compare_reads(theirs, ours, offset, min(length, 1 << 20))
    compare_status(theirs, ours, contexts, 0, size)
    compare_reads(theirs, ours, size - 1, 1)


main()
