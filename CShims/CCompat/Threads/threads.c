// Threads.
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "process.h"
#include "CCompat.h"
#include "../Modules/modules.h"
#include "sync.h"

// The smallest stack of a thread with a configured stack size.
#define LEAST_STACK 65536

// ---- The data of each thread ----

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;
// Multiples of four, as on Windows.
static DWORD last_id;
static _Thread_local compat_thread *this_thread;

static void destroy_thread(compat_object *object) { free(object); }

// Passes the mutexes of a thread that has ended to the waiting threads. The lock is held.
static void abandon_mutexes(compat_thread *thread) {
  while (thread->owned != NULL) {
    compat_signal *mutex = thread->owned;
    thread->owned = mutex->next_owned;
    mutex->owner = NULL;
    mutex->depth = 0;
    mutex->is_abandoned = true;
    compat_signal_changed(mutex);
  }
}

static void thread_ended(void *value) {
  compat_thread *thread = value;
  if (thread->start != NULL) {
    // It has ended past its function: by pthread_exit, or by an exception.
    compat_thread_ends();
  }
  pthread_mutex_lock(&compat_lock);
  abandon_mutexes(thread);
  thread->signal.count = 1;
  compat_signal_changed(&thread->signal);
  pthread_mutex_unlock(&compat_lock);
  if (thread->own_handle != NULL) {
    CloseHandle(thread->own_handle);
  }
  this_thread = NULL;
  compat_release(&thread->signal.object);
}

static void make_key(void) { has_key = pthread_key_create(&key, thread_ended) == 0; }

static compat_thread *allocate_thread(void) {
  pthread_once(&once, make_key);
  compat_thread *thread = has_key ? calloc(1, sizeof *thread) : NULL;
  if (thread != NULL) {
    compat_signal_init(&thread->signal, COMPAT_THREAD, destroy_thread, 0, 1, false);
    thread->id = __atomic_add_fetch(&last_id, 4, __ATOMIC_RELAXED);
  }
  return thread;
}

compat_thread *compat_this_thread(void) {
  if (this_thread == NULL) {
    compat_thread *thread = allocate_thread();
    if (thread == NULL || pthread_setspecific(key, thread) != 0) {
      free(thread);
      return NULL;
    }
    this_thread = thread;
  }
  return this_thread;
}

// ---- Start and end ----

static void (*observer)(void);

void isagate_observe_threads(void (*begins)(void)) { __atomic_store_n(&observer, begins, __ATOMIC_RELEASE); }

static void *run(void *argument) {
  compat_thread *thread = argument;
  void (*begins)(void) = __atomic_load_n(&observer, __ATOMIC_ACQUIRE);
  if (begins != NULL) {
    begins();
  }
  // The key's destructor releases the reference that the creator took for this thread.
  pthread_setspecific(key, thread);
  this_thread = thread;
  compat_thread_begins();
  DWORD exit_code = thread->start(thread->parameter);
  compat_thread_ends();
  pthread_mutex_lock(&compat_lock);
  thread->exit_code = exit_code;
  pthread_mutex_unlock(&compat_lock);
  return NULL;
}

// Starts the thread, which takes a reference of its own.
static bool start(compat_thread *thread) {
  SIZE_T size = thread->stack_size;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  if (size > 0) {
    pthread_attr_setstacksize(&attributes, size < LEAST_STACK ? LEAST_STACK : (size + 4095) & ~(SIZE_T)4095);
  }
  compat_retain(&thread->signal.object);
  pthread_t identity;
  int outcome = pthread_create(&identity, &attributes, run, thread);
  pthread_attr_destroy(&attributes);
  if (outcome != 0) {
    compat_release(&thread->signal.object);
    SetLastError(outcome == EAGAIN ? ERROR_MAX_THRDS_REACHED : compat_error(outcome));
  }
  return outcome == 0;
}

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES lpSecurity, SIZE_T dwStackSize, LPTHREAD_START_ROUTINE lpStartAddress,
                           LPVOID lpParameter, DWORD dwCreationFlags, LPDWORD lpThreadId) {
  (void)lpSecurity;
  if (lpStartAddress == NULL || (dwCreationFlags & ~(DWORD)(CREATE_SUSPENDED | STACK_SIZE_PARAM_IS_A_RESERVATION)) != 0) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  compat_thread *thread = allocate_thread();
  if (thread == NULL) {
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  thread->start = lpStartAddress;
  thread->parameter = lpParameter;
  thread->stack_size = dwStackSize;
  thread->is_suspended = true;
  DWORD id = thread->id;
  compat_retain(&thread->signal.object);
  HANDLE handle = compat_handle_open(&thread->signal.object);
  if (handle != NULL && (dwCreationFlags & CREATE_SUSPENDED) == 0) {
    thread->is_suspended = false;
    if (!start(thread)) {
      DWORD error = GetLastError();
      CloseHandle(handle);
      SetLastError(error);
      handle = NULL;
    }
  }
  compat_release(&thread->signal.object);
  if (handle != NULL && lpThreadId != NULL) {
    *lpThreadId = id;
  }
  return handle;
}

void WINAPI ExitThread(DWORD dwExitCode) {
  compat_thread *thread = compat_this_thread();
  if (thread != NULL) {
    pthread_mutex_lock(&compat_lock);
    thread->exit_code = dwExitCode;
    pthread_mutex_unlock(&compat_lock);
  }
  if (thread != NULL && thread->start != NULL) {
    compat_thread_ends();
  }
  pthread_exit(NULL);
}

// ---- Threads by their handles ----

// The thread of a handle with a reference, or NULL with the last error set.
static compat_thread *thread_of(HANDLE handle) {
  if (handle == COMPAT_THIS_THREAD) {
    compat_thread *thread = compat_this_thread();
    if (thread != NULL) {
      compat_retain(&thread->signal.object);
    }
    return thread;
  }
  return (compat_thread *)compat_handle_object(handle, COMPAT_THREAD);
}

DWORD WINAPI ResumeThread(HANDLE hThread) {
  compat_thread *thread = thread_of(hThread);
  if (thread == NULL) {
    return (DWORD)-1;
  }
  pthread_mutex_lock(&compat_lock);
  bool was_suspended = thread->is_suspended;
  thread->is_suspended = false;
  pthread_mutex_unlock(&compat_lock);
  DWORD result = was_suspended ? 1 : 0;
  if (was_suspended && !start(thread)) {
    result = (DWORD)-1;
  }
  compat_release(&thread->signal.object);
  return result;
}

BOOL WINAPI GetExitCodeThread(HANDLE hThread, LPDWORD lpExitCode) {
  compat_thread *thread = thread_of(hThread);
  if (thread == NULL) {
    return FALSE;
  }
  pthread_mutex_lock(&compat_lock);
  DWORD code = thread->signal.count > 0 ? thread->exit_code : STILL_ACTIVE;
  pthread_mutex_unlock(&compat_lock);
  compat_release(&thread->signal.object);
  if (lpExitCode == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  *lpExitCode = code;
  return TRUE;
}

// A priority is stored; the system schedules all threads alike.
BOOL WINAPI SetThreadPriority(HANDLE hThread, int nPriority) {
  compat_thread *thread = thread_of(hThread);
  if (thread == NULL) {
    return FALSE;
  }
  __atomic_store_n(&thread->priority, nPriority, __ATOMIC_RELAXED);
  compat_release(&thread->signal.object);
  return TRUE;
}

int WINAPI GetThreadPriority(HANDLE hThread) {
  compat_thread *thread = thread_of(hThread);
  if (thread == NULL) {
    return MAXLONG;
  }
  int priority = __atomic_load_n(&thread->priority, __ATOMIC_RELAXED);
  compat_release(&thread->signal.object);
  return priority;
}

DWORD WINAPI GetThreadId(HANDLE hThread) {
  compat_thread *thread = thread_of(hThread);
  if (thread == NULL) {
    return 0;
  }
  DWORD id = thread->id;
  compat_release(&thread->signal.object);
  return id;
}

HANDLE WINAPI GetCurrentThread(void) { return COMPAT_THIS_THREAD; }
HANDLE WINAPI GetCurrentProcess(void) { return COMPAT_THIS_PROCESS; }
DWORD WINAPI GetCurrentProcessId(void) { return (DWORD)getpid(); }

DWORD WINAPI GetCurrentThreadId(void) {
  compat_thread *thread = compat_this_thread();
  return thread != NULL ? thread->id : 0;
}

BOOL WINAPI SwitchToThread(void) {
  sched_yield();
  return TRUE;
}

BOOL WINAPI DuplicateHandle(HANDLE hSourceProcess, HANDLE hSource, HANDLE hTargetProcess, LPHANDLE lpTarget,
                            DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwOptions) {
  (void)dwDesiredAccess, (void)bInheritHandle;
  if (lpTarget == NULL || hSourceProcess != COMPAT_THIS_PROCESS || hTargetProcess != COMPAT_THIS_PROCESS) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  compat_object *object = hSource == COMPAT_THIS_THREAD ? (compat_object *)thread_of(hSource) : compat_handle_any(hSource);
  if (object == NULL) {
    return FALSE;
  }
  if (object->kind == COMPAT_SEARCH || object->kind == COMPAT_EVENT_SOURCE) {
    compat_release(object);
    return compat_fail(ERROR_INVALID_HANDLE);
  }
  HANDLE copy = compat_handle_open(object);
  if (copy == NULL) {
    return FALSE;
  }
  if ((dwOptions & DUPLICATE_CLOSE_SOURCE) != 0) {
    CloseHandle(hSource);
  }
  *lpTarget = copy;
  return TRUE;
}

// ---- Threads of Microsoft's C library ----

uintptr_t _beginthreadex(void *security, unsigned stack_size, unsigned(__stdcall *start)(void *), void *argument,
                         unsigned flags, unsigned *thread_id) {
  return (uintptr_t)CreateThread(security, stack_size, (LPTHREAD_START_ROUTINE)start, argument, flags, thread_id);
}

void _endthreadex(unsigned exit_code) { ExitThread(exit_code); }

static DWORD run_without_result(LPVOID parameter) {
  compat_thread *thread = compat_this_thread();
  thread->simple_start(parameter);
  return 0;
}

uintptr_t _beginthread(void(__cdecl *start)(void *), unsigned stack_size, void *argument) {
  HANDLE handle = CreateThread(NULL, stack_size, run_without_result, argument, CREATE_SUSPENDED, NULL);
  compat_thread *thread = handle != NULL ? thread_of(handle) : NULL;
  if (thread == NULL) {
    return (uintptr_t)-1;
  }
  thread->simple_start = start;
  thread->own_handle = handle;
  bool is_running = ResumeThread(handle) == 1;
  compat_release(&thread->signal.object);
  if (!is_running) {
    CloseHandle(handle);
  }
  return is_running ? (uintptr_t)handle : (uintptr_t)-1;
}

void _endthread(void) { ExitThread(0); }

// ---- Thread-local values ----

DWORD WINAPI TlsAlloc(void) {
  pthread_key_t index;
  int outcome = pthread_key_create(&index, NULL);
  if (outcome != 0) {
    SetLastError(outcome == EAGAIN ? ERROR_NO_MORE_ITEMS : ERROR_NOT_ENOUGH_MEMORY);
    return TLS_OUT_OF_INDEXES;
  }
  return index;
}

BOOL WINAPI TlsFree(DWORD dwTlsIndex) {
  return pthread_key_delete(dwTlsIndex) == 0 ? TRUE : compat_fail(ERROR_INVALID_PARAMETER);
}

LPVOID WINAPI TlsGetValue(DWORD dwTlsIndex) {
  // This distinguishes an empty value from a failure.
  SetLastError(ERROR_SUCCESS);
  return pthread_getspecific(dwTlsIndex);
}

BOOL WINAPI TlsSetValue(DWORD dwTlsIndex, LPVOID lpTlsValue) {
  return pthread_setspecific(dwTlsIndex, lpTlsValue) == 0 ? TRUE : compat_fail(ERROR_INVALID_PARAMETER);
}

// ---- Impersonation ----

BOOL WINAPI SetThreadToken(PHANDLE Thread, HANDLE Token) {
  (void)Thread;
  return Token == NULL ? TRUE : compat_fail(ERROR_NOT_SUPPORTED);
}

BOOL WINAPI OpenThreadToken(HANDLE ThreadHandle, DWORD DesiredAccess, BOOL OpenAsSelf, PHANDLE TokenHandle) {
  (void)ThreadHandle, (void)DesiredAccess, (void)OpenAsSelf, (void)TokenHandle;
  return compat_fail(ERROR_NO_TOKEN);
}

BOOL WINAPI RevertToSelf(void) { return TRUE; }

BOOL WINAPI ImpersonateLoggedOnUser(HANDLE hToken) {
  (void)hToken;
  return compat_fail(ERROR_NOT_SUPPORTED);
}
