/* Ends each pending request from one of 8 threads, which race for the queue. The body repeats the query. */
#include <pthread.h>

#include "extension.h"

#define THREADS 8
#define QUEUE_CAPACITY 4096

/* A ring, guarded by the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static EXTENSION_CONTROL_BLOCK *waiting[QUEUE_CAPACITY];
static size_t first, count;
static BOOL stopping;

static pthread_t threads[THREADS];

static void answer(EXTENSION_CONTROL_BLOCK *block) {
  char fields[96];
  snprintf(fields, sizeof fields, "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
           strlen(block->lpszQueryString) + 1);
  BOOL sent = send_head(block, "200 OK", fields) && write_format(block, "%s\n", block->lpszQueryString);
  done_with_session(block, sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR);
}

static void *answer_all(void *unused) {
  pthread_mutex_lock(&mutex);
  for (;;) {
    while (count == 0 && !stopping) {
      pthread_cond_wait(&changed, &mutex);
    }
    if (count == 0) {
      break;
    }
    EXTENSION_CONTROL_BLOCK *block = waiting[first];
    first = (first + 1) % QUEUE_CAPACITY;
    count -= 1;
    pthread_mutex_unlock(&mutex);
    answer(block);
    pthread_mutex_lock(&mutex);
  }
  pthread_mutex_unlock(&mutex);
  return unused;
}

BOOL WINAPI TerminateExtension(DWORD flags) {
  (void)flags;
  pthread_mutex_lock(&mutex);
  stopping = TRUE;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < THREADS; i += 1) {
    pthread_join(threads[i], NULL);
  }
  return TRUE;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Pending requests ended by 8 threads");
  stopping = FALSE;
  for (int i = 0; i < THREADS; i += 1) {
    if (pthread_create(&threads[i], NULL, answer_all, NULL) != 0) {
      abort();
    }
  }
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  pthread_mutex_lock(&mutex);
  BOOL accepted = count < QUEUE_CAPACITY && !stopping;
  if (accepted) {
    waiting[(first + count) % QUEUE_CAPACITY] = block;
    count += 1;
    pthread_cond_signal(&changed);
  }
  pthread_mutex_unlock(&mutex);
  return accepted ? HSE_STATUS_PENDING : HSE_STATUS_ERROR;
}
