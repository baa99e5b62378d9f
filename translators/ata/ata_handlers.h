/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_handlers.h - the handlers that ata_cmds.tbl names, each in the file of its
 * subject.
 */
#ifndef TRANSLATORS_ATA_ATA_HANDLERS_H
#define TRANSLATORS_ATA_ATA_HANDLERS_H

#include "translators/ata/ata_row.h"

/* ata_rw.c */
ata_handler ata_do_medium, ata_do_flush;
/* ata_trim.c */
ata_handler ata_do_trim;
/* ata_identify.c, ata_smart.c */
ata_handler ata_do_identify, ata_do_smart;
/* ata_control.c */
ata_handler ata_do_set_features, ata_do_set_multiple, ata_do_diagnostic, ata_do_native_max;
ata_handler ata_do_check_power, ata_do_nothing;

#endif
