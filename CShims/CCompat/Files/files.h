// Shared declarations of the sources about files.
#ifndef COMPAT_FILES_H
#define COMPAT_FILES_H

#include <sys/stat.h>

#include "../compat.h"

#pragma GCC visibility push(hidden)

// A handle that takes ownership of a descriptor; `path_to_delete` is a path to remove when it is closed. NULL on failure.
HANDLE compat_file_open(int descriptor, const char *path_to_delete);

// The error of a call about `path`: ERROR_PATH_NOT_FOUND if its folder is missing.
DWORD compat_path_error(const char *path, int number);

// FILE_ATTRIBUTE_ bits.
DWORD compat_attributes(const struct stat *status);

#pragma GCC visibility pop

#endif
