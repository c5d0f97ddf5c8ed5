// Libraries that are loaded from the copies that the gateway passes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#include "../system.h"

void *code_open(library_file file, const char *path, bool has_backslashes, uint64_t *identity, code_refusal *refusal) {
  char name[32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  void *code = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!code) {
    *refusal = (code_refusal){.reason = POOL_REFUSED_CANNOT_OPEN, .text = dlerror()};
    return NULL;
  }
  *identity = isagate_module_open(code, path, has_backslashes);
  if (*identity != 0) return code;
  *refusal = (code_refusal){.reason = POOL_REFUSED_SETUP, .text = "too many libraries are loaded"};
  return NULL;
}

void *code_function(void *code, const char *name) { return dlsym(code, name); }

void code_name(const void *function, const char *name, const char *path) { CLinux_name_library(function, name, path); }

bool code_attach(uint64_t identity) { return isagate_module_attach(identity); }

void code_close(uint64_t identity) { isagate_module_close(identity); }

void code_thread_ends(void) { isagate_thread_ends(); }
