// The interface for the process that runs extensions to the library of windows.h: the files behind handles, the names
// of libraries, and the notifications of threads. Extensions do not use it.
#ifndef CCOMPAT_H
#define CCOMPAT_H

#include <stdbool.h>
#include <stdint.h>

// A file that an operation uses. Its descriptor stays open until the release, also when the extension closes the handle
// before; it is -1 when the handle is not that of a file.
typedef struct {
  int descriptor;
  void *reference;
} isagate_file;

// Takes a reference to the file of a handle that CreateFile returned, or uses a descriptor below 2^30 and above 0
// directly. Any value may be given: a handle is looked up and never dereferenced.
isagate_file isagate_file_retain(void *handle);
void isagate_file_release(isagate_file file);

// The descriptor of a file's handle, or -1; valid as long as the handle is not closed.
int isagate_handle_descriptor(void *handle);

// ---- Libraries ----

// Registers a library that dlopen returned as this handle: the path it was loaded from, which its GetModuleFileName
// then returns, and whether its paths have backslashes. Returns its identity; 0 when there are too many.
uint64_t isagate_module_open(void *library, const char *path, bool has_backslashes);
// Calls its DllMain, if it has one, with DLL_PROCESS_ATTACH; returns the result.
bool isagate_module_attach(uint64_t module);
// Calls its DllMain with DLL_PROCESS_DETACH once no thread is inside it, and closes it. False when it stays, because it
// has loaded itself and not released that reference: its own FreeLibrary then does all this.
bool isagate_module_close(uint64_t module);

// ---- Threads ----

// The library whose code the thread ran last.
extern _Thread_local uint64_t isagate_entered_module;
void isagate_thread_enters(uint64_t module);

// The calling thread is about to run code of the library, which is notified if it has not been yet (DLL_THREAD_ATTACH).
static inline void isagate_thread_enter(uint64_t module) {
  if (isagate_entered_module != module) isagate_thread_enters(module);
}

// The calling thread runs no more code of the library (DLL_THREAD_DETACH), or of any, as it ends.
void isagate_thread_leaves(uint64_t module);
void isagate_thread_ends(void);

// Sets `begins` to be called on each thread that CreateThread has created, before anything else.
void isagate_observe_threads(void (*begins)(void));

// Ends the idle threads of QueueUserWorkItem.
void isagate_work_threads_end(void);

// Threads of which the library was notified and whose end it has not been notified of.
unsigned isagate_module_threads(uint64_t module);

// ---- Entry points ----

// A call of an entry point that has not returned.
typedef struct {
  const char *function;
  char path[256];
  // By the monotonic clock.
  uint64_t began_ns;
  uint64_t milliseconds;
} isagate_entry_call;

// Stores the calls in progress, at most `count`; returns their number.
int isagate_entry_calls(isagate_entry_call *list, int count);
// Sets `begun` to be called whenever one begins, on its thread.
void isagate_observe_entry_calls(void (*begun)(void));

// The record of a call of an entry point other than DllMain, for its duration.
typedef struct {
  uint64_t words[40];
} isagate_call_record;

void isagate_call_begins(isagate_call_record *record, const char *function, const char *path);
void isagate_call_ends(isagate_call_record *record);

#endif
