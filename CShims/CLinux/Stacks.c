// Stacks of threads that run extension code, taken while they run.
//
// The thread is interrupted by a signal that nothing else uses, and takes its own stack in the handler, which allocates
// nothing and takes no lock. A call of the system that waits may return early with EINTR.
#define _GNU_SOURCE
#include "CLinux.h"
#include "Frames.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

// A thread that may run extension code; it is in the list until it ends.
typedef struct thread_entry {
  pid_t number;
  const CLinux_running_code *running;
  struct thread_entry *next, **place;
} thread_entry;

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static thread_entry *first_thread;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int has_key, signal_number;

// ---- The question ----

enum { idle, asked, answering, answered };
static _Atomic uint32_t state;
static _Atomic(const uint64_t *) wanted;
static CLinux_stack answer;

static const int64_t answer_limit_ns = 100000000;

static void answer_signal(int number, siginfo_t *info, void *context) {
  (void)number;
  int failure = errno;
  uint32_t expected = asked;
  if (info->si_code == SI_TKILL && info->si_pid == getpid() && CLinux_running.extension != NULL &&
      CLinux_running.request == atomic_load(&wanted) &&
      atomic_compare_exchange_strong(&state, &expected, answering)) {
    answer.count = frames_take(answer.frames, CLinux_STACK_LIMIT, context);
    memset(answer.thread, 0, sizeof answer.thread);
    prctl(PR_GET_NAME, answer.thread);
    atomic_store(&state, answered);
    CLinux_futex_wake(&state, 1);
  }
  errno = failure;
}

// ---- Threads ----

static void forget_thread(void *value) {
  thread_entry *entry = value;
  pthread_mutex_lock(&list_lock);
  *entry->place = entry->next;
  if (entry->next != NULL) entry->next->place = entry->place;
  pthread_mutex_unlock(&list_lock);
  free(entry);
}

static void prepare(void) {
  // The unwinder allocates memory at its first use.
  void *frame;
  (void)backtrace(&frame, 1);
  // One that neither the C library nor common runtimes use.
  signal_number = SIGRTMAX - 3;
  struct sigaction action = {.sa_sigaction = answer_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigemptyset(&action.sa_mask);
  has_key = sigaction(signal_number, &action, NULL) == 0 && pthread_key_create(&key, forget_thread) == 0;
}

void stacks_note_thread(void) {
  pthread_once(&once, prepare);
  if (!has_key || pthread_getspecific(key) != NULL) return;
  thread_entry *entry = malloc(sizeof *entry);
  if (entry == NULL) return;
  *entry = (thread_entry){.number = gettid(), .running = &CLinux_running, .place = &first_thread};
  if (pthread_setspecific(key, entry) != 0) return free(entry);
  pthread_mutex_lock(&list_lock);
  entry->next = first_thread;
  if (first_thread != NULL) first_thread->place = &entry->next;
  first_thread = entry;
  pthread_mutex_unlock(&list_lock);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

// What another thread runs; it may change at any time.
static int runs(const thread_entry *entry, const uint64_t *request) {
  return __atomic_load_n(&entry->running->extension, __ATOMIC_RELAXED) != NULL &&
         __atomic_load_n(&entry->running->request, __ATOMIC_RELAXED) == request;
}

// With the lock of the list, so that the thread does not end meanwhile.
static int ask(pid_t thread, const uint64_t *request, CLinux_stack *stack) {
  struct sigaction present;
  if (sigaction(signal_number, NULL, &present) != 0 || present.sa_sigaction != answer_signal) return -1;
  // A thread that was interrupted before may be answering still.
  uint32_t seen = idle;
  atomic_store(&wanted, request);
  if (!atomic_compare_exchange_strong(&state, &seen, asked)) return -1;
  if (syscall(SYS_tgkill, getpid(), thread, signal_number) != 0) {
    atomic_store(&state, idle);
    return 0;
  }
  uint64_t end = CLinux_monotonic_ns() + (uint64_t)answer_limit_ns;
  while ((seen = atomic_load(&state)) != answered) {
    uint64_t now = CLinux_monotonic_ns();
    if (now >= end) {
      uint32_t unanswered = asked;
      // If it has begun to answer, the place of the answer is its own until it has ended.
      atomic_compare_exchange_strong(&state, &unanswered, idle);
      return -1;
    }
    CLinux_futex_wait(&state, seen, (int64_t)(end - now));
  }
  *stack = answer;
  atomic_store(&state, idle);
  return 1;
}

int CLinux_stack_of(const uint64_t *request, CLinux_stack *stack) {
  if (!has_key) return -1;
  int outcome = 0;
  pthread_mutex_lock(&list_lock);
  // An answer that came too late for the last question.
  uint32_t late = answered;
  atomic_compare_exchange_strong(&state, &late, idle);
  for (const thread_entry *entry = first_thread; entry != NULL; entry = entry->next) {
    if (!runs(entry, request)) continue;
    outcome = ask(entry->number, request, stack);
    // The code may have returned before the signal came.
    if (outcome < 0 && !runs(entry, request)) outcome = 0;
    break;
  }
  pthread_mutex_unlock(&list_lock);
  return outcome;
}

unsigned long CLinux_describe_frame(int number, void *frame, char *bytes, unsigned long room) {
  text line = {.count = 0};
  text_put_frame(&line, number, frame);
  unsigned long count = line.count < room ? line.count : room;
  memcpy(bytes, line.bytes, count);
  return count;
}
