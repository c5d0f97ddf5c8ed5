/* Adds to the access log in all three ways: a parameter, the block's note and its status. */
#include "extension.h"

EXTENSION("Access log")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char parameter[] = "parameter-from-extension";
  BOOL added = block->ServerSupportFunction(block->ConnID, HSE_APPEND_LOG_PARAMETER, parameter, NULL, NULL);
  strcpy(block->lpszLogData, "note-from-extension");
  block->dwHttpStatusCode = 299;
  return send_text_head(block) && write_format(block, "added %d\n", added) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
