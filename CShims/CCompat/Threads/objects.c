// Events, semaphores and mutexes.
#include <stdlib.h>

#include "sync.h"

// Objects that have a name, guarded by compat_lock. The list has no references to the objects.
static compat_signal *named;

void compat_signal_init(compat_signal *signal, compat_kind kind, void (*destroy)(compat_object *), LONG count,
                        LONG maximum, bool is_consumed) {
  *signal = (compat_signal){.object = {kind, 1, destroy}, .count = count, .maximum = maximum, .is_consumed = is_consumed};
}

static void destroy_signal(compat_object *object) {
  compat_signal *signal = (compat_signal *)object;
  pthread_mutex_lock(&compat_lock);
  for (compat_signal **link = &named; *link != NULL; link = &(*link)->next_named) {
    if (*link == signal) {
      *link = signal->next_named;
      break;
    }
  }
  if (signal->owner != NULL) {
    compat_signal **link = &signal->owner->owned;
    while (*link != signal) {
      link = &(*link)->next_owned;
    }
    *link = signal->next_owned;
  }
  pthread_mutex_unlock(&compat_lock);
  free(signal->name);
  free(signal);
}

// ---- Names ----

// Takes a reference unless the last one has already been released, while only the name remains.
static bool revive(compat_signal *signal) {
  unsigned references = __atomic_load_n(&signal->object.references, __ATOMIC_RELAXED);
  while (references > 0) {
    if (__atomic_compare_exchange_n(&signal->object.references, &references, references + 1, true, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED)) {
      return true;
    }
  }
  return false;
}

// The object of that name with a reference, or NULL. The lock is held.
static compat_signal *find_named(const char *name) {
  for (compat_signal *signal = named; signal != NULL; signal = signal->next_named) {
    if (strcmp(signal->name, name) == 0 && revive(signal)) {
      return signal;
    }
  }
  return NULL;
}

static HANDLE open_existing(compat_signal *signal, compat_kind kind, DWORD error) {
  if (signal->object.kind != kind) {
    compat_release(&signal->object);
    SetLastError(ERROR_INVALID_HANDLE);
    return NULL;
  }
  HANDLE handle = compat_handle_open(&signal->object);
  if (handle != NULL) {
    SetLastError(error);
  }
  return handle;
}

// Opens a new handle for the object, unless there is one with its name.
static HANDLE create(compat_signal *signal, LPCSTR name) {
  compat_kind kind = signal->object.kind;
  if (name != NULL && *name != '\0') {
    signal->name = strdup(name);
    if (signal->name == NULL) {
      compat_release(&signal->object);
      SetLastError(ERROR_NOT_ENOUGH_MEMORY);
      return NULL;
    }
    pthread_mutex_lock(&compat_lock);
    compat_signal *existing = find_named(name);
    if (existing == NULL) {
      signal->next_named = named;
      named = signal;
    }
    pthread_mutex_unlock(&compat_lock);
    if (existing != NULL) {
      compat_release(&signal->object);
      return open_existing(existing, kind, ERROR_ALREADY_EXISTS);
    }
  }
  SetLastError(ERROR_SUCCESS);
  return compat_handle_open(&signal->object);
}

static HANDLE open_named(compat_kind kind, LPCSTR name) {
  if (name == NULL) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  pthread_mutex_lock(&compat_lock);
  compat_signal *signal = find_named(name);
  pthread_mutex_unlock(&compat_lock);
  if (signal == NULL) {
    SetLastError(ERROR_FILE_NOT_FOUND);
    return NULL;
  }
  return open_existing(signal, kind, ERROR_SUCCESS);
}

static compat_signal *allocate(compat_kind kind, LONG count, LONG maximum, bool is_consumed) {
  compat_signal *signal = malloc(sizeof *signal);
  if (signal == NULL) {
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  compat_signal_init(signal, kind, destroy_signal, count, maximum, is_consumed);
  return signal;
}

// A name in UTF-8; *name is not changed for NULL.
static bool narrow(compat_path *text, LPCWSTR wide, LPCSTR *name) {
  if (wide == NULL) {
    return true;
  }
  *name = text->text;
  return WideCharToMultiByte(CP_UTF8, 0, wide, -1, text->text, sizeof text->text, NULL, NULL) > 0;
}

// ---- Events ----

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES lpSecurity, BOOL bManualReset, BOOL bInitialState, LPCSTR lpName) {
  (void)lpSecurity;
  compat_signal *event = allocate(COMPAT_EVENT, bInitialState != FALSE, 1, !bManualReset);
  return event != NULL ? create(event, lpName) : NULL;
}

HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES lpSecurity, BOOL bManualReset, BOOL bInitialState, LPCWSTR lpName) {
  compat_path text;
  LPCSTR name = NULL;
  return narrow(&text, lpName, &name) ? CreateEventA(lpSecurity, bManualReset, bInitialState, name) : NULL;
}

HANDLE WINAPI OpenEventA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName) {
  (void)dwDesiredAccess, (void)bInheritHandle;
  return open_named(COMPAT_EVENT, lpName);
}

static BOOL change_event(HANDLE handle, bool sets, bool resets) {
  compat_signal *event = (compat_signal *)compat_handle_object(handle, COMPAT_EVENT);
  if (event == NULL) {
    return FALSE;
  }
  pthread_mutex_lock(&compat_lock);
  if (sets) {
    event->count = 1;
    compat_signal_changed(event);
  }
  if (resets) {
    event->count = 0;
  }
  pthread_mutex_unlock(&compat_lock);
  compat_release(&event->object);
  return TRUE;
}

BOOL WINAPI SetEvent(HANDLE hEvent) { return change_event(hEvent, true, false); }
BOOL WINAPI ResetEvent(HANDLE hEvent) { return change_event(hEvent, false, true); }
BOOL WINAPI PulseEvent(HANDLE hEvent) { return change_event(hEvent, true, true); }

void compat_event_set(HANDLE event) {
  // The lowest bit suppresses the notification of a completion port, and is not part of the handle.
  HANDLE handle = (HANDLE)((ULONG_PTR)event & ~(ULONG_PTR)1);
  if (handle != NULL) {
    SetEvent(handle);
  }
}

// ---- Semaphores ----

HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES lpSecurity, LONG lInitialCount, LONG lMaximumCount,
                               LPCSTR lpName) {
  (void)lpSecurity;
  if (lInitialCount < 0 || lMaximumCount <= 0 || lInitialCount > lMaximumCount) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  compat_signal *semaphore = allocate(COMPAT_SEMAPHORE, lInitialCount, lMaximumCount, true);
  return semaphore != NULL ? create(semaphore, lpName) : NULL;
}

HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES lpSecurity, LONG lInitialCount, LONG lMaximumCount,
                               LPCWSTR lpName) {
  compat_path text;
  LPCSTR name = NULL;
  return narrow(&text, lpName, &name) ? CreateSemaphoreA(lpSecurity, lInitialCount, lMaximumCount, name) : NULL;
}

HANDLE WINAPI OpenSemaphoreA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName) {
  (void)dwDesiredAccess, (void)bInheritHandle;
  return open_named(COMPAT_SEMAPHORE, lpName);
}

BOOL WINAPI ReleaseSemaphore(HANDLE hSemaphore, LONG lReleaseCount, LPLONG lpPreviousCount) {
  compat_signal *semaphore = (compat_signal *)compat_handle_object(hSemaphore, COMPAT_SEMAPHORE);
  if (semaphore == NULL) {
    return FALSE;
  }
  DWORD error = ERROR_SUCCESS;
  pthread_mutex_lock(&compat_lock);
  LONG previous = semaphore->count;
  if (lReleaseCount <= 0) {
    error = ERROR_INVALID_PARAMETER;
  } else if (lReleaseCount > semaphore->maximum - previous) {
    error = ERROR_TOO_MANY_POSTS;
  } else {
    semaphore->count += lReleaseCount;
    compat_signal_changed(semaphore);
  }
  pthread_mutex_unlock(&compat_lock);
  compat_release(&semaphore->object);
  if (error != ERROR_SUCCESS) {
    return compat_fail(error);
  }
  if (lpPreviousCount != NULL) {
    *lpPreviousCount = previous;
  }
  return TRUE;
}

// ---- Mutexes ----

HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES lpSecurity, BOOL bInitialOwner, LPCSTR lpName) {
  (void)lpSecurity;
  compat_signal *mutex = allocate(COMPAT_MUTEX, 0, 1, true);
  if (mutex == NULL) {
    return NULL;
  }
  HANDLE handle = create(mutex, lpName);
  if (handle != NULL && bInitialOwner && GetLastError() == ERROR_SUCCESS) {
    // No other thread has the handle, unless it has a name and another thread was faster.
    WaitForSingleObject(handle, 0);
  }
  return handle;
}

HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES lpSecurity, BOOL bInitialOwner, LPCWSTR lpName) {
  compat_path text;
  LPCSTR name = NULL;
  return narrow(&text, lpName, &name) ? CreateMutexA(lpSecurity, bInitialOwner, name) : NULL;
}

HANDLE WINAPI OpenMutexA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName) {
  (void)dwDesiredAccess, (void)bInheritHandle;
  return open_named(COMPAT_MUTEX, lpName);
}

BOOL WINAPI ReleaseMutex(HANDLE hMutex) {
  compat_signal *mutex = (compat_signal *)compat_handle_object(hMutex, COMPAT_MUTEX);
  if (mutex == NULL) {
    return FALSE;
  }
  compat_thread *thread = compat_this_thread();
  pthread_mutex_lock(&compat_lock);
  bool is_owner = thread != NULL && mutex->owner == thread;
  if (is_owner) {
    mutex->depth -= 1;
    if (mutex->depth == 0) {
      compat_signal **link = &thread->owned;
      while (*link != mutex) {
        link = &(*link)->next_owned;
      }
      *link = mutex->next_owned;
      mutex->owner = NULL;
      compat_signal_changed(mutex);
    }
  }
  pthread_mutex_unlock(&compat_lock);
  compat_release(&mutex->object);
  return is_owner ? TRUE : compat_fail(ERROR_NOT_OWNER);
}
