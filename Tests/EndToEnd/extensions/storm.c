/*
 * Ten threads at the same time make every call that is refused, on a pending request, with invalid ConnIDs, and after
 * the end. `report` in the query returns how many calls were made and the first wrong results.
 */
#include <pthread.h>
#include <stdint.h>

#include "extension.h"

#define THREADS 10
#define ROUNDS 20
#define LINE "one line of a thread's own bytes\n"
#define PAST 64

EXTENSION("Storm of refused calls")

typedef struct {
  EXTENSION_CONTROL_BLOCK *block;
  pthread_barrier_t *barrier;
  int *ends;
} Storm;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char report[2048];
static long calls;
/* Connections of requests that have ended. */
static HCONN past[PAST];
static int past_count;

static void expect(const char *what, DWORD number, BOOL done, DWORD wanted) {
  DWORD error = done ? 0 : GetLastError();
  SetLastError(0);
  pthread_mutex_lock(&mutex);
  calls += 1;
  size_t used = strlen(report);
  if (error != wanted && used + 128 < sizeof report) {
    snprintf(report + used, sizeof report - used, "%s %u: %u, not %u\n", what, number, error, wanted);
  }
  pthread_mutex_unlock(&mutex);
}

/* Every function of `block` with an invalid ConnID. */
static void call_nobody(EXTENSION_CONTROL_BLOCK *block, const char *what, HCONN connection) {
  char buffer[1024] = "/";
  DWORD size = sizeof buffer, type = HSE_IO_ASYNC;
  expect(what, 1, block->GetServerVariable(connection, "URL", buffer, &size), ERROR_INVALID_PARAMETER);
  size = 1;
  expect(what, 2, block->WriteClient(connection, "x", &size, HSE_IO_SYNC), ERROR_INVALID_PARAMETER);
  expect(what, 3, block->WriteClient(connection, "x", &size, HSE_IO_ASYNC), ERROR_INVALID_PARAMETER);
  expect(what, 4, block->ReadClient(connection, buffer, &size), ERROR_INVALID_PARAMETER);
  for (DWORD request = 0; request <= HSE_REQ_GET_CHANNEL_BINDING_TOKEN + 5; request += request == 5 ? 990 : 1) {
    size = 1;
    memset(buffer, 0, sizeof buffer);
    expect(what, request, block->ServerSupportFunction(connection, request, buffer, &size, &type),
           ERROR_INVALID_PARAMETER);
  }
}

static void call_wrongly(EXTENSION_CONTROL_BLOCK *block) {
  static const struct {
    DWORD request, error;
  } without_buffer[] = {
      {0, 87},    {5, 87},    {999, 87},  {1, 87},    {2, 87},    {1001, 87}, {1003, 87}, {1004, 87},
      {1006, 87}, {1007, 87}, {1008, 87}, {1009, 87}, {1010, 87}, {1012, 87}, {1013, 87}, {1015, 87},
      {1016, 87}, {1018, 87}, {1019, 87}, {1022, 87}, {1023, 87}, {1024, 87}, {1025, 87}, {1026, 87},
      {1027, 87}, {1028, 87}, {1029, 87}, {1030, 87}, {1031, 87}, {1033, 87}, {1036, 87}, {1037, 87},
      {1039, 87}, {1040, 87}, {1042, 87}, {1044, 87}, {1050, 87}, {1051, 87}, {4294967295u, 87},
      {1002, 50}, {1011, 50}, {1038, 50}, {1041, 50}, {1046, 50}, {1047, 50}, {1048, 50}, {1049, 1168},
  };
  HCONN id = block->ConnID;
  char buffer[64] = "/";
  DWORD size = sizeof buffer;
  for (size_t i = 0; i < sizeof without_buffer / sizeof *without_buffer; i += 1) {
    expect("no buffer", without_buffer[i].request,
           block->ServerSupportFunction(id, without_buffer[i].request, NULL, NULL, NULL), without_buffer[i].error);
  }
  expect("no name", 0, block->GetServerVariable(id, NULL, buffer, &size), ERROR_INVALID_PARAMETER);
  expect("no size", 0, block->GetServerVariable(id, "URL", buffer, NULL), ERROR_INVALID_PARAMETER);
  expect("no such variable", 0, block->GetServerVariable(id, "NONE", buffer, &size), ERROR_INVALID_INDEX);
  size = 0;
  expect("no room", 0, block->GetServerVariable(id, "URL", buffer, &size), ERROR_INSUFFICIENT_BUFFER);
  expect("nothing to read into", 0, block->ReadClient(id, NULL, &(DWORD){1}), ERROR_INVALID_PARAMETER);
  expect("nothing to write", 0, block->WriteClient(id, NULL, &(DWORD){1}, HSE_IO_SYNC), ERROR_INVALID_PARAMETER);
  expect("no completion", 0, block->WriteClient(id, buffer, &(DWORD){1}, HSE_IO_ASYNC), ERROR_INVALID_PARAMETER);
  expect("no length", 0, block->WriteClient(id, buffer, NULL, HSE_IO_SYNC), ERROR_INVALID_PARAMETER);
  size = sizeof buffer;
  expect("a variable", 0, block->GetServerVariable(id, "URL", buffer, &size), 0);
  expect("a second head", 0, send_text_head(block), ERROR_INVALID_PARAMETER);
  expect("a line", 0, write_text(block, LINE), 0);
}

static void *rage(void *argument) {
  Storm storm = *(Storm *)argument;
  EXTENSION_CONTROL_BLOCK *block = storm.block, copy = *block;
  HCONN id = block->ConnID;
  pthread_barrier_wait(storm.barrier);
  for (int round = 0; round < ROUNDS; round += 1) {
    call_wrongly(block);
    call_nobody(&copy, "NULL", NULL);
    call_nobody(&copy, "a copy", &copy);
    call_nobody(&copy, "inside", (char *)id + 8);
    call_nobody(&copy, "unused", (char *)id + 256 * 100000);
    call_nobody(&copy, "a number", (HCONN)(intptr_t)round);
    for (int i = 0; i < past_count; i += 1) {
      call_nobody(&copy, "ended", past[i]);
    }
  }
  pthread_barrier_wait(storm.barrier);
  DWORD status = HSE_STATUS_SUCCESS;
  BOOL ended = copy.ServerSupportFunction(id, HSE_REQ_DONE_WITH_SESSION, &status, NULL, NULL);
  expect("done", 0, ended, ended ? 0 : ERROR_INVALID_PARAMETER);
  __atomic_add_fetch(storm.ends, ended, __ATOMIC_SEQ_CST);
  call_nobody(&copy, "after the end", id);
  return NULL;
}

static void *begin(void *argument) {
  EXTENSION_CONTROL_BLOCK *block = argument;
  HCONN id = block->ConnID;
  pthread_barrier_t barrier;
  pthread_t threads[THREADS];
  int ends = 0;
  Storm storm = {block, &barrier, &ends};
  send_text_head(block);
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (int i = 0; i < THREADS; i += 1) {
    if (pthread_create(&threads[i], NULL, rage, &storm) != 0) {
      abort();
    }
  }
  for (int i = 0; i < THREADS; i += 1) {
    pthread_join(threads[i], NULL);
  }
  pthread_barrier_destroy(&barrier);
  expect("ends of a request", (DWORD)ends, ends == 1, 0);
  pthread_mutex_lock(&mutex);
  past[past_count] = id;
  past_count += past_count < PAST - 1;
  pthread_mutex_unlock(&mutex);
  return NULL;
}

/* The thread of the last storm; joined before the next and before the library is unloaded. */
static pthread_t last;
static BOOL has_last;

static void wait_for_last(void) {
  if (has_last) {
    pthread_join(last, NULL);
  }
  has_last = FALSE;
}

BOOL WINAPI TerminateExtension(DWORD flags) {
  (void)flags;
  wait_for_last();
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  wait_for_last();
  if (strstr(block->lpszQueryString, "report") != NULL) {
    return send_text_head(block) && write_format(block, "%ld calls\n%s", calls, report) ? HSE_STATUS_SUCCESS
                                                                                          : HSE_STATUS_ERROR;
  }
  has_last = pthread_create(&last, NULL, begin, block) == 0;
  return has_last ? HSE_STATUS_PENDING : HSE_STATUS_ERROR;
}
