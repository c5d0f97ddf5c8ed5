// The types of the system, and what is done for every request.
#ifndef ISAGATE_HOST_TYPES_H
#define ISAGATE_HOST_TYPES_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// ---- Locks ----

typedef SRWLOCK mutex;
typedef CONDITION_VARIABLE condition;

#define MUTEX_INITIALIZER SRWLOCK_INIT
#define CONDITION_INITIALIZER CONDITION_VARIABLE_INIT

static inline void mutex_open(mutex *self) { InitializeSRWLock(self); }
static inline void mutex_close(mutex *self) { (void)self; }
static inline void mutex_lock(mutex *self) { AcquireSRWLockExclusive(self); }
static inline bool mutex_try(mutex *self) { return TryAcquireSRWLockExclusive(self); }
static inline void mutex_unlock(mutex *self) { ReleaseSRWLockExclusive(self); }
static inline void condition_wait(condition *self, mutex *held) { SleepConditionVariableSRW(self, held, INFINITE, 0); }
static inline void condition_signal(condition *self) { WakeConditionVariable(self); }

// ---- Streams and files ----

// A pipe, or under Wine a socket.
typedef struct {
  HANDLE handle;
  // Events for what is in progress each way; NULL where both ways are independent without them.
  HANDLE receiving, sending;
} system_stream;

// Files are not passed: there are none.
typedef HANDLE system_file;
#define NO_FILE NULL
typedef HANDLE file_reference;
// The path of a library, UTF-8.
typedef char *library_file;

// ---- What a thread runs ----

enum { STACK_LIMIT = 48 };

typedef struct {
  void *frames[STACK_LIMIT];
  int count;
  char thread[16];
} stack_report;

// A thread that runs extension code for the gateway.
typedef struct {
  HANDLE handle;
  char name[16];
  // The addresses of its stack.
  uintptr_t low, high;
  _Atomic(const char *) extension;
  _Atomic(const uint64_t *) request;
  atomic_bool is_ending;
} thread_record;

// That of the calling thread; NULL for other threads.
thread_record *thread_own(void);

// The loader notifies libraries of threads by itself.
static inline void code_enter(uint64_t identity) { (void)identity; }

// The calling thread runs code of the extension for a request.
static inline void run_begins(const char *extension, const uint64_t *request) {
  thread_record *own = thread_own();
  if (!own) return;
  atomic_store(&own->request, request);
  atomic_store(&own->extension, extension);
}

static inline void run_ends(void) {
  thread_record *own = thread_own();
  if (own) atomic_store(&own->extension, NULL);
}

#endif
