// The table of known libraries: by dlopen's handle, by their path, by the addresses in them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "CCompat.h"
#include "modules.h"

pthread_mutex_t compat_modules_lock = PTHREAD_MUTEX_INITIALIZER;
compat_module compat_modules[COMPAT_MODULES];
static uint64_t last_identity;
// The number of libraries whose paths have backslashes: while it is 0, the calling library need not be determined.
static unsigned backslash_modules;

compat_module *compat_module_of(const void *handle) {
  for (int index = 0; index < COMPAT_MODULES; index += 1) {
    if (compat_modules[index].handle == handle) {
      return &compat_modules[index];
    }
  }
  return NULL;
}

compat_module *compat_module_named(uint64_t identity) {
  for (int index = 0; index < COMPAT_MODULES && identity != 0; index += 1) {
    if (compat_modules[index].identity == identity) {
      return &compat_modules[index];
    }
  }
  return NULL;
}

compat_module *compat_module_with(const void *map) {
  for (int index = 0; index < COMPAT_MODULES && map != NULL; index += 1) {
    if (compat_modules[index].map == map) {
      return &compat_modules[index];
    }
  }
  return NULL;
}

void *compat_map_at(const void *address) {
  Dl_info information;
  void *map = NULL;
  return dladdr1(address, &information, &map, RTLD_DL_LINKMAP) != 0 ? map : NULL;
}

compat_module *compat_module_add(void *handle, const char *path, unsigned loads, bool is_extension) {
  struct stat status;
  bool is_file = stat(path, &status) == 0;
  char *copy = strdup(path);
  char *canonical = realpath(path, NULL);
  dll_main entry = (dll_main)dlsym(handle, "DllMain");
  struct link_map *map = NULL;
  (void)dlinfo(handle, RTLD_DI_LINKMAP, &map);
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = copy != NULL ? compat_module_of(NULL) : NULL;
  if (module != NULL) {
    *module = (compat_module){.handle = handle,
                              .map = map,
                              .identity = ++last_identity,
                              .loads = loads,
                              .is_extension = is_extension,
                              .path = copy,
                              .canonical = canonical,
                              .device = is_file ? status.st_dev : 0,
                              .file = is_file ? status.st_ino : 0,
                              .entry = entry};
    pthread_mutex_init(&module->turn, NULL);
  }
  pthread_mutex_unlock(&compat_modules_lock);
  if (module == NULL) {
    free(copy);
    free(canonical);
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
  }
  return module;
}

// ---- Functions for the gateway ----

uint64_t isagate_module_open(void *library, const char *path, bool has_backslashes) {
  compat_module *module = compat_module_add(library, path, 0, true);
  if (module == NULL) {
    return 0;
  }
  pthread_mutex_lock(&compat_modules_lock);
  module->has_backslashes = has_backslashes;
  backslash_modules += has_backslashes;
  uint64_t identity = module->identity;
  pthread_mutex_unlock(&compat_modules_lock);
  return identity;
}

bool isagate_module_attach(uint64_t identity) { return compat_module_attach(identity); }

bool isagate_module_close(uint64_t identity) {
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_named(identity);
  module->is_extension = false;
  backslash_modules -= module->has_backslashes;
  module->has_backslashes = false;
  // A library has to release the references that it loaded itself.
  bool is_last = module->loads == 0;
  pthread_mutex_unlock(&compat_modules_lock);
  if (is_last) {
    compat_module_close(identity);
  }
  return is_last;
}

// ---- Separators ----

bool compat_has_backslashes(const void *caller) {
  if (__atomic_load_n(&backslash_modules, __ATOMIC_RELAXED) == 0) {
    return false;
  }
  const void *map = compat_map_at(caller);
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_with(map);
  bool has_backslashes = module != NULL && module->has_backslashes;
  pthread_mutex_unlock(&compat_modules_lock);
  return has_backslashes;
}

void compat_separate(char *path, const void *caller) {
  if (!compat_has_backslashes(caller)) {
    return;
  }
  for (; *path != '\0'; path += 1) {
    *path = *path == '/' ? '\\' : *path;
  }
}
