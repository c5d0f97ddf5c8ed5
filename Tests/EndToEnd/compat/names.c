/* Names of files, libraries and the system: argv[1] is an empty folder. */
#include "check.h"

static char folder[1024];

static char *in_folder(const char *name) {
  static char paths[2][4096];
  static int turn;
  turn = !turn;
  snprintf(paths[turn], sizeof paths[turn], "%s\\%s", folder, name);
  return paths[turn];
}

static void make(const char *name) {
  DWORD moved;
  HANDLE file = CreateFile(in_folder(name), GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
  CHECK(WriteFile(file, name, (DWORD)strlen(name), &moved, NULL) && CloseHandle(file));
}

static void files_are_copied_moved_and_deleted(void) {
  WIN32_FILE_ATTRIBUTE_DATA data;
  make("a.txt");
  CHECK(CopyFile(in_folder("a.txt"), in_folder("b.txt"), TRUE));
  FAILS(CopyFile(in_folder("a.txt"), in_folder("b.txt"), TRUE), ERROR_FILE_EXISTS);
  FAILS(MoveFile(in_folder("a.txt"), in_folder("b.txt")), ERROR_ALREADY_EXISTS);
  CHECK(MoveFileEx(in_folder("a.txt"), in_folder("b.txt"), MOVEFILE_REPLACE_EXISTING));
  CHECK(GetFileAttributesEx(in_folder("b.txt"), GetFileExInfoStandard, &data) && data.nFileSizeLow == 5);
  CHECK(SetFileAttributes(in_folder("b.txt"), FILE_ATTRIBUTE_READONLY));
  CHECK(GetFileAttributes(in_folder("b.txt")) == FILE_ATTRIBUTE_READONLY);
  CHECK(DeleteFile(in_folder("b.txt")));
  FAILS(DeleteFile(in_folder("b.txt")), ERROR_FILE_NOT_FOUND);
  CHECK(GetFileAttributes(in_folder("b.txt")) == INVALID_FILE_ATTRIBUTES);
}

static void folders_are_searched(void) {
  WIN32_FIND_DATA data;
  int count = 0;
  CHECK(CreateDirectory(in_folder("sub"), NULL));
  FAILS(CreateDirectory(in_folder("sub"), NULL), ERROR_ALREADY_EXISTS);
  make("one.txt");
  make("two.TXT");
  make("three.log");
  HANDLE search = FindFirstFile(in_folder("*.txt"), &data);
  do {
    count += 1;
  } while (FindNextFile(search, &data));
  CHECK(count == 2 && GetLastError() == ERROR_NO_MORE_FILES);
  FAILS(CloseHandle(search), ERROR_INVALID_HANDLE);
  CHECK(FindClose(search));
  FAILS(FindNextFile(search, &data), ERROR_INVALID_HANDLE);
  FAILS(FindFirstFile(in_folder("*.none"), &data) != INVALID_HANDLE_VALUE, ERROR_FILE_NOT_FOUND);
  CHECK((search = FindFirstFile(in_folder("sub"), &data)) != INVALID_HANDLE_VALUE);
  CHECK(data.dwFileAttributes == FILE_ATTRIBUTE_DIRECTORY && FindClose(search));
  CHECK(RemoveDirectory(in_folder("sub")));
}

static void paths_are_completed(void) {
  char path[MAX_PATH], *file = NULL;
  CHECK(GetFullPathName("/a\\.\\b/../c.txt", sizeof path, path, &file) == 8);
  CHECK(strcmp(path, "/a/c.txt") == 0 && strcmp(file, "c.txt") == 0);
  CHECK(GetFullPathName("/../..", sizeof path, path, &file) == 1 && strcmp(path, "/") == 0);
  CHECK(GetFullPathName("relative", 3, path, &file) > 9);
  CHECK(GetTempFileName(folder, "pre", 0, path) != 0 && GetFileAttributes(path) == FILE_ATTRIBUTE_NORMAL);
  FAILS(GetTempFileName("/no/such/folder", "pre", 0, path), ERROR_DIRECTORY);
}

static void libraries_are_found_and_loaded(void) {
  char path[MAX_PATH];
  CHECK(GetModuleFileName(NULL, path, sizeof path) > 0 && strstr(path, "names") != NULL);
  FAILS(LoadLibrary("/no/such/library.so") != NULL, ERROR_MOD_NOT_FOUND);
  HMODULE process = LoadLibrary("KERNEL32.DLL");
  CHECK(process != NULL && GetProcAddress(process, "GetTickCount64") != NULL && FreeLibrary(process));
  FAILS(GetProcAddress(process, "NoSuchFunction") != NULL, ERROR_PROC_NOT_FOUND);
  FAILS(GetProcAddress(process, (LPCSTR)(ULONG_PTR)17) != NULL, ERROR_PROC_NOT_FOUND);
  HMODULE library = LoadLibrary("libm.so.6");
  CHECK(library != NULL && GetProcAddress(library, "cos") != NULL && GetModuleHandle("libm.so.6") == library);
  CHECK(FreeLibrary(library));
  FAILS(FreeLibrary(library), ERROR_MOD_NOT_FOUND);
}

static void the_system_is_described(void) {
  SYSTEM_INFO system;
  OSVERSIONINFO version = {sizeof version, 0, 0, 0, 0, ""};
  char name[256];
  DWORD size = sizeof name;
  GetSystemInfo(&system);
  CHECK(system.dwNumberOfProcessors > 0 && GetVersionEx(&version) && version.dwMajorVersion == 10);
  CHECK(GetComputerName(name, &size) && size == strlen(name));
  size = 0;
  FAILS(GetComputerName(name, &size), ERROR_BUFFER_OVERFLOW);
  FAILS(GetEnvironmentVariable("NO_SUCH_VARIABLE", name, sizeof name), ERROR_ENVVAR_NOT_FOUND);
  CHECK(GetEnvironmentVariable("PATH", name, 1) == strlen(getenv("PATH")) + 1);
  CHECK(RevertToSelf());
  FAILS(OpenThreadToken(GetCurrentThread(), 0, TRUE, NULL), ERROR_NO_TOKEN);
}

int main(int count, char **arguments) {
  snprintf(folder, sizeof folder, "%s", count > 1 ? arguments[1] : ".");
  files_are_copied_moved_and_deleted();
  folders_are_searched();
  paths_are_completed();
  libraries_are_found_and_loaded();
  the_system_is_described();
  return failures != 0;
}
