/* Keeps requests pending: with `count` in the query it reports how many, with `release` 8 threads answer them all. */
#include <pthread.h>

#include "extension.h"

#define CAPACITY 16384
#define THREADS 8

EXTENSION("Held requests")

/* Guarded by the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static EXTENSION_CONTROL_BLOCK *held[CAPACITY];
static size_t count;

static void *answer_all(void *unused) {
  for (;;) {
    pthread_mutex_lock(&mutex);
    EXTENSION_CONTROL_BLOCK *block = count > 0 ? held[--count] : NULL;
    pthread_mutex_unlock(&mutex);
    if (block == NULL) {
      return unused;
    }
    BOOL sent = send_head(block, "200 OK", "Content-Length: 5\r\n\r\n") && write_text(block, "held\n");
    done_with_session(block, sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR);
  }
}

static void release(void) {
  pthread_t threads[THREADS];
  int started = 0;
  while (started < THREADS && pthread_create(&threads[started], NULL, answer_all, NULL) == 0) {
    started += 1;
  }
  for (int i = 0; i < started; i += 1) {
    pthread_join(threads[i], NULL);
  }
}

static DWORD answer_number(EXTENSION_CONTROL_BLOCK *block, size_t number) {
  return send_text_head(block) && write_format(block, "%zu\n", number) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  if (strcmp(block->lpszQueryString, "release") == 0) {
    release();
    return answer_number(block, 0);
  }
  pthread_mutex_lock(&mutex);
  size_t number = count;
  BOOL holds = block->lpszQueryString[0] == '\0' && count < CAPACITY;
  if (holds) {
    held[count++] = block;
  }
  pthread_mutex_unlock(&mutex);
  return holds ? HSE_STATUS_PENDING : answer_number(block, number);
}
