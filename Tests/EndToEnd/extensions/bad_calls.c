/*
 * Calls every callback in ways the contract forbids and prints, one line a call, what it
 * returned and which error it set. Every line but the last is expected to be a refusal.
 */
#include "extension.h"

EXTENSION("Forbidden calls")

/* Each line is "name result error". The text is sent after the last call. */
static void note(char *report, size_t capacity, const char *name, BOOL result) {
  DWORD error = GetLastError();
  size_t used = strlen(report);
  snprintf(report + used, capacity - used, "%s %d %u\n", name, result, error);
  SetLastError(0);
}

#define NOTE(name, call) note(report, sizeof report, name, (call))

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char report[4096] = "";
  char buffer[64] = "text";
  char url[] = "/";
  DWORD size = sizeof buffer;
  DWORD small = 1;
  EXTENSION_CONTROL_BLOCK foreign = *block;
  HCONN id = block->ConnID;
  HSE_SEND_HEADER_EX_INFO no_strings = {NULL, NULL, 5, 5, TRUE};
  foreign.ConnID = &foreign;
  SetLastError(0);

  NOTE("variable-null-connection", block->GetServerVariable(NULL, "URL", buffer, &size));
  NOTE("variable-foreign-connection", block->GetServerVariable(&foreign, "URL", buffer, &size));
  NOTE("variable-null-name", block->GetServerVariable(id, NULL, buffer, &size));
  NOTE("variable-null-buffer", block->GetServerVariable(id, "URL", NULL, &size));
  NOTE("variable-null-size", block->GetServerVariable(id, "URL", buffer, NULL));
  NOTE("variable-unknown", block->GetServerVariable(id, "NO_SUCH_VARIABLE", buffer, &size));
  NOTE("variable-empty-name", block->GetServerVariable(id, "", buffer, &size));
  NOTE("variable-small-buffer", block->GetServerVariable(id, "URL", buffer, &small));

  size = 4;
  NOTE("write-null-connection", block->WriteClient(NULL, buffer, &size, HSE_IO_SYNC));
  NOTE("write-foreign-connection", block->WriteClient(&foreign, buffer, &size, HSE_IO_SYNC));
  NOTE("write-null-buffer", block->WriteClient(id, NULL, &size, HSE_IO_SYNC));
  NOTE("write-null-size", block->WriteClient(id, buffer, NULL, HSE_IO_SYNC));

  size = sizeof buffer;
  NOTE("read-null-connection", block->ReadClient(NULL, buffer, &size));
  NOTE("read-foreign-connection", block->ReadClient(&foreign, buffer, &size));
  NOTE("read-null-buffer", block->ReadClient(id, NULL, &size));
  NOTE("read-null-size", block->ReadClient(id, buffer, NULL));

  NOTE("support-null-connection", block->ServerSupportFunction(NULL, HSE_REQ_IS_KEEP_CONN, buffer, NULL, NULL));
  NOTE("support-foreign-connection", block->ServerSupportFunction(&foreign, HSE_REQ_IS_KEEP_CONN, buffer, NULL, NULL));
  NOTE("support-unknown-0", block->ServerSupportFunction(id, HSE_REQ_BASE, buffer, &size, NULL));
  NOTE("support-unknown-1004", block->ServerSupportFunction(id, 1004, buffer, &size, NULL));
  NOTE("support-unknown-4000000000", block->ServerSupportFunction(id, 4000000000u, buffer, &size, NULL));
  NOTE("head-null", block->ServerSupportFunction(id, HSE_REQ_SEND_RESPONSE_HEADER_EX, NULL, NULL, NULL));
  NOTE("head-null-strings", block->ServerSupportFunction(id, HSE_REQ_SEND_RESPONSE_HEADER_EX, &no_strings, NULL, NULL));
  NOTE("redirect-null", block->ServerSupportFunction(id, HSE_REQ_SEND_URL_REDIRECT_RESP, NULL, &size, NULL));
  NOTE("map-null-buffer", block->ServerSupportFunction(id, HSE_REQ_MAP_URL_TO_PATH, NULL, &size, NULL));
  NOTE("map-null-size", block->ServerSupportFunction(id, HSE_REQ_MAP_URL_TO_PATH, url, NULL, NULL));
  NOTE("log-null", block->ServerSupportFunction(id, HSE_APPEND_LOG_PARAMETER, NULL, NULL, NULL));
  NOTE("keep-connection-null", block->ServerSupportFunction(id, HSE_REQ_IS_KEEP_CONN, NULL, NULL, NULL));
  NOTE("connected-null", block->ServerSupportFunction(id, HSE_REQ_IS_CONNECTED, NULL, NULL, NULL));
  NOTE("in-process-null", block->ServerSupportFunction(id, HSE_REQ_IS_IN_PROCESS, NULL, NULL, NULL));
  NOTE("head", send_text_head(block));

  return write_text(block, report) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
