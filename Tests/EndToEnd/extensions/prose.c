/*
 * Writes "size=N" bytes of repetitive text in pieces of random length: the same "seed=S" gives the same bytes and the
 * same pieces. Byte n of the body is letter ((n * n) >> 7) % 26 of the alphabet, or n's low byte with "binary=1".
 * "type=json|png|none" chooses the Content-Type, text/html without; "length=1" announces the length; "wait=MS" pauses
 * between pieces; "etag=1" adds fields that coding changes; "fixed=1" forbids changing the content.
 */
#include <time.h>

#include "extension.h"

EXTENSION("Text in random pieces")

static unsigned next_random(unsigned *state) {
  *state = *state * 1103515245u + 12345u;
  return *state >> 8;
}

static const char *type_field(const char *query) {
  if (strstr(query, "type=json") != NULL) return "Content-Type: application/problem+json\r\n";
  if (strstr(query, "type=png") != NULL) return "Content-Type: image/png\r\n";
  if (strstr(query, "type=none") != NULL) return "";
  return "Content-Type: text/html; charset=utf-8\r\n";
}

static BOOL send_prose_head(EXTENSION_CONTROL_BLOCK *block, long size) {
  char fields[512] = "";
  strcat(fields, type_field(block->lpszQueryString));
  if (query_number(block, "etag", 0) != 0) strcat(fields, "ETag: \"one\"\r\nAccept-Ranges: bytes\r\nVary: Origin\r\n");
  if (query_number(block, "fixed", 0) != 0) strcat(fields, "Cache-Control: max-age=60, no-transform\r\n");
  if (query_number(block, "coded", 0) != 0) strcat(fields, "Content-Encoding: br\r\n");
  if (query_number(block, "length", 0) != 0) sprintf(fields + strlen(fields), "Content-Length: %ld\r\n", size);
  strcat(fields, "\r\n");
  char status[16];
  sprintf(status, "%ld", query_number(block, "status", 200));
  return send_head(block, status, fields);
}

static void fill(char *piece, long start, long count, BOOL binary) {
  for (long n = start; n < start + count; n += 1) {
    unsigned long long square = (unsigned long long)n * (unsigned long long)n;
    *piece++ = binary ? (char)(square >> 3) : (char)('a' + (square >> 7) % 26);
  }
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  long size = query_number(block, "size", 10000);
  long wait = query_number(block, "wait", 0);
  long most = query_number(block, "most", 20000);
  BOOL binary = query_number(block, "binary", 0) != 0;
  unsigned random = (unsigned)query_number(block, "seed", 1);
  char *piece = malloc((size_t)most + 1);
  BOOL sent = piece != NULL && send_prose_head(block, size);

  for (long start = 0; sent && start < size;) {
    long count = 1 + (long)(next_random(&random) % (unsigned)most);
    if (count > size - start) count = size - start;
    fill(piece, start, count, binary);
    sent = write_bytes(block, piece, (size_t)count);
    start += count;
    struct timespec pause = {0, wait * 1000000};
    if (wait > 0) nanosleep(&pause, NULL);
  }
  free(piece);
  return sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
