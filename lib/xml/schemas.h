/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schemas.h: the text of the schemas; schemas.c is made from the .rng files. */

#ifndef PULLBACK_SCHEMAS_H
#define PULLBACK_SCHEMAS_H

extern const char schema_domaincheckpoint[];
extern const char schema_journal[];
extern const char schema_backups[];

#endif /* PULLBACK_SCHEMAS_H */
