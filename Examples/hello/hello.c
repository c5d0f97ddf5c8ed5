/* The smallest useful extension: one fixed page, sent with its length. */
#include "httpext.h"

static char status[] = "200 OK";
static char head[] = "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\n";
static char body[] = "Hello, world\n";

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Hello, world");
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  HSE_SEND_HEADER_EX_INFO response = {status, head, sizeof status - 1, sizeof head - 1, TRUE};
  DWORD length = sizeof body - 1;

  if (!block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL)) {
    return HSE_STATUS_ERROR;
  }
  if (!block->WriteClient(block->ConnID, body, &length, HSE_IO_SYNC)) {
    return HSE_STATUS_ERROR;
  }
  return HSE_STATUS_SUCCESS_AND_KEEP_CONN;
}
