// What the process that runs extensions asks of the library beneath windows.h: the files behind
// handles, and the names of libraries. Extensions have no use for it.
#ifndef CCOMPAT_H
#define CCOMPAT_H

#include <stdbool.h>
#include <stdint.h>

// A file that an operation uses. Its descriptor stays open until the release, also when the extension
// closes the handle before; it is -1 when the handle is none of a file.
typedef struct {
  int descriptor;
  void *reference;
} isagate_file;

// Takes the file of a handle that CreateFile returned, or a descriptor below 2^30 and above 0 as it is. Any value
// may be given: a handle is looked up and never followed.
isagate_file isagate_file_retain(void *handle);
void isagate_file_release(isagate_file file);

// The descriptor of a file's handle, or -1; valid as long as the handle is not closed.
int isagate_handle_descriptor(void *handle);

// Tells where the library with this handle (of dlopen) was loaded from, which its GetModuleFileName then
// returns; a path of NULL forgets it. False when there are too many.
bool isagate_module_name(void *library, const char *path);

#endif
