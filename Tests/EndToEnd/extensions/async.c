/*
 * Asynchronous operations, one kind for each path below the extension's. A completion reports in the response, or for
 * requests without a client in /last, its arguments, and whether it came on the stack of the call that began it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "extension.h"

EXTENSION("Asynchronous operations")

#define BIG 3000000
/* More than the buffers of a connection hold. */
#define ENDLESS 64000000

typedef struct {
  EXTENSION_CONTROL_BLOCK *block;
  char mode[32];
  char buffer[4096];
  char report[512];
  char *big;
  DWORD size;
  DWORD total;
  unsigned long sum;
  int file;
  int completions;
  /* HttpExtensionProc and the operations: a completion may end before the call that began it returns. */
  int holders;
} task;

static __thread int inside_call;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last[512] = "nothing\n";

static BOOL support(task *t, DWORD request, LPVOID buffer, LPDWORD size, LPDWORD type) {
  inside_call = 1;
  BOOL done = t->block->ServerSupportFunction(t->block->ConnID, request, buffer, size, type);
  inside_call = 0;
  return done;
}

static BOOL write_async(task *t, const void *bytes, DWORD count) {
  inside_call = 1;
  BOOL done = t->block->WriteClient(t->block->ConnID, (LPVOID)bytes, &count, HSE_IO_ASYNC);
  inside_call = 0;
  return done;
}

static BOOL read_async(task *t) {
  DWORD flags = HSE_IO_ASYNC;
  t->size = sizeof t->buffer;
  return support(t, HSE_REQ_ASYNC_READ_CLIENT, t->buffer, &t->size, &flags);
}

static void release(task *t) {
  if (__atomic_sub_fetch(&t->holders, 1, __ATOMIC_ACQ_REL) == 0) {
    free(t);
  }
}

static void end(task *t) {
  EXTENSION_CONTROL_BLOCK *block = t->block;
  if (t->file > 0) {
    close(t->file);
  }
  free(t->big);
  release(t);
  done_with_session(block, HSE_STATUS_SUCCESS);
}

static void tell_last(task *t, const char *text) {
  pthread_mutex_lock(&lock);
  snprintf(last, sizeof last, "%s %s\n", t->mode, text);
  pthread_mutex_unlock(&lock);
}

static void WINAPI completed(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD bytes, DWORD error) {
  task *t = context;
  char text[256];
  t->completions += 1;
  snprintf(text, sizeof text, "bytes %u error %u inline %d block %d", bytes, error, inside_call, block == t->block);
  if (strcmp(t->mode, "read") == 0 && error == 0 && bytes > 0) {
    for (DWORD i = 0; i < bytes; i += 1) {
      t->sum += (unsigned char)t->buffer[i];
    }
    t->total += bytes;
    if (read_async(t)) {
      return;
    }
  }
  if (strcmp(t->mode, "read") == 0) {
    send_text_head(block);
    write_format(block, "total %u sum %lu last %s\n", t->total, t->sum, text);
  } else if (strcmp(t->mode, "close") == 0 || strcmp(t->mode, "gone") == 0 || strcmp(t->mode, "quiet") == 0) {
    tell_last(t, text);
  } else if (strcmp(t->mode, "child") == 0) {
    HSE_EXEC_URL_STATUS status = {0, 0, 0};
    support(t, HSE_REQ_GET_EXEC_URL_STATUS, &status, NULL, NULL);
    snprintf(text + strlen(text), 64, " status %u.%u win32 %u", status.uHttpStatusCode, status.uHttpSubStatus,
             status.dwWin32Error);
    if (error != 0) {
      send_text_head(block);
      write_format(block, "%s\n", text);
    }
    tell_last(t, text);
  } else if (t->completions == 1 && strcmp(t->mode, "disconnect") != 0 &&
             strcmp(t->mode, "cancelwrite") != 0) {
    /* The report goes out asynchronously too: an operation begun by a completion. */
    snprintf(t->report, sizeof t->report, "\n%s\n", text);
    if (write_async(t, t->report, (DWORD)strlen(t->report))) {
      return;
    }
  } else if (strcmp(t->mode, "disconnect") == 0 || strcmp(t->mode, "cancelwrite") == 0) {
    tell_last(t, text);
  }
  end(t);
}

static const char *query_text(EXTENSION_CONTROL_BLOCK *block, const char *name) {
  static __thread char text[512];
  size_t length = strlen(name);
  for (const char *item = block->lpszQueryString; item != NULL && *item != '\0'; item = strchr(item, '&')) {
    item += *item == '&';
    if (strncmp(item, name, length) == 0 && item[length] == '=') {
      snprintf(text, sizeof text, "%.*s", (int)strcspn(item + length + 1, "&"), item + length + 1);
      decode_query(text);
      return text;
    }
  }
  return NULL;
}

static BOOL transmit(task *t, DWORD flags) {
  /* On the stack and overwritten immediately: only the data is kept until the completion. */
  char status[] = "203 Told";
  char head[] = "Content-Type: text/plain\r\nX-Head: yes\r\n\r\nhead ";
  const char *name = query_text(t->block, "file");
  HSE_TF_INFO information = {0};
  t->big = strdup(" tail");
  t->file = name == NULL ? 0 : open(name, O_RDONLY | O_CLOEXEC);
  information.pfnHseIO = completed;
  information.pContext = t;
  information.hFile = (HANDLE)(intptr_t)t->file;
  information.pszStatusCode = status;
  information.BytesToWrite = (DWORD)query_number(t->block, "count", 0);
  information.Offset = (DWORD)query_number(t->block, "offset", 0);
  information.pHead = head;
  information.HeadLength = sizeof head;
  information.pTail = t->big;
  information.TailLength = 5;
  information.dwFlags = HSE_IO_ASYNC | HSE_IO_SEND_HEADERS | flags;
  BOOL done = support(t, HSE_REQ_TRANSMIT_FILE, &information, NULL, NULL);
  memset(status, 'x', sizeof status);
  memset(head, 'x', sizeof head);
  memset(&information, 'x', sizeof information);
  return done;
}

static BOOL vector(task *t, DWORD flags) {
  char status[] = "200 OK";
  char headers[] = "Content-Type: text/plain\r\nX-Vector: yes\r\n\r\n";
  const char *name = query_text(t->block, "file");
  t->file = name == NULL ? 0 : open(name, O_RDONLY | O_CLOEXEC);
  t->big = malloc(BIG);
  memset(t->big, 'v', BIG);
  HSE_VECTOR_ELEMENT elements[3] = {
      {HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER, t->big, 0, BIG},
      {HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE, (PVOID)(intptr_t)t->file,
       (ULONGLONG)query_number(t->block, "offset", 0), (ULONGLONG)query_number(t->block, "count", 0)},
      {HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER, t->big, 0, 3},
  };
  HSE_RESPONSE_VECTOR response = {HSE_IO_SEND_HEADERS | flags, status, headers, 3, elements};
  BOOL done = support(t, HSE_REQ_VECTOR_SEND, &response, NULL, NULL);
  memset(elements, 'x', sizeof elements);
  memset(headers, 'x', sizeof headers);
  return done;
}

static BOOL child(task *t) {
  HSE_EXEC_URL_INFO information = {0};
  HSE_EXEC_URL_ENTITY_INFO entity;
  char url[512] = "", method[32] = "", entity_text[256] = "";
  const char *text;
  if ((text = query_text(t->block, "url")) != NULL) {
    information.pszUrl = strcpy(url, text);
  }
  if ((text = query_text(t->block, "method")) != NULL) {
    information.pszMethod = strcpy(method, text);
  }
  char headers[512] = "";
  if ((text = query_text(t->block, "headers")) != NULL) {
    information.pszChildHeaders = strcpy(headers, text);
  }
  if ((text = query_text(t->block, "entity")) != NULL) {
    entity.lpbData = strcpy(entity_text, text);
    entity.cbAvailable = (DWORD)strlen(entity_text);
    information.pEntity = &entity;
  }
  information.dwExecUrlFlags = (DWORD)query_number(t->block, "flags", 0);
  return support(t, HSE_REQ_EXEC_URL, &information, NULL, NULL);
}

static BOOL unicode_child(task *t) {
  HSE_EXEC_UNICODE_URL_INFO information = {0};
  WCHAR url[512];
  const char *text = query_text(t->block, "url");
  size_t length = 0;
  for (; text[length] != '\0'; length += 1) {
    url[length] = (unsigned char)text[length];
  }
  url[length] = 0;
  information.pszUrl = url;
  return support(t, HSE_REQ_EXEC_UNICODE_URL, &information, NULL, NULL);
}

static BOOL begin(task *t) {
  const char *mode = t->mode;
  if (strcmp(mode, "write") == 0) {
    t->big = malloc(BIG);
    memset(t->big, 'w', BIG);
    send_text_head(t->block);
    return write_async(t, t->big, BIG);
  }
  if (strcmp(mode, "second") == 0) {
    /* The first is in progress until the client reads, which waits for /last. */
    t->big = malloc(ENDLESS);
    memset(t->big, 'w', ENDLESS);
    send_text_head(t->block);
    if (!write_async(t, t->big, ENDLESS)) {
      return FALSE;
    }
    char text[64];
    BOOL done = write_async(t, "x", 1);
    snprintf(text, sizeof text, "%d %u", done, GetLastError());
    tell_last(t, text);
    return TRUE;
  }
  if (strcmp(mode, "cancelwrite") == 0) {
    t->big = malloc(ENDLESS);
    memset(t->big, 'w', ENDLESS);
    send_text_head(t->block);
    return write_async(t, t->big, ENDLESS) && support(t, HSE_REQ_CANCEL_IO, NULL, NULL, NULL);
  }
  if (strcmp(mode, "raw") == 0) {
    return write_async(t, "HTTP/1.1 202 Taken\r\nContent-Type: text/plain\r\n\r\nraw", 51);
  }
  if (strcmp(mode, "file") == 0) {
    return transmit(t, 0);
  }
  if (strcmp(mode, "disconnect") == 0) {
    return transmit(t, HSE_IO_DISCONNECT_AFTER_SEND);
  }
  if (strcmp(mode, "vector") == 0) {
    return vector(t, HSE_IO_ASYNC);
  }
  if (strcmp(mode, "child") == 0) {
    return query_number(t->block, "wide", 0) ? unicode_child(t) : child(t);
  }
  if (!read_async(t)) {
    return FALSE;
  }
  if (strcmp(mode, "gone") == 0) {
    /* Signals the client that it may disconnect. */
    send_text_head(t->block);
    write_format(t->block, "begun\n");
  }
  if (strcmp(mode, "cancel") == 0) {
    send_text_head(t->block);
    return support(t, HSE_REQ_CANCEL_IO, NULL, NULL, NULL);
  }
  if (strcmp(mode, "close") == 0) {
    return support(t, HSE_REQ_CLOSE_CONNECTION, NULL, NULL, NULL);
  }
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  const char *mode = block->lpszPathInfo + 1;
  if (strcmp(mode, "last") == 0) {
    send_text_head(block);
    pthread_mutex_lock(&lock);
    write_text(block, last);
    pthread_mutex_unlock(&lock);
    return HSE_STATUS_SUCCESS;
  }
  task *t = calloc(1, sizeof *t);
  t->block = block;
  t->holders = 2;
  snprintf(t->mode, sizeof t->mode, "%s", mode);
  for (DWORD i = 0; i < block->cbAvailable; i += 1) {
    t->sum += block->lpbData[i];
  }
  t->total = block->cbAvailable;
  if (strcmp(mode, "unset") == 0) {
    /* There is no completion function. */
    BOOL done = write_async(t, "x", 1);
    DWORD error = GetLastError();
    send_text_head(block);
    write_format(block, "%d %u\n", done, error);
    free(t);
    return HSE_STATUS_SUCCESS;
  }
  if (strcmp(mode, "vectorsync") == 0) {
    BOOL done = vector(t, HSE_IO_SYNC | HSE_IO_FINAL_SEND);
    DWORD error = done ? 0 : GetLastError();
    if (t->file > 0) {
      close(t->file);
    }
    free(t->big);
    free(t);
    return error == 0 ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
  }
  support(t, HSE_REQ_IO_COMPLETION, (LPVOID)completed, NULL, (LPDWORD)t);
  SetLastError(0);
  if (!begin(t)) {
    char text[64];
    snprintf(text, sizeof text, "refused %u\n", GetLastError());
    send_text_head(block);
    write_text(block, text);
    free(t->big);
    free(t);
    return HSE_STATUS_SUCCESS;
  }
  release(t);
  return HSE_STATUS_PENDING;
}
