#define _GNU_SOURCE
#include "answer.h"

#include <stdlib.h>
#include <string.h>

void answer_begin(struct answer *answer) {
  /* All but the head's bytes, of which only the first head_bytes ever count. */
  memset((char *)answer + sizeof answer->head, 0, sizeof *answer - sizeof answer->head);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Looks for a pattern in the bytes and across the seam to what came before. */
static bool occurs(const struct answer *answer, const char *bytes, size_t length, const char *pattern,
                   size_t pattern_bytes) {
  char seam[2 * TAIL_BYTES];
  size_t beyond = smaller(length, TAIL_BYTES);
  memcpy(seam, answer->tail, answer->tail_bytes);
  memcpy(seam + answer->tail_bytes, bytes, beyond);
  return memmem(seam, answer->tail_bytes + beyond, pattern, pattern_bytes) != NULL ||
         memmem(bytes, length, pattern, pattern_bytes) != NULL;
}

static void keep_tail(struct answer *answer, const char *bytes, size_t length) {
  size_t fresh = smaller(length, TAIL_BYTES);
  size_t kept = smaller(answer->tail_bytes, TAIL_BYTES - fresh);
  memmove(answer->tail, answer->tail + answer->tail_bytes - kept, kept);
  memcpy(answer->tail + kept, bytes + length - fresh, fresh);
  answer->tail_bytes = kept + fresh;
}

/* An event ends with an empty line. */
static void count_events(struct answer *answer, const char *bytes, size_t length) {
  const char *at = bytes, *end = bytes + length, *newline;
  while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
    bool is_line_empty = newline == at && (at > bytes || answer->is_after_newline);
    if (is_line_empty) answer->events++;
    at = newline + 1;
  }
  answer->is_after_newline = at == end;
}

static void look_at_body(struct answer *answer, const char *bytes, size_t length) {
  static const char usage[] = "\"usage\":{", done[] = "data: [DONE]";
  if (length == 0) return;
  answer->has_body = true;
  if (!answer->has_usage) answer->has_usage = occurs(answer, bytes, length, usage, sizeof usage - 1);
  if (!answer->has_done) answer->has_done = occurs(answer, bytes, length, done, sizeof done - 1);
  count_events(answer, bytes, length);
  keep_tail(answer, bytes, length);
}

static enum verdict read_head(struct answer *answer) {
  answer->head[answer->head_bytes] = 0;
  if (strncmp(answer->head, "HTTP/1.1 ", 9) != 0) return ANSWER_BROKEN;
  answer->status = atoi(answer->head + 9);
  const char *length = strcasestr(answer->head, "\r\ncontent-length:");
  answer->is_chunked = strcasestr(answer->head, "\r\ntransfer-encoding: chunked") != NULL;
  if ((length != NULL) == answer->is_chunked) return ANSWER_BROKEN;
  answer->has_head = true;
  answer->left = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
  return !answer->is_chunked && answer->left == 0 ? ANSWER_COMPLETE : ANSWER_UNFINISHED;
}

/* How many of the bytes belong to the head; all of them while its end is not among them. */
static size_t take_head(struct answer *answer, const char *bytes, size_t length, bool *is_whole) {
  size_t before = answer->head_bytes;
  size_t taken = smaller(length, HEAD_BYTES_MAX - before);
  memcpy(answer->head + before, bytes, taken);
  answer->head_bytes += taken;
  size_t from = before < 3 ? 0 : before - 3;
  const char *end = memmem(answer->head + from, answer->head_bytes - from, "\r\n\r\n", 4);
  *is_whole = end != NULL;
  if (end == NULL) return taken;
  answer->head_bytes = (size_t)(end + 4 - answer->head);
  return answer->head_bytes - before;
}

/* Reads one byte of framing between chunks. */
static enum verdict read_frame(struct answer *answer, char byte) {
  if (answer->place != CHUNK_SIZE) {
    bool is_expected = byte == (answer->left == 2 ? '\r' : '\n');
    if (!is_expected) return ANSWER_BROKEN;
    if (--answer->left > 0) return ANSWER_UNFINISHED;
    if (answer->place == LAST_LINE) return ANSWER_COMPLETE;
    answer->place = CHUNK_SIZE;
    return ANSWER_UNFINISHED;
  }
  if (byte != '\n') {
    if (answer->size_line_bytes == sizeof answer->size_line - 1) return ANSWER_BROKEN;
    answer->size_line[answer->size_line_bytes++] = byte;
    return ANSWER_UNFINISHED;
  }
  answer->size_line[answer->size_line_bytes] = 0;
  char *end;
  answer->left = strtoul(answer->size_line, &end, 16);
  if (end == answer->size_line || *end != '\r') return ANSWER_BROKEN;
  answer->size_line_bytes = 0;
  answer->place = answer->left == 0 ? LAST_LINE : CHUNK_DATA;
  if (answer->left == 0) answer->left = 2;
  return ANSWER_UNFINISHED;
}

/* Reads what can be read at once; says in `used` how much that was. */
static enum verdict read_body(struct answer *answer, const char *bytes, size_t length, size_t *used) {
  if (answer->is_chunked && answer->place != CHUNK_DATA) {
    *used = 1;
    return read_frame(answer, bytes[0]);
  }
  *used = smaller(length, answer->left);
  look_at_body(answer, bytes, *used);
  answer->left -= *used;
  if (answer->left > 0) return ANSWER_UNFINISHED;
  if (!answer->is_chunked) return ANSWER_COMPLETE;
  answer->place = CHUNK_END;
  answer->left = 2;
  return ANSWER_UNFINISHED;
}

enum verdict answer_feed(struct answer *answer, const char *bytes, size_t length) {
  enum verdict verdict = ANSWER_UNFINISHED;
  size_t at = 0;
  if (!answer->has_head) {
    bool is_whole;
    at = take_head(answer, bytes, length, &is_whole);
    if (!is_whole) return answer->head_bytes == HEAD_BYTES_MAX ? ANSWER_BROKEN : ANSWER_UNFINISHED;
    verdict = read_head(answer);
  }
  while (verdict == ANSWER_UNFINISHED && at < length) {
    size_t used;
    verdict = read_body(answer, bytes + at, length - at, &used);
    at += used;
  }
  return verdict == ANSWER_COMPLETE && at < length ? ANSWER_BROKEN : verdict;
}
