/*
 * Answers from a thread of its own: HttpExtensionProc only queues the request and returns
 * HSE_STATUS_PENDING, which frees the server's thread. Each request is answered DELAY after it
 * came, as one would be that waits for a slow service.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "httpext.h"

#define DELAY_MILLISECONDS 50
#define QUEUE_CAPACITY 1024

typedef struct {
  EXTENSION_CONTROL_BLOCK *block;
  struct timespec due;
} WAITING;

/* A ring of requests, the first due first; everything in it is guarded by the mutex. */
static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  WAITING requests[QUEUE_CAPACITY];
  size_t first;
  size_t count;
  BOOL stopping;
} queue;

static pthread_t worker;

static struct timespec delay_from_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  time.tv_nsec += DELAY_MILLISECONDS * 1000000L;
  time.tv_sec += time.tv_nsec / 1000000000L;
  time.tv_nsec %= 1000000000L;
  return time;
}

static BOOL has_come(struct timespec due) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec > due.tv_sec || (now.tv_sec == due.tv_sec && now.tv_nsec >= due.tv_nsec);
}

/* FALSE when the queue is full or being emptied for good. */
static BOOL enqueue(EXTENSION_CONTROL_BLOCK *block) {
  pthread_mutex_lock(&queue.mutex);
  BOOL accepted = !queue.stopping && queue.count < QUEUE_CAPACITY;
  if (accepted) {
    WAITING *place = &queue.requests[(queue.first + queue.count) % QUEUE_CAPACITY];
    place->block = block;
    place->due = delay_from_now();
    queue.count += 1;
    pthread_cond_signal(&queue.changed);
  }
  pthread_mutex_unlock(&queue.mutex);
  return accepted;
}

/* Waits for the first request to be due. NULL when the queue is empty and stays so. */
static EXTENSION_CONTROL_BLOCK *dequeue(void) {
  EXTENSION_CONTROL_BLOCK *block = NULL;
  pthread_mutex_lock(&queue.mutex);
  for (;;) {
    WAITING *next = &queue.requests[queue.first];
    if (queue.count > 0 && (queue.stopping || has_come(next->due))) {
      block = next->block;
      queue.first = (queue.first + 1) % QUEUE_CAPACITY;
      queue.count -= 1;
      break;
    }
    if (queue.count == 0 && queue.stopping) {
      break;
    }
    if (queue.count > 0) {
      struct timespec due = next->due;
      pthread_cond_timedwait(&queue.changed, &queue.mutex, &due);
    } else {
      pthread_cond_wait(&queue.changed, &queue.mutex);
    }
  }
  pthread_mutex_unlock(&queue.mutex);
  return block;
}

static BOOL respond(EXTENSION_CONTROL_BLOCK *block, const char *status, const char *fields, char *body) {
  char head[256];
  DWORD length = (DWORD)strlen(body);
  int size = snprintf(head, sizeof head, "Content-Type: text/plain\r\nContent-Length: %u\r\n%s\r\n", length, fields);
  HSE_SEND_HEADER_EX_INFO response = {status, head, (DWORD)strlen(status), (DWORD)size, TRUE};

  return block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL) &&
         block->WriteClient(block->ConnID, body, &length, HSE_IO_SYNC);
}

static void *answer_requests(void *unused) {
  EXTENSION_CONTROL_BLOCK *block;
  while ((block = dequeue()) != NULL) {
    char body[] = "Answered later, from another thread.\n";
    DWORD outcome = respond(block, "200 OK", "", body) ? HSE_STATUS_SUCCESS_AND_KEEP_CONN : HSE_STATUS_ERROR;
    /* Whatever this returns, the request is over and its block no longer ours. */
    block->ServerSupportFunction(block->ConnID, HSE_REQ_DONE_WITH_SESSION, &outcome, NULL, NULL);
  }
  return unused;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  pthread_condattr_t monotonic;
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Answers from a thread of its own");

  queue.first = queue.count = 0;
  queue.stopping = FALSE;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&queue.changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&queue.mutex, NULL);

  if (pthread_create(&worker, NULL, answer_requests, NULL) != 0) {
    pthread_cond_destroy(&queue.changed);
    pthread_mutex_destroy(&queue.mutex);
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return FALSE;
  }
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char body[] = "Too many requests are waiting.\n";
  if (enqueue(block)) {
    return HSE_STATUS_PENDING;
  }
  return respond(block, "503 Service Unavailable", "Retry-After: 1\r\n", body) ? HSE_STATUS_SUCCESS_AND_KEEP_CONN
                                                                                : HSE_STATUS_ERROR;
}

/* Answers what still waits, at once, and returns when the thread has ended. */
BOOL WINAPI TerminateExtension(DWORD flags) {
  (void)flags;
  pthread_mutex_lock(&queue.mutex);
  queue.stopping = TRUE;
  pthread_cond_signal(&queue.changed);
  pthread_mutex_unlock(&queue.mutex);

  pthread_join(worker, NULL);
  pthread_cond_destroy(&queue.changed);
  pthread_mutex_destroy(&queue.mutex);
  return TRUE;
}
