// Libraries: dlopen's handles, and the paths they were loaded from.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

#include "CCompat.h"
#include "compat.h"

#define MODULES 256

typedef struct {
  void *handle;
  // How often LoadLibrary returned it; 0 for one that the gateway loaded.
  unsigned loads;
  char *path;
} module;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Guarded by the lock.
static module modules[MODULES];

static module *find(void *handle) {
  for (int index = 0; index < MODULES; index += 1) {
    if (modules[index].handle == handle) {
      return &modules[index];
    }
  }
  return NULL;
}

static bool remember(void *library, const char *path, unsigned loads) {
  pthread_mutex_lock(&lock);
  module *place = find(library);
  bool is_new = place == NULL;
  place = is_new ? find(NULL) : place;
  char *copy = is_new && place != NULL ? strdup(path) : NULL;
  bool done = place != NULL && (!is_new || copy != NULL);
  if (done && is_new) {
    *place = (module){library, 0, copy};
  }
  if (done) {
    place->loads += loads;
  }
  pthread_mutex_unlock(&lock);
  return done;
}

static void forget(module *place) {
  free(place->path);
  *place = (module){NULL, 0, NULL};
}

bool isagate_module_name(void *library, const char *path) {
  if (path != NULL) {
    return remember(library, path, 0);
  }
  pthread_mutex_lock(&lock);
  module *place = find(library);
  if (library != NULL && place != NULL) {
    forget(place);
  }
  pthread_mutex_unlock(&lock);
  return true;
}

// ---- Names ----

static const char *file_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

// Whether Windows has the library itself.
static bool is_of_the_system(const char *path) {
  static const char *const names[] = {"kernel32", "kernelbase", "user32", "advapi32", "ntdll", "msvcrt", "ucrtbase"};
  const char *name = file_name(path);
  size_t length = strcspn(name, ".");
  for (size_t index = 0; index < ARRAYSIZE(names); index += 1) {
    if (strlen(names[index]) == length && strncasecmp(name, names[index], length) == 0) {
      return name[length] == '\0' || strcasecmp(name + length, ".dll") == 0;
    }
  }
  return false;
}

static void *the_process(void) { return dlopen(NULL, RTLD_NOW | RTLD_NOLOAD); }

// ---- Loading ----

typedef BOOL(WINAPI *dll_main)(HINSTANCE, DWORD, LPVOID);

HMODULE WINAPI LoadLibraryExA(LPCSTR lpLibFileName, HANDLE hFile, DWORD dwFlags) {
  compat_path path;
  if (hFile != NULL || (dwFlags & LOAD_LIBRARY_AS_DATAFILE) != 0) {
    SetLastError(hFile != NULL ? ERROR_INVALID_PARAMETER : ERROR_NOT_SUPPORTED);
    return NULL;
  }
  if (!compat_path_make(&path, lpLibFileName)) {
    return NULL;
  }
  if (is_of_the_system(path.text)) {
    return the_process();
  }
  void *earlier = dlopen(path.text, RTLD_NOW | RTLD_NOLOAD);
  void *library = dlopen(path.text, RTLD_NOW | RTLD_LOCAL);
  if (earlier != NULL) {
    dlclose(earlier);
  }
  if (library == NULL) {
    SetLastError(access(path.text, F_OK) == 0 ? ERROR_BAD_EXE_FORMAT : ERROR_MOD_NOT_FOUND);
    return NULL;
  }
  dll_main attach = earlier == NULL ? (dll_main)dlsym(library, "DllMain") : NULL;
  if (!remember(library, path.text, 1) || (attach != NULL && !attach(library, DLL_PROCESS_ATTACH, NULL))) {
    isagate_module_name(library, NULL);
    dlclose(library);
    SetLastError(ERROR_DLL_INIT_FAILED);
    return NULL;
  }
  return library;
}

HMODULE WINAPI LoadLibraryA(LPCSTR lpLibFileName) { return LoadLibraryExA(lpLibFileName, NULL, 0); }

HMODULE WINAPI LoadLibraryW(LPCWSTR lpLibFileName) {
  compat_path path;
  return compat_path_make_wide(&path, lpLibFileName) ? LoadLibraryA(path.text) : NULL;
}

BOOL WINAPI FreeLibrary(HMODULE hLibModule) {
  pthread_mutex_lock(&lock);
  module *place = hLibModule != NULL ? find(hLibModule) : NULL;
  bool is_loaded = place != NULL && place->loads > 0;
  bool is_last = is_loaded && --place->loads == 0;
  if (is_last) {
    forget(place);
  }
  pthread_mutex_unlock(&lock);
  if (!is_loaded) {
    // The process stays, and extensions are unloaded by the gateway.
    return hLibModule != NULL && hLibModule == the_process() ? TRUE : compat_fail(ERROR_MOD_NOT_FOUND);
  }
  dll_main detach = is_last ? (dll_main)dlsym(hLibModule, "DllMain") : NULL;
  if (detach != NULL) {
    detach(hLibModule, DLL_PROCESS_DETACH, NULL);
  }
  dlclose(hLibModule);
  return TRUE;
}

void WINAPI FreeLibraryAndExitThread(HMODULE hLibModule, DWORD dwExitCode) {
  FreeLibrary(hLibModule);
  ExitThread(dwExitCode);
}

FARPROC WINAPI GetProcAddress(HMODULE hModule, LPCSTR lpProcName) {
  // Numbers below 65,536 are ordinals.
  bool is_name = (uintptr_t)lpProcName > 0xFFFF;
  void *address = is_name ? dlsym(hModule != NULL ? hModule : RTLD_DEFAULT, lpProcName) : NULL;
  if (address == NULL) {
    SetLastError(ERROR_PROC_NOT_FOUND);
  }
  return (FARPROC)address;
}

// ---- Finding what is loaded ----

HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName) {
  compat_path path;
  if (lpModuleName == NULL) {
    return the_process();
  }
  if (!compat_path_make(&path, lpModuleName)) {
    return NULL;
  }
  if (is_of_the_system(path.text)) {
    return the_process();
  }
  bool has_folder = strchr(path.text, '/') != NULL;
  void *found = NULL;
  pthread_mutex_lock(&lock);
  for (int index = 0; index < MODULES && found == NULL; index += 1) {
    const char *loaded = modules[index].path;
    if (loaded != NULL && strcmp(has_folder ? loaded : file_name(loaded), path.text) == 0) {
      found = modules[index].handle;
    }
  }
  pthread_mutex_unlock(&lock);
  if (found == NULL) {
    SetLastError(ERROR_MOD_NOT_FOUND);
  }
  return found;
}

HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName) {
  compat_path path;
  if (lpModuleName == NULL) {
    return the_process();
  }
  return compat_path_make_wide(&path, lpModuleName) ? GetModuleHandleA(path.text) : NULL;
}

// The library that has the address.
static HMODULE module_at(LPCVOID address) {
  Dl_info information;
  void *library = NULL;
  if (dladdr(address, &information) != 0 && information.dli_fname != NULL) {
    library = dlopen(information.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  }
  if (library == NULL) {
    SetLastError(ERROR_MOD_NOT_FOUND);
    return NULL;
  }
  // It is loaded by somebody else, and stays.
  dlclose(library);
  return library;
}

// Keeps a library in the process for good.
static bool pin(HMODULE handle) {
  struct link_map *map = NULL;
  bool is_known = handle == the_process() || dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0;
  return is_known && (map == NULL || dlopen(map->l_name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != NULL);
}

BOOL WINAPI GetModuleHandleExA(DWORD dwFlags, LPCSTR lpModuleName, HMODULE *phModule) {
  if (phModule == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  bool is_address = (dwFlags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS) != 0;
  *phModule = is_address ? module_at(lpModuleName) : GetModuleHandleA(lpModuleName);
  if (*phModule != NULL && (dwFlags & GET_MODULE_HANDLE_EX_FLAG_PIN) != 0) {
    return pin(*phModule) ? TRUE : compat_fail(ERROR_MOD_NOT_FOUND);
  }
  if (*phModule != NULL && (dwFlags & GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT) == 0) {
    pthread_mutex_lock(&lock);
    module *place = find(*phModule);
    if (place != NULL && place->loads > 0) {
      // One more FreeLibrary is to come.
      place->loads += 1;
      dlopen(place->path, RTLD_NOW | RTLD_NOLOAD);
    }
    pthread_mutex_unlock(&lock);
  }
  return *phModule != NULL;
}

BOOL WINAPI GetModuleHandleExW(DWORD dwFlags, LPCWSTR lpModuleName, HMODULE *phModule) {
  compat_path path;
  if ((dwFlags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS) != 0 || lpModuleName == NULL) {
    return GetModuleHandleExA(dwFlags, (LPCSTR)lpModuleName, phModule);
  }
  return compat_path_make_wide(&path, lpModuleName) && GetModuleHandleExA(dwFlags, path.text, phModule);
}

// The path of a library; false with the last error set.
static bool path_of(HMODULE handle, compat_path *path) {
  if (handle == NULL || handle == the_process()) {
    ssize_t length = readlink("/proc/self/exe", path->text, sizeof path->text - 1);
    path->text[length > 0 ? length : 0] = '\0';
    return length > 0 || compat_fail_errno();
  }
  pthread_mutex_lock(&lock);
  module *place = find(handle);
  bool fits = place != NULL && strlen(place->path) < sizeof path->text;
  if (fits) {
    strcpy(path->text, place->path);
  }
  pthread_mutex_unlock(&lock);
  return fits || compat_fail(ERROR_MOD_NOT_FOUND);
}

DWORD WINAPI GetModuleFileNameA(HMODULE hModule, LPSTR lpFilename, DWORD nSize) {
  compat_path path;
  if (lpFilename == NULL || nSize == 0) {
    return (DWORD)compat_fail(ERROR_INSUFFICIENT_BUFFER);
  }
  if (!path_of(hModule, &path)) {
    return 0;
  }
  size_t length = strlen(path.text);
  bool fits = length < nSize;
  lstrcpynA(lpFilename, path.text, (int)nSize);
  SetLastError(fits ? ERROR_SUCCESS : ERROR_INSUFFICIENT_BUFFER);
  return fits ? (DWORD)length : nSize;
}

DWORD WINAPI GetModuleFileNameW(HMODULE hModule, LPWSTR lpFilename, DWORD nSize) {
  compat_path path;
  WCHAR wide[sizeof path.text];
  if (lpFilename == NULL || nSize == 0) {
    return (DWORD)compat_fail(ERROR_INSUFFICIENT_BUFFER);
  }
  if (!path_of(hModule, &path)) {
    return 0;
  }
  DWORD length = (DWORD)MultiByteToWideChar(CP_UTF8, 0, path.text, -1, wide, (int)ARRAYSIZE(wide)) - 1;
  bool fits = length < nSize;
  lstrcpynW(lpFilename, wide, (int)nSize);
  SetLastError(fits ? ERROR_SUCCESS : ERROR_INSUFFICIENT_BUFFER);
  return fits ? length : nSize;
}

BOOL WINAPI DisableThreadLibraryCalls(HMODULE hLibModule) {
  (void)hLibModule;
  return TRUE;
}
