// Objects that threads wait for, and the waiting threads.
#ifndef COMPAT_SYNC_H
#define COMPAT_SYNC_H

#include "../compat.h"

#pragma GCC visibility push(hidden)

// ---- Objects ----

struct compat_waiter;

// An event, a semaphore, a mutex or a thread. All but `object` is guarded by compat_lock.
typedef struct compat_signal {
  compat_object object;
  // How many waits can be satisfied: a semaphore's count; 1 or 0 for an event or a thread.
  LONG count;
  LONG maximum;
  // Whether a satisfied wait decrements the count.
  bool is_consumed;
  // Mutexes: the owner, the recursion count, and whether the previous owner ended without releasing it.
  struct compat_thread *owner;
  LONG depth;
  bool is_abandoned;
  struct compat_signal *next_owned;
  // The waits for this object, first come first served.
  struct compat_wait *first, *last;
  // NULL for an object without a name.
  char *name;
  struct compat_signal *next_named;
} compat_signal;

// A thread, also one that CreateThread did not create. Its signal is set when it has ended.
typedef struct compat_thread {
  compat_signal signal;
  DWORD id;
  DWORD exit_code;
  int priority;
  SIZE_T stack_size;
  bool is_suspended;
  compat_signal *owned;
  LPTHREAD_START_ROUTINE start;
  // The function that _beginthread was given instead.
  void (*simple_start)(void *);
  LPVOID parameter;
  // The handle that _beginthread closes when the thread ends.
  HANDLE own_handle;
} compat_thread;

// One object in one thread's wait.
typedef struct compat_wait {
  struct compat_waiter *waiter;
  compat_signal *signal;
  struct compat_wait *previous, *next;
} compat_wait;

// Guards all objects, as is necessary for waiting for several of them.
extern pthread_mutex_t compat_lock;

void compat_signal_init(compat_signal *signal, compat_kind kind, void (*destroy)(compat_object *), LONG count,
                        LONG maximum, bool is_consumed);

// Wakes the threads whose waits the object's new state satisfies. The lock is held.
void compat_signal_changed(compat_signal *signal);

// Sets the event of an operation that has ended; no effect for NULL.
void compat_event_set(HANDLE event);

// ---- Threads ----

// The calling thread's object, created at the first call; NULL if there is not enough memory.
compat_thread *compat_this_thread(void);

// A monotonic time `milliseconds` from now.
struct timespec compat_deadline(DWORD milliseconds);

#pragma GCC visibility pop

#endif
