// Completion ports: queues of packets that threads post.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "sync.h"

#define CAPACITY 65536u

typedef struct packet {
  struct packet *next;
  DWORD bytes;
  ULONG_PTR key;
  LPOVERLAPPED operation;
} packet;

typedef struct {
  compat_object object;
  pthread_mutex_t lock;
  pthread_cond_t posted;
  packet *first, *last;
  unsigned count;
} port;

static void destroy_port(compat_object *object) {
  port *ended = (port *)object;
  while (ended->first != NULL) {
    packet *next = ended->first->next;
    free(ended->first);
    ended->first = next;
  }
  pthread_cond_destroy(&ended->posted);
  pthread_mutex_destroy(&ended->lock);
  free(ended);
}

HANDLE WINAPI CreateIoCompletionPort(HANDLE FileHandle, HANDLE ExistingCompletionPort, ULONG_PTR CompletionKey,
                                     DWORD NumberOfConcurrentThreads) {
  (void)CompletionKey, (void)NumberOfConcurrentThreads;
  if (FileHandle != INVALID_HANDLE_VALUE || ExistingCompletionPort != NULL) {
    SetLastError(FileHandle != INVALID_HANDLE_VALUE ? ERROR_NOT_SUPPORTED : ERROR_INVALID_PARAMETER);
    return NULL;
  }
  port *made = calloc(1, sizeof *made);
  if (made == NULL) {
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  made->object = (compat_object){COMPAT_PORT, 1, destroy_port};
  pthread_mutex_init(&made->lock, NULL);
  pthread_cond_init(&made->posted, NULL);
  return compat_handle_open(&made->object);
}

BOOL WINAPI PostQueuedCompletionStatus(HANDLE CompletionPort, DWORD dwNumberOfBytesTransferred,
                                       ULONG_PTR dwCompletionKey, LPOVERLAPPED lpOverlapped) {
  port *found = (port *)compat_handle_object(CompletionPort, COMPAT_PORT);
  if (found == NULL) {
    return FALSE;
  }
  packet *posted = malloc(sizeof *posted);
  pthread_mutex_lock(&found->lock);
  bool is_taken = posted != NULL && found->count < CAPACITY;
  if (is_taken) {
    *posted = (packet){NULL, dwNumberOfBytesTransferred, dwCompletionKey, lpOverlapped};
    if (found->first == NULL) {
      found->first = posted;
    } else {
      found->last->next = posted;
    }
    found->last = posted;
    found->count += 1;
    pthread_cond_signal(&found->posted);
  }
  pthread_mutex_unlock(&found->lock);
  compat_release(&found->object);
  if (!is_taken) {
    free(posted);
    return compat_fail(ERROR_NO_SYSTEM_RESOURCES);
  }
  return TRUE;
}

// The oldest packet, for free(); NULL when none came in time. The lock is held, and released while waiting.
static packet *take(port *from, DWORD milliseconds) {
  struct timespec deadline = compat_deadline(milliseconds);
  int outcome = 0;
  while (from->first == NULL && outcome != ETIMEDOUT) {
    outcome = milliseconds == INFINITE
                  ? pthread_cond_wait(&from->posted, &from->lock)
                  : pthread_cond_clockwait(&from->posted, &from->lock, CLOCK_MONOTONIC, &deadline);
  }
  packet *taken = from->first;
  if (taken != NULL) {
    from->first = taken->next;
    from->count -= 1;
  }
  return taken;
}

BOOL WINAPI GetQueuedCompletionStatus(HANDLE CompletionPort, LPDWORD lpNumberOfBytesTransferred,
                                      PULONG_PTR lpCompletionKey, LPOVERLAPPED *lpOverlapped, DWORD dwMilliseconds) {
  if (lpNumberOfBytesTransferred == NULL || lpCompletionKey == NULL || lpOverlapped == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  *lpOverlapped = NULL;
  port *found = (port *)compat_handle_object(CompletionPort, COMPAT_PORT);
  if (found == NULL) {
    return FALSE;
  }
  pthread_mutex_lock(&found->lock);
  packet *taken = take(found, dwMilliseconds);
  pthread_mutex_unlock(&found->lock);
  compat_release(&found->object);
  if (taken == NULL) {
    return compat_fail(WAIT_TIMEOUT);
  }
  *lpNumberOfBytesTransferred = taken->bytes;
  *lpCompletionKey = taken->key;
  *lpOverlapped = taken->operation;
  free(taken);
  return TRUE;
}
