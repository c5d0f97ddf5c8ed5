/* The keep-alive sample of the ISAPI reference: a header field where the status belongs. */
#include "extension.h"

EXTENSION("Keep-alive sample")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB) {
  CHAR szHeader[] = "Content-type: test/html\r\n\r\n";
  if (!pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, "Connection:Keep-Alive", NULL,
                                   (LPDWORD)szHeader)) {
    return HSE_STATUS_ERROR;
  }
  return write_text(pECB, "kept alive\n") ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
