/* record_print: record.json as it stands, for --json. */
#ifndef OD_HARNESS_RECORD_PRINT_H
#define OD_HARNESS_RECORD_PRINT_H

/* Copies the record of a run directory (or a record file) to standard output. A record that can't be read is told on standard error:
 * whoever calls has loaded or saved it a moment ago. */
void od_record_print_file(const char *path);

#endif
