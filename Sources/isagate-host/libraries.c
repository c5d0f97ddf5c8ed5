// The libraries of the pool.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "CLinux.h"
#include "host.h"

static void refuse(uint32_t index, channel *control, uint32_t reason, uint32_t error,
                   const char *text) {
  message_begin(control, POOL_REFUSED, 0, index, reason);
  message_word(control, error);
  message_item(control, text, strlen(text));
  message_end(control);
  channel_flush(control);
}

void library_load(library *self, uint32_t index, channel *control) {
  char file[32];
  snprintf(file, sizeof file, "/proc/self/fd/%d", self->file);
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return refuse(index, control, POOL_REFUSED_CANNOT_OPEN, 0, dlerror());
  uint64_t identity = isagate_module_open(handle, self->path, self->has_backslashes);
  if (identity == 0) return refuse(index, control, POOL_REFUSED_SETUP, 0, "too many libraries are loaded");
  static const char *const required[] = {"GetExtensionVersion", "HttpExtensionProc"};
  void *functions[2];
  for (size_t number = 0; number < 2; number++) {
    functions[number] = dlsym(handle, required[number]);
    if (!functions[number]) {
      return refuse(index, control, POOL_REFUSED_NO_ENTRY_POINT, 0, required[number]);
    }
  }
  void *terminate = dlsym(handle, "TerminateExtension");
  memcpy(&self->version, &functions[0], sizeof self->version);
  memcpy(&self->run, &functions[1], sizeof self->run);
  memcpy(&self->terminate, &terminate, sizeof terminate);
  CLinux_name_library(functions[1], self->name, self->path);
  SetLastError(0);
  if (!isagate_module_attach(identity)) {
    return refuse(index, control, POOL_REFUSED_ATTACH, GetLastError(), "");
  }
  HSE_VERSION_INFO information = {0};
  SetLastError(0);
  if (!self->version(&information)) {
    return refuse(index, control, POOL_REFUSED_VERSION, GetLastError(), "");
  }
  self->identity = identity;
  message_begin(control, POOL_LOADED, 0, index, 0);
  message_word(control, information.dwExtensionVersion);
  message_item(control, information.lpszExtensionDesc,
               strnlen(information.lpszExtensionDesc, sizeof information.lpszExtensionDesc));
  message_end(control);
  channel_flush(control);
}
