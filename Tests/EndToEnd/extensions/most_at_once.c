/* Answers with the largest number of its requests that have run at the same time; each takes 20 ms. */
#include <pthread.h>
#include <time.h>

#include "extension.h"

EXTENSION("Most at once")

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int running, most;

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  struct timespec time = {0, 20000000};
  int result;
  pthread_mutex_lock(&lock);
  if (++running > most) most = running;
  pthread_mutex_unlock(&lock);
  nanosleep(&time, NULL);
  pthread_mutex_lock(&lock);
  running--;
  result = most;
  pthread_mutex_unlock(&lock);
  return send_text_head(block) && write_format(block, "%d\n", result) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
