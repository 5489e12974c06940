/*
 * Sends chat completions to one address, checks every answer, and reads what the measured processes used meanwhile.
 *
 * Closed loop: each connection sends again as soon as it has its answer. Open loop (--rate): requests arrive at
 * random (Poisson) moments whatever the answers do, and latency counts from the scheduled moment, so that a gateway
 * that makes callers wait cannot hide it (no coordinated omission).
 *
 * One thread, epoll. Prints one line of JSON; the first wrong answer is shown on standard error. See --help.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "processes.h"

enum { READ_BYTES = 1 << 18, EVENTS_AT_ONCE = 512 };
static const uint64_t SECOND_NS = 1000000000ull, RSS_EVERY_NS = 250000000ull;

static struct {
  int port, connections, body_bytes, events;
  double seconds, warm_seconds, rate, drain_seconds;
  const char *model, *path, *processes, *keys;
  char headers[2048];
  /* Answers are left open at the end, and counted: how many streams are held, and what they cost. */
  bool holds;
} options = {
    .connections = 1,
    .body_bytes = 1024,
    .seconds = 1,
    .drain_seconds = 2,
    .path = "/v1/chat/completions",
    .processes = "",
};

struct connection {
  int fd;
  bool is_busy, was_measured;
  uint64_t scheduled_ns, first_byte_ns;
  const char *request;
  size_t sent;
  struct answer answer;
};

struct samples {
  double *micros;
  size_t count, capacity;
};

static enum { WARMING, MEASURING, DRAINING } phase;
static uint64_t measure_from, measure_to;

static struct connection *connections;
static int *idle, idle_count;
/* All of one length; they are sent in turn. */
static char **requests;
static size_t request_count, next_request, request_bytes;
static int poller;

/* Moments at which requests should have gone out while no connection was free. */
static uint64_t *waiting, next_arrival;
static size_t waiting_from, waiting_to, waiting_capacity, waited_most;

static struct samples latencies, first_bytes;
static long completed, reconnects;
static struct {
  long status, framing, usage, connection, unanswered;
} errors;
static bool has_shown_error;

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static uint64_t nanoseconds(double seconds) { return (uint64_t)(seconds * 1e9); }

static void add_sample(struct samples *samples, uint64_t from_ns, uint64_t to_ns) {
  if (samples->count == samples->capacity) {
    samples->capacity = samples->capacity == 0 ? 65536 : samples->capacity * 2;
    samples->micros = realloc(samples->micros, samples->capacity * sizeof(double));
  }
  samples->micros[samples->count++] = (double)(to_ns - from_ns) / 1e3;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Of sorted samples; 0 where there is none. */
static double percentile(const struct samples *samples, double share) {
  if (samples->count == 0) return 0;
  size_t rank = (size_t)ceil(share * (double)samples->count);
  return samples->micros[rank == 0 ? 0 : rank - 1];
}

static void show_error(const char *what, const struct connection *connection) {
  if (has_shown_error) return;
  has_shown_error = true;
  fprintf(stderr, "load: %s; the answer began: %.*s\n", what, (int)connection->answer.head_bytes,
          connection->answer.head);
}

/* The headers that the OpenAI client for Python sends. */
static void add_request(const char *headers, const char *body, int length) {
  char *request;
  size_t bytes = (size_t)asprintf(
      &request,
      "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%sContent-Type: application/json\r\nAccept: application/json\r\n"
      "User-Agent: OpenAI/Python 1.99.1\r\nx-stainless-lang: python\r\nx-stainless-package-version: 1.99.1\r\n"
      "x-stainless-os: Linux\r\nx-stainless-arch: x64\r\nx-stainless-runtime: CPython\r\n"
      "x-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\nContent-Length: %d\r\n\r\n%s",
      options.path, options.port, headers, length, body);
  if (request_count > 0 && bytes != request_bytes) {
    fputs("load: the keys are not of one length\n", stderr);
    exit(2);
  }
  request_bytes = bytes;
  requests = realloc(requests, (request_count + 1) * sizeof *requests);
  requests[request_count++] = request;
}

/* One for each of the file's keys, or one with nothing but the given headers. */
static void prepare_requests(void) {
  bool is_stream = strstr(options.model, "sse") != NULL;
  char *body = malloc((size_t)options.body_bytes + 1024);
  int length = sprintf(body,
                       "{\"model\":\"%s\",\"temperature\":0.7,\"stream\":%s,%s\"max_tokens\":512,\"messages\":["
                       "{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"},"
                       "{\"role\":\"user\",\"content\":\"",
                       options.model, is_stream ? "true" : "false",
                       is_stream ? "\"stream_options\":{\"include_usage\":true}," : "");
  for (; length < options.body_bytes - 4; length++) {
    body[length] = length % 7 == 6 ? ' ' : (char)('a' + length * 31 % 26);
  }
  length += sprintf(body + length, "\"}]}");
  if (options.keys == NULL) {
    add_request(options.headers, body, length);
  } else {
    FILE *keys = fopen(options.keys, "r");
    char key[1024], headers[4096];
    if (keys == NULL) {
      perror("load: cannot read the keys");
      exit(2);
    }
    while (fscanf(keys, "%1023s", key) == 1) {
      snprintf(headers, sizeof headers, "%sAuthorization: Bearer %s\r\n", options.headers, key);
      add_request(headers, body, length);
    }
    fclose(keys);
  }
  free(body);
}

static void watch(struct connection *connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  epoll_ctl(poller, operation, connection->fd, &event);
}

static void open_connection(struct connection *connection) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)options.port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("load: cannot connect");
    exit(2);
  }
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(connection->fd, F_SETFL, O_NONBLOCK);
  watch(connection, EPOLL_CTL_ADD, EPOLLIN);
}

static void reopen(struct connection *connection) {
  close(connection->fd);
  reconnects++;
  open_connection(connection);
}

static void send_rest(struct connection *connection) {
  ssize_t sent = send(connection->fd, connection->request + connection->sent, request_bytes - connection->sent, MSG_NOSIGNAL);
  /* A connection that is gone shows when it is read. */
  if (sent > 0) connection->sent += (size_t)sent;
  bool is_whole = connection->sent == request_bytes;
  if (!is_whole || sent < (ssize_t)request_bytes) {
    watch(connection, EPOLL_CTL_MOD, is_whole ? EPOLLIN : EPOLLIN | EPOLLOUT);
  }
}

static void fire(struct connection *connection, uint64_t scheduled_ns) {
  connection->is_busy = true;
  connection->was_measured = scheduled_ns >= measure_from && scheduled_ns < measure_to;
  connection->scheduled_ns = scheduled_ns;
  connection->first_byte_ns = 0;
  connection->sent = 0;
  connection->request = requests[next_request++ % request_count];
  connection->answer.head_bytes = 0;
  answer_begin(&connection->answer);
  send_rest(connection);
}

/* Lets the connection send again: at once in the closed loop, when a request is due in the open one. */
static void release(struct connection *connection) {
  connection->is_busy = false;
  if (options.rate == 0 && phase != DRAINING) fire(connection, now_ns());
  else idle[idle_count++] = (int)(connection - connections);
}

static bool judge(const struct connection *connection) {
  const struct answer *answer = &connection->answer;
  bool is_complete = options.events == 0 || (answer->has_done && answer->events == options.events);
  if (answer->status != 200) errors.status++;
  else if (!is_complete) errors.framing++;
  else if (!answer->has_usage) errors.usage++;
  else return true;
  show_error(answer->status != 200 ? "a status other than 200" : is_complete ? "no usage" : "events are missing",
             connection);
  return false;
}

static void finish(struct connection *connection) {
  uint64_t now = now_ns();
  bool is_right = judge(connection);
  if (is_right && connection->was_measured) {
    add_sample(&latencies, connection->scheduled_ns, now);
    add_sample(&first_bytes, connection->scheduled_ns, connection->first_byte_ns);
  }
  if (is_right && phase == MEASURING) completed++;
  release(connection);
}

static void lose(struct connection *connection, const char *what) {
  if (connection->is_busy) show_error(what, connection);
  bool was_busy = connection->is_busy;
  reopen(connection);
  if (was_busy) release(connection);
}

static void on_readable(struct connection *connection) {
  static char bytes[READ_BYTES];
  ssize_t got = recv(connection->fd, bytes, sizeof bytes, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    errors.connection += connection->is_busy;
    lose(connection, "the connection ended within an answer");
    return;
  }
  enum verdict verdict =
      connection->is_busy ? answer_feed(&connection->answer, bytes, (size_t)got) : ANSWER_BROKEN;
  if (connection->first_byte_ns == 0 && connection->answer.has_body) connection->first_byte_ns = now_ns();
  if (verdict == ANSWER_COMPLETE) finish(connection);
  if (verdict != ANSWER_BROKEN) return;
  errors.framing++;
  lose(connection, "broken framing");
}

static void note_arrivals(uint64_t now) {
  while (next_arrival <= now) {
    if (waiting_to == waiting_capacity) {
      waiting_capacity = waiting_capacity == 0 ? 65536 : waiting_capacity * 2;
      waiting = realloc(waiting, waiting_capacity * sizeof *waiting);
    }
    waiting[waiting_to++] = next_arrival;
    next_arrival += nanoseconds(-log(1 - drand48()) / options.rate);
  }
  if (waiting_to - waiting_from > waited_most) waited_most = waiting_to - waiting_from;
}

static void fire_waiting(void) {
  while (waiting_from < waiting_to && idle_count > 0) {
    fire(&connections[idle[--idle_count]], waiting[waiting_from++]);
  }
}

static void wait_until(uint64_t deadline) {
  struct epoll_event events[EVENTS_AT_ONCE];
  uint64_t now = now_ns(), wait = deadline > now ? deadline - now : 0;
  struct timespec limit = {.tv_sec = (time_t)(wait / SECOND_NS), .tv_nsec = (long)(wait % SECOND_NS)};
  int ready = epoll_pwait2(poller, events, EVENTS_AT_ONCE, &limit, NULL);
  for (int i = 0; i < ready; i++) {
    struct connection *connection = events[i].data.ptr;
    if ((events[i].events & EPOLLOUT) && connection->sent < request_bytes) send_rest(connection);
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(connection);
  }
}

struct reading {
  uint64_t at_ns, cpu_ns;
  long user_ticks, system_ticks, rss_kb;
  double own_cpu_seconds;
};

static struct reading read_all(void) {
  struct reading reading = {.at_ns = now_ns(), .cpu_ns = processes_cpu_ns(), .rss_kb = processes_rss_kb()};
  struct rusage own;
  processes_ticks(&reading.user_ticks, &reading.system_ticks);
  getrusage(RUSAGE_SELF, &own);
  reading.own_cpu_seconds = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
                            (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
  return reading;
}

static int count_open_streams(void) {
  int open = 0;
  for (int i = 0; i < options.connections; i++) open += connections[i].is_busy && connections[i].first_byte_ns > 0;
  return open;
}

static int in_flight(void) { return options.connections - idle_count; }

static void report(struct reading first, struct reading last, long rss_before_kb, long rss_peak_kb, int open) {
  double seconds = (double)(last.at_ns - first.at_ns) / 1e9;
  double cpu_seconds = (double)(last.cpu_ns - first.cpu_ns) / 1e9;
  long user = last.user_ticks - first.user_ticks, ticks = user + last.system_ticks - first.system_ticks;
  qsort(latencies.micros, latencies.count, sizeof(double), by_size);
  qsort(first_bytes.micros, first_bytes.count, sizeof(double), by_size);
  printf("{\"completed\":%ld,\"requestsPerSecond\":%.1f,\"cpuMicrosPerRequest\":%.3f,\"cpuShare\":%.4f,"
         "\"userShare\":%.3f,\"loadCpuShare\":%.4f,",
         completed, (double)completed / seconds, completed == 0 ? 0 : cpu_seconds * 1e6 / (double)completed,
         cpu_seconds / seconds, ticks == 0 ? 0 : (double)user / (double)ticks,
         (last.own_cpu_seconds - first.own_cpu_seconds) / seconds);
  printf("\"latencyMicros\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},"
         "\"firstByteMicros\":{\"p50\":%.1f,\"p99\":%.1f},",
         percentile(&latencies, .5), percentile(&latencies, .9), percentile(&latencies, .99),
         percentile(&latencies, .999), percentile(&latencies, 1), percentile(&first_bytes, .5),
         percentile(&first_bytes, .99));
  printf("\"rssKb\":{\"before\":%ld,\"peak\":%ld},\"openStreams\":%d,\"waitedMost\":%zu,\"reconnects\":%ld,"
         "\"errors\":{\"status\":%ld,\"framing\":%ld,\"usage\":%ld,\"connection\":%ld,\"unanswered\":%ld}}\n",
         rss_before_kb, rss_peak_kb, open, waited_most, reconnects, errors.status, errors.framing, errors.usage,
         errors.connection, errors.unanswered);
}

static void measure(long rss_before_kb) {
  long rss_peak_kb = rss_before_kb;
  uint64_t start = now_ns(), next_rss = start, give_up_at = 0;
  struct reading first = {0}, last = {0};
  int open_at_end = 0;
  measure_from = start + nanoseconds(options.warm_seconds);
  measure_to = measure_from + nanoseconds(options.seconds);
  next_arrival = start;
  if (options.rate == 0) {
    while (idle_count > 0) fire(&connections[idle[--idle_count]], now_ns());
  }
  for (;;) {
    uint64_t now = now_ns();
    if (phase == WARMING && now >= measure_from) {
      phase = MEASURING;
      first = read_all();
    }
    if (phase == MEASURING && now >= measure_to) {
      phase = DRAINING;
      last = read_all();
      open_at_end = count_open_streams();
      give_up_at = now + (options.holds ? 0 : nanoseconds(options.drain_seconds));
    }
    if (now >= next_rss) {
      long rss_kb = processes_rss_kb();
      if (rss_kb > rss_peak_kb) rss_peak_kb = rss_kb;
      next_rss = now + RSS_EVERY_NS;
      bool are_all_open = options.holds && phase == WARMING && count_open_streams() == options.connections;
      if (are_all_open) {
        measure_from = now;
        measure_to = now + nanoseconds(options.seconds);
      }
    }
    if (phase == DRAINING && (now >= give_up_at || in_flight() + (int)(waiting_to - waiting_from) == 0)) break;
    if (options.rate > 0) {
      if (phase != DRAINING) note_arrivals(now);
      fire_waiting();
    }
    uint64_t deadline = phase == WARMING ? measure_from : phase == MEASURING ? measure_to : give_up_at;
    if (deadline > next_rss) deadline = next_rss;
    if (options.rate > 0 && phase != DRAINING && next_arrival < deadline) deadline = next_arrival;
    wait_until(deadline);
  }
  if (!options.holds) errors.unanswered = in_flight() + (long)(waiting_to - waiting_from);
  report(first, last, rss_before_kb, rss_peak_kb, open_at_end);
}

static void usage(void) {
  puts("load --port N --model NAME [--path PATH] [--header 'Name: value']... [--keys FILE]\n"
       "     [--body-bytes N] [--connections N] [--rate PER_SECOND] [--warm-seconds N] [--seconds N] [--drain-seconds N]\n"
       "     [--events N] [--hold] [--processes ID,ID]\n"
       "--keys: one a line, all of one length, sent in turn. --rate 0 is the closed loop. --events: a stream must hold so many, [DONE] included.\n"
       "--hold leaves answers open at the end; the warm-up is then over once all have begun. CPU and memory are those of --processes.");
  exit(0);
}

static void read_options(int count, char **arguments) {
  enum { PORT = 1, MODEL, PATH, HEADER, BODY, CONNECTIONS, RATE, WARM, SECONDS, DRAIN, EVENTS, HOLD, PROCESSES, KEYS, HELP };
  static const struct option known[] = {
      {"port", 1, 0, PORT},       {"model", 1, 0, MODEL},
      {"path", 1, 0, PATH},       {"header", 1, 0, HEADER},
      {"body-bytes", 1, 0, BODY}, {"connections", 1, 0, CONNECTIONS},
      {"rate", 1, 0, RATE},       {"warm-seconds", 1, 0, WARM},
      {"seconds", 1, 0, SECONDS}, {"drain-seconds", 1, 0, DRAIN},
      {"events", 1, 0, EVENTS},   {"hold", 0, 0, HOLD},
      {"processes", 1, 0, PROCESSES}, {"keys", 1, 0, KEYS},       {"help", 0, 0, HELP},
      {0, 0, 0, 0},
  };
  int option;
  while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
    size_t length = strlen(options.headers);
    switch (option) {
      case PORT: options.port = atoi(optarg); break;
      case MODEL: options.model = optarg; break;
      case PATH: options.path = optarg; break;
      case HEADER: snprintf(options.headers + length, sizeof options.headers - length, "%s\r\n", optarg); break;
      case BODY: options.body_bytes = atoi(optarg); break;
      case CONNECTIONS: options.connections = atoi(optarg); break;
      case RATE: options.rate = atof(optarg); break;
      case WARM: options.warm_seconds = atof(optarg); break;
      case SECONDS: options.seconds = atof(optarg); break;
      case DRAIN: options.drain_seconds = atof(optarg); break;
      case EVENTS: options.events = atoi(optarg); break;
      case HOLD: options.holds = true; break;
      case PROCESSES: options.processes = optarg; break;
      case KEYS: options.keys = optarg; break;
      case HELP: usage(); break;
      default: exit(1);
    }
  }
  if (options.port == 0 || options.model == NULL) usage();
}

static void raise_file_limit(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

int main(int count, char **arguments) {
  read_options(count, arguments);
  signal(SIGPIPE, SIG_IGN);
  /* Without this the kernel may wake us 50 microseconds late, and the lateness would count as latency. */
  prctl(PR_SET_TIMERSLACK, 1000);
  /* The same arrivals for each candidate. */
  srand48(12345);
  raise_file_limit();
  processes_open(options.processes);
  prepare_requests();
  /* Before the connections are made: they too cost memory. */
  long rss_before_kb = processes_rss_kb();
  poller = epoll_create1(0);
  connections = calloc((size_t)options.connections, sizeof *connections);
  idle = malloc((size_t)options.connections * sizeof *idle);
  for (int i = 0; i < options.connections; i++) {
    open_connection(&connections[i]);
    idle[idle_count++] = i;
  }
  measure(rss_before_kb);
  return 0;
}
