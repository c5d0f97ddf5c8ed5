// Information about the process and the system.
#include <limits.h>
#include <pwd.h>
#include <sys/utsname.h>

#include "../compat.h"
#include "../Modules/modules.h"

// Stores a text like those functions that return its length, or the required size with the NUL when it does not fit.
static DWORD put_text(const char *text, LPSTR buffer, DWORD size) {
  size_t length = strlen(text);
  if (buffer == NULL || length >= size) {
    return (DWORD)length + 1;
  }
  memcpy(buffer, text, length + 1);
  return (DWORD)length;
}

DWORD WINAPI GetEnvironmentVariableA(LPCSTR lpName, LPSTR lpBuffer, DWORD nSize) {
  const char *value = lpName != NULL ? getenv(lpName) : NULL;
  if (value == NULL) {
    return (DWORD)compat_fail(ERROR_ENVVAR_NOT_FOUND);
  }
  SetLastError(ERROR_SUCCESS);
  return put_text(value, lpBuffer, nSize);
}

BOOL WINAPI SetEnvironmentVariableA(LPCSTR lpName, LPCSTR lpValue) {
  if (lpName == NULL || *lpName == '\0' || strchr(lpName, '=') != NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  int failure = lpValue != NULL ? setenv(lpName, lpValue, 1) : unsetenv(lpName);
  return failure == 0 ? TRUE : compat_fail_errno();
}

DWORD WINAPI ExpandEnvironmentStringsA(LPCSTR lpSrc, LPSTR lpDst, DWORD nSize) {
  size_t length = 0;
  if (lpSrc == NULL) {
    return (DWORD)compat_fail(ERROR_INVALID_PARAMETER);
  }
  for (const char *rest = lpSrc; *rest != '\0';) {
    const char *end = *rest == '%' ? strchr(rest + 1, '%') : NULL;
    char name[256];
    const char *piece = rest;
    size_t count = 1;
    if (end != NULL && (size_t)(end - rest) <= sizeof name) {
      snprintf(name, (size_t)(end - rest), "%s", rest + 1);
      const char *value = getenv(name);
      piece = value != NULL ? value : rest;
      count = value != NULL ? strlen(value) : (size_t)(end - rest);
      rest = value != NULL ? end + 1 : end;
    } else {
      rest += 1;
    }
    if (lpDst != NULL && length < nSize) {
      memcpy(lpDst + length, piece, min(count, nSize - length));
    }
    length += count;
  }
  if (lpDst != NULL && nSize > 0) {
    lpDst[min(length, (size_t)nSize - 1)] = '\0';
  }
  return (DWORD)length + 1;
}

DWORD WINAPI GetCurrentDirectoryA(DWORD nBufferLength, LPSTR lpBuffer) {
  char folder[PATH_MAX];
  if (getcwd(folder, sizeof folder) != NULL) {
    compat_separate(folder, __builtin_return_address(0));
  } else {
    folder[0] = '\0';
  }
  return folder[0] != '\0' ? put_text(folder, lpBuffer, nBufferLength) : (DWORD)compat_fail_errno();
}

// Read once; the arguments are separated by spaces.
static pthread_once_t command_line_once = PTHREAD_ONCE_INIT;
static char command_line[32768];

static void read_command_line(void) {
  FILE *file = fopen("/proc/self/cmdline", "re");
  size_t length = file != NULL ? fread(command_line, 1, sizeof command_line - 1, file) : 0;
  if (file != NULL) {
    fclose(file);
  }
  for (size_t index = 0; index + 1 < length; index += 1) {
    command_line[index] = command_line[index] == '\0' ? ' ' : command_line[index];
  }
}

LPSTR WINAPI GetCommandLineA(void) {
  pthread_once(&command_line_once, read_command_line);
  return command_line;
}

HANDLE WINAPI GetStdHandle(DWORD nStdHandle) {
  switch (nStdHandle) {
  case STD_OUTPUT_HANDLE: return (HANDLE)(INT_PTR)STDOUT_FILENO;
  case STD_ERROR_HANDLE: return (HANDLE)(INT_PTR)STDERR_FILENO;
  case STD_INPUT_HANDLE: return NULL;
  default: SetLastError(ERROR_INVALID_PARAMETER); return INVALID_HANDLE_VALUE;
  }
}

BOOL WINAPI GetComputerNameA(LPSTR lpBuffer, LPDWORD nSize) {
  struct utsname system;
  if (nSize == NULL || uname(&system) != 0) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  DWORD length = put_text(system.nodename, lpBuffer, *nSize);
  bool fits = lpBuffer != NULL && length < *nSize;
  *nSize = length;
  return fits ? TRUE : compat_fail(ERROR_BUFFER_OVERFLOW);
}

BOOL WINAPI GetUserNameA(LPSTR lpBuffer, LPDWORD pcbBuffer) {
  struct passwd entry, *found = NULL;
  char storage[4096], number[16];
  if (pcbBuffer == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  snprintf(number, sizeof number, "%u", geteuid());
  getpwuid_r(geteuid(), &entry, storage, sizeof storage, &found);
  const char *name = found != NULL ? found->pw_name : number;
  bool fits = put_text(name, lpBuffer, *pcbBuffer) < *pcbBuffer && lpBuffer != NULL;
  *pcbBuffer = (DWORD)strlen(name) + 1;
  return fits ? TRUE : compat_fail(ERROR_INSUFFICIENT_BUFFER);
}

void WINAPI GetSystemInfo(LPSYSTEM_INFO lpSystemInfo) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  memset(lpSystemInfo, 0, sizeof *lpSystemInfo);
#ifdef __aarch64__
  lpSystemInfo->wProcessorArchitecture = PROCESSOR_ARCHITECTURE_ARM64;
#else
  lpSystemInfo->wProcessorArchitecture = PROCESSOR_ARCHITECTURE_AMD64;
#endif
  lpSystemInfo->dwPageSize = (DWORD)sysconf(_SC_PAGESIZE);
  lpSystemInfo->dwAllocationGranularity = lpSystemInfo->dwPageSize;
  lpSystemInfo->dwNumberOfProcessors = (DWORD)processors;
  lpSystemInfo->dwActiveProcessorMask = processors >= 64 ? ~(DWORD_PTR)0 : ((DWORD_PTR)1 << processors) - 1;
}

BOOL WINAPI GetVersionExA(LPOSVERSIONINFOA lpVersionInformation) {
  if (lpVersionInformation == NULL || lpVersionInformation->dwOSVersionInfoSize < sizeof *lpVersionInformation) {
    return compat_fail(ERROR_INSUFFICIENT_BUFFER);
  }
  lpVersionInformation->dwMajorVersion = 10;
  lpVersionInformation->dwMinorVersion = 0;
  lpVersionInformation->dwBuildNumber = 0;
  lpVersionInformation->dwPlatformId = VER_PLATFORM_WIN32_NT;
  lpVersionInformation->szCSDVersion[0] = '\0';
  return TRUE;
}

DWORD WINAPI GetVersion(void) { return 10; }

int WINAPI MulDiv(int nNumber, int nNumerator, int nDenominator) {
  if (nDenominator == 0) {
    return -1;
  }
  LONGLONG product = (LONGLONG)nNumber * nNumerator;
  LONGLONG half = nDenominator / 2;
  bool is_negative = (product < 0) != (nDenominator < 0);
  LONGLONG result = (product + (is_negative ? -half : half)) / nDenominator;
  return result > INT_MAX || result < INT_MIN ? -1 : (int)result;
}
