// The libraries of the pool.
#include <string.h>

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
  uint64_t identity;
  code_refusal refusal;
  void *code = code_open(self->file, self->path, self->has_backslashes, &identity, &refusal);
  if (!code) return refuse(index, control, refusal.reason, refusal.error, refusal.text);
  static const char *const required[] = {"GetExtensionVersion", "HttpExtensionProc"};
  void *functions[2];
  for (size_t number = 0; number < 2; number++) {
    functions[number] = code_function(code, required[number]);
    if (!functions[number]) return refuse(index, control, POOL_REFUSED_NO_ENTRY_POINT, 0, required[number]);
  }
  void *terminate = code_function(code, "TerminateExtension");
  memcpy(&self->version, &functions[0], sizeof self->version);
  memcpy(&self->run, &functions[1], sizeof self->run);
  memcpy(&self->terminate, &terminate, sizeof terminate);
  code_name(functions[1], self->name, self->path);
  SetLastError(0);
  if (!code_attach(identity)) {
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
