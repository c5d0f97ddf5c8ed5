// Waiting for objects: one lock for all of them, one condition for each waiting thread. A thread that changes an object
// assigns it to the waits it satisfies, in the order in which they came, and wakes only those.
#include <errno.h>
#include <time.h>

#include "sync.h"

pthread_mutex_t compat_lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct compat_waiter {
  pthread_cond_t changed;
  compat_thread *thread;
  compat_wait waits[MAXIMUM_WAIT_OBJECTS];
  DWORD count;
  bool needs_all;
  bool is_done;
  // The return value of the wait when it is done.
  DWORD result;
} compat_waiter;

// ---- Satisfying a wait. The lock is held. ----

static bool is_available(const compat_signal *signal, const compat_thread *thread) {
  if (signal->object.kind == COMPAT_MUTEX) {
    return signal->owner == NULL || signal->owner == thread;
  }
  return signal->count > 0;
}

// Takes the object; returns whether it is a mutex that was abandoned.
static bool take(compat_signal *signal, compat_thread *thread) {
  if (signal->object.kind == COMPAT_MUTEX) {
    bool was_abandoned = signal->is_abandoned;
    signal->is_abandoned = false;
    if (signal->owner == NULL) {
      signal->owner = thread;
      signal->next_owned = thread->owned;
      thread->owned = signal;
    }
    signal->depth += 1;
    return was_abandoned;
  }
  if (signal->is_consumed) {
    signal->count -= 1;
  }
  return false;
}

// Takes the objects of the wait, if they are available now.
static bool satisfy(compat_waiter *waiter) {
  DWORD available = 0, first = 0;
  for (DWORD index = waiter->count; index-- > 0;) {
    if (is_available(waiter->waits[index].signal, waiter->thread)) {
      available += 1;
      first = index;
    }
  }
  if (available == 0 || (waiter->needs_all && available < waiter->count)) {
    return false;
  }
  bool was_abandoned = false;
  if (waiter->needs_all) {
    for (DWORD index = 0; index < waiter->count; index += 1) {
      was_abandoned = take(waiter->waits[index].signal, waiter->thread) || was_abandoned;
    }
    first = 0;
  } else {
    was_abandoned = take(waiter->waits[first].signal, waiter->thread);
  }
  waiter->is_done = true;
  waiter->result = (was_abandoned ? WAIT_ABANDONED_0 : WAIT_OBJECT_0) + first;
  return true;
}

// ---- The queues of objects. The lock is held. ----

static void enqueue(compat_wait *wait) {
  compat_signal *signal = wait->signal;
  wait->previous = signal->last;
  wait->next = NULL;
  *(signal->last != NULL ? &signal->last->next : &signal->first) = wait;
  signal->last = wait;
}

static void dequeue(compat_wait *wait) {
  *(wait->previous != NULL ? &wait->previous->next : &wait->signal->first) = wait->next;
  *(wait->next != NULL ? &wait->next->previous : &wait->signal->last) = wait->previous;
}

static void leave_queues(compat_waiter *waiter) {
  for (DWORD index = 0; index < waiter->count; index += 1) {
    dequeue(&waiter->waits[index]);
  }
}

void compat_signal_changed(compat_signal *signal) {
  compat_wait *next;
  for (compat_wait *wait = signal->first; wait != NULL; wait = next) {
    next = wait->next;
    compat_waiter *waiter = wait->waiter;
    if (satisfy(waiter)) {
      leave_queues(waiter);
      pthread_cond_signal(&waiter->changed);
    }
    if (!is_available(signal, NULL)) {
      break;
    }
  }
}

// ---- Waiting ----

struct timespec compat_deadline(DWORD milliseconds) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  time.tv_sec += milliseconds / 1000;
  time.tv_nsec += milliseconds % 1000 * 1000000L;
  time.tv_sec += time.tv_nsec / 1000000000L;
  time.tv_nsec %= 1000000000L;
  return time;
}

// Waits until another thread has satisfied the wait. The lock is held, and released while waiting.
static void sleep_until_done(compat_waiter *waiter, DWORD milliseconds) {
  struct timespec deadline = compat_deadline(milliseconds);
  int outcome = 0;
  while (!waiter->is_done && outcome != ETIMEDOUT) {
    outcome = milliseconds == INFINITE ? pthread_cond_wait(&waiter->changed, &compat_lock)
                                       : pthread_cond_timedwait(&waiter->changed, &compat_lock, &deadline);
  }
  if (!waiter->is_done) {
    leave_queues(waiter);
    waiter->result = WAIT_TIMEOUT;
  }
}

static DWORD wait_for(compat_waiter *waiter, DWORD milliseconds) {
  waiter->thread = compat_this_thread();
  if (waiter->thread == NULL) {
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return WAIT_FAILED;
  }
  pthread_mutex_lock(&compat_lock);
  if (satisfy(waiter)) {
    pthread_mutex_unlock(&compat_lock);
    return waiter->result;
  }
  if (milliseconds == 0) {
    pthread_mutex_unlock(&compat_lock);
    return WAIT_TIMEOUT;
  }
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&waiter->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  for (DWORD index = 0; index < waiter->count; index += 1) {
    enqueue(&waiter->waits[index]);
  }
  sleep_until_done(waiter, milliseconds);
  pthread_mutex_unlock(&compat_lock);
  pthread_cond_destroy(&waiter->changed);
  return waiter->result;
}

// The object of a handle that can be waited for, with a reference; NULL with the last error set.
static compat_signal *waitable(HANDLE handle) {
  if (handle == COMPAT_THIS_THREAD) {
    compat_thread *thread = compat_this_thread();
    if (thread != NULL) {
      compat_retain(&thread->signal.object);
    }
    return thread != NULL ? &thread->signal : NULL;
  }
  compat_object *object = compat_handle_any(handle);
  if (object != NULL && object->kind < COMPAT_EVENT) {
    compat_release(object);
    SetLastError(ERROR_INVALID_HANDLE);
    return NULL;
  }
  return (compat_signal *)object;
}

static bool has_twice(const compat_waiter *waiter) {
  for (DWORD index = 0; index < waiter->count; index += 1) {
    for (DWORD other = 0; other < index; other += 1) {
      if (waiter->waits[index].signal == waiter->waits[other].signal) {
        return true;
      }
    }
  }
  return false;
}

DWORD WINAPI WaitForMultipleObjects(DWORD nCount, const HANDLE *lpHandles, BOOL bWaitAll, DWORD dwMilliseconds) {
  if (nCount == 0 || nCount > MAXIMUM_WAIT_OBJECTS || lpHandles == NULL) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return WAIT_FAILED;
  }
  compat_waiter waiter;
  waiter.needs_all = bWaitAll;
  waiter.is_done = false;
  waiter.result = WAIT_FAILED;
  for (waiter.count = 0; waiter.count < nCount; waiter.count += 1) {
    compat_signal *signal = waitable(lpHandles[waiter.count]);
    if (signal == NULL) {
      break;
    }
    waiter.waits[waiter.count].waiter = &waiter;
    waiter.waits[waiter.count].signal = signal;
  }
  DWORD result = WAIT_FAILED;
  if (waiter.count == nCount) {
    if (bWaitAll && has_twice(&waiter)) {
      SetLastError(ERROR_INVALID_PARAMETER);
    } else {
      result = wait_for(&waiter, dwMilliseconds);
    }
  }
  for (DWORD index = 0; index < waiter.count; index += 1) {
    compat_release(&waiter.waits[index].signal->object);
  }
  return result;
}

DWORD WINAPI WaitForMultipleObjectsEx(DWORD nCount, const HANDLE *lpHandles, BOOL bWaitAll, DWORD dwMilliseconds,
                                      BOOL bAlertable) {
  (void)bAlertable;
  return WaitForMultipleObjects(nCount, lpHandles, bWaitAll, dwMilliseconds);
}

DWORD WINAPI WaitForSingleObject(HANDLE hHandle, DWORD dwMilliseconds) {
  return WaitForMultipleObjects(1, &hHandle, FALSE, dwMilliseconds);
}

DWORD WINAPI WaitForSingleObjectEx(HANDLE hHandle, DWORD dwMilliseconds, BOOL bAlertable) {
  (void)bAlertable;
  return WaitForSingleObject(hHandle, dwMilliseconds);
}

DWORD WINAPI SignalObjectAndWait(HANDLE hObjectToSignal, HANDLE hObjectToWaitOn, DWORD dwMilliseconds,
                                 BOOL bAlertable) {
  (void)bAlertable;
  compat_object *object = compat_handle_any(hObjectToSignal);
  if (object == NULL) {
    return WAIT_FAILED;
  }
  compat_kind kind = object->kind;
  compat_release(object);
  BOOL signalled = kind == COMPAT_EVENT       ? SetEvent(hObjectToSignal)
                   : kind == COMPAT_SEMAPHORE ? ReleaseSemaphore(hObjectToSignal, 1, NULL)
                   : kind == COMPAT_MUTEX     ? ReleaseMutex(hObjectToSignal)
                                              : compat_fail(ERROR_INVALID_HANDLE);
  return signalled ? WaitForSingleObject(hObjectToWaitOn, dwMilliseconds) : WAIT_FAILED;
}
