/* Writes the response head itself, through WriteClient. The query "split" writes it a byte at a time. */
#include "extension.h"

EXTENSION("Raw response head")

static const char response[] =
    "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nX-Raw: yes\r\nContent-Length: 4\r\n\r\nbody";

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  size_t step = strcmp(block->lpszQueryString, "split") == 0 ? 1 : sizeof response - 1;
  for (size_t i = 0; i < sizeof response - 1; i += step) {
    if (!write_bytes(block, response + i, step)) {
      return HSE_STATUS_ERROR;
    }
  }
  return HSE_STATUS_SUCCESS;
}
