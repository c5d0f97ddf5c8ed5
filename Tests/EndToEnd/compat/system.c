/* .ini files, the environment, the process, and the common functions that the other programs do not test. */
#include <process.h>

#include <HttpFilt.h>
#include <httpfilt.h>
#include <wtsapi32.h>

#include "check.h"

#define IS(text, expected) CHECK(strcmp((text), (expected)) == 0)

static char file[1024], text[64];

static void put_file(const char *content) {
  FILE *stream = fopen(file, "wb");
  fputs(content, stream);
  fclose(stream);
}

static DWORD get(const char *section, const char *name) {
  return GetPrivateProfileString(section, name, "other", text, sizeof text, file);
}

static void settings_are_found_by_section_and_name(void) {
  put_file("; comment\r\nstray=1\r\n[First]\r\nName = a value \r\nquoted=\" kept \"\r\nEmpty=\r\n\r\n"
           "[ second ]\nname=other section\nnumber=42\nhex=0x1F\nnegative=-3\nlast=no end of line");
  CHECK(get("first", "NAME") == 7);
  IS(text, "a value");
  get("First", "quoted");
  IS(text, " kept ");
  CHECK(get("First", "Empty") == 0 && get("second", "name") == 13 && get("second", "stray") == 5);
  IS(text, "other");
  CHECK(get("second", "last") == 14 && get("none", "name") == 5);
  CHECK(GetPrivateProfileInt("second", "number", 1, file) == 42 && GetPrivateProfileInt("second", "hex", 1, file) == 31);
  CHECK((INT)GetPrivateProfileInt("second", "negative", 1, file) == -3 && GetPrivateProfileInt("first", "x", 9, file) == 9);
  CHECK(GetPrivateProfileString("First", "Name", "", text, 4, file) == 3);
  IS(text, "a v");
}

static void names_come_as_lists(void) {
  CHECK(GetPrivateProfileSectionNames(text, sizeof text, file) == 13);
  CHECK(memcmp(text, "First\0second\0", 14) == 0);
  CHECK(GetPrivateProfileString("First", NULL, "", text, sizeof text, file) == 18);
  CHECK(memcmp(text, "Name\0quoted\0Empty\0", 19) == 0);
  CHECK(GetPrivateProfileSection("First", text, sizeof text, file) == 38 && strcmp(text, "Name = a value") == 0);
  CHECK(GetPrivateProfileString(NULL, NULL, "", text, 9, file) == 7 && memcmp(text, "First\0s\0", 9) == 0);
}

static void settings_are_written(void) {
  put_file("[One]\r\na=1\r\n\r\n[Two]\r\nb=2\r\n");
  CHECK(WritePrivateProfileString("one", "A", "changed", file) && WritePrivateProfileString("One", "new", "3", file));
  CHECK(WritePrivateProfileString("Three", "c", "4", file) && WritePrivateProfileString("Two", "b", NULL, file));
  get("One", "a");
  IS(text, "changed");
  get("One", "new");
  IS(text, "3");
  get("Three", "c");
  IS(text, "4");
  CHECK(get("Two", "b") == 5);
  CHECK(WritePrivateProfileString("One", NULL, NULL, file) && get("One", "a") == 5 && get("Three", "c") == 1);
  CHECK(DeleteFile(file) && WritePrivateProfileString("New", "a", "b", file) && get("New", "a") == 1);
}

static void mistakes_about_settings_are_refused(void) {
  FAILS(GetPrivateProfileSection(NULL, text, sizeof text, file), ERROR_INVALID_PARAMETER);
  FAILS(WritePrivateProfileString(NULL, "a", "b", file), ERROR_INVALID_PARAMETER);
  CHECK(GetPrivateProfileString("a", "b", "default  ", text, sizeof text, "/nowhere/at/all.ini") == 9);
  FAILS(WritePrivateProfileString("a", "b", "c", "/nowhere/at/all.ini"), ERROR_PATH_NOT_FOUND);
}

static void the_environment_is_read_written_and_expanded(void) {
  CHECK(SetEnvironmentVariable("ISAGATE_TEST", "value") && GetEnvironmentVariable("ISAGATE_TEST", text, sizeof text) == 5);
  IS(text, "value");
  CHECK(ExpandEnvironmentStrings("<%ISAGATE_TEST%> 5% %no such% %", text, sizeof text) == 23);
  IS(text, "<value> 5% %no such% %");
  CHECK(ExpandEnvironmentStrings("%ISAGATE_TEST%", text, 4) == 6);
  IS(text, "val");
  CHECK(SetEnvironmentVariable("ISAGATE_TEST", NULL));
  FAILS(GetEnvironmentVariable("ISAGATE_TEST", text, sizeof text), ERROR_ENVVAR_NOT_FOUND);
  FAILS(SetEnvironmentVariable("a=b", "c"), ERROR_INVALID_PARAMETER);
}

static LONG WINAPI filter(EXCEPTION_POINTERS *pointers) { return pointers != NULL ? 1 : 0; }

static void what_guards_against_faults_compiles_and_runs(void) {
  int ran = 0;
  CHECK(SetUnhandledExceptionFilter(filter) == NULL && SetUnhandledExceptionFilter(NULL) == filter);
  __try {
    ran += 1;
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    ran += 10;
  }
  CHECK(ran == 1);
}

static DWORD WINAPI leave(LPVOID argument) { ExitThread((DWORD)(ULONG_PTR)argument); }

static void a_thread_ends_where_it_says(void) {
  DWORD id, code = 0;
  HANDLE thread = CreateThread(NULL, 0, leave, (LPVOID)(ULONG_PTR)77, 0, &id);
  CHECK(thread != NULL && WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0);
  CHECK(GetExitCodeThread(thread, &code) && code == 77 && CloseHandle(thread));
  CHECK(GetCurrentProcessId() == (DWORD)getpid() && id != 0);
}

static void a_section_is_its_owners_again_and_again(void) {
  CRITICAL_SECTION section;
  CHECK(InitializeCriticalSectionAndSpinCount(&section, 4000));
  EnterCriticalSection(&section);
  CHECK(TryEnterCriticalSection(&section));
  LeaveCriticalSection(&section);
  LeaveCriticalSection(&section);
  DeleteCriticalSection(&section);
}

static void times_are_converted_and_told(void) {
  SYSTEMTIME time = {2004, 2, 0, 29, 13, 5, 9, 250}, back;
  FILETIME filetime;
  CHECK(SystemTimeToFileTime(&time, &filetime) && FileTimeToSystemTime(&filetime, &back));
  CHECK(back.wYear == 2004 && back.wDay == 29 && back.wDayOfWeek == 0 && back.wMilliseconds == 250);
  GetSystemTime(&time);
  CHECK(time.wYear >= 2024 && GetTickCount() != 0 && SleepEx(0, FALSE) == 0);
  CHECK(GetDateFormat(LOCALE_SYSTEM_DEFAULT, 0, &back, "ddd, dd MMM yyyy", text, sizeof text) == 17);
  IS(text, "Sun, 29 Feb 2004");
  CHECK(GetTimeFormat(LOCALE_SYSTEM_DEFAULT, 0, &back, "HH:mm:ss", text, sizeof text) == 9);
  IS(text, "13:05:09");
  CHECK(strlen(_strdate(text)) == 8 && text[2] == '/' && strlen(_strtime(text)) == 8 && text[2] == ':');
}

static void a_file_is_read_at_the_place_of_its_operation(void) {
  OVERLAPPED place = {0};
  DWORD moved = 0;
  put_file("0123456789");
  HANDLE handle = CreateFile(file, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
  CHECK(handle != INVALID_HANDLE_VALUE && GetFileSize(handle, NULL) == 10);
  place.Offset = 7;
  CHECK(ReadFile(handle, text, 3, &moved, &place) && GetOverlappedResult(handle, &place, &moved, TRUE) && moved == 3);
  CHECK(memcmp(text, "789", 3) == 0 && CloseHandle(handle));
}

static void the_process_gives_nobodys_rights_away(void) {
  CHECK(RevertToSelf());
  FAILS(SetThreadToken(NULL, (HANDLE)0x1234), ERROR_NOT_SUPPORTED);
}

static void events_are_lines(void) {
  LPCSTR texts[] = {"first\nline", "second"};
  HANDLE log = RegisterEventSource(NULL, "Sample");
  CHECK(log != NULL && ReportEvent(log, EVENTLOG_ERROR_TYPE, 0, 0xC0000007, NULL, 2, 0, texts, NULL));
  HANDLE copy;
  FAILS(CloseHandle(log), ERROR_INVALID_HANDLE);
  FAILS(DuplicateHandle(GetCurrentProcess(), log, GetCurrentProcess(), &copy, 0, FALSE, 0), ERROR_INVALID_HANDLE);
  CHECK(DeregisterEventSource(log));
  FAILS(ReportEvent(log, EVENTLOG_ERROR_TYPE, 0, 1, NULL, 2, 0, texts, NULL), ERROR_INVALID_HANDLE);
  FAILS(RegisterEventSource("\\\\other", "Sample"), ERROR_NOT_SUPPORTED);
}

static void texts_are_compared_and_changed_by_length(void) {
  strcpy(text, "abcXYZ");
  CHECK(CharUpperBuff(text, 2) == 2 && CharLowerBuff(text + 3, 2) == 2);
  IS(text, "ABcxyZ");
  CHECK(CompareString(LOCALE_SYSTEM_DEFAULT, NORM_IGNORECASE, "ABC", -1, "abcd", 3) == CSTR_EQUAL);
  CHECK(CompareString(LOCALE_SYSTEM_DEFAULT, 0, "ABC", -1, "abc", -1) == CSTR_LESS_THAN);
  CHECK(CompareString(LOCALE_SYSTEM_DEFAULT, 0, "abc", -1, "ab", -1) == CSTR_GREATER_THAN);
  FAILS(CompareString(LOCALE_SYSTEM_DEFAULT, 0, NULL, -1, "ab", -1), ERROR_INVALID_PARAMETER);
}

int main(int argc, char **argv) {
  snprintf(file, sizeof file, "%s/settings.ini", argc > 1 ? argv[1] : ".");
  settings_are_found_by_section_and_name();
  names_come_as_lists();
  settings_are_written();
  mistakes_about_settings_are_refused();
  the_environment_is_read_written_and_expanded();
  what_guards_against_faults_compiles_and_runs();
  a_thread_ends_where_it_says();
  a_section_is_its_owners_again_and_again();
  times_are_converted_and_told();
  a_file_is_read_at_the_place_of_its_operation();
  events_are_lines();
  texts_are_compared_and_changed_by_length();
  the_process_gives_nobodys_rights_away();
  return failures != 0;
}
