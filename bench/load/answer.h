/* Reads one HTTP/1.1 answer as it comes in, and judges it. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stddef.h>

enum { HEAD_BYTES_MAX = 8192, TAIL_BYTES = 15 };

enum verdict {
  ANSWER_UNFINISHED,
  ANSWER_COMPLETE,
  /* No HTTP, no length and not chunked, a frame that is none, or bytes after the end. */
  ANSWER_BROKEN,
};

struct answer {
  char head[HEAD_BYTES_MAX + 1];
  size_t head_bytes;
  bool has_head, is_chunked, has_body;
  int status;
  enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, LAST_LINE } place;
  /* Of the body, of the chunk, or of the line end that is due. */
  size_t left;
  char size_line[32];
  size_t size_line_bytes;
  /* The end of what was seen of the body: what is looked for may lie across two reads. */
  char tail[TAIL_BYTES];
  size_t tail_bytes;
  bool has_usage, has_done, is_after_newline;
  int events;
};

void answer_begin(struct answer *answer);

/* Takes the next bytes from the connection. */
enum verdict answer_feed(struct answer *answer, const char *bytes, size_t length);

#endif
