// Libraries, which the system's loader notifies of threads.
#include <stdlib.h>

#include "parts.h"

void *code_open(library_file file, const char *path, bool has_backslashes, uint64_t *identity, code_refusal *refusal) {
  // Its paths are those of the system.
  (void)path;
  (void)has_backslashes;
  WCHAR *wide = wide_copy(file);
  // Libraries that it needs are looked for in its folder.
  HMODULE module = LoadLibraryExW(wide, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
  DWORD error = GetLastError();
  free(wide);
  if (module) {
    *identity = (uintptr_t)module;
    return module;
  }
  *refusal = (code_refusal){
      .reason = error == ERROR_DLL_INIT_FAILED ? POOL_REFUSED_ATTACH : POOL_REFUSED_CANNOT_OPEN,
      .error = error,
      .text = error_text(error),
  };
  return NULL;
}

void *code_function(void *code, const char *name) {
  FARPROC address = GetProcAddress(code, name);
  void *function;
  memcpy(&function, &address, sizeof function);
  return function;
}

// The loader has done it.
bool code_attach(uint64_t identity) {
  (void)identity;
  return true;
}

void code_close(uint64_t identity) { FreeLibrary((HMODULE)(uintptr_t)identity); }
