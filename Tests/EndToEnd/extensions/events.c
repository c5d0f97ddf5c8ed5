/*
 * Sends "count=N" events, each once it is allowed to: "allow" as the whole query allows one more. "by" selects how they
 * are sent: "by=0" written without a flush, "by=1" with HSE_REQ_SET_FLUSH_FLAG, "by=2" by asynchronous writes.
 */
#include <pthread.h>
#include <time.h>

#include "extension.h"

EXTENSION("Events, one by one")

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long allowed = 0;
static long completed = 0;

static void WINAPI note_completion(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD bytes, DWORD error) {
  (void)block, (void)context, (void)bytes, (void)error;
  pthread_mutex_lock(&lock);
  completed += 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

/* Takes one from `counter` as soon as there is one; FALSE after a minute without. */
static BOOL take(long *counter) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 60;
  int outcome = 0;
  pthread_mutex_lock(&lock);
  while (*counter == 0 && outcome == 0) outcome = pthread_cond_timedwait(&changed, &lock, &end);
  *counter -= outcome == 0;
  pthread_mutex_unlock(&lock);
  return outcome == 0;
}

static BOOL send_event(EXTENSION_CONTROL_BLOCK *block, const char *event, BOOL is_async) {
  DWORD size = (DWORD)strlen(event);
  if (!is_async) return write_text(block, event);
  return block->WriteClient(block->ConnID, (LPVOID)event, &size, HSE_IO_ASYNC) && take(&completed);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  if (strcmp(block->lpszQueryString, "allow") == 0) {
    pthread_mutex_lock(&lock);
    allowed += 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return send_text_head(block) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
  }
  long count = query_number(block, "count", 3);
  long by = query_number(block, "by", 0);
  if (by == 1) block->ServerSupportFunction(block->ConnID, HSE_REQ_SET_FLUSH_FLAG, (LPVOID)TRUE, NULL, NULL);
  if (by == 2) {
    block->ServerSupportFunction(block->ConnID, HSE_REQ_IO_COMPLETION, (LPVOID)note_completion, NULL, NULL);
  }
  BOOL sent = send_head(block, "200 OK", "Content-Type: text/event-stream\r\n\r\n");
  for (long n = 0; sent && n < count; n += 1) {
    char event[64];
    snprintf(event, sizeof event, "id: %ld\ndata: event %ld\n\n", n, n);
    sent = take(&allowed) && send_event(block, event, by == 2);
  }
  return sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
