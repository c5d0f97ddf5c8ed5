/* Keeps its thread for the milliseconds that the query names, then answers with that number. */
#include <time.h>

#include "extension.h"

EXTENSION("Slow answer")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  long milliseconds = strtol(block->lpszQueryString, NULL, 10);
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
  return send_text_head(block) && write_format(block, "%ld\n", milliseconds) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
