// Work items for threads of the library: up to a maximum number of threads, which end when they are idle for a while.
#include <errno.h>
#include <stdlib.h>

#include "CCompat.h"
#include "../compat.h"

// The default of Windows.
#define MOST_THREADS 500
#define MOST_ITEMS 1000000
#define IDLE_SECONDS 10

typedef struct item {
  LPTHREAD_START_ROUTINE function;
  PVOID context;
  struct item *next;
} item;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
// Guarded by the mutex.
static item *first, *last;
static unsigned waiting_items, threads, idle_threads;
// Incremented when idle threads have to end.
static unsigned retirements;

static item *take(void) {
  item *taken = first;
  first = taken->next;
  if (first == NULL) {
    last = NULL;
  }
  waiting_items -= 1;
  return taken;
}

// False after a timeout without an item. The mutex is held.
static bool wait_for_item(void) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += IDLE_SECONDS;
  idle_threads += 1;
  int outcome = 0;
  unsigned known = retirements;
  while (first == NULL && outcome != ETIMEDOUT && retirements == known) {
    outcome = pthread_cond_timedwait(&changed, &mutex, &end);
  }
  idle_threads -= 1;
  return first != NULL;
}

static DWORD WINAPI serve(LPVOID unused) {
  (void)unused;
  pthread_mutex_lock(&mutex);
  while (first != NULL || wait_for_item()) {
    item *work = take();
    pthread_mutex_unlock(&mutex);
    work->function(work->context);
    free(work);
    pthread_mutex_lock(&mutex);
  }
  threads -= 1;
  pthread_mutex_unlock(&mutex);
  return 0;
}

void isagate_work_threads_end(void) {
  pthread_mutex_lock(&mutex);
  retirements += 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

static void append(item *work) {
  *(last == NULL ? &first : &last->next) = work;
  last = work;
  waiting_items += 1;
}

BOOL WINAPI QueueUserWorkItem(LPTHREAD_START_ROUTINE Function, PVOID Context, ULONG Flags) {
  // How long the function takes, and for which user it runs, makes no difference here.
  (void)Flags;
  if (Function == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  item *work = malloc(sizeof *work);
  if (work == NULL) {
    return compat_fail(ERROR_NOT_ENOUGH_MEMORY);
  }
  *work = (item){Function, Context, NULL};
  pthread_mutex_lock(&mutex);
  bool has_room = waiting_items < MOST_ITEMS;
  bool begins = has_room && idle_threads <= waiting_items && threads < MOST_THREADS;
  HANDLE thread = begins ? CreateThread(NULL, 0, serve, NULL, 0, NULL) : NULL;
  threads += thread != NULL;
  // If no thread could be created for it, an existing one takes it later.
  bool is_queued = has_room && threads > 0;
  if (is_queued) {
    append(work);
    pthread_cond_signal(&changed);
  }
  pthread_mutex_unlock(&mutex);
  if (thread != NULL) {
    CloseHandle(thread);
  }
  if (is_queued) {
    return TRUE;
  }
  free(work);
  return compat_fail(ERROR_NO_SYSTEM_RESOURCES);
}
