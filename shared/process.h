/*
 * What this process uses of its machine.
 *
 * Thread: any.
 */
#pragma once

#include <stdint.h>

/* Memory it holds now, in bytes; 0 when the kernel does not say. */
uint64_t process_resident_bytes(void);

/* Processor time of all its threads so far, user and system. */
int64_t process_cpu_us(void);
