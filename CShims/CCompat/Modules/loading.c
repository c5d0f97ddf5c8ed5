// LoadLibrary, and functions that find loaded libraries.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules.h"

// The code that has called an exported function.
#define CALLER __builtin_return_address(0)

// ---- Names ----

static const char *file_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

// Whether the library is part of Windows.
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

// Whether a file has this name without a folder: with or without its suffix, which is .dll on Windows.
static bool is_called(const char *path, const char *name) {
  const char *own = file_name(path);
  const char *own_ending = strrchr(own, '.'), *ending = strrchr(name, '.');
  if (strcasecmp(own, name) == 0) {
    return true;
  }
  bool has_library_ending = own_ending != NULL && (strcmp(own_ending, ".so") == 0 || strcasecmp(own_ending, ".dll") == 0);
  size_t length = ending == NULL ? strlen(name) : (size_t)(ending - name);
  return has_library_ending && (ending == NULL || strcasecmp(ending, ".dll") == 0) &&
         length == (size_t)(own_ending - own) && strncasecmp(own, name, length) == 0;
}

// A name and the file that it leads to.
typedef struct {
  const char *name;
  bool has_folder;
  // NULL if there is no such file.
  char *canonical;
  struct stat status;
} sought;

static bool is_sought(const compat_module *module, const sought *what) {
  if (!what->has_folder && is_called(module->path, what->name)) {
    return true;
  }
  if (what->canonical == NULL) {
    return strcmp(module->path, what->name) == 0;
  }
  bool is_same_path = module->canonical != NULL && strcmp(module->canonical, what->canonical) == 0;
  return is_same_path || (module->file != 0 && module->file == what->status.st_ino && module->device == what->status.st_dev);
}

// The library of that name, the caller's own before any other, recent ones before older ones; with one more reference
// if `holds`. NULL for none.
static HMODULE find_known(const char *name, const void *caller, bool holds) {
  sought what = {.name = name, .has_folder = strchr(name, '/') != NULL, .canonical = realpath(name, NULL)};
  if (what.canonical != NULL && stat(what.canonical, &what.status) != 0) {
    free(what.canonical);
    what.canonical = NULL;
  }
  const void *map = compat_map_at(caller);
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *own = compat_module_with(map), *found = NULL;
  for (int index = 0; index < COMPAT_MODULES; index += 1) {
    compat_module *module = &compat_modules[index];
    bool is_better = found == NULL || module == own || (found != own && module->identity > found->identity);
    if (module->handle != NULL && is_better && is_sought(module, &what)) {
      found = module;
    }
  }
  HMODULE handle = found != NULL ? found->handle : NULL;
  if (found != NULL) {
    found->loads += holds;
  }
  pthread_mutex_unlock(&compat_modules_lock);
  free(what.canonical);
  return handle;
}

// ---- Loading ----

// Opens a file by its path; a name without a folder is searched by the system first, then beside the caller's library.
static void *open_library(compat_path *path, const void *caller) {
  void *library = dlopen(path->text, RTLD_NOW | RTLD_LOCAL);
  if (library != NULL || strchr(path->text, '/') != NULL) {
    return library;
  }
  compat_path beside;
  const void *map = compat_map_at(caller);
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_with(map);
  const char *slash = module != NULL ? strrchr(module->path, '/') : NULL;
  int length = slash != NULL ? snprintf(beside.text, sizeof beside.text, "%.*s/%s", (int)(slash - module->path),
                                        module->path, path->text)
                             : -1;
  pthread_mutex_unlock(&compat_modules_lock);
  if (length < 0 || (size_t)length >= sizeof beside.text) {
    return NULL;
  }
  *path = beside;
  return dlopen(path->text, RTLD_NOW | RTLD_LOCAL);
}

static HMODULE load(LPCSTR name, HANDLE file, DWORD flags, const void *caller) {
  compat_path path;
  if (file != NULL || (flags & LOAD_LIBRARY_AS_DATAFILE) != 0) {
    SetLastError(file != NULL ? ERROR_INVALID_PARAMETER : ERROR_NOT_SUPPORTED);
    return NULL;
  }
  if (!compat_path_make(&path, name)) {
    return NULL;
  }
  if (is_of_the_system(path.text)) {
    return the_process();
  }
  HMODULE known = find_known(path.text, caller, true);
  if (known != NULL) {
    return known;
  }
  void *library = open_library(&path, caller);
  if (library == NULL) {
    SetLastError(access(path.text, F_OK) == 0 ? ERROR_BAD_EXE_FORMAT : ERROR_MOD_NOT_FOUND);
    return NULL;
  }
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *earlier = compat_module_of(library);
  if (earlier != NULL) {
    earlier->loads += 1;
  }
  pthread_mutex_unlock(&compat_modules_lock);
  if (earlier != NULL) {
    // Known by another name, or loaded by two threads at the same time: one reference of the dynamic linker is enough.
    dlclose(library);
    return library;
  }
  compat_module *module = compat_module_add(library, path.text, 1, false);
  if (module == NULL) {
    dlclose(library);
    return NULL;
  }
  uint64_t identity = module->identity;
  if (!compat_module_attach(identity)) {
    compat_module_close(identity);
    SetLastError(ERROR_DLL_INIT_FAILED);
    return NULL;
  }
  return library;
}

HMODULE WINAPI LoadLibraryExA(LPCSTR lpLibFileName, HANDLE hFile, DWORD dwFlags) {
  return load(lpLibFileName, hFile, dwFlags, CALLER);
}

HMODULE WINAPI LoadLibraryA(LPCSTR lpLibFileName) { return load(lpLibFileName, NULL, 0, CALLER); }

HMODULE WINAPI LoadLibraryW(LPCWSTR lpLibFileName) {
  compat_path path;
  return compat_path_make_wide(&path, lpLibFileName) ? load(path.text, NULL, 0, CALLER) : NULL;
}

BOOL WINAPI FreeLibrary(HMODULE hLibModule) {
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = hLibModule != NULL ? compat_module_of(hLibModule) : NULL;
  bool is_loaded = module != NULL && module->loads > 0;
  // The gateway unloads the libraries that it has loaded.
  bool is_last = is_loaded && --module->loads == 0 && !module->is_extension;
  uint64_t identity = is_last ? module->identity : 0;
  pthread_mutex_unlock(&compat_modules_lock);
  if (!is_loaded) {
    return hLibModule != NULL && hLibModule == the_process() ? TRUE : compat_fail(ERROR_MOD_NOT_FOUND);
  }
  if (is_last) {
    compat_module_close(identity);
  }
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

// ---- Finding loaded libraries ----

// A library that other code has loaded and keeps loaded.
static HMODULE loaded_by_others(const char *name) {
  void *library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
  if (library != NULL) {
    dlclose(library);
  }
  return library;
}

static HMODULE find_loaded(LPCSTR name, const void *caller) {
  compat_path path;
  if (name == NULL) {
    return the_process();
  }
  if (!compat_path_make(&path, name)) {
    return NULL;
  }
  if (is_of_the_system(path.text)) {
    return the_process();
  }
  HMODULE found = find_known(path.text, caller, false);
  found = found != NULL ? found : loaded_by_others(path.text);
  if (found == NULL) {
    SetLastError(ERROR_MOD_NOT_FOUND);
  }
  return found;
}

HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName) { return find_loaded(lpModuleName, CALLER); }

HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName) {
  compat_path path;
  if (lpModuleName == NULL) {
    return the_process();
  }
  return compat_path_make_wide(&path, lpModuleName) ? find_loaded(path.text, CALLER) : NULL;
}

// The library that contains the address.
static HMODULE module_at(LPCVOID address) {
  Dl_info information;
  void *library = NULL;
  if (dladdr(address, &information) != 0 && information.dli_fname != NULL) {
    library = loaded_by_others(information.dli_fname);
  }
  if (library == NULL) {
    SetLastError(ERROR_MOD_NOT_FOUND);
  }
  return library;
}

// Keeps a library in the process permanently.
static bool pin(HMODULE handle) {
  struct link_map *map = NULL;
  bool is_known = handle == the_process() || dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0;
  return is_known && (map == NULL || dlopen(map->l_name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != NULL);
}

static BOOL find_with_flags(DWORD flags, LPCSTR name, HMODULE *found, const void *caller) {
  if (found == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  bool is_address = (flags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS) != 0;
  *found = is_address ? module_at(name) : find_loaded(name, caller);
  if (*found != NULL && (flags & GET_MODULE_HANDLE_EX_FLAG_PIN) != 0) {
    return pin(*found) ? TRUE : compat_fail(ERROR_MOD_NOT_FOUND);
  }
  if (*found != NULL && (flags & GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT) == 0) {
    pthread_mutex_lock(&compat_modules_lock);
    compat_module *module = compat_module_of(*found);
    if (module != NULL) {
      // One more FreeLibrary has to follow.
      module->loads += 1;
    }
    pthread_mutex_unlock(&compat_modules_lock);
  }
  return *found != NULL;
}

BOOL WINAPI GetModuleHandleExA(DWORD dwFlags, LPCSTR lpModuleName, HMODULE *phModule) {
  return find_with_flags(dwFlags, lpModuleName, phModule, CALLER);
}

BOOL WINAPI GetModuleHandleExW(DWORD dwFlags, LPCWSTR lpModuleName, HMODULE *phModule) {
  compat_path path;
  if ((dwFlags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS) != 0 || lpModuleName == NULL) {
    return find_with_flags(dwFlags, (LPCSTR)lpModuleName, phModule, CALLER);
  }
  return compat_path_make_wide(&path, lpModuleName) && find_with_flags(dwFlags, path.text, phModule, CALLER);
}

// ---- The path of a library ----

// The path of a library; false with the last error set.
static bool path_of(HMODULE handle, compat_path *path, const void *caller) {
  if (handle == NULL || handle == the_process()) {
    ssize_t length = readlink("/proc/self/exe", path->text, sizeof path->text - 1);
    path->text[length > 0 ? length : 0] = '\0';
    compat_separate(path->text, caller);
    return length > 0 || compat_fail_errno();
  }
  pthread_mutex_lock(&compat_modules_lock);
  compat_module *module = compat_module_of(handle);
  bool fits = module != NULL && strlen(module->path) < sizeof path->text;
  if (fits) {
    strcpy(path->text, module->path);
  }
  pthread_mutex_unlock(&compat_modules_lock);
  if (fits) {
    compat_separate(path->text, caller);
  }
  return fits || compat_fail(ERROR_MOD_NOT_FOUND);
}

DWORD WINAPI GetModuleFileNameA(HMODULE hModule, LPSTR lpFilename, DWORD nSize) {
  compat_path path;
  if (lpFilename == NULL || nSize == 0) {
    return (DWORD)compat_fail(ERROR_INSUFFICIENT_BUFFER);
  }
  if (!path_of(hModule, &path, CALLER)) {
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
  if (!path_of(hModule, &path, CALLER)) {
    return 0;
  }
  DWORD length = (DWORD)MultiByteToWideChar(CP_UTF8, 0, path.text, -1, wide, (int)ARRAYSIZE(wide)) - 1;
  bool fits = length < nSize;
  lstrcpynW(lpFilename, wide, (int)nSize);
  SetLastError(fits ? ERROR_SUCCESS : ERROR_INSUFFICIENT_BUFFER);
  return fits ? length : nSize;
}
