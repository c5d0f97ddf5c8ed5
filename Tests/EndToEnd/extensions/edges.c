/*
 * What sources rely on at the edges of the contract; the query names the case, with an argument after a comma.
 */
#include "extension.h"

EXTENSION("Edges")

static const char page[] = "<h1>parameter missing</h1>\n";

static const char *argument(EXTENSION_CONTROL_BLOCK *block) {
  const char *comma = strchr(block->lpszQueryString, ',');
  return comma != NULL ? comma + 1 : "";
}

static BOOL head(EXTENSION_CONTROL_BLOCK *block, const char *status, const char *fields) {
  HSE_SEND_HEADER_EX_INFO information = {status, fields, 0, 0, TRUE};
  return block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &information, NULL, NULL);
}

/* A page with the status and the number of pieces of the query, and an error after it. */
static DWORD error_page(EXTENSION_CONTROL_BLOCK *block) {
  char status[64];
  snprintf(status, sizeof status, "%.3s As it is", argument(block));
  BOOL is_slow = strstr(block->lpszQueryString, "slow") != NULL;
  head(block, status, "Content-Type: text/html\r\n\r\n");
  write_bytes(block, page, 10);
  if (is_slow) {
    Sleep(50);
  }
  write_text(block, page + 10);
  return HSE_STATUS_ERROR;
}

/* A body in chunks of the extension's own, whose last one is missing. */
static DWORD broken_chunks(EXTENSION_CONTROL_BLOCK *block) {
  head(block, "200 OK", "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
  write_text(block, strcmp(argument(block), "malformed") == 0 ? "6\r\nbroken\r\nzz\r\n" : "6\r\nbroken\r\n");
  return HSE_STATUS_SUCCESS;
}

static void read_into_nothing(EXTENSION_CONTROL_BLOCK *block, char *report, BOOL has_buffer) {
  char buffer[8];
  DWORD size = 0;
  SetLastError(0);
  BOOL outcome = block->ReadClient(block->ConnID, has_buffer ? buffer : NULL, &size);
  sprintf(report + strlen(report), "%d error %u size %u\n", outcome, GetLastError(), size);
}

static DWORD reads(EXTENSION_CONTROL_BLOCK *block) {
  char report[256] = "", buffer[100];
  DWORD size = sizeof buffer;
  read_into_nothing(block, report, TRUE);
  read_into_nothing(block, report, FALSE);
  BOOL outcome = block->ReadClient(block->ConnID, buffer, &size);
  sprintf(report + strlen(report), "%d size %u\n", outcome, size);
  send_text_head(block);
  write_text(block, report);
  return HSE_STATUS_SUCCESS;
}

/* The status the control block has at the start; afterwards the one of the query, if there is one. */
static DWORD initial_status(EXTENSION_CONTROL_BLOCK *block) {
  DWORD initial = block->dwHttpStatusCode;
  if (*argument(block) != '\0') {
    block->dwHttpStatusCode = (DWORD)atoi(argument(block));
  }
  head(block, "404 Not Found", "Content-Type: text/plain\r\n\r\n");
  write_format(block, "%u\n", initial);
  return HSE_STATUS_SUCCESS;
}

static DWORD spaced_fields(EXTENSION_CONTROL_BLOCK *block) {
  const char fields[] = "Content-Type : text/html\r\nSet-Cookie \t: a=b\r\nX-Good: 1\r\nContent-Length : 3\r\n"
                        "X Two : no\r\n : none\r\n\r\n";
  if (strcmp(argument(block), "raw") == 0) {
    write_text(block, "HTTP/1.1 200 OK\r\n");
    write_text(block, fields);
  } else if (strcmp(argument(block), "old") == 0) {
    block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, "200 OK", NULL, (LPDWORD)(LPVOID)fields);
  } else {
    head(block, "200 OK", fields);
  }
  write_text(block, "ok\n");
  return HSE_STATUS_SUCCESS;
}

static void WINAPI sent(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD bytes, DWORD error) {
  (void)context, (void)bytes, (void)error;
  done_with_session(block, HSE_STATUS_SUCCESS);
}

/* TransmitFile with or without a head of its own, VectorSend of both kinds, each with HSE_IO_DISCONNECT_AFTER_SEND. */
static DWORD disconnects(EXTENSION_CONTROL_BLOCK *block) {
  const char *how = argument(block);
  char fields[] = "Content-Length: 4\r\n\r\n", text[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
  if (strncmp(how, "transmit", 8) == 0) {
    HSE_TF_INFO file = {sent, NULL, NULL, NULL, 0, 0, NULL, 0, NULL, 0, HSE_IO_ASYNC | HSE_IO_DISCONNECT_AFTER_SEND};
    if (strcmp(how, "transmit-head") == 0) {
      file.pszStatusCode = "200 OK";
      file.pHead = fields;
      file.HeadLength = sizeof fields - 1;
      file.pTail = "body";
      file.TailLength = 4;
      file.dwFlags |= HSE_IO_SEND_HEADERS;
    } else if (strcmp(how, "transmit-raw") == 0) {
      file.pHead = text;
      file.HeadLength = sizeof text - 1;
    } else {
      head(block, "200 OK", fields);
      file.pTail = "body";
      file.TailLength = 4;
    }
    return block->ServerSupportFunction(block->ConnID, HSE_REQ_TRANSMIT_FILE, &file, NULL, NULL) ? HSE_STATUS_PENDING
                                                                                              : HSE_STATUS_ERROR;
  }
  BOOL is_async = strcmp(how, "vector-async") == 0;
  static char body[] = "body";
  HSE_VECTOR_ELEMENT element = {HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER, body, 0, 4};
  HSE_RESPONSE_VECTOR vector = {HSE_IO_SEND_HEADERS | HSE_IO_DISCONNECT_AFTER_SEND, "200 OK", fields, 1, &element};
  vector.dwFlags |= is_async ? HSE_IO_ASYNC : HSE_IO_SYNC;
  block->ServerSupportFunction(block->ConnID, HSE_REQ_IO_COMPLETION, (LPVOID)sent, NULL, NULL);
  if (!block->ServerSupportFunction(block->ConnID, HSE_REQ_VECTOR_SEND, &vector, NULL, NULL)) {
    return HSE_STATUS_ERROR;
  }
  return is_async ? HSE_STATUS_PENDING : HSE_STATUS_SUCCESS;
}

static DWORD resets(EXTENSION_CONTROL_BLOCK *block) {
  block->ServerSupportFunction(block->ConnID, HSE_REQ_ABORTIVE_CLOSE, NULL, NULL, NULL);
  head(block, "200 OK", "Content-Length: 4\r\n\r\n");
  write_text(block, "body");
  return HSE_STATUS_SUCCESS;
}

/* A variable in UTF-16, of which each character's low byte is sent. */
static DWORD unicode(EXTENSION_CONTROL_BLOCK *block) {
  WCHAR value[256] = {0};
  char name[128];
  DWORD size = sizeof value;
  snprintf(name, sizeof name, "UNICODE_%s", argument(block));
  BOOL outcome = block->GetServerVariable(block->ConnID, name, value, &size);
  DWORD error = outcome ? 0 : GetLastError();
  send_text_head(block);
  write_format(block, "%d %u ", outcome, error);
  for (WCHAR *at = value; outcome && *at != 0; at += 1) {
    write_format(block, "%c", *at);
  }
  return HSE_STATUS_SUCCESS;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  static const struct {
    const char *name;
    DWORD (*answer)(EXTENSION_CONTROL_BLOCK *);
  } cases[] = {{"error", error_page},   {"chunks", broken_chunks},   {"reads", reads},   {"status", initial_status},
               {"fields", spaced_fields}, {"disconnects", disconnects}, {"resets", resets}, {"unicode", unicode}};
  size_t length = strcspn(block->lpszQueryString, ",");
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index += 1) {
    if (strlen(cases[index].name) == length && strncmp(cases[index].name, block->lpszQueryString, length) == 0) {
      return cases[index].answer(block);
    }
  }
  return HSE_STATUS_ERROR;
}
