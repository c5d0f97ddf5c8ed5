// Lets a process survive that its mapped files become shorter (mmap(2), SIGBUS).
//
// The handler runs between any two instructions of any thread. It reads only atomics, and calls only mmap(2), as a
// system call.
#define _GNU_SOURCE
#include "CLinux.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

enum {
  range_limit = 64,
  // The unit of ranges, whatever the system's page size is.
  unit = 4096,
  // A range is one word, so that it is never read half written: its first unit, and in the low bits their number.
  count_bits = 28,
};

static const uint64_t count_mask = ((uint64_t)1 << count_bits) - 1;

// 0 for an unused entry.
static _Atomic uint64_t ranges[range_limit];
static atomic_bool broken[range_limit];
static uintptr_t page_size;
static struct sigaction former;
static int installed = -1;

static uintptr_t range_start(uint64_t range) { return (uintptr_t)(range >> count_bits) * unit; }
static uintptr_t range_end(uint64_t range) { return range_start(range) + (uintptr_t)(range & count_mask) * unit; }

// Maps zeros beyond the end of the file; false for an address outside all ranges.
static int replace_lost_pages(uintptr_t address) {
  for (int number = 0; number < range_limit; number++) {
    uint64_t range = atomic_load(&ranges[number]);
    if (address < range_start(range) || address >= range_end(range)) continue;
    // Before any thread can read a zero.
    atomic_store(&broken[number], true);
    uintptr_t page = address & ~(page_size - 1);
    long result = syscall(SYS_mmap, page, range_end(range) - page, PROT_READ,
                          MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
    return result == (long)page;
  }
  return 0;
}

// Does what would have happened without this handler.
static void pass_on(int signal, siginfo_t *info, void *context) {
  int was_sent = info->si_code <= 0;
  if (former.sa_flags & SA_SIGINFO) {
    former.sa_sigaction(signal, info, context);
  } else if (former.sa_handler != SIG_DFL && former.sa_handler != SIG_IGN) {
    former.sa_handler(signal);
  } else if (former.sa_handler == SIG_DFL || !was_sent) {
    struct sigaction fatal = {.sa_handler = SIG_DFL};
    sigaction(SIGBUS, &fatal, NULL);
    // A faulting instruction is repeated and faults again; a signal that was sent is not.
    if (was_sent) raise(signal);
  }
}

static void caught(int signal, siginfo_t *info, void *context) {
  int error = errno;
  int is_failed_access = info->si_code > 0 && info->si_code != BUS_MCEERR_AO;
  if (!is_failed_access || !replace_lost_pages((uintptr_t)info->si_addr)) pass_on(signal, info, context);
  errno = error;
}

static void install(void) {
  page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, NULL, &former) == 0) installed = sigaction(SIGBUS, &action, NULL);
}

int CLinux_catch_bus_errors(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  return installed;
}

int CLinux_catches_bus_errors(void) {
  struct sigaction current;
  sigset_t blocked;
  return sigaction(SIGBUS, NULL, &current) == 0 && (current.sa_flags & SA_SIGINFO) != 0 &&
         current.sa_sigaction == caught && pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 &&
         sigismember(&blocked, SIGBUS) == 0;
}

int CLinux_watch_mapping(const void *start, unsigned long count) {
  uint64_t units = ((uint64_t)count + page_size - 1) / page_size * (page_size / unit);
  uint64_t first = (uintptr_t)start / unit;
  if (units > count_mask || first >> (64 - count_bits) != 0) return -1;
  for (int number = 0; number < range_limit; number++) {
    // A range that is not watched is not read, so no thread can mark it meanwhile.
    uint64_t none = 0;
    if (atomic_compare_exchange_strong(&ranges[number], &none, first << count_bits | units)) return number;
  }
  return -1;
}

void CLinux_unwatch_mapping(int number) {
  atomic_store(&broken[number], false);
  atomic_store(&ranges[number], 0);
}

int CLinux_is_mapping_broken(int number) {
  // After all previous reads.
  atomic_thread_fence(memory_order_acquire);
  return atomic_load_explicit(&broken[number], memory_order_acquire);
}

int CLinux_are_pages_present(const void *start, unsigned long count) {
  uintptr_t first = (uintptr_t)start & ~(page_size - 1);
  uintptr_t end = (uintptr_t)start + count;
  unsigned char pages[256];
  while (first < end) {
    uintptr_t wanted = (end - first + page_size - 1) / page_size;
    uintptr_t asked = wanted < sizeof pages ? wanted : sizeof pages;
    if (mincore((void *)first, asked * page_size, pages) != 0) return -1;
    for (uintptr_t index = 0; index < asked; index++) {
      if ((pages[index] & 1) == 0) return 0;
    }
    first += asked * page_size;
  }
  return 1;
}
