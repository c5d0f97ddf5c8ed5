/* A wildcard map that inspects each request and passes it to the next route. */
#include "extension.h"

EXTENSION("Passes on")

static void WINAPI passed(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD bytes, DWORD error) {
  (void)context, (void)bytes;
  if (error != 0) {
    write_format(block, "error %u\n", error);
  }
  done_with_session(block, HSE_STATUS_SUCCESS);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  HSE_EXEC_URL_INFO next = {NULL, NULL, NULL, NULL, NULL, HSE_EXEC_URL_IGNORE_CURRENT_INTERCEPTOR};
  char name[64] = "", line[512];
  DWORD size = sizeof name;
  block->GetServerVariable(block->ConnID, "APP_POOL_ID", name, &size);
  snprintf(line, sizeof line, "%s passes on %s\n", name, block->lpszPathInfo);
  OutputDebugStringA(line);
  block->ServerSupportFunction(block->ConnID, HSE_REQ_IO_COMPLETION, (LPVOID)passed, NULL, NULL);
  BOOL begun = block->ServerSupportFunction(block->ConnID, HSE_REQ_EXEC_URL, &next, NULL, NULL);
  return begun ? HSE_STATUS_PENDING : HSE_STATUS_ERROR;
}
