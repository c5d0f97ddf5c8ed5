// The crash handler: it notifies the supervisor, which starts another process, writes the crash report, and ends the
// process.
//
// The handler may run between any two instructions, on an alternate stack. It allocates no memory, and waits only for
// the dynamic linker's lock around the names of functions: a process that hangs there is killed from outside.
#define _GNU_SOURCE
#include "CLinux.h"
#include "Frames.h"
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>

enum {
  stack_size = 256 << 10,
  notice_limit = 256,
  // An access up to this many bytes below the end of a stack counts as a stack overflow.
  overflow_reach = 64 << 10,
};

_Thread_local CLinux_running_code CLinux_running;

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
enum { signal_count = sizeof signals / sizeof signals[0] };

static struct sigaction former[signal_count];
static bool passes_on;
static int channel = -1;
static char notice[notice_limit];
static unsigned long notice_count;
static atomic_flag is_crashing = ATOMIC_FLAG_INIT;

// The time at the beginning of a log line.
static void begin_line(text *to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t day = now.tv_sec / 86400, second = now.tv_sec % 86400;
  // Civil date from a day number, in years that begin on 1 March so that the leap day comes last.
  int64_t shifted = day + 719468, era = shifted / 146097, day_of_era = shifted - era * 146097;
  int64_t year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
  int64_t month = (5 * day_of_year + 2) / 153;
  int64_t civil_month = month < 10 ? month + 3 : month - 9;
  const int64_t parts[] = {year + era * 400 + (civil_month <= 2), civil_month,
                           day_of_year - (153 * month + 2) / 5 + 1, second / 3600, second / 60 % 60, second % 60};
  to->count = 0;
  for (int index = 0; index < 6; index++) {
    text_put_number(to, (uint64_t)parts[index], 10, index == 0 ? 4 : 2);
    text_put(to, index < 2 ? "-" : index == 2 ? "T" : index < 5 ? ":" : "Z critical: crash: ");
  }
}

static void end_line(text *line) {
  line->bytes[line->count++] = '\n';
  // Bytes that standard error does not accept are lost.
  long ignored = write(STDERR_FILENO, line->bytes, line->count);
  (void)ignored;
}

// ---- The activity of the thread ----

static const char *signal_name(int signal) {
  switch (signal) {
  case SIGSEGV: return "SIGSEGV";
  case SIGBUS: return "SIGBUS";
  case SIGILL: return "SIGILL";
  case SIGFPE: return "SIGFPE";
  case SIGABRT: return "SIGABRT";
  case SIGTRAP: return "SIGTRAP";
  case SIGSYS: return "SIGSYS";
  default: return "?";
  }
}

static uintptr_t stack_pointer(const void *context) {
  const ucontext_t *state = context;
#if defined(__x86_64__)
  return (uintptr_t)state->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  return (uintptr_t)state->uc_mcontext.sp;
#else
  return 0;
#endif
}

// In the format of ControlBlockTable: a kind, then the id.
static void put_request(text *line, const uint64_t *trace) {
  if (trace == NULL || trace[0] == 0) return;
  text_put(line, ", request ");
  if (trace[0] == 1) {
    text_put_number(line, trace[1], 16, 16);
    text_put_number(line, trace[2], 16, 16);
    return;
  }
  char name[33];
  uint64_t count = trace[0] - 2 < 32 ? trace[0] - 2 : 32;
  memcpy(name, &trace[1], count);
  name[count] = '\0';
  text_put(line, name);
}

static void describe_fault(int signal, const siginfo_t *info, const void *context, void *const *frames, int count) {
  text line;
  uintptr_t address = (uintptr_t)info->si_addr, stack = stack_pointer(context);
  bool was_sent = info->si_code <= 0;
  bool is_overflow = signal == SIGSEGV && !was_sent && address + overflow_reach > stack && address < stack + overflow_reach;
  begin_line(&line);
  text_put(&line, "signal ");
  text_put_number(&line, (uint64_t)signal, 10, 1);
  text_put(&line, " (");
  text_put(&line, signal_name(signal));
  text_put(&line, ")");
  if (is_overflow) text_put(&line, ", stack overflow");
  if (!was_sent && (signal == SIGSEGV || signal == SIGBUS)) {
    text_put(&line, " at address ");
    text_put_address(&line, address);
  }
  const char *extension = CLinux_running.extension != NULL ? CLinux_running.extension : frames_extension(frames, count);
  if (extension != NULL) {
    text_put(&line, ", extension ");
    text_put(&line, extension);
  }
  if (CLinux_running.extension != NULL) put_request(&line, CLinux_running.request);
  char name[16] = "";
  if (prctl(PR_GET_NAME, name) == 0) {
    text_put(&line, ", thread ");
    text_put(&line, name);
  }
  end_line(&line);
}

static void describe_frame(int number, void *frame) {
  text line;
  begin_line(&line);
  text_put_frame(&line, number, frame);
  end_line(&line);
}

// ---- The end ----

static void pass_on(int signal, siginfo_t *info, void *context) {
  for (int index = 0; index < signal_count && passes_on; index++) {
    if (signals[index] == signal && (former[index].sa_flags & SA_SIGINFO) != 0) {
      former[index].sa_sigaction(signal, info, context);
    }
  }
  struct sigaction fatal = {.sa_handler = SIG_DFL};
  sigaction(signal, &fatal, NULL);
  // A faulting instruction is repeated and faults again; a signal that was sent is not.
  if (info->si_code <= 0) raise(signal);
}

// The thread that unwinds its stack for the report, and where it goes on after a fault: a stack that was overwritten
// leads anywhere.
static _Atomic pid_t unwinding;
static sigjmp_buf after_unwinding;

static int take_frames(void **frames, const void *context) {
  sigset_t faults;
  sigemptyset(&faults);
  sigaddset(&faults, SIGSEGV);
  sigaddset(&faults, SIGBUS);
  if (sigsetjmp(after_unwinding, 1) != 0) {
    // The mask is as before.
    frames[0] = frames_fault(context);
    return 1;
  }
  atomic_store(&unwinding, gettid());
  pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
  int count = frames_take(frames, frame_limit, context);
  pthread_sigmask(SIG_BLOCK, &faults, NULL);
  atomic_store(&unwinding, 0);
  return count;
}

static void (*before_report)(void);

void CLinux_before_crash_report(void (*action)(void)) { before_report = action; }

static void crashed(int signal, siginfo_t *info, void *context) {
  pid_t own = gettid();
  if (atomic_compare_exchange_strong(&unwinding, &own, 0)) siglongjmp(after_unwinding, 1);
  if (atomic_flag_test_and_set(&is_crashing)) {
    // Another thread was first, and ends the process.
    while (true) pause();
  }
  if (channel >= 0) send(channel, notice, notice_count, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (before_report != NULL) before_report();
  void *frames[frame_limit];
  int count = take_frames(frames, context);
  describe_fault(signal, info, context, frames, count);
  for (int index = 0; index < count; index++) describe_frame(index, frames[index]);
  pass_on(signal, info, context);
}

int CLinux_catch_crashes(int descriptor, const void *bytes, unsigned long count, int passes_on_crashes) {
  if (count > notice_limit) return -1;
  memcpy(notice, bytes, count);
  notice_count = count;
  channel = descriptor;
  passes_on = passes_on_crashes != 0;
  // The unwinder allocates memory at its first use.
  void *frame;
  (void)backtrace(&frame, 1);
  struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  for (int index = 0; index < signal_count; index++) {
    if (sigaction(signals[index], &action, &former[index]) != 0) return -1;
  }
  CLinux_guard_stack();
  return 0;
}

// ---- Alternate stacks ----

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static void free_block(void *stack) {
  stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, NULL);
  munmap(stack, stack_size);
}

static void make_key(void) { has_key = pthread_key_create(&key, free_block) == 0; }

void CLinux_guard_stack(void) {
  stack_t current;
  stacks_note_thread();
  pthread_once(&once, make_key);
  if (!has_key || pthread_getspecific(key) != NULL || sigaltstack(NULL, &current) != 0 ||
      (current.ss_flags & SS_DISABLE) == 0) {
    return;
  }
  void *stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return;
  stack_t own = {.ss_sp = stack, .ss_size = stack_size};
  if (pthread_setspecific(key, stack) != 0 || sigaltstack(&own, NULL) != 0) {
    pthread_setspecific(key, NULL);
    munmap(stack, stack_size);
  }
}
