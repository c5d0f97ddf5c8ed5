/* Maps the URL in the query to a path, first into too small a buffer, and prints each outcome. */
#include "extension.h"

EXTENSION("URL mapping")

static BOOL print_mapping(EXTENSION_CONTROL_BLOCK *block, DWORD capacity) {
  char path[4096];
  snprintf(path, sizeof path, "%s", block->lpszQueryString);
  DWORD size = capacity;
  SetLastError(0);
  if (!block->ServerSupportFunction(block->ConnID, HSE_REQ_MAP_URL_TO_PATH, path, &size, NULL)) {
    return write_format(block, "error %u size %u\n", GetLastError(), size);
  }
  return write_format(block, "path %s size %u\n", path, size);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  BOOL sent = send_text_head(block) && print_mapping(block, 2) && print_mapping(block, 4096);
  return sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
