// Reading, writing and measuring open files.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "CCompat.h"
#include "files.h"
#include "../Threads/sync.h"

// ---- Operations with and without an OVERLAPPED offset ----

// Where an operation begins: at the file pointer without an OVERLAPPED, at the end of the file for UINT64_MAX.
typedef struct {
  bool is_explicit;
  uint64_t offset;
} position;

static position position_of(LPOVERLAPPED operation) {
  if (operation == NULL) {
    return (position){false, 0};
  }
  return (position){true, (uint64_t)operation->OffsetHigh << 32 | operation->Offset};
}

static ssize_t read_once(int descriptor, void *bytes, size_t count, position at) {
  ssize_t moved;
  do {
    moved = at.is_explicit ? pread(descriptor, bytes, count, (off_t)at.offset) : read(descriptor, bytes, count);
  } while (moved < 0 && errno == EINTR);
  return moved;
}

// The bytes written, fewer than `count` when the last attempt failed with errno.
static size_t write_all(int descriptor, const char *bytes, size_t count, position at) {
  size_t done = 0;
  while (done < count) {
    ssize_t moved = at.is_explicit ? pwrite(descriptor, bytes + done, count - done, (off_t)(at.offset + done))
                                   : write(descriptor, bytes + done, count - done);
    if (moved < 0 && errno == EINTR) {
      continue;
    }
    if (moved <= 0) {
      break;
    }
    done += (size_t)moved;
  }
  return done;
}

static BOOL finish(LPOVERLAPPED operation, DWORD error, DWORD moved, LPDWORD count) {
  if (count != NULL) {
    *count = moved;
  }
  if (operation != NULL) {
    operation->Internal = error;
    operation->InternalHigh = moved;
    compat_event_set(operation->hEvent);
  }
  return error == ERROR_SUCCESS ? TRUE : compat_fail(error);
}

// The error for a handle that is not a file, or ERROR_SUCCESS.
static DWORD refusal(isagate_file file, const void *bytes, DWORD size, const DWORD *count, const OVERLAPPED *operation) {
  if (file.descriptor < 0) {
    return ERROR_INVALID_HANDLE;
  }
  if (bytes == NULL && size > 0) {
    return ERROR_NOACCESS;
  }
  return count == NULL && operation == NULL ? ERROR_INVALID_PARAMETER : ERROR_SUCCESS;
}

BOOL WINAPI ReadFile(HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead, LPDWORD lpNumberOfBytesRead,
                     LPOVERLAPPED lpOverlapped) {
  isagate_file file = isagate_file_retain(hFile);
  DWORD error = refusal(file, lpBuffer, nNumberOfBytesToRead, lpNumberOfBytesRead, lpOverlapped);
  ssize_t moved = 0;
  if (error == ERROR_SUCCESS) {
    moved = read_once(file.descriptor, lpBuffer, nNumberOfBytesToRead, position_of(lpOverlapped));
    if (moved < 0) {
      error = errno == EBADF ? ERROR_ACCESS_DENIED : compat_error(errno);
      moved = 0;
    } else if (moved == 0 && lpOverlapped != NULL && nNumberOfBytesToRead > 0) {
      error = ERROR_HANDLE_EOF;
    }
  }
  isagate_file_release(file);
  return finish(lpOverlapped, error, (DWORD)moved, lpNumberOfBytesRead);
}

BOOL WINAPI WriteFile(HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite, LPDWORD lpNumberOfBytesWritten,
                      LPOVERLAPPED lpOverlapped) {
  isagate_file file = isagate_file_retain(hFile);
  DWORD error = refusal(file, lpBuffer, nNumberOfBytesToWrite, lpNumberOfBytesWritten, lpOverlapped);
  size_t moved = 0;
  if (error == ERROR_SUCCESS) {
    position at = position_of(lpOverlapped);
    struct stat status;
    if (at.is_explicit && at.offset == UINT64_MAX && fstat(file.descriptor, &status) == 0) {
      at.offset = (uint64_t)status.st_size;
    }
    moved = write_all(file.descriptor, lpBuffer, nNumberOfBytesToWrite, at);
    if (moved < nNumberOfBytesToWrite) {
      error = errno == EBADF ? ERROR_ACCESS_DENIED : compat_error(errno);
    }
  }
  isagate_file_release(file);
  return finish(lpOverlapped, error, (DWORD)moved, lpNumberOfBytesWritten);
}

BOOL WINAPI GetOverlappedResult(HANDLE hFile, LPOVERLAPPED lpOverlapped, LPDWORD lpNumberOfBytesTransferred,
                                BOOL bWait) {
  (void)hFile, (void)bWait;
  if (lpOverlapped == NULL || lpNumberOfBytesTransferred == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  if (!HasOverlappedIoCompleted(lpOverlapped)) {
    return compat_fail(ERROR_IO_INCOMPLETE);
  }
  *lpNumberOfBytesTransferred = (DWORD)lpOverlapped->InternalHigh;
  return lpOverlapped->Internal == ERROR_SUCCESS ? TRUE : compat_fail((DWORD)lpOverlapped->Internal);
}

// ---- The file pointer and the size ----

BOOL WINAPI GetFileSizeEx(HANDLE hFile, PLARGE_INTEGER lpFileSize) {
  isagate_file file = isagate_file_retain(hFile);
  struct stat status;
  BOOL done = FALSE;
  if (file.descriptor < 0 || lpFileSize == NULL) {
    compat_fail(file.descriptor < 0 ? ERROR_INVALID_HANDLE : ERROR_INVALID_PARAMETER);
  } else if (fstat(file.descriptor, &status) != 0) {
    compat_fail_errno();
  } else {
    lpFileSize->QuadPart = status.st_size;
    done = TRUE;
  }
  isagate_file_release(file);
  return done;
}

DWORD WINAPI GetFileSize(HANDLE hFile, LPDWORD lpFileSizeHigh) {
  LARGE_INTEGER size;
  if (!GetFileSizeEx(hFile, &size)) {
    return INVALID_FILE_SIZE;
  }
  if (lpFileSizeHigh != NULL) {
    *lpFileSizeHigh = (DWORD)size.HighPart;
  }
  // This distinguishes a low half that looks like a failure from a failure.
  SetLastError(NO_ERROR);
  return size.LowPart;
}

static off_t seek(int descriptor, LONGLONG distance, DWORD method) {
  static const int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  if (method > FILE_END) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return -1;
  }
  off_t place = lseek(descriptor, distance, whence[method]);
  if (place < 0) {
    SetLastError(errno == EINVAL ? ERROR_NEGATIVE_SEEK : compat_error(errno));
  }
  return place;
}

BOOL WINAPI SetFilePointerEx(HANDLE hFile, LARGE_INTEGER liDistanceToMove, PLARGE_INTEGER lpNewFilePointer,
                             DWORD dwMoveMethod) {
  isagate_file file = isagate_file_retain(hFile);
  if (file.descriptor < 0) {
    return compat_fail(ERROR_INVALID_HANDLE);
  }
  off_t place = seek(file.descriptor, liDistanceToMove.QuadPart, dwMoveMethod);
  isagate_file_release(file);
  if (place >= 0 && lpNewFilePointer != NULL) {
    lpNewFilePointer->QuadPart = place;
  }
  return place >= 0;
}

DWORD WINAPI SetFilePointer(HANDLE hFile, LONG lDistanceToMove, PLONG lpDistanceToMoveHigh, DWORD dwMoveMethod) {
  LARGE_INTEGER distance, place;
  distance.QuadPart = lDistanceToMove;
  if (lpDistanceToMoveHigh != NULL) {
    distance.HighPart = *lpDistanceToMoveHigh;
  }
  if (!SetFilePointerEx(hFile, distance, &place, dwMoveMethod)) {
    return INVALID_SET_FILE_POINTER;
  }
  if (lpDistanceToMoveHigh != NULL) {
    *lpDistanceToMoveHigh = place.HighPart;
  }
  SetLastError(NO_ERROR);
  return place.LowPart;
}

BOOL WINAPI SetEndOfFile(HANDLE hFile) {
  isagate_file file = isagate_file_retain(hFile);
  if (file.descriptor < 0) {
    return compat_fail(ERROR_INVALID_HANDLE);
  }
  off_t place = lseek(file.descriptor, 0, SEEK_CUR);
  BOOL done = place >= 0 && ftruncate(file.descriptor, place) == 0;
  if (!done) {
    // ftruncate returns EINVAL for a descriptor that is not open for writing.
    compat_fail(errno == EINVAL ? ERROR_ACCESS_DENIED : compat_error(errno));
  }
  isagate_file_release(file);
  return done;
}

BOOL WINAPI FlushFileBuffers(HANDLE hFile) {
  isagate_file file = isagate_file_retain(hFile);
  if (file.descriptor < 0) {
    return compat_fail(ERROR_INVALID_HANDLE);
  }
  BOOL done = fsync(file.descriptor) == 0 || compat_fail_errno();
  isagate_file_release(file);
  return done;
}

DWORD WINAPI GetFileType(HANDLE hFile) {
  isagate_file file = isagate_file_retain(hFile);
  struct stat status;
  DWORD type = FILE_TYPE_UNKNOWN;
  if (file.descriptor < 0 || fstat(file.descriptor, &status) != 0) {
    SetLastError(ERROR_INVALID_HANDLE);
  } else if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) {
    type = FILE_TYPE_DISK;
  } else {
    type = S_ISCHR(status.st_mode) ? FILE_TYPE_CHAR : FILE_TYPE_PIPE;
  }
  isagate_file_release(file);
  return type;
}
