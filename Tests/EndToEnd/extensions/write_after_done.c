/*
 * Ends a pending request from a thread, then uses it again. A later request with the query
 * "report" waits for that thread and prints what the late calls returned.
 */
#include <pthread.h>

#include "extension.h"

EXTENSION("Calls after the end of a request")

#define MOST_THREADS 64

/* Guarded by the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t threads[MOST_THREADS];
static int started;
static char report[512] = "nothing yet\n";

static void *finish_and_go_on(void *argument) {
  /* The data that the thread needs of the block is copied: after DONE the block belongs to the server. */
  EXTENSION_CONTROL_BLOCK block = *(EXTENSION_CONTROL_BLOCK *)argument;
  char late[] = "late";
  DWORD length = 4;
  HSE_SEND_HEADER_EX_INFO head = {"200 OK", "X-Late: yes\r\n\r\n", 6, 15, TRUE};

  send_head(&block, "200 OK", "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
  write_text(&block, "done\n");
  BOOL done = done_with_session(&block, HSE_STATUS_SUCCESS);

  SetLastError(0);
  BOOL written = block.WriteClient(block.ConnID, late, &length, HSE_IO_SYNC);
  DWORD write_error = GetLastError();
  SetLastError(0);
  BOOL headed = block.ServerSupportFunction(block.ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &head, NULL, NULL);
  DWORD head_error = GetLastError();
  SetLastError(0);
  BOOL again = done_with_session(&block, HSE_STATUS_SUCCESS);
  DWORD again_error = GetLastError();

  pthread_mutex_lock(&mutex);
  snprintf(report, sizeof report, "done %d\nwrite %d error %u\nhead %d error %u\ndone again %d error %u\n", done,
           written, write_error, headed, head_error, again, again_error);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

/* Waits for all threads that were started. */
static void join_threads(void) {
  pthread_t ending[MOST_THREADS];
  pthread_mutex_lock(&mutex);
  int count = started;
  memcpy(ending, threads, sizeof ending);
  started = 0;
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < count; i += 1) {
    pthread_join(ending[i], NULL);
  }
}

static DWORD send_report(EXTENSION_CONTROL_BLOCK *block) {
  char text[sizeof report];
  join_threads();
  pthread_mutex_lock(&mutex);
  memcpy(text, report, sizeof text);
  pthread_mutex_unlock(&mutex);
  return send_text_head(block) && write_text(block, text) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  if (strcmp(block->lpszQueryString, "report") == 0) {
    return send_report(block);
  }
  pthread_mutex_lock(&mutex);
  BOOL running =
      started < MOST_THREADS && pthread_create(&threads[started], NULL, finish_and_go_on, block) == 0;
  started += running;
  pthread_mutex_unlock(&mutex);
  return running ? HSE_STATUS_PENDING : HSE_STATUS_ERROR;
}

BOOL WINAPI TerminateExtension(DWORD flags) {
  (void)flags;
  join_threads();
  return TRUE;
}
