// Debug builds: the owner of each descriptor, checked by each close(2) of the process.
#include "CLinux.h"

#if DEBUG

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#define THREAD_SANITIZER __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#else
#define THREAD_SANITIZER 0
#endif

// Higher descriptors are not checked.
enum { DESCRIPTORS = 1 << 16 };

// The owner's bit; the bits below it count the users of a descriptor that other code keeps open.
static const unsigned owned = 1u << 31;
static _Atomic unsigned holds[DESCRIPTORS];
// A child between fork(2) and execve(2) may close anything: it has its own copies.
static _Atomic int process;

static _Atomic unsigned *holds_of(int descriptor) {
  return descriptor >= 0 && descriptor < DESCRIPTORS ? &holds[descriptor] : NULL;
}

static void fail(int descriptor, const char *problem) {
  char text[128];
  int count = snprintf(text, sizeof text, "descriptor %d %s\n", descriptor, problem);
  if (write(STDERR_FILENO, text, (size_t)count) < 0) abort();
  abort();
}

static int close_by_call(int descriptor) { return (int)syscall(SYS_close, descriptor); }

void CLinux_descriptor_opened(int descriptor) {
  _Atomic unsigned *held = holds_of(descriptor);
  if (held == NULL) return;
  atomic_store(&process, getpid());
  if (atomic_fetch_or(held, owned) & owned) fail(descriptor, "has an owner already, behind whose back it was closed");
}

void CLinux_descriptor_released(int descriptor) {
  _Atomic unsigned *held = holds_of(descriptor);
  if (held != NULL && !(atomic_fetch_and(held, ~owned) & owned)) fail(descriptor, "is given away by who does not own it");
}

void CLinux_descriptor_kept(int descriptor, int users) {
  _Atomic unsigned *held = holds_of(descriptor);
  if (held != NULL) atomic_fetch_add(held, (unsigned)users);
}

void CLinux_descriptor_close(int descriptor) {
  _Atomic unsigned *held = holds_of(descriptor);
  if (held != NULL) {
    unsigned before = atomic_fetch_and(held, ~owned);
    if (!(before & owned)) fail(descriptor, "is closed by who does not own it");
    if (before & ~owned) fail(descriptor, "is closed while it is in use");
  }
  close_by_call(descriptor);
}

int CLinux_descriptor_is_held(int descriptor) {
  _Atomic unsigned *held = holds_of(descriptor);
  return held != NULL && atomic_load(held) != 0;
}

// Replaces the C library's function for all loaded code; ThreadSanitizer has its own function there.
#if !THREAD_SANITIZER
int close(int descriptor) {
  if (CLinux_descriptor_is_held(descriptor) && getpid() == atomic_load(&process)) {
    fail(descriptor, "is closed while its owner holds it");
  }
  return close_by_call(descriptor);
}
#endif

#else

void CLinux_descriptor_opened(int descriptor) { (void)descriptor; }
void CLinux_descriptor_released(int descriptor) { (void)descriptor; }
void CLinux_descriptor_kept(int descriptor, int users) { (void)descriptor, (void)users; }
void CLinux_descriptor_close(int descriptor) { close(descriptor); }
int CLinux_descriptor_is_held(int descriptor) { return (void)descriptor, 0; }

#endif
