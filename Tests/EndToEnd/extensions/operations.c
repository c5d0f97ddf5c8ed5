/*
 * Calls while an operation is in progress, and the ends of operations, one kind for each path below the extension's.
 * The results of the calls and the arguments of the completions are the report of the request; /told returns the last.
 */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "extension.h"

EXTENSION("Rules of asynchronous operations")

/* More than the buffers of a connection hold. */
#define ENDLESS 64000000
#define BIG 3000000

typedef struct {
  EXTENSION_CONTROL_BLOCK *block;
  char mode[32];
  char report[2048];
  char buffer[4096];
  char *big;
  HANDLE file;
  int descriptor;
  int completions;
  /* HttpExtensionProc and the operation: the one that ends last ends the request. */
  int holders;
} task;

/* Guarded by the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char told[2048];
/* The request that /order controls while its operation waits. */
static task *ordered;

static void note(task *t, const char *name, BOOL done) {
  DWORD error = done ? 0 : GetLastError();
  pthread_mutex_lock(&lock);
  size_t used = strlen(t->report);
  snprintf(t->report + used, sizeof t->report - used, "%s %u\n", name, error);
  pthread_mutex_unlock(&lock);
  SetLastError(0);
}

static BOOL support(task *t, DWORD request, LPVOID buffer, LPDWORD size, LPVOID type) {
  return t->block->ServerSupportFunction(t->block->ConnID, request, buffer, size, type);
}

static BOOL write_with(task *t, const void *bytes, DWORD count, DWORD flags) {
  return t->block->WriteClient(t->block->ConnID, (LPVOID)bytes, &count, flags);
}

static BOOL read_async(task *t) {
  DWORD flags = HSE_IO_ASYNC, size = sizeof t->buffer;
  return support(t, HSE_REQ_ASYNC_READ_CLIENT, t->buffer, &size, &flags);
}

static BOOL read_sync(task *t) {
  char input[16];
  DWORD size = sizeof input;
  return t->block->ReadClient(t->block->ConnID, input, &size);
}

static BOOL transmit(task *t, HANDLE file, DWORD offset, DWORD count, DWORD flags, PFN_HSE_IO_COMPLETION told_to) {
  HSE_TF_INFO information = {0};
  information.pfnHseIO = told_to;
  information.pContext = t;
  information.hFile = file;
  information.Offset = offset;
  information.BytesToWrite = count;
  information.dwFlags = HSE_IO_ASYNC | flags;
  return support(t, HSE_REQ_TRANSMIT_FILE, &information, NULL, NULL);
}

static BOOL vector(task *t, HANDLE file, ULONGLONG count, DWORD flags) {
  HSE_VECTOR_ELEMENT element = {HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE, file, 0, count};
  HSE_RESPONSE_VECTOR response = {flags, NULL, NULL, file != NULL, &element};
  return support(t, HSE_REQ_VECTOR_SEND, &response, NULL, NULL);
}

static BOOL custom_error(task *t, const char *status, BOOL isAsync) {
  HSE_CUSTOM_ERROR_INFO information = {(char *)status, 0, isAsync};
  return support(t, HSE_REQ_SEND_CUSTOM_ERROR, &information, NULL, NULL);
}

static BOOL child(task *t, char *url) {
  HSE_EXEC_URL_INFO information = {url, NULL, NULL, NULL, NULL, 0};
  return support(t, HSE_REQ_EXEC_URL, &information, NULL, NULL);
}

static BOOL unicode_child(task *t, WCHAR *url) {
  HSE_EXEC_UNICODE_URL_INFO information = {url, NULL, NULL, NULL, NULL, 0};
  return support(t, HSE_REQ_EXEC_UNICODE_URL, &information, NULL, NULL);
}

static void release(task *t) {
  if (__atomic_sub_fetch(&t->holders, 1, __ATOMIC_ACQ_REL) > 0) {
    return;
  }
  if (t->descriptor > 0) {
    close(t->descriptor);
  }
  if (t->file != NULL) {
    CloseHandle(t->file);
  }
  pthread_mutex_lock(&lock);
  snprintf(told, sizeof told, "%s\n%scompletions %d\n", t->mode, t->report, t->completions);
  pthread_mutex_unlock(&lock);
  done_with_session(t->block, HSE_STATUS_SUCCESS);
  free(t->big);
  free(t);
}

/* Whether the file is where it was left, and still open. */
static void look_at_file(task *t) {
  char byte = 0;
  DWORD count = 0;
  note(t, "descriptor stays", lseek(t->descriptor, 0, SEEK_CUR) == 7);
  BOOL got = ReadFile(t->file, &byte, 1, &count, NULL) && count == 1 && byte == '3';
  note(t, "handle stays", got && SetFilePointer(t->file, -1, NULL, FILE_CURRENT) == 3);
}

static void WINAPI completed(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD bytes, DWORD error) {
  task *t = context;
  char line[64];
  t->completions += 1;
  snprintf(line, sizeof line, "completed %u", bytes);
  SetLastError(error);
  note(t, line, error == 0);
  if (strcmp(t->mode, "file") == 0) {
    look_at_file(t);
    HANDLE descriptor = (HANDLE)(intptr_t)t->descriptor;
    if (t->completions == 1 && transmit(t, t->file, 5, 5, 0, completed)) {
      return;
    }
    if (t->completions == 2 && vector(t, descriptor, 4, HSE_IO_SYNC) && vector(t, descriptor, 6, HSE_IO_ASYNC)) {
      return;
    }
  }
  if (strcmp(t->mode, "piece") == 0) {
    send_text_head(block);
    support(t, HSE_REQ_SET_FLUSH_FLAG, (LPVOID)(UINT_PTR)TRUE, NULL, NULL);
    write_format(block, "%u of it\n", bytes);
    while (t->block->ReadClient(block->ConnID, t->buffer, &(DWORD){sizeof t->buffer}) && t->buffer[0] != 'e') {
    }
  }
  release(t);
}

static void WINAPI completed_too(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD bytes, DWORD error) {
  note(context, "the other one", TRUE);
  completed(block, context, bytes, error);
}

static BOOL begin_endless_write(task *t) {
  t->big = malloc(ENDLESS);
  memset(t->big, 'w', ENDLESS);
  return send_text_head(t->block) && write_with(t, t->big, ENDLESS, HSE_IO_ASYNC);
}

/* All calls that begin an operation, while one is in progress or none may begin. */
static void begin_others(task *t) {
  WCHAR root[] = {'/', 0};
  note(t, "write", write_with(t, "x", 1, HSE_IO_ASYNC));
  note(t, "read", read_async(t));
  note(t, "file", transmit(t, NULL, 0, 0, 0, completed));
  note(t, "vector", vector(t, NULL, 0, HSE_IO_ASYNC));
  note(t, "error", custom_error(t, "403 Forbidden", TRUE));
  note(t, "child", child(t, "/ping"));
  note(t, "wide child", unicode_child(t, root));
}

static void call_closed(task *t) {
  BOOL connected = 7;
  HSE_RESPONSE_VECTOR head = {HSE_IO_SYNC | HSE_IO_SEND_HEADERS, "200 OK", "\r\n", 0, NULL};
  note(t, "close again", support(t, HSE_REQ_CLOSE_CONNECTION, NULL, NULL, NULL));
  note(t, "synchronous write", write_with(t, "x", 1, HSE_IO_SYNC));
  note(t, "synchronous read", read_sync(t));
  note(t, "head", send_text_head(t->block));
  note(t, "synchronous vector", support(t, HSE_REQ_VECTOR_SEND, &head, NULL, NULL));
  note(t, "synchronous error", custom_error(t, "403 Forbidden", FALSE));
  note(t, "redirect", support(t, HSE_REQ_SEND_URL_REDIRECT_RESP, "/ping", NULL, NULL));
  note(t, "url", support(t, HSE_REQ_SEND_URL, "/ping", NULL, NULL));
  begin_others(t);
  note(t, "asked", support(t, HSE_REQ_IS_CONNECTED, &connected, NULL, NULL) && !connected);
  /* No completion will come. */
  release(t);
}

typedef struct {
  task *t;
  pthread_barrier_t barrier;
  int begun, refused;
} race;

static void *begin_at_once(void *argument) {
  race *r = argument;
  char input[16];
  DWORD flags = HSE_IO_ASYNC, size = sizeof input;
  pthread_barrier_wait(&r->barrier);
  /* The read is cancelled before its buffer is released. */
  BOOL begun = support(r->t, HSE_REQ_ASYNC_READ_CLIENT, input, &size, &flags);
  __atomic_add_fetch(begun ? &r->begun : &r->refused, begun || GetLastError() == ERROR_INVALID_PARAMETER,
                     __ATOMIC_SEQ_CST);
  pthread_barrier_wait(&r->barrier);
  if (begun) {
    note(r->t, "cancel", support(r->t, HSE_REQ_CANCEL_IO, NULL, NULL, NULL));
  }
  return NULL;
}

static void begin_from_ten_threads(task *t) {
  pthread_t threads[10];
  race r = {t, {{0}}, 0, 0};
  pthread_barrier_init(&r.barrier, NULL, 10);
  for (int i = 0; i < 10; i += 1) {
    if (pthread_create(&threads[i], NULL, begin_at_once, &r) != 0) {
      abort();
    }
  }
  for (int i = 0; i < 10; i += 1) {
    pthread_join(threads[i], NULL);
  }
  pthread_barrier_destroy(&r.barrier);
  note(t, "one of ten", r.begun == 1 && r.refused == 9);
}

static void await_order(task *t) {
  /* Until the completion has been called. */
  t->holders += 1;
  pthread_mutex_lock(&lock);
  ordered = t;
  pthread_mutex_unlock(&lock);
}

static void obey(EXTENSION_CONTROL_BLOCK *block, const char *order) {
  BOOL done = FALSE;
  pthread_mutex_lock(&lock);
  task *t = ordered;
  pthread_mutex_unlock(&lock);
  if (strcmp(order, "write") == 0) {
    done = write_text(t->block, "write\n");
  } else if (strcmp(order, "cancel") == 0) {
    done = support(t, HSE_REQ_CANCEL_IO, NULL, NULL, NULL);
  } else if (strcmp(order, "close") == 0) {
    done = support(t, HSE_REQ_CLOSE_CONNECTION, NULL, NULL, NULL);
  }
  write_format(block, "%s %u\n", order, done ? 0 : GetLastError());
  release(t);
}

/* False when no operation was begun, and the report is to be the response. */
static BOOL begin(task *t) {
  const char *mode = t->mode;
  EXTENSION_CONTROL_BLOCK *block = t->block;
  if (strcmp(mode, "reading") == 0) {
    note(t, "begun", read_async(t));
    begin_others(t);
    note(t, "synchronous read", read_sync(t));
    note(t, "synchronous write", send_text_head(block) && write_text(block, "written meanwhile\n"));
    note(t, "cancel", support(t, HSE_REQ_CANCEL_IO, NULL, NULL, NULL));
    note(t, "cancel again", support(t, HSE_REQ_CANCEL_IO, NULL, NULL, NULL));
  } else if (strcmp(mode, "writing") == 0) {
    note(t, "begun", begin_endless_write(t));
    begin_others(t);
    note(t, "synchronous write", write_text(block, "x"));
    note(t, "synchronous vector", vector(t, NULL, 0, HSE_IO_SYNC));
    note(t, "cancel", support(t, HSE_REQ_CANCEL_IO, NULL, NULL, NULL));
  } else if (strcmp(mode, "race") == 0) {
    begin_from_ten_threads(t);
  } else if (strcmp(mode, "stalls") == 0) {
    await_order(t);
    return begin_endless_write(t);
  } else if (strcmp(mode, "orders") == 0) {
    await_order(t);
    BOOL isFlushing = support(t, HSE_REQ_SET_FLUSH_FLAG, (LPVOID)(UINT_PTR)TRUE, NULL, NULL);
    return isFlushing && send_text_head(block) && read_async(t) && write_text(block, "waiting\n");
  } else if (strcmp(mode, "slow") == 0) {
    return begin_endless_write(t);
  } else if (strcmp(mode, "timeout") == 0 || strcmp(mode, "piece") == 0) {
    return read_async(t);
  } else if (strcmp(mode, "closed") == 0) {
    note(t, "close", support(t, HSE_REQ_CLOSE_CONNECTION, NULL, NULL, NULL));
    call_closed(t);
  } else if (strcmp(mode, "child") == 0) {
    note(t, "begun", child(t, "/slow?50"));
    note(t, "cancel", support(t, HSE_REQ_CANCEL_IO, NULL, NULL, NULL));
  } else if (strcmp(mode, "wide") == 0) {
    static WCHAR url[] = {'/', 'v', 'a', 'r', 'i', 'a', 'b', 'l', 'e', 's', '?', 'U', 'R', 'L', ',', 0x20AC, ' ', 'x', 0};
    return unicode_child(t, url);
  } else if (strcmp(mode, "error") == 0 || strcmp(mode, "page") == 0) {
    return custom_error(t, strcmp(mode, "error") == 0 ? "403 Forbidden" : "409 Conflict", TRUE);
  } else if (strcmp(mode, "none") == 0) {
    note(t, "error", custom_error(t, "404 Not Found", TRUE));
    return FALSE;
  } else if (strcmp(mode, "last") == 0) {
    support(t, HSE_REQ_IO_COMPLETION, (LPVOID)completed_too, NULL, t);
    note(t, "again", send_text_head(block) && write_with(t, "x", 1, HSE_IO_ASYNC));
  } else if (strcmp(mode, "own") == 0) {
    note(t, "own", send_text_head(block) && transmit(t, NULL, 0, 0, 0, completed_too));
  } else if (strcmp(mode, "file") == 0) {
    t->descriptor = open(block->lpszQueryString, O_RDONLY | O_CLOEXEC);
    t->file = CreateFileA(block->lpszQueryString, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    lseek(t->descriptor, 7, SEEK_SET);
    SetFilePointer(t->file, 3, NULL, FILE_BEGIN);
    return send_text_head(block) && transmit(t, (HANDLE)(intptr_t)t->descriptor, 2, 3, 0, completed);
  } else if (strcmp(mode, "shrinks") == 0) {
    t->descriptor = open(block->lpszQueryString, O_RDONLY | O_CLOEXEC);
    return send_text_head(block) && transmit(t, (HANDLE)(intptr_t)t->descriptor, 0, 0, 0, completed);
  } else if (strcmp(mode, "done") == 0) {
    char *bytes = malloc(BIG);
    memset(bytes, 'w', BIG);
    note(t, "begun", send_text_head(block) && write_with(t, bytes, BIG, HSE_IO_ASYNC));
    release(t), release(t);
    memset(bytes, 'x', BIG);
    free(bytes);
  } else {
    return FALSE;
  }
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  const char *mode = block->lpszPathInfo + 1;
  if (strcmp(mode, "told") == 0) {
    char text[sizeof told];
    pthread_mutex_lock(&lock);
    memcpy(text, told, sizeof text);
    pthread_mutex_unlock(&lock);
    return write_text(block, text) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
  }
  if (strcmp(mode, "order") == 0) {
    obey(block, block->lpszQueryString);
    return HSE_STATUS_SUCCESS;
  }
  task *t = calloc(1, sizeof *t);
  t->block = block;
  t->holders = 2;
  snprintf(t->mode, sizeof t->mode, "%s", mode);
  /* `done` ends the request in `begin`, and `t` with it. */
  BOOL isOver = strcmp(mode, "done") == 0;
  support(t, HSE_REQ_IO_COMPLETION, (LPVOID)completed, NULL, t);
  SetLastError(0);
  if (!begin(t)) {
    write_text(block, t->report);
    free(t);
    return HSE_STATUS_SUCCESS;
  }
  if (!isOver) {
    release(t);
  }
  return HSE_STATUS_PENDING;
}
