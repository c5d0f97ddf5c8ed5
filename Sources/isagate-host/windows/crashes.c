// The crash report, and the stacks of threads that run.
//
// An exception that no code of the extension handles comes here, on the thread that has raised it. The handler notifies
// the gateway, which starts another process, writes the report and ends the process. It allocates no memory; one that
// waits for a lock that was held is ended from outside.
#include <signal.h>
#include <stdlib.h>

#include "parts.h"

static system_stream control;
static char crash_notice[256];
static size_t crash_notice_count;
static void (*before_report)(void);
// The thread that has crashed first.
static atomic_ulong crashed_thread;

// ---- The report ----

static void begin_line(line *to) {
  SYSTEMTIME now;
  GetSystemTime(&now);
  const uint16_t parts[] = {now.wYear, now.wMonth, now.wDay, now.wHour, now.wMinute, now.wSecond};
  to->count = 0;
  for (int index = 0; index < 6; index++) {
    line_put_number(to, parts[index], 10, index == 0 ? 4 : 2);
    line_put(to, index < 2 ? "-" : index == 2 ? "T" : index < 5 ? ":" : "Z critical: crash: ");
  }
}

static void end_line(line *from) {
  from->bytes[from->count++] = '\n';
  DWORD written;
  // Bytes that standard error does not accept are lost.
  WriteFile(GetStdHandle(STD_ERROR_HANDLE), from->bytes, (DWORD)from->count, &written, NULL);
}

static const char *exception_name(DWORD code) {
  switch (code) {
  case EXCEPTION_ACCESS_VIOLATION: return "EXCEPTION_ACCESS_VIOLATION";
  case EXCEPTION_STACK_OVERFLOW: return "EXCEPTION_STACK_OVERFLOW";
  case EXCEPTION_ILLEGAL_INSTRUCTION: return "EXCEPTION_ILLEGAL_INSTRUCTION";
  case EXCEPTION_PRIV_INSTRUCTION: return "EXCEPTION_PRIV_INSTRUCTION";
  case EXCEPTION_INT_DIVIDE_BY_ZERO: return "EXCEPTION_INT_DIVIDE_BY_ZERO";
  case EXCEPTION_INT_OVERFLOW: return "EXCEPTION_INT_OVERFLOW";
  case EXCEPTION_FLT_DIVIDE_BY_ZERO: return "EXCEPTION_FLT_DIVIDE_BY_ZERO";
  case EXCEPTION_FLT_INVALID_OPERATION: return "EXCEPTION_FLT_INVALID_OPERATION";
  case EXCEPTION_IN_PAGE_ERROR: return "EXCEPTION_IN_PAGE_ERROR";
  case EXCEPTION_DATATYPE_MISALIGNMENT: return "EXCEPTION_DATATYPE_MISALIGNMENT";
  case EXCEPTION_NONCONTINUABLE_EXCEPTION: return "EXCEPTION_NONCONTINUABLE_EXCEPTION";
  case EXCEPTION_BREAKPOINT: return "EXCEPTION_BREAKPOINT";
  case 0xC0000374: return "STATUS_HEAP_CORRUPTION";
  case 0xC0000409: return "STATUS_STACK_BUFFER_OVERRUN";
  case 0xE06D7363: return "C++ exception";
  default: return "?";
  }
}

// In the format of the gateway's ids: a kind, then 128 bits or at most 32 bytes.
static void put_request(line *to, const uint64_t *trace) {
  if (!trace || trace[0] == 0) return;
  line_put(to, ", request ");
  if (trace[0] == 1) {
    line_put_number(to, trace[1], 16, 16);
    line_put_number(to, trace[2], 16, 16);
    return;
  }
  char id[33];
  size_t count = trace[0] - 2 < 32 ? (size_t)trace[0] - 2 : 32;
  memcpy(id, &trace[1], count);
  id[count] = 0;
  line_put(to, id);
}

static void describe_thread(line *to, void *const *frames, int count) {
  thread_record *own = thread_own();
  const char *extension = own ? atomic_load(&own->extension) : NULL;
  bool is_running = extension != NULL;
  if (!extension) extension = frames_extension(frames, count);
  if (extension) {
    line_put(to, ", extension ");
    line_put(to, extension);
  }
  if (is_running) put_request(to, atomic_load(&own->request));
  if (own) {
    line_put(to, ", thread ");
    line_put(to, own->name);
  }
}

static _Noreturn void report(DWORD code, const EXCEPTION_RECORD *record, const CONTEXT *registers) {
  unsigned long expected = 0;
  if (!atomic_compare_exchange_strong(&crashed_thread, &expected, GetCurrentThreadId())) {
    // Another thread was first, and ends the process; or the report itself has crashed.
    while (expected != GetCurrentThreadId()) Sleep(INFINITE);
    process_end((int)code);
  }
  stream_send_last(control, crash_notice, crash_notice_count);
  if (before_report) before_report();
  static void *frames[STACK_LIMIT];
  static CONTEXT state;
  static line text;
  ULONG_PTR low, high;
  state = *registers;
  GetCurrentThreadStackLimits(&low, &high);
  int count = frames_take(&state, low, high, frames, STACK_LIMIT);
  begin_line(&text);
  line_put(&text, "exception ");
  line_put_address(&text, code);
  line_put(&text, " (");
  line_put(&text, record ? exception_name(code) : "abort");
  line_put(&text, ")");
  if (code == EXCEPTION_STACK_OVERFLOW) line_put(&text, ", stack overflow");
  if (record && code == EXCEPTION_ACCESS_VIOLATION && record->NumberParameters >= 2) {
    line_put(&text, " at address ");
    line_put_address(&text, record->ExceptionInformation[1]);
  }
  describe_thread(&text, frames, count);
  end_line(&text);
  for (int index = 0; index < count; index++) {
    begin_line(&text);
    line_put_frame(&text, index, frames[index]);
    end_line(&text);
  }
  process_end((int)code);
}

static LONG WINAPI handle_exception(EXCEPTION_POINTERS *raised) {
  report(raised->ExceptionRecord->ExceptionCode, raised->ExceptionRecord, raised->ContextRecord);
}

// abort() raises no exception.
static void handle_abort(int number) {
  (void)number;
  CONTEXT registers;
  RtlCaptureContext(&registers);
  // The status that abort() ends a process with.
  report(3, NULL, &registers);
}

bool crashes_catch(system_stream stream, const void *notice, size_t count, void (*before)(void)) {
  if (count > sizeof crash_notice || !frames_open()) return false;
  control = stream;
  memcpy(crash_notice, notice, count);
  crash_notice_count = count;
  before_report = before;
  SetUnhandledExceptionFilter(handle_exception);
  return signal(SIGABRT, handle_abort) != SIG_ERR;
}

// ---- Stacks of threads that run ----

typedef LONG(NTAPI *lock_function)(ULONG flags, ULONG *outcome, ULONG_PTR *cookie);
typedef LONG(NTAPI *unlock_function)(ULONG flags, ULONG_PTR cookie);

enum { TRY_ONLY = 2, IS_LOCKED = 1 };

static FARPROC ntdll_function(const char *name) { return GetProcAddress(GetModuleHandleA("ntdll.dll"), name); }

// With the loader's lock: a thread that is suspended while it holds it would never give it back to RtlLookupFunctionEntry.
static int take_suspended(thread_record *thread, const uint64_t *request, stack_report *report) {
  static CONTEXT state;
  if (SuspendThread(thread->handle) == (DWORD)-1) return -1;
  int outcome = -1;
  state.ContextFlags = CONTEXT_FULL;
  if (!atomic_load(&thread->extension) || atomic_load(&thread->request) != request) {
    outcome = 0;
  } else if (GetThreadContext(thread->handle, &state)) {
    report->count = frames_take(&state, thread->low, thread->high, report->frames, STACK_LIMIT);
    memcpy(report->thread, thread->name, sizeof report->thread);
    outcome = 1;
  }
  ResumeThread(thread->handle);
  return outcome;
}

int stack_take(const uint64_t *request, stack_report *report) {
  thread_record *thread = thread_running(request);
  if (!thread) return 0;
  FARPROC address = ntdll_function("LdrLockLoaderLock"), other = ntdll_function("LdrUnlockLoaderLock");
  if (!address || !other) return -1;
  lock_function lock;
  unlock_function unlock;
  memcpy(&lock, &address, sizeof lock);
  memcpy(&unlock, &other, sizeof unlock);
  ULONG state = 0;
  ULONG_PTR cookie = 0;
  if (lock(TRY_ONLY, &state, &cookie) != 0 || state != IS_LOCKED) return -1;
  int outcome = take_suspended(thread, request, report);
  unlock(0, cookie);
  return outcome;
}
