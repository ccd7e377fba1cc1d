/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cleanup.h: locals that are freed where their scope ends. */

#ifndef PULLBACK_CHECKPOINT_CLEANUP_H
#define PULLBACK_CHECKPOINT_CLEANUP_H

#include <stdlib.h>

#include <json-c/json.h>
#include <libxml/tree.h>

#include "pullback.h"

#define CLEANUP(function) __attribute__ ((__cleanup__ (function)))

static inline void
cleanup_free (void *pointer)
{
  free (*(void **) pointer);
}

static inline void
cleanup_domain (pb_domain **domain)
{
  pb_domain_free (*domain);
}

static inline void
cleanup_checkpoint (pb_checkpoint **checkpoint)
{
  pb_checkpoint_free (*checkpoint);
}

static inline void
cleanup_checkpoint_list (pb_checkpoint ***list)
{
  pb_checkpoint_list_free (*list);
}

static inline void
cleanup_findings (pb_findings **findings)
{
  pb_findings_free (*findings);
}

static inline void
cleanup_json (struct json_object **object)
{
  json_object_put (*object);
}

static inline void
cleanup_document (xmlDoc **document)
{
  xmlFreeDoc (*document);
}

#define CLEANUP_FREE            CLEANUP (cleanup_free)
#define CLEANUP_DOMAIN          CLEANUP (cleanup_domain)
#define CLEANUP_CHECKPOINT      CLEANUP (cleanup_checkpoint)
#define CLEANUP_CHECKPOINT_LIST CLEANUP (cleanup_checkpoint_list)
#define CLEANUP_FINDINGS        CLEANUP (cleanup_findings)
#define CLEANUP_JSON            CLEANUP (cleanup_json)
#define CLEANUP_DOCUMENT        CLEANUP (cleanup_document)

#endif /* PULLBACK_CHECKPOINT_CLEANUP_H */
