#define _GNU_SOURCE
#include "processes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

enum { MAX_PROCESSES = 64, FILE_BYTES = 4096 };

static struct {
  int id;
  clockid_t clock;
} processes[MAX_PROCESSES];
static int count;

void processes_open(const char *ids) {
  char *rest;
  for (const char *at = ids; *at != 0 && count < MAX_PROCESSES; at = *rest == ',' ? rest + 1 : rest) {
    processes[count].id = (int)strtol(at, &rest, 10);
    if (rest == at || clock_getcpuclockid(processes[count].id, &processes[count].clock) != 0) {
      fprintf(stderr, "load: no process %s\n", at);
      exit(1);
    }
    count++;
  }
}

uint64_t processes_cpu_ns(void) {
  uint64_t sum = 0;
  for (int i = 0; i < count; i++) {
    struct timespec used;
    if (clock_gettime(processes[i].clock, &used) != 0) continue;
    sum += (uint64_t)used.tv_sec * 1000000000ull + (uint64_t)used.tv_nsec;
  }
  return sum;
}

/* Reads /proc/ID/NAME into the buffer; empty where the process is gone. */
static void read_file(int id, const char *name, char *buffer) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", id, name);
  FILE *file = fopen(path, "r");
  size_t length = file == NULL ? 0 : fread(buffer, 1, FILE_BYTES - 1, file);
  buffer[length] = 0;
  if (file != NULL) fclose(file);
}

void processes_ticks(long *user, long *system) {
  *user = *system = 0;
  for (int i = 0; i < count; i++) {
    char text[FILE_BYTES];
    read_file(processes[i].id, "stat", text);
    /* Fields are counted after the name, which may hold blanks and brackets. */
    const char *after_name = strrchr(text, ')');
    long process_user = 0, process_system = 0;
    if (after_name != NULL) {
      sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &process_user,
             &process_system);
    }
    *user += process_user;
    *system += process_system;
  }
}

long processes_rss_kb(void) {
  long sum = 0;
  for (int i = 0; i < count; i++) {
    char text[FILE_BYTES];
    read_file(processes[i].id, "status", text);
    const char *resident = strstr(text, "VmRSS:");
    if (resident != NULL) sum += strtol(resident + 6, NULL, 10);
  }
  return sum;
}
