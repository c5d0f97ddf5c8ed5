/*
 * Records the threads that run its code and the notifications of DllMain about them, and prints them to standard error
 * when it is unloaded. The query selects what a request does: "sleep=MS", "threads=N" for its own threads of each kind.
 */
#include <process.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "extension.h"

EXTENSION("Thread book")

#define MOST 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
  long thread;
  int attached, ran, detached;
} book[MOST];
static int count, odd;
static BOOL is_over;

/* The entry of the calling thread that has not been detached, or a new one. */
static int entry(void) {
  long thread = syscall(SYS_gettid);
  for (int index = 0; index < count; index += 1) {
    if (book[index].thread == thread && book[index].detached == 0) {
      return index;
    }
  }
  book[count].thread = thread;
  return count++;
}

static void runs(void) {
  pthread_mutex_lock(&lock);
  int index = entry();
  odd += book[index].attached != 1 || is_over;
  book[index].ran += 1;
  pthread_mutex_unlock(&lock);
}

static void print_book(void) {
  int ran = 0, attached = 0, detached = 0;
  for (int index = 0; index < count; index += 1) {
    ran += book[index].ran > 0;
    attached += book[index].ran > 0 && book[index].attached == 1;
    detached += book[index].ran > 0 && book[index].detached == 1;
  }
  fprintf(stderr, "book: %d threads ran, %d attached, %d detached, %d odd\n", ran, attached, detached, odd);
}

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved) {
  (void)reserved;
  pthread_mutex_lock(&lock);
  if (reason == DLL_PROCESS_ATTACH && getenv("BOOK_IS_QUIET") != NULL) {
    DisableThreadLibraryCalls(library);
  } else if (reason == DLL_THREAD_ATTACH) {
    odd += book[entry()].attached++ != 0 || is_over;
  } else if (reason == DLL_THREAD_DETACH) {
    odd += book[entry()].detached++ != 0 || is_over;
  } else if (reason == DLL_PROCESS_DETACH) {
    is_over = TRUE;
    print_book();
  }
  pthread_mutex_unlock(&lock);
  return TRUE;
}

BOOL WINAPI TerminateExtension(DWORD flags) {
  (void)flags;
  return TRUE;
}

static DWORD WINAPI begun(LPVOID argument) {
  (void)argument;
  runs();
  return 0;
}

static unsigned __stdcall begun_by_the_c_library(void *argument) {
  (void)argument;
  runs();
  _endthreadex(0);
  return 0;
}

static DWORD WINAPI worked(LPVOID event) {
  runs();
  SetEvent((HANDLE)event);
  return 0;
}

static void begin_threads(long number) {
  HANDLE event = CreateEvent(NULL, FALSE, FALSE, NULL);
  for (; number > 0; number -= 1) {
    HANDLE threads[2] = {CreateThread(NULL, 0, begun, NULL, 0, NULL),
                         (HANDLE)_beginthreadex(NULL, 0, begun_by_the_c_library, NULL, 0, NULL)};
    WaitForMultipleObjects(2, threads, TRUE, INFINITE);
    CloseHandle(threads[0]);
    CloseHandle(threads[1]);
    QueueUserWorkItem(worked, event, WT_EXECUTEDEFAULT);
    WaitForSingleObject(event, INFINITE);
  }
  CloseHandle(event);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  runs();
  begin_threads(query_number(block, "threads", 0));
  Sleep((DWORD)query_number(block, "sleep", 0));
  send_text_head(block);
  write_text(block, "ok\n");
  return HSE_STATUS_SUCCESS;
}
