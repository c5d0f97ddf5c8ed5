/* Ends its request with an error once part of the response is written. */
#include "extension.h"

EXTENSION("Bad ends")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  send_text_head(block);
  write_text(block, "part\n");
  done_with_session(block, HSE_STATUS_ERROR);
  return HSE_STATUS_PENDING;
}
