// The process, its threads and its memory.
#include <stdio.h>
#include <stdlib.h>

#include "parts.h"

// ---- Text ----

WCHAR *wide_copy(const char *text) {
  int count = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
  WCHAR *copy = malloc((size_t)count * sizeof *copy);
  if (!copy || count == 0) abort();
  MultiByteToWideChar(CP_UTF8, 0, text, -1, copy, count);
  return copy;
}

const char *error_text(DWORD error) {
  static char text[512];
  DWORD count = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, text,
                               sizeof text, NULL);
  while (count > 0 && (unsigned char)text[count - 1] <= ' ') count--;
  text[count] = 0;
  if (count == 0) snprintf(text, sizeof text, "error %lu", error);
  return text;
}

// ---- The process ----

bool process_begin(int count, char **arguments) {
  if (count > 2) {
    fputs("isagate-host: a Windows process does not take a user by number: its starter has to run as that user\n", stderr);
    return false;
  }
  // Nobody could answer a dialog.
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
  if (count == 2) handover_name_control(arguments[1]);
  return threads_open();
}

void process_end(int status) {
  TerminateProcess(GetCurrentProcess(), (UINT)status);
  // It does not return for the calling process.
  for (;;) Sleep(INFINITE);
}

// Processes are not copied.
bool process_is_copy(void) { return false; }

void process_set_variable(char *assignment) {
  WCHAR *wide = wide_copy(assignment);
  _wputenv(wide);
  free(wide);
}

const char *process_enter_folder(const char *path) {
  static char text[1024];
  WCHAR *wide = wide_copy(path);
  BOOL has_entered = SetCurrentDirectoryW(wide);
  free(wide);
  if (has_entered) return NULL;
  snprintf(text, sizeof text, "working folder %.400s: %s", path, error_text(GetLastError()));
  return text;
}

// ---- Threads and time ----

// Bytes that a thread keeps for the report of its stack overflow.
#define OVERFLOW_RESERVE (64u << 10)
// Milliseconds for the end of all threads that have been told to end.
#define END_LIMIT 5000

static struct {
  // Not _Thread_local, which allocates memory at its first use on a thread: the crash report reads it.
  DWORD key;
  atomic_uint count;
  thread_record records[POOL_CHANNELS];
} threads;

bool threads_open(void) {
  threads.key = TlsAlloc();
  if (threads.key != TLS_OUT_OF_INDEXES) return true;
  fputs("isagate-host: no memory of threads is left\n", stderr);
  return false;
}

thread_record *thread_own(void) { return TlsGetValue(threads.key); }

thread_record *thread_running(const uint64_t *request) {
  unsigned count = atomic_load(&threads.count);
  for (unsigned index = 0; index < count && index < POOL_CHANNELS; index++) {
    thread_record *record = &threads.records[index];
    if (atomic_load(&record->extension) && atomic_load(&record->request) == request) return record;
  }
  return NULL;
}

typedef struct {
  void (*body)(void *context);
  void *context;
} beginning;

static DWORD WINAPI begin(void *given) {
  beginning own = *(beginning *)given;
  free(given);
  own.body(own.context);
  return 0;
}

bool thread_start(void (*body)(void *context), void *context, size_t stack_size) {
  beginning *given = malloc(sizeof *given);
  if (!given) return false;
  *given = (beginning){body, context};
  HANDLE thread = CreateThread(NULL, stack_size, begin, given, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (thread) CloseHandle(thread);
  if (!thread) free(given);
  return thread != NULL;
}

void thread_begins(const char *name) {
  ULONG reserve = OVERFLOW_RESERVE;
  SetThreadStackGuarantee(&reserve);
  unsigned index = atomic_fetch_add(&threads.count, 1);
  if (index >= POOL_CHANNELS) return;
  thread_record *own = &threads.records[index];
  ULONG_PTR low, high;
  GetCurrentThreadStackLimits(&low, &high);
  own->low = low;
  own->high = high;
  snprintf(own->name, sizeof own->name, "%s", name);
  HANDLE process = GetCurrentProcess();
  if (!DuplicateHandle(process, GetCurrentThread(), process, &own->handle, 0, FALSE, DUPLICATE_SAME_ACCESS)) return;
  TlsSetValue(threads.key, own);
}

void code_thread_ends(void) {
  thread_record *own = thread_own();
  if (own) atomic_store(&own->is_ending, true);
}

void threads_end(void) {
  ULONGLONG limit = GetTickCount64() + END_LIMIT;
  unsigned count = atomic_load(&threads.count);
  for (unsigned index = 0; index < count && index < POOL_CHANNELS; index++) {
    thread_record *record = &threads.records[index];
    ULONGLONG now = GetTickCount64();
    if (atomic_load(&record->is_ending) && now < limit) WaitForSingleObject(record->handle, (DWORD)(limit - now));
  }
}

void thread_yield(void) { SwitchToThread(); }

void thread_sleep(uint64_t nanoseconds) { Sleep((DWORD)((nanoseconds + 999999) / 1000000)); }

uint64_t monotonic_now(void) {
  static uint64_t frequency;
  LARGE_INTEGER count, rate;
  uint64_t known = __atomic_load_n(&frequency, __ATOMIC_RELAXED);
  if (known == 0) {
    QueryPerformanceFrequency(&rate);
    known = (uint64_t)rate.QuadPart;
    __atomic_store_n(&frequency, known, __ATOMIC_RELAXED);
  }
  QueryPerformanceCounter(&count);
  uint64_t ticks = (uint64_t)count.QuadPart;
  return ticks / known * 1000000000 + ticks % known * 1000000000 / known;
}

// ---- Memory ----

uint8_t *memory_reserve(size_t size) {
  void *bytes = VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
  if (!bytes) abort();
  return bytes;
}

void memory_use(uint8_t *bytes, size_t size) {
  if (!VirtualAlloc(bytes, size, MEM_COMMIT, PAGE_READWRITE)) abort();
}
