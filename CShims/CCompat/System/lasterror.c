// The calling thread's last error, which the host and the extensions it has loaded share: an extension's undefined
// GetLastError binds to the one that the host's executable exports.
#include <errno.h>

#include "../compat.h"

static _Thread_local DWORD last_error;
static UINT error_mode;
static LPTOP_LEVEL_EXCEPTION_FILTER exception_filter;

DWORD WINAPI GetLastError(void) { return last_error; }

// Extensions ported to Unix read errno where they use GetLastError() on Windows.
void WINAPI SetLastError(DWORD dwErrCode) {
  last_error = dwErrCode;
  errno = (int)dwErrCode;
}

UINT WINAPI SetErrorMode(UINT uMode) { return InterlockedExchange(&error_mode, uMode); }

LPTOP_LEVEL_EXCEPTION_FILTER WINAPI SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER lpFilter) {
  return InterlockedExchange(&exception_filter, lpFilter);
}

BOOL compat_fail(DWORD error) {
  SetLastError(error);
  return FALSE;
}

BOOL compat_fail_errno(void) { return compat_fail(compat_error(errno)); }

DWORD compat_error(int number) {
  switch (number) {
  case 0: return ERROR_SUCCESS;
  case ENOENT: return ERROR_FILE_NOT_FOUND;
  case ENOTDIR: return ERROR_PATH_NOT_FOUND;
  case ELOOP: return ERROR_PATH_NOT_FOUND;
  case EMFILE:
  case ENFILE: return ERROR_TOO_MANY_OPEN_FILES;
  case EACCES:
  case EPERM:
  case EISDIR: return ERROR_ACCESS_DENIED;
  case EBADF: return ERROR_INVALID_HANDLE;
  case ENOMEM: return ERROR_NOT_ENOUGH_MEMORY;
  case EXDEV: return ERROR_NOT_SAME_DEVICE;
  case EROFS: return ERROR_WRITE_PROTECT;
  case EIO: return ERROR_IO_DEVICE;
  case EBUSY:
  case ETXTBSY: return ERROR_SHARING_VIOLATION;
  case EEXIST: return ERROR_ALREADY_EXISTS;
  case EPIPE: return ERROR_NO_DATA;
  case ENOSPC:
  case EDQUOT:
  case EFBIG: return ERROR_DISK_FULL;
  case ENAMETOOLONG: return ERROR_FILENAME_EXCED_RANGE;
  case ENOTEMPTY: return ERROR_DIR_NOT_EMPTY;
  case ESPIPE: return ERROR_SEEK_ON_DEVICE;
  case EINVAL: return ERROR_INVALID_PARAMETER;
  case EFAULT: return ERROR_NOACCESS;
  case EAGAIN: return ERROR_NO_SYSTEM_RESOURCES;
  case ENOSYS:
  case ENOTSUP: return ERROR_NOT_SUPPORTED;
  default: return ERROR_GEN_FAILURE;
  }
}
