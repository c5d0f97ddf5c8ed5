// The libraries that are known by name, and what is told to them.
#ifndef COMPAT_MODULES_H
#define COMPAT_MODULES_H

#include "compat.h"

#pragma GCC visibility push(hidden)

typedef BOOL(WINAPI *dll_main)(HINSTANCE, DWORD, LPVOID);

typedef struct {
  // dlopen's; NULL for a place that is free.
  void *handle;
  // What the dynamic linker knows it by (dladdr1(3)).
  void *map;
  // Names this use of the place; 0 for none.
  uint64_t identity;
  // How often LoadLibrary and GetModuleHandleEx have returned it.
  unsigned loads;
  // Whether the gateway has loaded it, and has not let go of it.
  bool is_extension;
  // Whether its paths are told with backslashes.
  bool has_backslashes;
  // Where it was loaded from, and what that was without links.
  char *path, *canonical;
  dev_t device;
  ino_t file;
  // NULL where it has none.
  dll_main entry;
  // Between DLL_PROCESS_ATTACH and DLL_PROCESS_DETACH.
  bool is_attached;
  // DisableThreadLibraryCalls was called.
  bool is_quiet;
  // Calls of the entry point for threads that are under way, one at a time.
  unsigned calls;
  pthread_mutex_t turn;
  // Threads that were told of and have not ended.
  unsigned threads;
} compat_module;

#define COMPAT_MODULES 256

// Guards the table, and all but `turn` of what is in it. The dynamic linker, which has a lock of its own and runs
// code of libraries, is never called with it.
extern pthread_mutex_t compat_modules_lock;
extern compat_module compat_modules[COMPAT_MODULES];

// With the lock held: the place of a library, or of an identity; NULL for none.
compat_module *compat_module_of(const void *handle);
compat_module *compat_module_named(uint64_t identity);
// With the lock held: the library that `compat_map_at` found.
compat_module *compat_module_with(const void *map);
// Without the lock: what the dynamic linker knows the code at an address by; NULL for nothing.
void *compat_map_at(const void *address);

// Makes a library known; NULL, with the last error set, without room or memory.
compat_module *compat_module_add(void *handle, const char *path, unsigned loads, bool is_extension);

// Calls DllMain with DLL_PROCESS_ATTACH, where there is one.
bool compat_module_attach(uint64_t identity);
// Calls it with DLL_PROCESS_DETACH once no thread is inside it, forgets the library and closes it.
void compat_module_close(uint64_t identity);

// The calling thread begins, or is about to end.
void compat_thread_begins(void);
void compat_thread_ends(void);

// Whether the library that has the address is told paths with backslashes.
bool compat_has_backslashes(const void *caller);
// Gives `path` the separators of the caller's library.
void compat_separate(char *path, const void *caller);

#pragma GCC visibility pop

#endif
