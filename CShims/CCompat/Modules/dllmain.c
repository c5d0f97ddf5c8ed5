// The notifications of libraries by DllMain: load and unload, and the start and end of threads.
//
// For a thread that an extension has created, all libraries are notified, as on Windows; for one of the gateway's,
// those whose code it runs. No lock is held during a call except the library's own turn, so that a call may load
// libraries and create or end threads.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#include "CCompat.h"
#include "modules.h"

// ---- Calls in progress ----

typedef struct call {
  const char *function;
  char path[256];
  struct timespec began;
  struct call *next;
} call;

static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;
// Guarded by the lock; each is on the stack of its thread.
static call *calls;
static void (*observer)(void);

static void call_begins(call *own, const char *function, const char *path) {
  own->function = function;
  strncpy(own->path, path, sizeof own->path - 1);
  own->path[sizeof own->path - 1] = '\0';
  clock_gettime(CLOCK_MONOTONIC, &own->began);
  pthread_mutex_lock(&calls_lock);
  own->next = calls;
  calls = own;
  void (*begun)(void) = observer;
  pthread_mutex_unlock(&calls_lock);
  if (begun != NULL) {
    begun();
  }
}

static void call_ends(const call *own) {
  pthread_mutex_lock(&calls_lock);
  call **link = &calls;
  while (*link != own) {
    link = &(*link)->next;
  }
  *link = own->next;
  pthread_mutex_unlock(&calls_lock);
}

void isagate_observe_entry_calls(void (*begun)(void)) {
  pthread_mutex_lock(&calls_lock);
  observer = begun;
  pthread_mutex_unlock(&calls_lock);
}

int isagate_entry_calls(isagate_entry_call *list, int count) {
  struct timespec now;
  int found = 0;
  clock_gettime(CLOCK_MONOTONIC, &now);
  pthread_mutex_lock(&calls_lock);
  for (const call *at = calls; at != NULL && found < count; at = at->next) {
    isagate_entry_call *item = &list[found++];
    item->function = at->function;
    memcpy(item->path, at->path, sizeof item->path);
    item->began_ns = (uint64_t)at->began.tv_sec * 1000000000 + (uint64_t)at->began.tv_nsec;
    int64_t elapsed = (now.tv_sec - at->began.tv_sec) * 1000 + (now.tv_nsec - at->began.tv_nsec) / 1000000;
    item->milliseconds = elapsed > 0 ? (uint64_t)elapsed : 0;
  }
  pthread_mutex_unlock(&calls_lock);
  return found;
}

static const char *const reasons[] = {"DllMain (DLL_PROCESS_DETACH)", "DllMain (DLL_PROCESS_ATTACH)",
                                      "DllMain (DLL_THREAD_ATTACH)", "DllMain (DLL_THREAD_DETACH)"};

static BOOL call_entry(dll_main entry, void *handle, const char *path, DWORD reason) {
  call own;
  call_begins(&own, reasons[reason], path);
  BOOL result = entry(handle, reason, NULL);
  call_ends(&own);
  return result;
}

// ---- Processes ----

bool compat_module_attach(uint64_t identity) {
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_named(identity);
  dll_main entry = module->entry;
  void *handle = module->handle;
  const char *path = module->path;
  pthread_mutex_unlock(&compat_modules_lock);
  if (entry != NULL && !call_entry(entry, handle, path, DLL_PROCESS_ATTACH)) {
    return false;
  }
  pthread_mutex_lock(&compat_modules_lock);
  module->is_attached = true;
  pthread_mutex_unlock(&compat_modules_lock);
  return true;
}

static pthread_cond_t calls_ended = PTHREAD_COND_INITIALIZER;
// The library whose DllMain the thread is in because of a thread notification; 0 for none.
static _Thread_local uint64_t inside;

void compat_module_close(uint64_t identity) {
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_named(identity);
  bool has_entry = module->is_attached && module->entry != NULL;
  module->is_attached = false;
  // A library may release itself in its own call.
  unsigned own = inside == identity;
  while (module->calls > own) {
    pthread_cond_wait(&calls_ended, &compat_modules_lock);
  }
  void *handle = module->handle;
  pthread_mutex_unlock(&compat_modules_lock);
  if (has_entry) {
    call_entry(module->entry, handle, module->path, DLL_PROCESS_DETACH);
  }
  pthread_mutex_lock(&compat_modules_lock);
  free(module->path);
  free(module->canonical);
  pthread_mutex_destroy(&module->turn);
  *module = (compat_module){0};
  pthread_mutex_unlock(&compat_modules_lock);
  dlclose(handle);
}

// ---- Threads ----

// The libraries that have been notified of this thread.
static _Thread_local struct {
  uint64_t *identities;
  size_t count, room;
  bool has_run_extensions;
  bool has_ended;
} attached;

_Thread_local uint64_t isagate_entered_module;

static bool knows_thread(uint64_t identity) {
  for (size_t index = 0; index < attached.count; index += 1) {
    if (attached.identities[index] == identity) {
      return true;
    }
  }
  return false;
}

// False if there is not enough memory: no library is notified of a thread that cannot be recorded.
static bool remember(uint64_t identity) {
  if (attached.count == attached.room) {
    size_t room = attached.room > 0 ? attached.room * 2 : 8;
    uint64_t *larger = realloc(attached.identities, room * sizeof *larger);
    if (larger == NULL) {
      return false;
    }
    attached.identities = larger;
    attached.room = room;
  }
  attached.identities[attached.count++] = identity;
  return true;
}

static void forget(uint64_t identity) {
  for (size_t index = 0; index < attached.count; index += 1) {
    if (attached.identities[index] == identity) {
      attached.identities[index] = attached.identities[--attached.count];
      return;
    }
  }
}

// Calls the entry point of a library that receives thread notifications. The lock is held, and released during the
// call.
static void call_for_thread(compat_module *module, DWORD reason) {
  bool is_attached = reason == DLL_THREAD_ATTACH;
  uint64_t identity = module->identity;
  if (is_attached && (knows_thread(identity) || !remember(identity))) {
    return;
  }
  module->calls += 1;
  module->threads += is_attached;
  dll_main entry = module->entry;
  void *handle = module->handle;
  uint64_t outer = inside;
  bool is_quiet = module->is_quiet;
  pthread_mutex_unlock(&compat_modules_lock);
  if (!is_quiet) {
    // A call inside another call for the same library has the turn already.
    if (outer != identity) {
      pthread_mutex_lock(&module->turn);
    }
    inside = identity;
    call_entry(entry, handle, module->path, reason);
    inside = outer;
    if (outer != identity) {
      pthread_mutex_unlock(&module->turn);
    }
  }
  pthread_mutex_lock(&compat_modules_lock);
  if (!is_attached && knows_thread(identity)) {
    forget(identity);
    module->threads -= 1;
  }
  module->calls -= 1;
  pthread_cond_broadcast(&calls_ended);
}

static bool wants_thread_calls(const compat_module *module) {
  return module->is_attached && module->entry != NULL;
}

void isagate_thread_enters(uint64_t identity) {
  isagate_entered_module = identity;
  attached.has_run_extensions = true;
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_named(identity);
  if (module != NULL && wants_thread_calls(module)) {
    call_for_thread(module, DLL_THREAD_ATTACH);
  }
  pthread_mutex_unlock(&compat_modules_lock);
}

void isagate_thread_leaves(uint64_t identity) {
  if (isagate_entered_module == identity) {
    isagate_entered_module = 0;
  }
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_named(identity);
  if (module != NULL && wants_thread_calls(module) && knows_thread(identity)) {
    call_for_thread(module, DLL_THREAD_DETACH);
  }
  pthread_mutex_unlock(&compat_modules_lock);
}

// Notifies libraries of the end of this thread, the most recent first: those that know it, and of the rest `others`.
static void detach_thread(bool (*others)(const compat_module *)) {
  pthread_mutex_lock(&compat_modules_lock);
  uint64_t bound = UINT64_MAX;
  while (true) {
    compat_module *next = NULL;
    for (int index = 0; index < COMPAT_MODULES; index += 1) {
      compat_module *module = &compat_modules[index];
      bool is_next = module->identity < bound && (next == NULL || module->identity > next->identity);
      if (is_next && wants_thread_calls(module) && (knows_thread(module->identity) || others(module))) {
        next = module;
      }
    }
    if (next == NULL) {
      break;
    }
    bound = next->identity;
    call_for_thread(next, DLL_THREAD_DETACH);
  }
  pthread_mutex_unlock(&compat_modules_lock);
  free(attached.identities);
  attached.identities = NULL;
  attached.count = attached.room = 0;
  isagate_entered_module = 0;
}

static bool is_any(const compat_module *module) { return module->handle != NULL; }

// Libraries that extensions have loaded are not notified of threads that existed before, but of their end.
static bool is_no_extension(const compat_module *module) { return !module->is_extension; }

void isagate_thread_ends(void) {
  if (attached.has_run_extensions) {
    detach_thread(is_no_extension);
  }
}

void compat_thread_begins(void) {
  pthread_mutex_lock(&compat_modules_lock);
  for (int index = 0; index < COMPAT_MODULES; index += 1) {
    if (wants_thread_calls(&compat_modules[index])) {
      call_for_thread(&compat_modules[index], DLL_THREAD_ATTACH);
    }
  }
  pthread_mutex_unlock(&compat_modules_lock);
}

void compat_thread_ends(void) {
  if (!attached.has_ended) {
    attached.has_ended = true;
    detach_thread(is_any);
  }
}

unsigned isagate_module_threads(uint64_t identity) {
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_named(identity);
  unsigned threads = module != NULL ? module->threads : 0;
  pthread_mutex_unlock(&compat_modules_lock);
  return threads;
}

BOOL WINAPI DisableThreadLibraryCalls(HMODULE hLibModule) {
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_of(hLibModule);
  if (module != NULL) {
    module->is_quiet = true;
  }
  pthread_mutex_unlock(&compat_modules_lock);
  return module != NULL ? TRUE : compat_fail(ERROR_MOD_NOT_FOUND);
}

// ---- Functions for the gateway ----

void isagate_call_begins(isagate_call_record *record, const char *function, const char *path) {
  _Static_assert(sizeof(call) <= sizeof(isagate_call_record), "a record has room for a call");
  call_begins((call *)(void *)record, function, path);
}

void isagate_call_ends(isagate_call_record *record) { call_ends((const call *)(const void *)record); }
