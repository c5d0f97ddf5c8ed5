// What the files about files share.
#ifndef COMPAT_FILES_H
#define COMPAT_FILES_H

#include <sys/stat.h>

#include "compat.h"

#pragma GCC visibility push(hidden)

// A handle for a descriptor, which becomes its own; `doomed` is a path to remove when it ends. NULL on failure.
HANDLE compat_file_open(int descriptor, const char *doomed);

// The error for what a call about `path` met: ERROR_PATH_NOT_FOUND where its folder is missing.
DWORD compat_path_error(const char *path, int number);

// FILE_ATTRIBUTE_ bits.
DWORD compat_attributes(const struct stat *status);

#pragma GCC visibility pop

#endif
