// The table of known libraries, and their notifications.
#ifndef COMPAT_MODULES_H
#define COMPAT_MODULES_H

#include "../compat.h"

#pragma GCC visibility push(hidden)

typedef BOOL(WINAPI *dll_main)(HINSTANCE, DWORD, LPVOID);

typedef struct {
  // dlopen's handle; NULL for a free entry.
  void *handle;
  // The dynamic linker's identification of the library (dladdr1(3)).
  void *map;
  // Identifies this use of the entry; 0 for none.
  uint64_t identity;
  // The number of references that LoadLibrary and GetModuleHandleEx have returned.
  unsigned loads;
  // Whether the gateway has loaded it, and has not released it.
  bool is_extension;
  // Whether its paths have backslashes.
  bool has_backslashes;
  // The path it was loaded from, and the same without links.
  char *path, *canonical;
  dev_t device;
  ino_t file;
  // NULL if there is none.
  dll_main entry;
  // Between DLL_PROCESS_ATTACH and DLL_PROCESS_DETACH.
  bool is_attached;
  // DisableThreadLibraryCalls was called.
  bool is_quiet;
  // Calls of the entry point for threads in progress, one at a time.
  unsigned calls;
  pthread_mutex_t turn;
  // Threads of which it was notified and that have not ended.
  unsigned threads;
} compat_module;

#define COMPAT_MODULES 256

// Guards the table, and everything in it except `turn`. It is never held while the dynamic linker is called, which has
// a lock of its own and runs code of libraries.
extern pthread_mutex_t compat_modules_lock;
extern compat_module compat_modules[COMPAT_MODULES];

// With the lock held: the entry of a library, or of an identity; NULL for none.
compat_module *compat_module_of(const void *handle);
compat_module *compat_module_named(uint64_t identity);
// With the lock held: the library that `compat_map_at` found.
compat_module *compat_module_with(const void *map);
// Without the lock: the dynamic linker's identification of the code at an address; NULL for none.
void *compat_map_at(const void *address);

// Registers a library; NULL, with the last error set, if the table is full or there is not enough memory.
compat_module *compat_module_add(void *handle, const char *path, unsigned loads, bool is_extension);

// Calls DllMain with DLL_PROCESS_ATTACH, if there is one.
bool compat_module_attach(uint64_t identity);
// Calls it with DLL_PROCESS_DETACH once no thread is inside it, removes the library from the table and closes it.
void compat_module_close(uint64_t identity);

// The calling thread begins, or is about to end.
void compat_thread_begins(void);
void compat_thread_ends(void);

// Whether the paths of the library that contains the address have backslashes.
bool compat_has_backslashes(const void *caller);
// Converts `path` to the separators of the caller's library.
void compat_separate(char *path, const void *caller);

#pragma GCC visibility pop

#endif
