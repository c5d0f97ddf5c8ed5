/* Computes for the milliseconds that the query names, then answers with that number. */
#include <time.h>

#include "extension.h"

EXTENSION("Busy answer")

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  long milliseconds = strtol(block->lpszQueryString, NULL, 10);
  long end = now() + milliseconds;
  while (now() < end) continue;
  return send_text_head(block) && write_format(block, "%ld\n", milliseconds) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
