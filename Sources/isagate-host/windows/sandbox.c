// What the process may use. A Windows process cannot confine itself as one of Linux does: whoever starts it has to do
// that before, and says so by asking for nothing here. Anything that is asked for is refused by its name, or logged
// where the sandbox is not required.
#include <stdio.h>

#include "parts.h"

static char refusal[256];

// Whether the process may go on without it.
static bool may_lack(const pool_hello *hello, const char *what) {
  snprintf(refusal, sizeof refusal, "sandbox: a Windows process does not have %s: its starter has to apply it", what);
  if (hello->flags & POOL_REQUIRES_SANDBOX) return false;
  send_notice(refusal);
  return true;
}

const char *sandbox_enter(const pool_hello *hello, const char *folder, const paths *readable, const paths *writable) {
  (void)folder;
  (void)readable;
  (void)writable;
  const struct {
    uint64_t value;
    const char *name;
  } limits[] = {
      {hello->memory, "memory"},
      {hello->descriptors, "descriptors"},
      {hello->processes, "processes"},
      {hello->file_size, "file_size"},
  };
  for (size_t index = 0; index < sizeof limits / sizeof *limits; index++) {
    if (limits[index].value == POOL_NO_LIMIT) continue;
    snprintf(refusal, sizeof refusal, "limits.%s: a Windows process cannot limit itself: its starter has to do it",
             limits[index].name);
    return refusal;
  }
  if (hello->flags & POOL_NO_SANDBOX) return NULL;
  if (hello->flags & POOL_CONFINES_FILES && !may_lack(hello, "Landlock, which confines files")) return refusal;
  if (hello->flags & POOL_NO_NETWORK && !may_lack(hello, "a network that is off")) return refusal;
  return may_lack(hello, "seccomp filters, which confine system calls") ? NULL : refusal;
}
