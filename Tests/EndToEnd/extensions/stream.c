/*
 * Writes a body in pieces: "count=10&size=1000&wait=5" is 10 pieces of 1000 bytes with 5 ms
 * between them; piece n consists of the letter 'a' + n % 26. "length=1" announces the length.
 */
#include <time.h>

#include "extension.h"

EXTENSION("A body in pieces")

static void wait_milliseconds(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static BOOL send_stream_head(EXTENSION_CONTROL_BLOCK *block, long count, long size) {
  char fields[128];
  if (query_number(block, "length", 0) == 0) {
    return send_text_head(block);
  }
  snprintf(fields, sizeof fields, "Content-Type: text/plain\r\nContent-Length: %ld\r\n\r\n", count * size);
  return send_head(block, "200 OK", fields);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  long count = query_number(block, "count", 10);
  long size = query_number(block, "size", 1000);
  long wait = query_number(block, "wait", 0);
  char *piece = malloc((size_t)size + 1);
  BOOL sent = piece != NULL && send_stream_head(block, count, size);

  for (long n = 0; sent && n < count; n += 1) {
    if (wait > 0 && n > 0) {
      wait_milliseconds(wait);
    }
    memset(piece, (int)('a' + n % 26), (size_t)size);
    sent = write_bytes(block, piece, (size_t)size);
  }
  free(piece);
  return sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
