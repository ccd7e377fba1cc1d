/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* request.c: a client's request, and the one gate that each passes. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "byteorder.h"
#include "cleanup.h"
#include "nbd-protocol.h"
#include "pullback.h"
#include "request.h"
#include "round.h"

static void
refuse (struct request *request, int errnum, const char *why)
{
  if (request->errnum == 0) {
    request->errnum = errnum;
    request->why = why;
  }
}

/* Returns 1, 0 at the end of the stream, or -1. */
static int
receive_header (struct request *request, struct input *input, bool is_extended)
{
  unsigned char header[NBD_EXTENDED_REQUEST_SIZE];
  uint32_t magic;
  int r = input_take (input, header,
                      is_extended ? NBD_EXTENDED_REQUEST_SIZE
                                  : NBD_REQUEST_SIZE);

  if (r != 1)
    return r;
  magic = load_be32 (header);
  if (magic != (is_extended ? NBD_EXTENDED_REQUEST_MAGIC : NBD_REQUEST_MAGIC))
  {
    pb_set_error (EINVAL, "a request has the wrong magic number 0x%" PRIx32,
                  magic);
    return -1;
  }
  *request = (struct request) {
    .flags = load_be16 (header + 4),
    .type = load_be16 (header + 6),
    .cookie = load_be64 (header + 8),
    .offset = load_be64 (header + 16),
    .length = is_extended ? load_be64 (header + 24) : load_be32 (header + 24),
  };
  return 1;
}

/* The numbers that the client has sent are places among the selected contexts. */
static void
choose_contexts (struct request *request, const unsigned char *ids,
                 const struct request_rules *rules)
{
  bool *CLEANUP_FREE is_chosen = calloc (rules->nr_contexts, sizeof (bool));

  if (is_chosen == NULL) {
    refuse (request, ENOMEM, "out of memory");
    return;
  }
  for (size_t i = 0; i < request->nr_contexts; i++) {
    uint32_t id = load_be32 (ids + i * 4);

    if (id >= rules->nr_contexts || is_chosen[id]) {
      refuse (request, EINVAL, "a metadata context was not negotiated, or is "
                               "asked for twice");
      return;
    }
    is_chosen[id] = true;
    request->contexts[i] = id;
  }
}

/* "NBD_CMD_BLOCK_STATUS" with a payload: the length that is asked about, then
 * the numbers of the contexts.  request->length is that of the payload.
 */
static int
receive_status_payload (struct request *request, struct input *input,
                        const struct request_rules *rules)
{
  uint64_t length = request->length;

  if (length < 12 || length % 4 != 0 || (length - 8) / 4 > rules->nr_contexts)
  {
    refuse (request, EINVAL, "the payload of a block status request has a "
                             "wrong length");
    return input_take_rest (input, NULL, length);
  }
  unsigned char *CLEANUP_FREE payload = malloc (length);
  request->nr_contexts = (length - 8) / 4;
  request->contexts
    = malloc (request->nr_contexts * sizeof request->contexts[0]);
  if (payload == NULL || request->contexts == NULL) {
    refuse (request, ENOMEM, "out of memory");
    return input_take_rest (input, NULL, length);
  }
  if (input_take_rest (input, payload, length) == -1)
    return -1;
  request->length = load_be64 (payload);
  choose_contexts (request, payload + 8, rules);
  return 0;
}

/* Receive or drop what follows the header, so that the next request is found
 * whatever becomes of this one.
 */
static int
receive_payload (struct request *request, struct input *input,
                 const struct request_rules *rules)
{
  bool has_payload = rules->is_extended
                       ? request->flags & NBD_CMD_FLAG_PAYLOAD_LEN
                       : request->type == NBD_CMD_WRITE;

  if (!has_payload)
    return 0;
  /* "SHOULD initiate hard disconnect if a client [...] uses a length larger
   * than a server's advertised or default maximum payload length".
   */
  if (request->length > rules->maximum) {
    pb_set_error (EINVAL, "a request has a payload of %" PRIu64 " bytes, more "
                          "than the maximum of %" PRIu32,
                  request->length, rules->maximum);
    return -1;
  }
  if (request->type == NBD_CMD_BLOCK_STATUS && rules->nr_contexts > 0)
    return receive_status_payload (request, input, rules);
  return input_take_rest (input, NULL, request->length);
}

static void
check_flags (struct request *request, unsigned allowed)
{
  if (request->flags & ~allowed)
    refuse (request, EINVAL, "the request has flags that were not negotiated");
}

static void
check_range (struct request *request, uint64_t size)
{
  if (request->length == 0)
    refuse (request, EINVAL, "the request is for no bytes at all");
  else if (!range_is_inside (request->offset, request->length, size))
    refuse (request, EINVAL, "the request reaches beyond the end of the "
                             "export");
}

/* "the maximum block size": of CACHE too, whose work would have no other
 * bound, with 64 bits of length.
 */
static void
check_maximum (struct request *request, uint32_t maximum)
{
  if (request->length > maximum)
    refuse (request, EINVAL, "the request is longer than the maximum block "
                             "size");
}

static void
check_may_read (struct request *request, const struct request_rules *rules)
{
  if (!rules->may_read)
    refuse (request, EPERM, "only the export's maps may be seen");
}

static void
check (struct request *request, const struct request_rules *rules)
{
  switch (request->type) {
  case NBD_CMD_READ:
    check_may_read (request, rules);
    check_flags (request, rules->is_structured ? NBD_CMD_FLAG_DF : 0);
    check_range (request, rules->size);
    check_maximum (request, rules->maximum);
    break;
  case NBD_CMD_BLOCK_STATUS:
    check_flags (request,
                 NBD_CMD_FLAG_REQ_ONE
                   | (rules->is_extended && rules->nr_contexts > 0
                        ? NBD_CMD_FLAG_PAYLOAD_LEN
                        : 0));
    if (rules->nr_contexts == 0)
      refuse (request, EINVAL, "no metadata context was negotiated");
    check_range (request, rules->size);
    break;
  case NBD_CMD_CACHE:
    check_may_read (request, rules);
    check_flags (request, 0);
    check_range (request, rules->size);
    check_maximum (request, rules->maximum);
    break;
  case NBD_CMD_FLUSH:
    check_flags (request, 0);
    if (request->offset != 0 || request->length != 0)
      refuse (request, EINVAL, "a flush has no offset and no length");
    break;
  case NBD_CMD_WRITE:
  case NBD_CMD_TRIM:
  case NBD_CMD_WRITE_ZEROES:
  case NBD_CMD_RESIZE:
    refuse (request, EPERM, "the export is read-only");
    break;
  default:
    refuse (request, EINVAL, "the command is not known");
  }
}

int
request_receive (struct request *request, struct input *input,
                 const struct request_rules *rules)
{
  int r = receive_header (request, input, rules->is_extended);

  if (r != 1)
    return r;
  if (request->type == NBD_CMD_DISC)
    return 0;
  if (receive_payload (request, input, rules) == -1) {
    request_clear (request);
    return -1;
  }
  check (request, rules);
  return 1;
}

void
request_clear (struct request *request)
{
  free (request->contexts);
  request->contexts = NULL;
}
