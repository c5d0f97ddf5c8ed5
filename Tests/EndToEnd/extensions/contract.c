/*
 * The results of synchronous calls, one kind for each path below the extension's: lines of the call and the error, 0
 * for success. The report is the response, or if the call sends that itself, the next response of /told.
 */
#include <pthread.h>

#include "extension.h"

EXTENSION("Synchronous calls and their errors")

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char told[4096];

typedef struct {
  EXTENSION_CONTROL_BLOCK *block;
  char report[4096];
} calls;

static void note(calls *c, const char *name, BOOL done) {
  size_t used = strlen(c->report);
  snprintf(c->report + used, sizeof c->report - used, "%s %u\n", name, done ? 0 : GetLastError());
  SetLastError(0);
}

static BOOL support(calls *c, DWORD request, LPVOID buffer, LPDWORD size, LPVOID type) {
  return c->block->ServerSupportFunction(c->block->ConnID, request, buffer, size, type);
}

static BOOL variable(calls *c, const char *name, LPVOID buffer, DWORD size) {
  return c->block->GetServerVariable(c->block->ConnID, (LPSTR)name, buffer, &size);
}

static BOOL write_sync(calls *c, const void *bytes, DWORD size, DWORD flags) {
  return c->block->WriteClient(c->block->ConnID, (LPVOID)bytes, &size, flags);
}

static void WINAPI never(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD bytes, DWORD error) {
  (void)block, (void)context, (void)bytes, (void)error;
  abort();
}

static BOOL read_async(calls *c, DWORD count, DWORD flags) {
  static char input[16];
  return support(c, HSE_REQ_ASYNC_READ_CLIENT, input, &count, &flags);
}

static BOOL transmit(calls *c, HSE_TF_INFO information) {
  information.dwFlags |= HSE_IO_ASYNC;
  return support(c, HSE_REQ_TRANSMIT_FILE, &information, NULL, NULL);
}

static BOOL vector(calls *c, DWORD flags, DWORD count, HSE_VECTOR_ELEMENT *elements) {
  HSE_RESPONSE_VECTOR response = {flags, NULL, NULL, count, elements};
  return support(c, HSE_REQ_VECTOR_SEND, &response, NULL, NULL);
}

static BOOL custom_error(calls *c, const char *status, BOOL isAsync) {
  HSE_CUSTOM_ERROR_INFO information = {(char *)status, 0, isAsync};
  return support(c, HSE_REQ_SEND_CUSTOM_ERROR, &information, NULL, NULL);
}

static BOOL child(calls *c, HSE_EXEC_URL_ENTITY_INFO *entity) {
  HSE_EXEC_URL_INFO information = {"/ping", NULL, NULL, NULL, entity, 0};
  return support(c, HSE_REQ_EXEC_URL, &information, NULL, NULL);
}

static BOOL unicode_child(calls *c) {
  WCHAR url[] = {'/', 0};
  HSE_EXEC_UNICODE_URL_INFO information = {url, NULL, NULL, NULL, NULL, 0};
  return support(c, HSE_REQ_EXEC_UNICODE_URL, &information, NULL, NULL);
}

/* Invalid sizes, and missing texts. */
static void call_with_wrong_sizes(calls *c) {
  char buffer[64] = "/";
  WCHAR wide[64] = {'/'};
  char name[2000];
  DWORD none = 0, one = 1;
  HSE_SEND_HEADER_EX_INFO no_status = {NULL, "\r\n", 5, 2, TRUE}, no_fields = {"200 OK", NULL, 6, 5, TRUE};
  HSE_VECTOR_ELEMENT nothing = {HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER, NULL, 0, 5};
  HSE_VECTOR_ELEMENT element = {HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER, buffer, 0, 1};
  HSE_EXEC_URL_ENTITY_INFO entity = {5, NULL};
  memset(name, 'x', sizeof name);
  name[sizeof name - 1] = '\0';
  support(c, HSE_REQ_IO_COMPLETION, (LPVOID)never, NULL, NULL);
  note(c, "variable, no room", variable(c, "URL", buffer, 0));
  note(c, "variable, neither room nor buffer", variable(c, "URL", NULL, 0));
  note(c, "variable, room without a buffer", variable(c, "URL", NULL, 9));
  note(c, "variable, long name", variable(c, name, buffer, sizeof buffer));
  note(c, "write, nothing", write_sync(c, NULL, 0, HSE_IO_SYNC));
  note(c, "write, a length alone", write_sync(c, NULL, 1, HSE_IO_SYNC));
  note(c, "read, no room", c->block->ReadClient(c->block->ConnID, buffer, &none));
  note(c, "asynchronous read, no room", read_async(c, 0, HSE_IO_ASYNC));
  note(c, "asynchronous read, not so", read_async(c, 1, HSE_IO_SYNC));
  note(c, "head, no status", support(c, HSE_REQ_SEND_RESPONSE_HEADER_EX, &no_status, NULL, NULL));
  note(c, "head, no fields", support(c, HSE_REQ_SEND_RESPONSE_HEADER_EX, &no_fields, NULL, NULL));
  note(c, "file, no head", transmit(c, (HSE_TF_INFO){.HeadLength = 1}));
  note(c, "file, no tail", transmit(c, (HSE_TF_INFO){.TailLength = 1}));
  note(c, "file, no file", transmit(c, (HSE_TF_INFO){.BytesToWrite = 1}));
  note(c, "file, no handle", transmit(c, (HSE_TF_INFO){.hFile = INVALID_HANDLE_VALUE}));
  note(c, "vector, no elements", vector(c, HSE_IO_SYNC, 1, NULL));
  note(c, "vector, no memory", vector(c, HSE_IO_SYNC, 1, &nothing));
  note(c, "vector, too many", vector(c, HSE_IO_SYNC, 65537, &element));
  note(c, "child, no entity", child(c, &entity));
  note(c, "error, no status", custom_error(c, NULL, FALSE));
  note(c, "error, no error", custom_error(c, "200 OK", FALSE));
  note(c, "error, no number", custom_error(c, "forbidden", FALSE));
  note(c, "map, no room", support(c, HSE_REQ_MAP_URL_TO_PATH, buffer, &none, NULL));
  note(c, "wide map, half a unit", support(c, HSE_REQ_MAP_UNICODE_URL_TO_PATH, wide, &one, NULL));
  note(c, "url, none", support(c, HSE_REQ_SEND_URL, "", NULL, NULL));
  note(c, "redirect, none", support(c, HSE_REQ_SEND_URL_REDIRECT_RESP, "", NULL, NULL));
  note(c, "redirect, a space", support(c, HSE_REQ_SEND_URL_REDIRECT_RESP, "/a b", NULL, NULL));
}

/* Operations without a completion function. */
static void begin_unheard(calls *c) {
  HSE_VECTOR_ELEMENT element = {HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER, "x", 0, 1};
  note(c, "completion", support(c, HSE_REQ_IO_COMPLETION, (LPVOID)never, NULL, NULL));
  note(c, "no completion", support(c, HSE_REQ_IO_COMPLETION, NULL, NULL, NULL));
  note(c, "write", write_sync(c, "x", 1, HSE_IO_ASYNC));
  note(c, "read", read_async(c, 1, HSE_IO_ASYNC));
  note(c, "file", transmit(c, (HSE_TF_INFO){.pHead = "x", .HeadLength = 1}));
  note(c, "vector", vector(c, HSE_IO_ASYNC, 1, &element));
  note(c, "error", custom_error(c, "403 Forbidden", TRUE));
  note(c, "child", child(c, NULL));
  note(c, "wide child", unicode_child(c));
}

/* Calls that begin a response, after its head. */
static void answer_again(calls *c) {
  HSE_SEND_HEADER_EX_INFO head = {"200 OK", "\r\n", 6, 2, TRUE};
  HSE_RESPONSE_VECTOR response = {HSE_IO_SYNC | HSE_IO_SEND_HEADERS, "200 OK", "\r\n", 0, NULL};
  support(c, HSE_REQ_IO_COMPLETION, (LPVOID)never, NULL, NULL);
  note(c, "head", support(c, HSE_REQ_SEND_RESPONSE_HEADER, NULL, NULL, NULL));
  note(c, "head again", support(c, HSE_REQ_SEND_RESPONSE_HEADER, NULL, NULL, NULL));
  note(c, "head with lengths", support(c, HSE_REQ_SEND_RESPONSE_HEADER_EX, &head, NULL, NULL));
  note(c, "redirect", support(c, HSE_REQ_SEND_URL_REDIRECT_RESP, "/ping", NULL, NULL));
  note(c, "url", support(c, HSE_REQ_SEND_URL, "/ping", NULL, NULL));
  note(c, "child", child(c, NULL));
  note(c, "wide child", unicode_child(c));
  note(c, "error", custom_error(c, "403 Forbidden", FALSE));
  note(c, "vector", support(c, HSE_REQ_VECTOR_SEND, &response, NULL, NULL));
  note(c, "file", transmit(c, (HSE_TF_INFO){.pszStatusCode = "200 OK", .dwFlags = HSE_IO_SEND_HEADERS}));
}

/* The same call twice, of those that may be made at any time. */
static void call_twice(calls *c) {
  static const struct {
    const char *name;
    DWORD request;
  } requests[] = {{"completion", HSE_REQ_IO_COMPLETION}, {"cancel", HSE_REQ_CANCEL_IO},
                  {"flush", HSE_REQ_SET_FLUSH_FLAG},     {"trace", HSE_REQ_RAISE_TRACE_EVENT},
                  {"reset", HSE_REQ_ABORTIVE_CLOSE}};
  for (size_t i = 0; i < 2 * sizeof requests / sizeof *requests; i += 1) {
    note(c, requests[i / 2].name, support(c, requests[i / 2].request, NULL, NULL, NULL));
  }
}

/* Calls that send a response themselves, twice. */
static BOOL answer_twice(calls *c, const char *name) {
  for (int i = 0; i < 2; i += 1) {
    if (strcmp(name, "redirect") == 0) {
      note(c, name, support(c, HSE_REQ_SEND_URL_REDIRECT_RESP, "/ping", NULL, NULL));
    } else if (strcmp(name, "url") == 0) {
      note(c, name, support(c, HSE_REQ_SEND_URL, "/ping", NULL, NULL));
    } else if (strcmp(name, "error") == 0) {
      note(c, name, custom_error(c, "403 Forbidden", FALSE));
    } else if (strcmp(name, "done") == 0) {
      if (i == 0) {
        write_text(c->block, "ended\n");
      }
      note(c, name, support(c, HSE_REQ_DONE_WITH_SESSION, NULL, NULL, NULL));
    } else {
      return FALSE;
    }
  }
  pthread_mutex_lock(&lock);
  memcpy(told, c->report, sizeof told);
  pthread_mutex_unlock(&lock);
  return TRUE;
}

static void ask_about_the_connection(calls *c) {
  BOOL keeps = 7;
  DWORD placement = 7;
  HSE_SEND_HEADER_EX_INFO head = {"200 OK", "Content-Type: text/plain\r\n\r\nand body\n", 7, 37, FALSE};
  char line[64];
  support(c, HSE_REQ_IS_KEEP_CONN, &keeps, NULL, NULL);
  support(c, HSE_REQ_IS_IN_PROCESS, &placement, NULL, NULL);
  snprintf(line, sizeof line, "keeps %d, placed %u, errors told", keeps, placement);
  if (strcmp(c->block->lpszQueryString, "close") == 0) {
    note(c, "head", support(c, HSE_REQ_SEND_RESPONSE_HEADER_EX, &head, NULL, NULL));
    support(c, HSE_REQ_IS_KEEP_CONN, &keeps, NULL, NULL);
    snprintf(line, sizeof line, "keeps %d, errors told", keeps);
  }
  BOOL done = variable(c, "NONE", line, 0);
  int number = errno;
  note(c, line, done);
  snprintf(c->report + strlen(c->report), 32, "errno %d\n", number);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  const char *mode = block->lpszPathInfo + 1;
  calls c = {block, ""};
  SetLastError(0);
  if (strcmp(mode, "told") == 0) {
    pthread_mutex_lock(&lock);
    memcpy(c.report, told, sizeof told);
    pthread_mutex_unlock(&lock);
  } else if (strcmp(mode, "sizes") == 0) {
    call_with_wrong_sizes(&c);
  } else if (strcmp(mode, "unheard") == 0) {
    begin_unheard(&c);
  } else if (strcmp(mode, "head") == 0) {
    answer_again(&c);
  } else if (strcmp(mode, "twice") == 0) {
    call_twice(&c);
  } else if (strcmp(mode, "connection") == 0) {
    ask_about_the_connection(&c);
  } else if (strcmp(mode, "log") == 0) {
    char text[5001];
    memset(text, 'n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    note(&c, "log", support(&c, HSE_APPEND_LOG_PARAMETER, text, NULL, NULL));
  } else if (answer_twice(&c, mode)) {
    return HSE_STATUS_SUCCESS;
  }
  return write_text(block, c.report) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
