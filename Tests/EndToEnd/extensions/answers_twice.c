/* Sends two heads and reports in the body what the second call returned. */
#include "extension.h"

EXTENSION("Two response heads")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  BOOL first = send_text_head(block);
  SetLastError(0);
  BOOL second = send_head(block, "404 Not Found", "Content-Type: text/html\r\nX-Second: yes\r\n\r\n");
  DWORD error = GetLastError();
  write_format(block, "first %d\nsecond %d error %u\n", first, second, error);
  return HSE_STATUS_SUCCESS;
}
