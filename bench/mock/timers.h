/* A heap of moments at which a connection has something to do, the earliest first. */
#ifndef TIMERS_H
#define TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct timer {
  uint64_t due_ns;
  int fd;
  uint32_t generation;
};

struct timers {
  struct timer *heap;
  size_t count, capacity;
};

static inline uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static inline void timers_add(struct timers *timers, struct timer timer) {
  if (timers->count == timers->capacity) {
    timers->capacity = timers->capacity == 0 ? 1024 : timers->capacity * 2;
    timers->heap = realloc(timers->heap, timers->capacity * sizeof timer);
  }
  size_t at = timers->count++;
  while (at > 0 && timers->heap[(at - 1) / 2].due_ns > timer.due_ns) {
    timers->heap[at] = timers->heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  timers->heap[at] = timer;
}

/* Takes out the earliest timer if its moment has come. */
static inline bool timers_due(struct timers *timers, struct timer *due) {
  if (timers->count == 0 || timers->heap[0].due_ns > now_ns()) return false;
  *due = timers->heap[0];
  struct timer last = timers->heap[--timers->count];
  size_t at = 0;
  for (size_t child = 1; child < timers->count; child = 2 * at + 1) {
    if (child + 1 < timers->count && timers->heap[child + 1].due_ns < timers->heap[child].due_ns) child++;
    if (timers->heap[child].due_ns >= last.due_ns) break;
    timers->heap[at] = timers->heap[child];
    at = child;
  }
  timers->heap[at] = last;
  return true;
}

/* How long epoll may wait: until the earliest timer, rounded up; without end where there is none. */
static inline int timers_wait_ms(const struct timers *timers) {
  if (timers->count == 0) return -1;
  uint64_t now = now_ns(), due = timers->heap[0].due_ns;
  return due <= now ? 0 : (int)((due - now + 999999) / 1000000);
}

#endif
