// Frames of stacks as text, with the names of the libraries of extensions; used by the crash report and for the stacks
// of threads that still run.
#define _GNU_SOURCE
#include "CLinux.h"
#include "Frames.h"
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

enum { library_limit = 256 };

// Libraries by the dynamic linker's path, which is the path of a copy.
static struct {
  _Atomic(void *) map;
  char name[64];
  char path[192];
} libraries[library_limit];

// ---- Text ----

void text_put(text *to, const char *from) {
  while (*from != '\0' && to->count < sizeof to->bytes - 1) {
    unsigned char byte = (unsigned char)*from++;
    to->bytes[to->count++] = byte < 0x20 || byte == 0x7F ? '?' : (char)byte;
  }
}

void text_put_number(text *to, uint64_t number, unsigned base, int width) {
  char digits[32];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number > 0 || count < width);
  while (count > 0 && to->count < sizeof to->bytes - 1) to->bytes[to->count++] = digits[--count];
}

void text_put_address(text *to, uintptr_t address) {
  text_put(to, "0x");
  text_put_number(to, address, 16, 1);
}

// ---- Frames ----

static int library_with(const void *map) {
  for (int index = 0; index < library_limit && map != NULL; index++) {
    if (atomic_load(&libraries[index].map) == map) return index;
  }
  return -1;
}

// The extension whose library is nearest to the top of the stack.
const char *frames_extension(void *const *frames, int count) {
  for (int index = 0; index < count; index++) {
    Dl_info information;
    void *map = NULL;
    if (dladdr1(frames[index], &information, &map, RTLD_DL_LINKMAP) == 0) continue;
    int library = library_with(map);
    if (library >= 0) return libraries[library].name;
  }
  return NULL;
}

void text_put_frame(text *to, int number, void *frame) {
  Dl_info information;
  void *map = NULL;
  text_put(to, "#");
  text_put_number(to, (uint64_t)number, 10, 1);
  text_put(to, " ");
  text_put_address(to, (uintptr_t)frame);
  if (dladdr1(frame, &information, &map, RTLD_DL_LINKMAP) == 0) return;
  int library = library_with(map);
  if (information.dli_sname != NULL) {
    text_put(to, " ");
    text_put(to, information.dli_sname);
    text_put(to, "+");
    text_put_address(to, (uintptr_t)frame - (uintptr_t)information.dli_saddr);
  }
  text_put(to, " in ");
  text_put(to, library >= 0 ? libraries[library].path : information.dli_fname);
  text_put(to, "+");
  text_put_address(to, (uintptr_t)frame - (uintptr_t)information.dli_fbase);
}

void *frames_fault(const void *context) {
#if defined(__x86_64__)
  return (void *)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return (void *)((const ucontext_t *)context)->uc_mcontext.pc;
#else
  (void)context;
  return NULL;
#endif
}

// The frames from the signal's on: the first is where it happened.
int frames_take(void **frames, int limit, const void *context) {
  void *all[frame_limit + 8], *fault = frames_fault(context);
  int count = backtrace(all, frame_limit + 8), first = 0;
  for (int index = 0; index < count && first == 0; index++) {
    if (all[index] == fault) first = index;
  }
  int kept = count - first < limit ? count - first : limit;
  memcpy(frames, all + first, (size_t)kept * sizeof *frames);
  return kept;
}

// ---- Names ----

void CLinux_name_library(const void *address, const char *name, const char *path) {
  Dl_info information;
  void *map = NULL;
  if (dladdr1(address, &information, &map, RTLD_DL_LINKMAP) == 0 || map == NULL) return;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  for (int index = 0; index < library_limit; index++) {
    if (atomic_load(&libraries[index].map) != NULL) continue;
    strncpy(libraries[index].name, name, sizeof libraries[index].name - 1);
    strncpy(libraries[index].path, path, sizeof libraries[index].path - 1);
    atomic_store(&libraries[index].map, map);
    break;
  }
  pthread_mutex_unlock(&lock);
}

void CLinux_forget_library(const void *address) {
  Dl_info information;
  void *map = NULL;
  if (dladdr1(address, &information, &map, RTLD_DL_LINKMAP) == 0) return;
  int library = library_with(map);
  if (library >= 0) atomic_store(&libraries[library].map, NULL);
}
