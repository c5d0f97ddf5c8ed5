/* Writes a body and never a head. */
#include "extension.h"

EXTENSION("Body without a head")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  return write_text(block, "<p>no head</p>\n") ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
