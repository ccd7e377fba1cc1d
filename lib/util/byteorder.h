/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* byteorder.h: big-endian integers in buffers of any alignment. */

#ifndef PULLBACK_BYTEORDER_H
#define PULLBACK_BYTEORDER_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t
load_be16 (const void *buffer)
{
  uint16_t value;

  memcpy (&value, buffer, sizeof value);
  return be16toh (value);
}

static inline uint32_t
load_be32 (const void *buffer)
{
  uint32_t value;

  memcpy (&value, buffer, sizeof value);
  return be32toh (value);
}

static inline uint64_t
load_be64 (const void *buffer)
{
  uint64_t value;

  memcpy (&value, buffer, sizeof value);
  return be64toh (value);
}

static inline void
store_be16 (void *buffer, uint16_t value)
{
  value = htobe16 (value);
  memcpy (buffer, &value, sizeof value);
}

static inline void
store_be32 (void *buffer, uint32_t value)
{
  value = htobe32 (value);
  memcpy (buffer, &value, sizeof value);
}

static inline void
store_be64 (void *buffer, uint64_t value)
{
  value = htobe64 (value);
  memcpy (buffer, &value, sizeof value);
}

#endif /* PULLBACK_BYTEORDER_H */
