/* Sends the query, decoded, as the status. Both lengths count the terminating NUL, as some programs do. */
#include "extension.h"

EXTENSION("Status as the query says")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char status[128];
  char fields[] = "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n";
  snprintf(status, sizeof status, "%s", block->lpszQueryString);
  decode_query(status);

  HSE_SEND_HEADER_EX_INFO head = {status, fields, (DWORD)strlen(status) + 1, sizeof fields, TRUE};
  if (!block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &head, NULL, NULL)) {
    return HSE_STATUS_ERROR;
  }
  return write_text(block, "ok\n") ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
