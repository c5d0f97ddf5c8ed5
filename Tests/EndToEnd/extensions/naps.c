/* Sleeps for the milliseconds that the query names, in a function with a name, then answers with that number. */
#include "extension.h"

EXTENSION("Naps")

__attribute__((noinline)) void take_a_nap(DWORD milliseconds) {
  Sleep(milliseconds);
  __asm__ volatile("");
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  long milliseconds = strtol(block->lpszQueryString, NULL, 10);
  take_a_nap((DWORD)milliseconds);
  return send_text_head(block) && write_format(block, "%ld\n", milliseconds) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
