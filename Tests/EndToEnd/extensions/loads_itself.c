/* Loads itself by every name that leads to its file, and reports for which names it got the loaded library. */
#include <limits.h>
#include <unistd.h>

#include "extension.h"

EXTENSION("Loads itself")

static HMODULE self;
static int marker;

__declspec(dllexport) int *marker_address(void) { return &marker; }

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved) {
  (void)reserved;
  if (reason == DLL_PROCESS_ATTACH) {
    self = library;
  }
  return TRUE;
}

static void tell(EXTENSION_CONTROL_BLOCK *block, const char *what, BOOL is_so) {
  write_format(block, "%s %d\n", what, is_so);
}

static BOOL loads(const char *name) {
  HMODULE again = LoadLibrary(name);
  int *(*address)(void) = (int *(*)(void))(LPVOID)GetProcAddress(again, "marker_address");
  BOOL is_same = again == self && address != NULL && *address() == 42 && GetModuleHandle(name) == self;
  return is_same && FreeLibrary(again);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char path[MAX_PATH], folder[PATH_MAX], name[PATH_MAX + MAX_PATH] = "", link[MAX_PATH + 8], other[MAX_PATH];
  WCHAR wide[MAX_PATH];
  HMODULE found = NULL;
  marker = 42;
  send_text_head(block);
  tell(block, "path", GetModuleFileName(self, path, MAX_PATH) > 0);
  tell(block, "own", loads(path));
  tell(block, "file", loads(strrchr(path, '/') + 1));

  getcwd(folder, sizeof folder);
  for (const char *slash = strchr(folder, '/'); slash != NULL && slash[1] != '\0'; slash = strchr(slash + 1, '/')) {
    strcat(name, "../");
  }
  strcat(name, path + 1);
  tell(block, "relative", loads(name));

  snprintf(link, sizeof link, "%s.link", path);
  symlink(path, link);
  tell(block, "link", loads(link));
  unlink(link);

  snprintf(other, sizeof other, "%.*s/./%s", (int)(strrchr(path, '/') - path), path, strrchr(path, '/') + 1);
  tell(block, "dots", loads(other));
  for (char *at = other; *at != '\0'; at += 1) {
    *at = *at == '/' ? '\\' : *at;
  }
  tell(block, "backslashes", loads(other));

  strcpy(name, strrchr(path, '/') + 1);
  *strrchr(name, '.') = '\0';
  tell(block, "bare", loads(name));
  strcat(name, ".DLL");
  tell(block, "dll", loads(name));

  MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, MAX_PATH);
  tell(block, "wide", LoadLibraryW(wide) == self && GetModuleHandleW(wide) == self && FreeLibrary(self));
  tell(block, "address", GetModuleHandleEx(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, (LPCSTR)(LPVOID)marker_address, &found) &&
                             found == self);
  tell(block, "freed", FreeLibrary(self));
  tell(block, "too often", FreeLibrary(self));
  SetLastError(0);
  tell(block, "absent", LoadLibrary("/no/such/library.so") != NULL || GetLastError() != ERROR_MOD_NOT_FOUND);
  return HSE_STATUS_SUCCESS;
}
