/*
 * Answers with the largest number of its requests that have run at the same time. Each waits until there are as many as
 * in the query, or 10 s, and 20 ms for one too many.
 */
#include <pthread.h>
#include <time.h>

#include "extension.h"

EXTENSION("Most at once")

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int running, most;

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  int wanted = (int)strtol(block->lpszQueryString, NULL, 10), result;
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 10;
  pthread_mutex_lock(&lock);
  running += 1;
  if (running > most) {
    most = running;
    pthread_cond_broadcast(&changed);
  }
  while (most < wanted && pthread_cond_timedwait(&changed, &lock, &end) == 0) {
  }
  pthread_mutex_unlock(&lock);
  nanosleep(&(struct timespec){0, 20000000}, NULL);
  pthread_mutex_lock(&lock);
  running -= 1;
  result = most;
  pthread_mutex_unlock(&lock);
  return send_text_head(block) && write_format(block, "%d\n", result) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
