/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-protocol.h: the numbers of the NBD protocol, by the names that its
 * specification gives them (NetworkBlockDevice/nbd, doc/proto.md; extended
 * headers are in its branch extension-ext-header).
 */

#ifndef PULLBACK_NBD_PROTOCOL_H
#define PULLBACK_NBD_PROTOCOL_H

#include <stdint.h>

/* "Strings": longer ones MUST NOT be sent. */
#define NBD_STRING_MAX 4096

/*** The handshake. ***/

#define NBD_MAGIC        UINT64_C (0x4e42444d41474943) /* "NBDMAGIC" */
#define NBD_OPTION_MAGIC UINT64_C (0x49484156454f5054) /* "IHAVEOPT" */
#define NBD_REPLY_MAGIC  UINT64_C (0x0003e889045565a9)

#define NBD_OPTION_HEADER_SIZE       16
#define NBD_OPTION_REPLY_HEADER_SIZE 20

enum nbd_handshake_flags {
  NBD_FLAG_FIXED_NEWSTYLE = 1,
  NBD_FLAG_NO_ZEROES = 2
};

/* What the server sends after EXPORT_NAME, without and with the zeroes. */
#define NBD_EXPORT_NAME_REPLY_SIZE   10
#define NBD_EXPORT_NAME_REPLY_ZEROES 124

enum nbd_option {
  NBD_OPT_EXPORT_NAME = 1,
  NBD_OPT_ABORT = 2,
  NBD_OPT_LIST = 3,
  NBD_OPT_STARTTLS = 5,
  NBD_OPT_INFO = 6,
  NBD_OPT_GO = 7,
  NBD_OPT_STRUCTURED_REPLY = 8,
  NBD_OPT_LIST_META_CONTEXT = 9,
  NBD_OPT_SET_META_CONTEXT = 10,
  NBD_OPT_EXTENDED_HEADERS = 11
};

#define NBD_REP_ERROR(number) (UINT32_C (0x80000000) | (number))

enum nbd_option_reply {
  NBD_REP_ACK = 1,
  NBD_REP_SERVER = 2,
  NBD_REP_INFO = 3,
  NBD_REP_META_CONTEXT = 4,
  NBD_REP_ERR_UNSUP = NBD_REP_ERROR (1),
  NBD_REP_ERR_POLICY = NBD_REP_ERROR (2),
  NBD_REP_ERR_INVALID = NBD_REP_ERROR (3),
  NBD_REP_ERR_PLATFORM = NBD_REP_ERROR (4),
  NBD_REP_ERR_TLS_REQD = NBD_REP_ERROR (5),
  NBD_REP_ERR_UNKNOWN = NBD_REP_ERROR (6),
  NBD_REP_ERR_SHUTDOWN = NBD_REP_ERROR (7),
  NBD_REP_ERR_TOO_BIG = NBD_REP_ERROR (9),
  NBD_REP_ERR_EXT_HEADER_REQD = NBD_REP_ERROR (10)
};

enum nbd_info {
  NBD_INFO_EXPORT = 0,
  NBD_INFO_NAME = 1,
  NBD_INFO_DESCRIPTION = 2,
  NBD_INFO_BLOCK_SIZE = 3
};

enum nbd_transmission_flags {
  NBD_FLAG_HAS_FLAGS = 1 << 0,
  NBD_FLAG_READ_ONLY = 1 << 1,
  NBD_FLAG_SEND_FLUSH = 1 << 2,
  NBD_FLAG_SEND_DF = 1 << 7,
  NBD_FLAG_CAN_MULTI_CONN = 1 << 8,
  NBD_FLAG_SEND_CACHE = 1 << 10,
  NBD_FLAG_BLOCK_STATUS_PAYLOAD = 1 << 12
};

/*** Transmission. ***/

#define NBD_REQUEST_MAGIC          UINT32_C (0x25609513)
#define NBD_EXTENDED_REQUEST_MAGIC UINT32_C (0x21e41c71)
#define NBD_REQUEST_SIZE           28
#define NBD_EXTENDED_REQUEST_SIZE  32

#define NBD_SIMPLE_REPLY_MAGIC     UINT32_C (0x67446698)
#define NBD_STRUCTURED_REPLY_MAGIC UINT32_C (0x668e33ef)
#define NBD_EXTENDED_REPLY_MAGIC   UINT32_C (0x6e8a278c)
#define NBD_SIMPLE_REPLY_SIZE      16
#define NBD_STRUCTURED_REPLY_SIZE  20
#define NBD_EXTENDED_REPLY_SIZE    32

enum nbd_command {
  NBD_CMD_READ = 0,
  NBD_CMD_WRITE = 1,
  NBD_CMD_DISC = 2,
  NBD_CMD_FLUSH = 3,
  NBD_CMD_TRIM = 4,
  NBD_CMD_CACHE = 5,
  NBD_CMD_WRITE_ZEROES = 6,
  NBD_CMD_BLOCK_STATUS = 7,
  NBD_CMD_RESIZE = 8
};

enum nbd_command_flags {
  NBD_CMD_FLAG_FUA = 1 << 0,
  NBD_CMD_FLAG_NO_HOLE = 1 << 1,
  NBD_CMD_FLAG_DF = 1 << 2,
  NBD_CMD_FLAG_REQ_ONE = 1 << 3,
  NBD_CMD_FLAG_FAST_ZERO = 1 << 4,
  NBD_CMD_FLAG_PAYLOAD_LEN = 1 << 5
};

#define NBD_REPLY_FLAG_DONE 1

enum nbd_reply_type {
  NBD_REPLY_TYPE_NONE = 0,
  NBD_REPLY_TYPE_OFFSET_DATA = 1,
  NBD_REPLY_TYPE_OFFSET_HOLE = 2,
  NBD_REPLY_TYPE_BLOCK_STATUS = 5,
  NBD_REPLY_TYPE_BLOCK_STATUS_EXT = 6,
  NBD_REPLY_TYPE_ERROR = 0x8001,
  NBD_REPLY_TYPE_ERROR_OFFSET = 0x8002
};

enum nbd_state {
  NBD_STATE_HOLE = 1, /* base:allocation */
  NBD_STATE_ZERO = 2,
  NBD_STATE_DIRTY = 1 /* qemu:dirty-bitmap: */
};

enum nbd_error {
  NBD_SUCCESS = 0,
  NBD_EPERM = 1,
  NBD_EIO = 5,
  NBD_ENOMEM = 12,
  NBD_EINVAL = 22,
  NBD_ENOSPC = 28,
  NBD_EOVERFLOW = 75,
  NBD_ENOTSUP = 95,
  NBD_ESHUTDOWN = 108
};

#endif /* PULLBACK_NBD_PROTOCOL_H */
