/*
 * The cheapest OpenAI-like upstream that still speaks correct HTTP/1.1: one thread, epoll, keep-alive, and no
 * allocation per request, so that what is measured is the gateway in front of it.
 *
 * The model's name in the request says what is answered:
 *   mock-json-10        a completion of about 10 KiB      (1 to 64)
 *   mock-json-10-200ms  the same, after 200 ms
 *   mock-sse-50         50 chunks, then usage and [DONE], as fast as they can be written
 *   mock-sse-50-20ms    the same, 20 ms before each chunk but the first
 * A stream of n chunks takes n + 2 writes: the head, each chunk alone, and usage with [DONE] and the last frame.
 *
 * Usage: mock-upstream [PORT]. Says "listening on PORT" on standard output.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "timers.h"

enum { MAX_CONNECTIONS = 65536, INPUT_BYTES = 65536, MAX_JSON_KB = 64, EVENTS_AT_ONCE = 512 };

struct text {
  char *bytes;
  size_t length;
};

struct connection {
  bool is_open;
  /* Tells a timer of an earlier connection with this descriptor from one of this. */
  uint32_t generation;
  char *input;
  size_t input_bytes;
  /* What the socket would not take yet. */
  char *unsent;
  size_t unsent_bytes, unsent_from;
  /* The answer under way: chunks still to write, or the whole answer a timer will write. */
  int chunks_left;
  bool is_first_chunk;
  uint32_t pause_ms;
  int delayed_json_kb;
};

static struct connection connections[MAX_CONNECTIONS];
static struct timers timers;
static int poller;

static struct text json_answers[MAX_JSON_KB + 1];
static struct text stream_head, first_chunk, middle_chunk, last_chunk, stream_end;

static struct text text_of(const char *bytes) {
  return (struct text){.bytes = strdup(bytes), .length = strlen(bytes)};
}

static struct text framed_event(const char *data) {
  char frame[2048];
  snprintf(frame, sizeof frame, "%zx\r\ndata: %s\n\n\r\n", strlen(data) + 8, data);
  return text_of(frame);
}

static struct text chunk_of(const char *delta, const char *finish_reason) {
  char data[1024];
  snprintf(data, sizeof data,
           "{\"id\":\"chatcmpl-mock000000000000000000000000\",\"object\":\"chat.completion.chunk\","
           "\"created\":1750000000,\"model\":\"mock\",\"service_tier\":\"default\","
           "\"system_fingerprint\":\"fp_0000000000\",\"choices\":[{\"index\":0,\"delta\":{%s},"
           "\"logprobs\":null,\"finish_reason\":%s}],\"usage\":null}",
           delta, finish_reason);
  return framed_event(data);
}

static void prepare_stream(void) {
  stream_head = text_of("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                        "transfer-encoding: chunked\r\ncache-control: no-cache\r\n"
                        "x-request-id: req_0123456789abcdef\r\nopenai-processing-ms: 1\r\n\r\n");
  first_chunk = chunk_of("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null", "null");
  middle_chunk = chunk_of("\"content\":\" hello\"", "null");
  last_chunk = chunk_of("", "\"stop\"");
  struct text usage = framed_event(
      "{\"id\":\"chatcmpl-mock000000000000000000000000\",\"object\":\"chat.completion.chunk\","
      "\"created\":1750000000,\"model\":\"mock\",\"choices\":[],\"usage\":{\"prompt_tokens\":219,"
      "\"completion_tokens\":50,\"total_tokens\":269,\"prompt_tokens_details\":{\"cached_tokens\":0},"
      "\"completion_tokens_details\":{\"reasoning_tokens\":0}}}");
  struct text done = framed_event("[DONE]");
  char end[2048];
  snprintf(end, sizeof end, "%s%s0\r\n\r\n", usage.bytes, done.bytes);
  stream_end = text_of(end);
}

static struct text prepare_json(int kb) {
  size_t target = (size_t)kb * 1024;
  size_t filler_bytes = target > 600 ? target - 560 : 10;
  char *filler = malloc(filler_bytes + 1);
  for (size_t i = 0; i < filler_bytes; i++) filler[i] = i % 7 == 6 ? ' ' : (char)('a' + i * 31 % 26);
  filler[filler_bytes] = 0;
  char *body, *answer;
  int body_bytes = asprintf(
      &body,
      "{\"id\":\"chatcmpl-mock000000000000000000000000\",\"object\":\"chat.completion\","
      "\"created\":1750000000,\"model\":\"mock-json-%d\",\"choices\":[{\"index\":0,\"message\":"
      "{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null,\"annotations\":[]},"
      "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":219,"
      "\"completion_tokens\":%d,\"total_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":0,"
      "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}},"
      "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0000000000\"}",
      kb, filler, kb * 200, kb * 200 + 219);
  int answer_bytes = asprintf(&answer,
                              "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                              "content-length: %d\r\nx-request-id: req_0123456789abcdef\r\n"
                              "openai-processing-ms: 1\r\nopenai-version: 2020-10-01\r\n"
                              "date: Mon, 01 Jan 2026 00:00:00 GMT\r\n\r\n%s",
                              body_bytes, body);
  free(filler);
  free(body);
  return (struct text){.bytes = answer, .length = (size_t)answer_bytes};
}

static void watch(int fd, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  epoll_ctl(poller, operation, fd, &event);
}

static void close_connection(int fd) {
  struct connection *connection = &connections[fd];
  char *input = connection->input;
  free(connection->unsent);
  *connection = (struct connection){.generation = connection->generation + 1, .input = input};
  close(fd);
}

static void keep_unsent(int fd, const char *bytes, size_t length) {
  struct connection *connection = &connections[fd];
  bool was_empty = connection->unsent_bytes == 0;
  connection->unsent = realloc(connection->unsent, connection->unsent_bytes + length);
  memcpy(connection->unsent + connection->unsent_bytes, bytes, length);
  connection->unsent_bytes += length;
  if (was_empty) watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

/* Writes now what the socket takes and the rest later. False where the connection is gone. */
static bool send_text(int fd, struct text text) {
  if (connections[fd].unsent_bytes > 0) {
    keep_unsent(fd, text.bytes, text.length);
    return true;
  }
  ssize_t sent = send(fd, text.bytes, text.length, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) {
    close_connection(fd);
    return false;
  }
  size_t taken = sent < 0 ? 0 : (size_t)sent;
  if (taken < text.length) keep_unsent(fd, text.bytes + taken, text.length - taken);
  return true;
}

static void send_unsent(int fd) {
  struct connection *connection = &connections[fd];
  ssize_t sent = send(fd, connection->unsent + connection->unsent_from,
                      connection->unsent_bytes - connection->unsent_from, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) close_connection(fd);
    return;
  }
  connection->unsent_from += (size_t)sent;
  if (connection->unsent_from < connection->unsent_bytes) return;
  free(connection->unsent);
  connection->unsent = NULL;
  connection->unsent_bytes = connection->unsent_from = 0;
  watch(fd, EPOLL_CTL_MOD, EPOLLIN);
}

static void come_back(int fd, uint64_t due_ns) {
  timers_add(&timers, (struct timer){.due_ns = due_ns, .fd = fd, .generation = connections[fd].generation});
}

/* Writes the next chunk, and after the last one the end. True while there is more to write. */
static bool write_chunk(int fd) {
  struct connection *connection = &connections[fd];
  if (connection->chunks_left > 0) {
    bool is_first = connection->is_first_chunk;
    connection->is_first_chunk = false;
    connection->chunks_left--;
    if (!send_text(fd, is_first ? first_chunk : connection->chunks_left == 0 ? last_chunk : middle_chunk)) {
      return false;
    }
  }
  if (connection->chunks_left > 0) return true;
  send_text(fd, stream_end);
  return false;
}

static void start_stream(int fd, int chunks, uint32_t pause_ms) {
  struct connection *connection = &connections[fd];
  connection->chunks_left = chunks;
  connection->is_first_chunk = true;
  connection->pause_ms = pause_ms;
  if (!send_text(fd, stream_head)) return;
  while (write_chunk(fd)) {
    if (pause_ms == 0) continue;
    come_back(fd, now_ns() + pause_ms * 1000000ull);
    return;
  }
}

static void start_json(int fd, int kb, uint32_t delay_ms) {
  if (kb < 1 || kb > MAX_JSON_KB) kb = 1;
  if (json_answers[kb].bytes == NULL) json_answers[kb] = prepare_json(kb);
  if (delay_ms == 0) {
    send_text(fd, json_answers[kb]);
    return;
  }
  connections[fd].delayed_json_kb = kb;
  come_back(fd, now_ns() + delay_ms * 1000000ull);
}

static void on_timer(struct timer timer) {
  struct connection *connection = &connections[timer.fd];
  if (!connection->is_open || connection->generation != timer.generation) return;
  if (connection->delayed_json_kb > 0) {
    int kb = connection->delayed_json_kb;
    connection->delayed_json_kb = 0;
    send_text(timer.fd, json_answers[kb]);
    return;
  }
  /* From when it was due, not from now: a late chunk must not make the whole stream late. */
  if (write_chunk(timer.fd)) come_back(timer.fd, timer.due_ns + connection->pause_ms * 1000000ull);
}

static void answer_request(int fd, const char *body, size_t body_bytes) {
  static const char sse[] = "mock-sse-", json[] = "mock-json-";
  const char *name = memmem(body, body_bytes, sse, sizeof sse - 1);
  bool is_stream = name != NULL;
  if (!is_stream) name = memmem(body, body_bytes, json, sizeof json - 1);
  if (name == NULL) {
    start_json(fd, 1, 0);
    return;
  }
  char *after;
  long size = strtol(name + (is_stream ? sizeof sse : sizeof json) - 1, &after, 10);
  long pause_ms = *after == '-' ? strtol(after + 1, NULL, 10) : 0;
  if (is_stream) start_stream(fd, (int)size, (uint32_t)pause_ms);
  else start_json(fd, (int)size, (uint32_t)pause_ms);
}

/* Length of the body that follows a head ended by NUL; false where it has not arrived whole. */
static bool find_body(const char *head, const char *body, size_t available, size_t *body_bytes) {
  const char *length = strcasestr(head, "\r\ncontent-length:");
  *body_bytes = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
  if (length != NULL || strcasestr(head, "\r\ntransfer-encoding: chunked") == NULL) return *body_bytes <= available;
  /* Starts two bytes early: with an empty body the head's own line end precedes the last frame. */
  const char *end = memmem(body - 2, available + 2, "\r\n0\r\n\r\n", 7);
  if (end != NULL) *body_bytes = (size_t)(end + 7 - body);
  return end != NULL;
}

/* Answers each whole request of the input. False where the connection is gone. */
static bool answer_input(int fd) {
  struct connection *connection = &connections[fd];
  size_t done = 0;
  while (done < connection->input_bytes) {
    char *head = connection->input + done;
    size_t available = connection->input_bytes - done;
    char *end = memmem(head, available, "\r\n\r\n", 4);
    if (end == NULL) break;
    char *body = end + 4;
    size_t body_bytes;
    *end = 0;
    bool is_whole = find_body(head, body, available - (size_t)(body - head), &body_bytes);
    *end = '\r';
    if (!is_whole) break;
    answer_request(fd, body, body_bytes);
    if (!connection->is_open) return false;
    done += (size_t)(body - head) + body_bytes;
  }
  memmove(connection->input, connection->input + done, connection->input_bytes - done);
  connection->input_bytes -= done;
  return true;
}

static void on_readable(int fd) {
  struct connection *connection = &connections[fd];
  for (;;) {
    size_t room = INPUT_BYTES - 1 - connection->input_bytes;
    ssize_t got = recv(fd, connection->input + connection->input_bytes, room, 0);
    bool is_idle = got < 0 && errno == EAGAIN;
    if (is_idle) return;
    if (got <= 0) {
      close_connection(fd);
      return;
    }
    connection->input_bytes += (size_t)got;
    connection->input[connection->input_bytes] = 0;
    if (!answer_input(fd)) return;
    if (connection->input_bytes == INPUT_BYTES - 1) {
      close_connection(fd);
      return;
    }
    if ((size_t)got < room) return;
  }
}

static void accept_all(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MAX_CONNECTIONS) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connections[fd].input == NULL) connections[fd].input = malloc(INPUT_BYTES);
    connections[fd].is_open = true;
    watch(fd, EPOLL_CTL_ADD, EPOLLIN);
  }
}

static int listen_on(uint16_t port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t address_bytes = sizeof address;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8192) != 0) {
    perror("mock-upstream: cannot listen");
    exit(1);
  }
  getsockname(listener, (struct sockaddr *)&address, &address_bytes);
  printf("listening on %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

static void raise_file_limit(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

int main(int count, char **arguments) {
  signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  prepare_stream();
  poller = epoll_create1(0);
  int listener = listen_on(count > 1 ? (uint16_t)atoi(arguments[1]) : 0);
  watch(listener, EPOLL_CTL_ADD, EPOLLIN);

  struct epoll_event events[EVENTS_AT_ONCE];
  for (;;) {
    int ready = epoll_wait(poller, events, EVENTS_AT_ONCE, timers_wait_ms(&timers));
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        accept_all(listener);
        continue;
      }
      if ((events[i].events & EPOLLOUT) && connections[fd].unsent_bytes > 0) send_unsent(fd);
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && connections[fd].is_open) on_readable(fd);
    }
    struct timer timer;
    while (timers_due(&timers, &timer)) on_timer(timer);
  }
}
