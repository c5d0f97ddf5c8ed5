// isagate-host: runs the extensions of an application pool in a process of its own.
//
// The gateway starts it and owns it: when the gateway closes its end of the control channel, or ends, so does this
// process. It has no file, no memory and no privilege of the gateway but what POOL_HELLO and the descriptors give it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "CLinux.h"
#include "host.h"

static channel control;
static pool_memory *shared_memory;
static struct {
  char *name, *path;
  uint64_t identity;
  PFN_GETEXTENSIONVERSION version;
  PFN_HTTPEXTENSIONPROC run;
  PFN_TERMINATEEXTENSION terminate;
} library;

// Extensions may put large buffers on the stack; pages are taken only as they are touched.
#define STACK_SIZE (1u << 20)

// ---- Threads that run extension code ----

// Tells the gateway that the code has returned. What was deferred precedes it.
static void return_from(request *owner, DWORD status) {
  channel *by = own_channel;
  pthread_mutex_lock(&owner->lock);
  bool continues = status == HSE_STATUS_PENDING && !owner->is_done;
  // Other threads may call for the request from now on: what precedes their calls has to arrive first.
  if (continues && owner->deferred.count > 0) call_deliver(owner, by);
  if (!continues) {
    channel_append(by, owner->deferred.bytes, owner->deferred.count);
    buffer_clear(&owner->deferred, 0);
    atomic_store(&owner->deferred_since, 0);
  }
  owner->is_running = false;
  const EXTENSION_CONTROL_BLOCK *block = request_block(owner);
  message_begin(by, POOL_RETURN, 0, owner->index, status);
  message_word(by, block->dwHttpStatusCode);
  message_item(by, block->lpszLogData, strnlen(block->lpszLogData, HSE_LOG_BUFFER_LEN));
  message_end(by);
  bool has_ended = status != HSE_STATUS_PENDING || owner->is_done;
  pthread_mutex_unlock(&owner->lock);
  // Before the gateway uses the slot again.
  if (has_ended) request_end(owner);
  channel_flush(by);
}

static void run(unsigned number, message *received) {
  pool_run facts;
  memcpy(&facts, received->payload + sizeof(uint32_t), sizeof facts);
  request *owner;
  EXTENSION_CONTROL_BLOCK *block = request_begin(received, &owner);
  isagate_thread_enter(library.identity);
  calls_set_running(number, owner);
  own_request = owner;
  CLinux_run_begins(library.name, owner->trace);
  __atomic_store_n(&shared_memory->entered[number], facts.sequence, __ATOMIC_RELEASE);
  DWORD status = library.run(block);
  CLinux_run_ends();
  own_request = NULL;
  calls_set_running(number, NULL);
  return_from(owner, status);
  request_release(owner);
}

static void complete(message *received) {
  pool_completion facts;
  item first = message_next(received);
  if (first.count != sizeof facts) _exit(1);
  memcpy(&facts, first.bytes, sizeof facts);
  item bytes = message_next(received);
  request *owner = request_at(received->header.request);
  if (owner && facts.target) {
    const completion *target = (const completion *)(uintptr_t)facts.target;
    if (bytes.count) memcpy((void *)(uintptr_t)facts.buffer, bytes.bytes, bytes.count);
    isagate_thread_enter(library.identity);
    CLinux_run_begins(library.name, owner->trace);
    target->function(request_block(owner), target->context, facts.bytes, facts.error);
    CLinux_run_ends();
  }
  if (owner) request_release(owner);
  message_begin(own_channel, POOL_RETURN, 0, received->header.request, 0);
  message_end(own_channel);
  channel_flush(own_channel);
}

static channel *run_channels;

static void *serve(void *context) {
  unsigned number = (unsigned)(uintptr_t)context;
  char name[16];
  snprintf(name, sizeof name, "%.10s-%u", library.name, number + 1);
  prctl(PR_SET_NAME, name);
  CLinux_guard_stack();
  own_channel = &run_channels[number];
  for (;;) {
    message received = channel_receive(own_channel);
    switch (received.header.type) {
    case POOL_RUN: run(number, &received); break;
    case POOL_COMPLETE: complete(&received); break;
    // The library is about to be released: it is notified of the end of this thread.
    case POOL_STOP:
      isagate_thread_ends();
      message_begin(own_channel, POOL_RETURN, 0, POOL_NO_REQUEST, 0);
      message_end(own_channel);
      channel_flush(own_channel);
      return NULL;
    default: _exit(1);
    }
  }
}

static bool start_threads(unsigned count) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (unsigned index = 0; index < count; index++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, serve, (void *)(uintptr_t)index) != 0) return false;
  }
  pthread_attr_destroy(&attributes);
  return true;
}

static channel *open_channels(unsigned first, unsigned count) {
  channel *channels = calloc(count ? count : 1, sizeof *channels);
  if (!channels) abort();
  for (unsigned index = 0; index < count; index++) channel_open(&channels[index], POOL_CHANNEL_FD + (int)(first + index));
  return channels;
}

// ---- The library ----

static void send_refused(uint32_t reason, uint32_t error, const char *text) {
  message_begin(&control, POOL_REFUSED, 0, 0, reason);
  message_word(&control, error);
  message_item(&control, text, strlen(text));
  message_end(&control);
  channel_flush(&control);
  exit(0);
}

static void *entry_point(void *handle, const char *name, bool is_required) {
  void *function = dlsym(handle, name);
  if (!function && is_required) send_refused(POOL_REFUSED_NO_ENTRY_POINT, 0, name);
  return function;
}

static void load(bool has_backslashes) {
  char file[32];
  snprintf(file, sizeof file, "/proc/self/fd/%d", POOL_LIBRARY_FD);
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!handle) send_refused(POOL_REFUSED_CANNOT_OPEN, 0, dlerror());
  library.identity = isagate_module_open(handle, library.path, has_backslashes);
  if (library.identity == 0) send_refused(POOL_REFUSED_SETUP, 0, "too many libraries are loaded");
  void *version = entry_point(handle, "GetExtensionVersion", true);
  void *run = entry_point(handle, "HttpExtensionProc", true);
  void *terminate = entry_point(handle, "TerminateExtension", false);
  memcpy(&library.version, &version, sizeof version);
  memcpy(&library.run, &run, sizeof run);
  memcpy(&library.terminate, &terminate, sizeof terminate);
  CLinux_name_library(run, library.name, library.path);
  SetLastError(0);
  if (!isagate_module_attach(library.identity)) send_refused(POOL_REFUSED_ATTACH, GetLastError(), "");
  HSE_VERSION_INFO information = {0};
  SetLastError(0);
  if (!library.version(&information)) send_refused(POOL_REFUSED_VERSION, GetLastError(), "");
  message_begin(&control, POOL_READY, 0, 0, 0);
  message_word(&control, information.dwExtensionVersion);
  message_item(&control, information.lpszExtensionDesc,
               strnlen(information.lpszExtensionDesc, sizeof information.lpszExtensionDesc));
  message_end(&control);
  channel_flush(&control);
}

// ---- The process ----

static void drop_privileges(const pool_hello *hello) {
  if (hello->user == POOL_NO_ID) return;
  gid_t group = hello->group;
  if (setgroups(1, &group) != 0 || setgid(group) != 0 || setuid(hello->user) != 0) {
    send_refused(POOL_REFUSED_SETUP, 0, "the user of the pool cannot be taken");
  }
}

static void confine(const pool_hello *hello) {
  // Programs that the extension starts do not get them.
  unsigned count = hello->run_channels + hello->shared_channels;
  for (unsigned index = 0; index < POOL_CHANNEL_FD + count; index++) {
    if (index >= POOL_CONTROL_FD) fcntl((int)index, F_SETFD, FD_CLOEXEC);
  }
  drop_privileges(hello);
  // After the change of the user, which resets it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static void catch_crashes(void) {
  pool_header notice = {.type = POOL_CRASHED};
  if (CLinux_catch_crashes(POOL_CONTROL_FD, &notice, sizeof notice, 0) != 0) {
    send_refused(POOL_REFUSED_SETUP, 0, "crashes cannot be caught");
  }
  isagate_observe_threads(CLinux_guard_stack);
}

static char *copied(item text) {
  char *copy = malloc((size_t)text.count + 1);
  if (!copy) abort();
  if (text.count) memcpy(copy, text.bytes, text.count);
  copy[text.count] = 0;
  return copy;
}

static void answer(uint16_t type, uint32_t value) {
  message_begin(&control, type, 0, 0, value);
  message_end(&control);
  channel_flush(&control);
}

static void serve_control(void) {
  for (;;) {
    message received = channel_receive(&control);
    switch (received.header.type) {
    case POOL_PING: answer(POOL_PONG, received.header.value); break;
    case POOL_TERMINATE: {
      BOOL agrees = library.terminate ? library.terminate(received.header.value) : TRUE;
      answer(POOL_TERMINATED, agrees != FALSE);
      break;
    }
    case POOL_STOP:
      isagate_work_threads_end();
      isagate_module_close(library.identity);
      exit(0);
    default: _exit(1);
    }
  }
}

int main(int count, char **arguments) {
  (void)count;
  (void)arguments;
  channel_open(&control, POOL_CONTROL_FD);
  message greeting = channel_receive(&control);
  pool_hello hello;
  item facts = message_next(&greeting);
  if (greeting.header.type != POOL_HELLO || facts.count != sizeof hello) {
    fputs("isagate-host is started by isagate, for a pool whose extensions run isolated\n", stderr);
    return 1;
  }
  memcpy(&hello, facts.bytes, sizeof hello);
  if (hello.version != POOL_VERSION) send_refused(POOL_REFUSED_SETUP, 0, "isagate-host is of another version");
  library.name = copied(message_next(&greeting));
  library.path = copied(message_next(&greeting));
  shared_memory = mmap(NULL, sizeof *shared_memory, PROT_READ | PROT_WRITE, MAP_SHARED, POOL_MEMORY_FD, 0);
  if (shared_memory == MAP_FAILED) send_refused(POOL_REFUSED_SETUP, 0, "no shared memory");
  close(POOL_MEMORY_FD);
  confine(&hello);
  catch_crashes();
  requests_open();
  run_channels = open_channels(0, hello.run_channels);
  channel *shared = open_channels(hello.run_channels, hello.shared_channels);
  calls_open(shared, hello.shared_channels, hello.run_channels);
  load(hello.has_backslashes);
  if (!start_threads(hello.run_channels)) send_refused(POOL_REFUSED_SETUP, 0, "no threads");
  serve_control();
}
