/*
 * Prints the server variables the query names, as in "URL,HTTPS,size=4,HTTP_HOST": a line
 * "name=value (size)" or "name! error (size)" each. "size=4" sets the buffer's size for those after it.
 */
#include "extension.h"

#define LARGEST_BUFFER 65536

EXTENSION("Server variables")

static BOOL print_variable(EXTENSION_CONTROL_BLOCK *block, char *name, char *buffer, DWORD capacity) {
  DWORD size = capacity;
  SetLastError(0);
  BOOL found = block->GetServerVariable(block->ConnID, name, buffer, &size);
  if (!found) {
    return write_format(block, "%s! %u (%u)\n", name, GetLastError(), size);
  }
  return write_format(block, "%s=", name) && write_text(block, buffer) && write_format(block, " (%u)\n", size);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char *names = strdup(block->lpszQueryString);
  char *buffer = malloc(LARGEST_BUFFER);
  DWORD capacity = LARGEST_BUFFER;
  BOOL sent = names != NULL && buffer != NULL && send_text_head(block);
  char *rest = NULL;

  for (char *name = sent ? strtok_r(names, ",", &rest) : NULL; name != NULL; name = strtok_r(NULL, ",", &rest)) {
    unsigned size;
    if (sscanf(name, "size=%u", &size) == 1) {
      capacity = size < LARGEST_BUFFER ? size : LARGEST_BUFFER;
    } else {
      sent = print_variable(block, name, buffer, capacity) && sent;
    }
  }
  free(buffer);
  free(names);
  return sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
