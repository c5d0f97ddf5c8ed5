/* Redirects to the URL in the query, decoded. */
#include "extension.h"

EXTENSION("Redirect")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char url[1024];
  snprintf(url, sizeof url, "%s", block->lpszQueryString);
  decode_query(url);
  DWORD length = (DWORD)strlen(url);
  BOOL sent = block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_URL_REDIRECT_RESP, url, &length, NULL);
  return sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
