// Critical sections, slim locks, conditions, things done once, and sleeping.
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <sched.h>

#include "sync.h"

static_assert(sizeof(pthread_mutex_t) <= sizeof(CRITICAL_SECTION), "a lock fits");
static_assert(sizeof(pthread_rwlock_t) <= sizeof(SRWLOCK), "a slim lock fits");
static_assert(sizeof(pthread_cond_t) <= sizeof(CONDITION_VARIABLE), "a condition fits");

static pthread_mutex_t *mutex_of(LPCRITICAL_SECTION section) { return (pthread_mutex_t *)section->Storage; }
static pthread_rwlock_t *lock_of(PSRWLOCK lock) { return (pthread_rwlock_t *)lock->Storage; }
static pthread_cond_t *condition_of(PCONDITION_VARIABLE condition) { return (pthread_cond_t *)condition->Storage; }

// ---- Critical sections ----

void WINAPI InitializeCriticalSection(LPCRITICAL_SECTION lpCriticalSection) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(mutex_of(lpCriticalSection), &attributes);
  pthread_mutexattr_destroy(&attributes);
}

BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION lpCriticalSection, DWORD dwSpinCount) {
  (void)dwSpinCount;
  InitializeCriticalSection(lpCriticalSection);
  return TRUE;
}

BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION lpCriticalSection, DWORD dwSpinCount, DWORD dwFlags) {
  (void)dwFlags;
  return InitializeCriticalSectionAndSpinCount(lpCriticalSection, dwSpinCount);
}

DWORD WINAPI SetCriticalSectionSpinCount(LPCRITICAL_SECTION lpCriticalSection, DWORD dwSpinCount) {
  (void)lpCriticalSection, (void)dwSpinCount;
  return 0;
}

void WINAPI EnterCriticalSection(LPCRITICAL_SECTION lpCriticalSection) {
  pthread_mutex_lock(mutex_of(lpCriticalSection));
}

BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION lpCriticalSection) {
  return pthread_mutex_trylock(mutex_of(lpCriticalSection)) == 0;
}

void WINAPI LeaveCriticalSection(LPCRITICAL_SECTION lpCriticalSection) {
  pthread_mutex_unlock(mutex_of(lpCriticalSection));
}

void WINAPI DeleteCriticalSection(LPCRITICAL_SECTION lpCriticalSection) {
  pthread_mutex_destroy(mutex_of(lpCriticalSection));
}

// ---- Slim locks ----

void WINAPI InitializeSRWLock(PSRWLOCK SRWLock) { pthread_rwlock_init(lock_of(SRWLock), NULL); }
void WINAPI AcquireSRWLockExclusive(PSRWLOCK SRWLock) { pthread_rwlock_wrlock(lock_of(SRWLock)); }
void WINAPI AcquireSRWLockShared(PSRWLOCK SRWLock) { pthread_rwlock_rdlock(lock_of(SRWLock)); }
BOOLEAN WINAPI TryAcquireSRWLockExclusive(PSRWLOCK SRWLock) { return pthread_rwlock_trywrlock(lock_of(SRWLock)) == 0; }
BOOLEAN WINAPI TryAcquireSRWLockShared(PSRWLOCK SRWLock) { return pthread_rwlock_tryrdlock(lock_of(SRWLock)) == 0; }
void WINAPI ReleaseSRWLockExclusive(PSRWLOCK SRWLock) { pthread_rwlock_unlock(lock_of(SRWLock)); }
void WINAPI ReleaseSRWLockShared(PSRWLOCK SRWLock) { pthread_rwlock_unlock(lock_of(SRWLock)); }

// ---- Conditions ----

void WINAPI InitializeConditionVariable(PCONDITION_VARIABLE ConditionVariable) {
  pthread_cond_init(condition_of(ConditionVariable), NULL);
}

BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE ConditionVariable, PCRITICAL_SECTION CriticalSection,
                                     DWORD dwMilliseconds) {
  if (dwMilliseconds == INFINITE) {
    pthread_cond_wait(condition_of(ConditionVariable), mutex_of(CriticalSection));
    return TRUE;
  }
  struct timespec deadline = compat_deadline(dwMilliseconds);
  int outcome = pthread_cond_clockwait(condition_of(ConditionVariable), mutex_of(CriticalSection), CLOCK_MONOTONIC,
                                       &deadline);
  return outcome == ETIMEDOUT ? compat_fail(ERROR_TIMEOUT) : TRUE;
}

void WINAPI WakeConditionVariable(PCONDITION_VARIABLE ConditionVariable) {
  pthread_cond_signal(condition_of(ConditionVariable));
}

void WINAPI WakeAllConditionVariable(PCONDITION_VARIABLE ConditionVariable) {
  pthread_cond_broadcast(condition_of(ConditionVariable));
}

// ---- Once ----

// The value in Ptr: not begun, in progress, or done with a context in the bits above.
enum { NOT_BEGUN = 0, RUNNING = 1, DONE = 2, STATE = 3 };

static pthread_mutex_t once_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t once_changed = PTHREAD_COND_INITIALIZER;

BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE InitOnce, PINIT_ONCE_FN InitFn, PVOID Parameter, LPVOID *Context) {
  pthread_mutex_lock(&once_lock);
  while (((uintptr_t)InitOnce->Ptr & STATE) == RUNNING) {
    pthread_cond_wait(&once_changed, &once_lock);
  }
  bool succeeded = ((uintptr_t)InitOnce->Ptr & STATE) == DONE;
  if (!succeeded) {
    InitOnce->Ptr = (PVOID)RUNNING;
    pthread_mutex_unlock(&once_lock);
    PVOID context = NULL;
    succeeded = InitFn(InitOnce, Parameter, &context);
    pthread_mutex_lock(&once_lock);
    InitOnce->Ptr = (PVOID)(succeeded ? ((uintptr_t)context & ~(uintptr_t)STATE) | DONE : NOT_BEGUN);
    pthread_cond_broadcast(&once_changed);
  }
  if (succeeded && Context != NULL) {
    *Context = (PVOID)((uintptr_t)InitOnce->Ptr & ~(uintptr_t)STATE);
  }
  pthread_mutex_unlock(&once_lock);
  return succeeded;
}

// ---- Sleeping ----

void WINAPI Sleep(DWORD dwMilliseconds) {
  if (dwMilliseconds == 0) {
    sched_yield();
    return;
  }
  struct timespec end = compat_deadline(dwMilliseconds);
  while (dwMilliseconds == INFINITE || clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
    if (dwMilliseconds == INFINITE) {
      struct timespec day = {86400, 0};
      nanosleep(&day, NULL);
    }
  }
}

DWORD WINAPI SleepEx(DWORD dwMilliseconds, BOOL bAlertable) {
  (void)bAlertable;
  Sleep(dwMilliseconds);
  return 0;
}
