// The process, its threads and its memory.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../system.h"

// ---- The process ----

// Takes the user and the groups that the process is to have, of which the first is its own.
static bool take_user(char **arguments) {
  gid_t groups[256];
  size_t count = 0;
  for (char *next = arguments[1]; *next && count < sizeof groups / sizeof *groups;) {
    groups[count++] = (gid_t)strtoul(next, &next, 10);
    if (*next == ',') next++;
  }
  uid_t user = (uid_t)strtoul(arguments[0], NULL, 10);
  return count > 0 && setgroups(count, groups) == 0 && setgid(groups[0]) == 0 && setuid(user) == 0;
}

bool process_begin(int count, char **arguments) {
  if (count == 3 && !take_user(arguments + 1)) {
    perror("isagate-host: the user of the pool cannot be taken");
    return false;
  }
  // After the change of the user, which resets it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Programs that an extension starts do not get these. The loader has read the variable before.
  unsetenv("LD_LIBRARY_PATH");
  fcntl(POOL_CONTROL_FD, F_SETFD, FD_CLOEXEC);
  return true;
}

void process_end(int status) { _exit(status); }

static pid_t own_process;

bool process_is_copy(void) { return getpid() != own_process; }

void process_set_variable(char *assignment) { putenv(assignment); }

const char *process_enter_folder(const char *path) {
  static char text[512];
  if (chdir(path) == 0) return NULL;
  snprintf(text, sizeof text, "working folder %s: %s", path, strerror(errno));
  return text;
}

// ---- Threads and time ----

typedef struct {
  void (*body)(void *context);
  void *context;
} beginning;

static void *begin(void *given) {
  beginning own = *(beginning *)given;
  free(given);
  own.body(own.context);
  return NULL;
}

bool thread_start(void (*body)(void *context), void *context, size_t stack_size) {
  beginning *given = malloc(sizeof *given);
  if (!given) return false;
  *given = (beginning){body, context};
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_size);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  bool has_started = pthread_create(&thread, &attributes, begin, given) == 0;
  pthread_attr_destroy(&attributes);
  if (!has_started) free(given);
  return has_started;
}

void thread_begins(const char *name) {
  prctl(PR_SET_NAME, name);
  CLinux_guard_stack();
}

void threads_end(void) { isagate_work_threads_end(); }

void thread_yield(void) { sched_yield(); }

void thread_sleep(uint64_t nanoseconds) {
  nanosleep(&(struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)}, NULL);
}

uint64_t monotonic_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

// ---- Memory ----

uint8_t *memory_reserve(size_t size) {
  void *bytes = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) abort();
  return bytes;
}

void memory_use(uint8_t *bytes, size_t size) {
  if (mprotect(bytes, size, PROT_READ | PROT_WRITE) != 0) abort();
}

// ---- Reports ----

bool crashes_catch(system_stream control, const void *notice, size_t count, void (*before)(void)) {
  own_process = getpid();
  CLinux_before_crash_report(before);
  if (CLinux_catch_crashes(control, notice, count, 0) != 0) return false;
  isagate_observe_threads(CLinux_guard_stack);
  return true;
}

int stack_take(const uint64_t *request, stack_report *report) { return CLinux_stack_of(request, report); }

size_t stack_describe(int number, void *frame, char *text, size_t room) {
  return CLinux_describe_frame(number, frame, text, room);
}
