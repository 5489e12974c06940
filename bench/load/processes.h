/* What the measured processes have used. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <stdint.h>

/* Takes ids as "12,34". Ends the program where one does not exist. */
void processes_open(const char *ids);

/* CPU time of all their threads, in nanoseconds. */
uint64_t processes_cpu_ns(void);

/* The kernel's split of the same time into user and system, in ticks. */
void processes_ticks(long *user, long *system);

/* Resident memory of all of them. */
long processes_rss_kb(void);

#endif
