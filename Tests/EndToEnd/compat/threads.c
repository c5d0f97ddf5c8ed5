/* Threads, locks, and objects that threads wait for. */
#include <process.h>

#include "check.h"

static DWORD WINAPI return_parameter(LPVOID parameter) { return (DWORD)(DWORD_PTR)parameter; }

static void a_thread_has_an_id_an_exit_code_and_an_end(void) {
  DWORD id = 0, code = 0;
  HANDLE thread = CreateThread(NULL, 0, return_parameter, (LPVOID)(DWORD_PTR)42, CREATE_SUSPENDED, &id);
  CHECK(thread != NULL && id != 0 && id != GetCurrentThreadId() && GetThreadId(thread) == id);
  CHECK(GetExitCodeThread(thread, &code) && code == STILL_ACTIVE);
  CHECK(WaitForSingleObject(thread, 0) == WAIT_TIMEOUT);
  CHECK(ResumeThread(thread) == 1 && ResumeThread(thread) == 0);
  CHECK(WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0);
  CHECK(GetExitCodeThread(thread, &code) && code == 42);
  CHECK(CloseHandle(thread));
  FAILS(CreateThread(NULL, 0, NULL, NULL, 0, NULL) != NULL, ERROR_INVALID_PARAMETER);
}

static unsigned __stdcall exit_early(void *parameter) {
  (void)parameter;
  _endthreadex(7);
}

static void set_event(void *parameter) { SetEvent((HANDLE)parameter); }

static void the_c_librarys_threads_run_too(void) {
  DWORD code = 0;
  HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, exit_early, NULL, 0, NULL);
  CHECK(WaitForSingleObject(thread, 5000) == WAIT_OBJECT_0 && GetExitCodeThread(thread, &code) && code == 7);
  CloseHandle(thread);
  HANDLE event = CreateEvent(NULL, FALSE, FALSE, NULL);
  CHECK(_beginthread(set_event, 0, event) != (uintptr_t)-1);
  CHECK(WaitForSingleObject(event, 5000) == WAIT_OBJECT_0);
  CloseHandle(event);
}

static void events_reset_themselves_or_do_not(void) {
  HANDLE automatic = CreateEvent(NULL, FALSE, TRUE, NULL), manual = CreateEvent(NULL, TRUE, FALSE, NULL);
  CHECK(WaitForSingleObject(automatic, 0) == WAIT_OBJECT_0 && WaitForSingleObject(automatic, 0) == WAIT_TIMEOUT);
  SetEvent(manual);
  CHECK(WaitForSingleObject(manual, 0) == WAIT_OBJECT_0 && WaitForSingleObject(manual, 0) == WAIT_OBJECT_0);
  ResetEvent(manual);
  CHECK(WaitForSingleObject(manual, 1) == WAIT_TIMEOUT);
  PulseEvent(manual);
  CHECK(WaitForSingleObject(manual, 0) == WAIT_TIMEOUT);
  CloseHandle(automatic);
  CloseHandle(manual);
}

static void a_semaphore_counts_up_to_its_maximum(void) {
  LONG before = -1;
  HANDLE semaphore = CreateSemaphore(NULL, 1, 3, NULL);
  CHECK(WaitForSingleObject(semaphore, 0) == WAIT_OBJECT_0 && WaitForSingleObject(semaphore, 0) == WAIT_TIMEOUT);
  CHECK(ReleaseSemaphore(semaphore, 2, &before) && before == 0);
  FAILS(ReleaseSemaphore(semaphore, 2, NULL), ERROR_TOO_MANY_POSTS);
  FAILS(ReleaseSemaphore(semaphore, 0, NULL), ERROR_INVALID_PARAMETER);
  FAILS(SetEvent(semaphore), ERROR_INVALID_HANDLE);
  FAILS(CreateSemaphore(NULL, 4, 3, NULL) != NULL, ERROR_INVALID_PARAMETER);
  CloseHandle(semaphore);
}

static DWORD WINAPI take_mutex(LPVOID parameter) {
  FAILS(ReleaseMutex((HANDLE)parameter), ERROR_NOT_OWNER);
  return WaitForSingleObject((HANDLE)parameter, INFINITE);
}

static void a_mutex_is_recursive_and_can_be_abandoned(void) {
  HANDLE mutex = CreateMutex(NULL, TRUE, NULL);
  CHECK(WaitForSingleObject(mutex, 0) == WAIT_OBJECT_0);
  HANDLE thread = CreateThread(NULL, 0, take_mutex, mutex, 0, NULL);
  CHECK(ReleaseMutex(mutex));
  CHECK(WaitForSingleObject(thread, 20) == WAIT_TIMEOUT);
  CHECK(ReleaseMutex(mutex));
  CHECK(WaitForSingleObject(thread, 5000) == WAIT_OBJECT_0);
  CHECK(WaitForSingleObject(mutex, 0) == WAIT_ABANDONED);
  FAILS(ReleaseMutex(thread), ERROR_INVALID_HANDLE);
  CHECK(ReleaseMutex(mutex));
  CloseHandle(thread);
  CloseHandle(mutex);
}

static void a_wait_takes_one_or_all(void) {
  HANDLE events[2] = {CreateEvent(NULL, FALSE, FALSE, NULL), CreateEvent(NULL, FALSE, TRUE, NULL)};
  CHECK(WaitForMultipleObjects(2, events, TRUE, 0) == WAIT_TIMEOUT);
  CHECK(WaitForMultipleObjects(2, events, FALSE, 0) == WAIT_OBJECT_0 + 1);
  SetEvent(events[0]);
  SetEvent(events[1]);
  CHECK(WaitForMultipleObjects(2, events, TRUE, 0) == WAIT_OBJECT_0);
  CHECK(WaitForSingleObject(events[0], 0) == WAIT_TIMEOUT);
  HANDLE twice[2] = {events[0], events[0]};
  SetLastError(0);
  CHECK(WaitForMultipleObjects(2, twice, TRUE, 0) == WAIT_FAILED && GetLastError() == ERROR_INVALID_PARAMETER);
  CHECK(WaitForMultipleObjects(0, events, TRUE, 0) == WAIT_FAILED);
  CloseHandle(events[1]);
  CHECK(WaitForMultipleObjects(2, events, FALSE, 0) == WAIT_FAILED && GetLastError() == ERROR_INVALID_HANDLE);
  CloseHandle(events[0]);
}

static void names_lead_to_the_same_object(void) {
  HANDLE first = CreateEvent(NULL, TRUE, FALSE, "an event");
  HANDLE second = CreateEvent(NULL, TRUE, FALSE, "an event");
  CHECK(first != second && GetLastError() == ERROR_ALREADY_EXISTS);
  SetEvent(first);
  CHECK(WaitForSingleObject(second, 0) == WAIT_OBJECT_0);
  FAILS(CreateMutex(NULL, FALSE, "an event") != NULL, ERROR_INVALID_HANDLE);
  CloseHandle(first);
  CloseHandle(second);
  FAILS(OpenEvent(EVENT_ALL_ACCESS, FALSE, "an event") != NULL, ERROR_FILE_NOT_FOUND);
}

#define THREADS 8
#define ROUNDS 2000
static CRITICAL_SECTION section;
static HANDLE semaphore;
static LONG atomic, guarded, by_semaphore;
static DWORD slot;

static DWORD WINAPI count(LPVOID parameter) {
  CHECK(TlsGetValue(slot) == NULL && TlsSetValue(slot, parameter));
  for (int round = 0; round < ROUNDS; round += 1) {
    InterlockedIncrement(&atomic);
    EnterCriticalSection(&section);
    CHECK(TryEnterCriticalSection(&section));
    guarded += 1;
    LeaveCriticalSection(&section);
    LeaveCriticalSection(&section);
    WaitForSingleObject(semaphore, INFINITE);
    by_semaphore += 1;
    ReleaseSemaphore(semaphore, 1, NULL);
  }
  CHECK(TlsGetValue(slot) == parameter);
  return 0;
}

static void nothing_is_lost_among_threads(void) {
  HANDLE threads[THREADS];
  InitializeCriticalSection(&section);
  semaphore = CreateSemaphore(NULL, 1, 1, NULL);
  slot = TlsAlloc();
  for (int index = 0; index < THREADS; index += 1) {
    threads[index] = CreateThread(NULL, 65536, count, &threads[index], 0, NULL);
  }
  CHECK(WaitForMultipleObjects(THREADS, threads, TRUE, 20000) == WAIT_OBJECT_0);
  CHECK(atomic == THREADS * ROUNDS && guarded == THREADS * ROUNDS && by_semaphore == THREADS * ROUNDS);
  for (int index = 0; index < THREADS; index += 1) {
    CloseHandle(threads[index]);
  }
  CHECK(TlsFree(slot) && CloseHandle(semaphore));
  DeleteCriticalSection(&section);
}

static CONDITION_VARIABLE condition = CONDITION_VARIABLE_INIT;
static LONG runs;

static BOOL WINAPI once(PINIT_ONCE state, PVOID parameter, PVOID *context) {
  (void)state, (void)parameter;
  *context = &runs;
  return ++runs > 0;
}

static void slim_locks_conditions_and_once(void) {
  SRWLOCK lock = SRWLOCK_INIT;
  AcquireSRWLockShared(&lock);
  CHECK(TryAcquireSRWLockShared(&lock) && !TryAcquireSRWLockExclusive(&lock));
  ReleaseSRWLockShared(&lock);
  ReleaseSRWLockShared(&lock);
  CHECK(TryAcquireSRWLockExclusive(&lock));
  ReleaseSRWLockExclusive(&lock);
  InitializeCriticalSection(&section);
  EnterCriticalSection(&section);
  FAILS(SleepConditionVariableCS(&condition, &section, 5), ERROR_TIMEOUT);
  LeaveCriticalSection(&section);
  INIT_ONCE state = INIT_ONCE_STATIC_INIT;
  LPVOID context = NULL;
  CHECK(InitOnceExecuteOnce(&state, once, NULL, &context) && InitOnceExecuteOnce(&state, once, NULL, &context));
  CHECK(runs == 1 && context == &runs);
}

static void a_handle_can_be_duplicated(void) {
  HANDLE event = CreateEvent(NULL, TRUE, FALSE, NULL), copy = NULL, self = NULL;
  CHECK(DuplicateHandle(GetCurrentProcess(), event, GetCurrentProcess(), &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
  CloseHandle(event);
  CHECK(SetEvent(copy) && WaitForSingleObject(copy, 0) == WAIT_OBJECT_0);
  CloseHandle(copy);
  CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &self, 0, FALSE, 0));
  CHECK(GetThreadId(self) == GetCurrentThreadId() && WaitForSingleObject(self, 0) == WAIT_TIMEOUT);
  CloseHandle(self);
}

static HANDLE port;

static DWORD WINAPI serve(LPVOID argument) {
  DWORD bytes, sum = 0;
  ULONG_PTR number;
  LPOVERLAPPED operation;
  while (GetQueuedCompletionStatus(port, &bytes, &number, &operation, INFINITE) && operation == argument) {
    sum += bytes * (DWORD)number;
  }
  return sum;
}

static void a_port_hands_work_to_threads(void) {
  OVERLAPPED work;
  HANDLE threads[4];
  DWORD bytes, total = 0, code;
  ULONG_PTR number;
  LPOVERLAPPED operation = &work;
  port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
  FAILS(GetQueuedCompletionStatus(port, &bytes, &number, &operation, 5), WAIT_TIMEOUT);
  SetLastError(0);
  CHECK(WaitForSingleObject(port, 0) == WAIT_FAILED && GetLastError() == ERROR_INVALID_HANDLE);
  CHECK(operation == NULL && PostQueuedCompletionStatus(port, 1, 2, &work));
  CHECK(GetQueuedCompletionStatus(port, &bytes, &number, &operation, 0) && bytes == 1 && number == 2 && operation == &work);
  for (int index = 0; index < 4; index += 1) {
    threads[index] = CreateThread(NULL, 0, serve, &work, 0, NULL);
  }
  for (DWORD index = 1; index <= 1000; index += 1) {
    PostQueuedCompletionStatus(port, index, 2, &work);
  }
  for (int index = 0; index < 4; index += 1) {
    PostQueuedCompletionStatus(port, 0, 0, NULL);
  }
  CHECK(WaitForMultipleObjects(4, threads, TRUE, 10000) == WAIT_OBJECT_0);
  for (int index = 0; index < 4; index += 1) {
    CHECK(GetExitCodeThread(threads[index], &code) && CloseHandle(threads[index]));
    total += code;
  }
  CHECK(total == 2 * 500500 && PostQueuedCompletionStatus(port, 0, 0, NULL) && CloseHandle(port));
  FAILS(PostQueuedCompletionStatus(port, 0, 0, NULL), ERROR_INVALID_HANDLE);
  FAILS(CreateIoCompletionPort((HANDLE)1, NULL, 0, 0), ERROR_NOT_SUPPORTED);
}

static LONG done, under_way;
static HANDLE all_done;

static DWORD WINAPI count_up(LPVOID parameter) {
  InterlockedIncrement(&under_way);
  SwitchToThread();
  InterlockedDecrement(&under_way);
  if (InterlockedIncrement(&done) == *(LONG *)parameter) {
    SetEvent(all_done);
  }
  return 0;
}

static void work_items_are_all_done(void) {
  LONG wanted = 2000;
  all_done = CreateEvent(NULL, TRUE, FALSE, NULL);
  for (LONG index = 0; index < wanted; index += 1) {
    CHECK(QueueUserWorkItem(count_up, &wanted, WT_EXECUTEDEFAULT));
  }
  CHECK(WaitForSingleObject(all_done, 20000) == WAIT_OBJECT_0 && done == wanted && under_way == 0);
  CHECK(CloseHandle(all_done));
  FAILS(QueueUserWorkItem(NULL, NULL, 0), ERROR_INVALID_PARAMETER);
}

static LONG exchange(void) {
  LONG value = 5;
  PVOID pointer = NULL;
  CHECK(InterlockedExchangeAdd(&value, 3) == 5 && InterlockedCompareExchange(&value, 1, 8) == 8 && value == 1);
  CHECK(InterlockedExchange(&value, 2) == 1 && InterlockedDecrement(&value) == 1);
  CHECK(InterlockedCompareExchangePointer(&pointer, &value, NULL) == NULL && pointer == &value);
  return value;
}

int main(void) {
  a_thread_has_an_id_an_exit_code_and_an_end();
  the_c_librarys_threads_run_too();
  events_reset_themselves_or_do_not();
  a_semaphore_counts_up_to_its_maximum();
  a_mutex_is_recursive_and_can_be_abandoned();
  a_wait_takes_one_or_all();
  names_lead_to_the_same_object();
  nothing_is_lost_among_threads();
  slim_locks_conditions_and_once();
  a_handle_can_be_duplicated();
  a_port_hands_work_to_threads();
  work_items_are_all_done();
  exchange();
  return failures != 0;
}
