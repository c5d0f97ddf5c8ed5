// The types of the system, and what is done for every request.
#ifndef ISAGATE_HOST_TYPES_H
#define ISAGATE_HOST_TYPES_H

#include <pthread.h>
#include <stdbool.h>
#include <strings.h>

#include "CCompat.h"
#include "CLinux.h"

// ---- Locks ----

typedef pthread_mutex_t mutex;
typedef pthread_cond_t condition;

#define MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#define CONDITION_INITIALIZER PTHREAD_COND_INITIALIZER

static inline void mutex_open(mutex *self) { pthread_mutex_init(self, NULL); }
static inline void mutex_close(mutex *self) { pthread_mutex_destroy(self); }
static inline void mutex_lock(mutex *self) { pthread_mutex_lock(self); }
static inline bool mutex_try(mutex *self) { return pthread_mutex_trylock(self) == 0; }
static inline void mutex_unlock(mutex *self) { pthread_mutex_unlock(self); }
static inline void condition_wait(condition *self, mutex *held) { pthread_cond_wait(self, held); }
static inline void condition_signal(condition *self) { pthread_cond_signal(self); }

// ---- Streams and files ----

// A socket.
typedef int system_stream;
typedef int system_file;
#define NO_FILE (-1)
typedef isagate_file file_reference;
// The library's copy.
typedef int library_file;

// ---- What a thread runs ----

typedef CLinux_stack stack_report;

// The calling thread is about to run code of the library.
static inline void code_enter(uint64_t identity) { isagate_thread_enter(identity); }

// It runs code of the extension for a request.
static inline void run_begins(const char *extension, const uint64_t *request) { CLinux_run_begins(extension, request); }
static inline void run_ends(void) { CLinux_run_ends(); }

#endif
