// isagate-host: runs the extensions of an application pool in a process of its own.
//
//     isagate-host [USER GROUP[,GROUP...]]
//
// The gateway starts it and owns it: when the gateway closes its end of the control channel, or ends, so does this
// process. It has no file, no memory and no privilege of the gateway but what comes by the control channel. Started by
// root it takes the user and the groups, by number, before it reads anything.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static channel control;
static pool_memory *shared_memory;
// What POOL_HELLO says.
static pool_hello hello;
static struct {
  char *name, *folder;
  uint32_t library_count;
  library *libraries;
} pool;

// Extensions may put large buffers on the stack; pages are taken only as they are touched.
#define STACK_SIZE (1u << 20)

// ---- Threads that run extension code ----

// Sends what was composed, together with what follows if there is more to run.
static void send_or_hold(channel *by) {
  if (channel_has_message(by)) {
    channel_hold(by);
  } else {
    channel_flush(by);
  }
}

// Tells the gateway that the code has returned after these microseconds. What was deferred precedes it.
static void return_from(request *owner, DWORD status, uint32_t duration) {
  channel *by = own_channel;
  mutex_lock(&owner->lock);
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
  message_word(by, duration);
  message_item(by, block->lpszLogData, strnlen(block->lpszLogData, HSE_LOG_BUFFER_LEN));
  message_end(by);
  bool has_ended = status != HSE_STATUS_PENDING || owner->is_done;
  mutex_unlock(&owner->lock);
  // Before the gateway uses the slot again.
  if (has_ended) request_end(owner);
  send_or_hold(by);
}

// Whether the gateway has not taken the request back: from now on it counts as entered.
static bool enter(unsigned number, uint32_t sequence) {
  uint64_t *place = &shared_memory->admissions[number].word;
  uint64_t word = __atomic_load_n(place, __ATOMIC_ACQUIRE);
  for (;;) {
    uint32_t entered = (uint32_t)word, admitted = (uint32_t)(word >> 32);
    if ((int32_t)(sequence - entered) <= 0 || (int32_t)(admitted - sequence) < 0) return false;
    uint64_t next = (word & ~(uint64_t)UINT32_MAX) | sequence;
    if (__atomic_compare_exchange_n(place, &word, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return true;
  }
}

static void run(unsigned number, message *received) {
  pool_run facts;
  if (received->header.length < sizeof(uint32_t) + sizeof facts) process_end(1);
  memcpy(&facts, received->payload + sizeof(uint32_t), sizeof facts);
  if (facts.library >= pool.library_count || pool.libraries[facts.library].identity == 0) process_end(1);
  if (!enter(number, facts.sequence)) return send_or_hold(own_channel);
  const library *entered = &pool.libraries[facts.library];
  request *owner;
  EXTENSION_CONTROL_BLOCK *block = request_begin(received, entered, &owner);
  code_enter(entered->identity);
  calls_set_running(number, owner);
  own_request = owner;
  run_begins(entered->name, owner->trace);
  uint64_t began = monotonic_now();
  DWORD status = entered->run(block);
  uint64_t duration = (monotonic_now() - began) / 1000;
  run_ends();
  own_request = NULL;
  calls_set_running(number, NULL);
  return_from(owner, status, duration < UINT32_MAX ? (uint32_t)duration : UINT32_MAX);
  request_release(owner);
}

static void complete(message *received) {
  pool_completion facts;
  item first = message_next(received);
  if (first.count != sizeof facts) process_end(1);
  memcpy(&facts, first.bytes, sizeof facts);
  item bytes = message_next(received);
  request *owner = request_at(received->header.request);
  if (owner && facts.target) {
    const completion *target = (const completion *)(uintptr_t)facts.target;
    if (bytes.count) memcpy((void *)(uintptr_t)facts.buffer, bytes.bytes, bytes.count);
    code_enter(owner->library->identity);
    run_begins(owner->library->name, owner->trace);
    target->function(request_block(owner), target->context, facts.bytes, facts.error);
    run_ends();
  }
  if (owner) request_release(owner);
  message_begin(own_channel, POOL_RETURN, 0, received->header.request, 0);
  message_end(own_channel);
  channel_flush(own_channel);
}

static channel *run_channels;

static void serve(void *context) {
  unsigned number = (unsigned)(uintptr_t)context;
  char name[16];
  snprintf(name, sizeof name, "%.10s-%u", pool.name, number + 1);
  thread_begins(name);
  own_channel = &run_channels[number];
  for (;;) {
    message received = channel_receive(own_channel);
    switch (received.header.type) {
    case POOL_RUN: run(number, &received); break;
    case POOL_COMPLETE: complete(&received); break;
    // The library is about to be released: it is notified of the end of this thread.
    case POOL_STOP:
      code_thread_ends();
      message_begin(own_channel, POOL_RETURN, 0, POOL_NO_REQUEST, 0);
      message_end(own_channel);
      channel_flush(own_channel);
      return;
    default: process_end(1);
    }
  }
}

static bool start_threads(unsigned count) {
  for (unsigned index = 0; index < count; index++) {
    if (!thread_start(serve, (void *)(uintptr_t)index, STACK_SIZE)) return false;
  }
  return true;
}

// ---- The beginning ----

void host_refuse(const char *text) {
  message_begin(&control, POOL_REFUSED, 0, POOL_NO_REQUEST, POOL_REFUSED_SETUP);
  message_word(&control, 0);
  message_item(&control, text, strlen(text));
  message_end(&control);
  channel_flush(&control);
  exit(0);
}

void send_notice(const char *text) {
  message_begin(&control, POOL_NOTICE, 0, 0, 0);
  message_item(&control, text, strlen(text));
  message_end(&control);
  channel_flush(&control);
}

static channel *open_channels(unsigned count) {
  channel *channels = calloc(count ? count : 1, sizeof *channels);
  if (!channels) abort();
  for (unsigned index = 0; index < count; index++) channel_open(&channels[index], handover_stream(&control));
  return channels;
}

static paths read_paths(message *hello, uint32_t count) {
  paths list = {.count = count, .list = calloc(count ? count : 1, sizeof(char *))};
  if (!list.list) abort();
  for (uint32_t index = 0; index < count; index++) list.list[index] = item_copy(message_next(hello));
  return list;
}

// Requests that have ended do not end with the process.
static void send_last(void) {
  // A copy of it has nothing to send.
  if (process_is_copy()) return;
  for (uint32_t index = 0; index < hello.run_channels; index++) channel_send_last(&run_channels[index]);
}

static void catch_crashes(void) {
  pool_header notice = {.type = POOL_CRASHED};
  atexit(send_last);
  if (!crashes_catch(control.stream, &notice, sizeof notice, send_last)) host_refuse("crashes cannot be caught");
}

// ---- The process ----

static void answer(uint16_t type, uint32_t request, uint32_t value) {
  message_begin(&control, type, 0, request, value);
  message_end(&control);
  channel_flush(&control);
}

// The stack of the thread that runs code of the request.
static void look(uint32_t index) {
  stack_report stack;
  request *owner = request_at(index);
  int outcome = owner ? stack_take(owner->trace, &stack) : 0;
  if (owner) request_release(owner);
  uint32_t value = outcome > 0 ? POOL_STACK_TAKEN : outcome < 0 ? POOL_STACK_REFUSED : POOL_STACK_NONE;
  message_begin(&control, POOL_STACK, 0, index, value);
  if (outcome > 0) {
    message_item(&control, stack.thread, strnlen(stack.thread, sizeof stack.thread));
    for (int number = 0; number < stack.count; number++) {
      char text[512];
      message_item(&control, text, stack_describe(number, stack.frames[number], text, sizeof text));
    }
  }
  message_end(&control);
  channel_flush(&control);
}

static void serve_control(void) {
  for (;;) {
    message received = channel_receive(&control);
    switch (received.header.type) {
    case POOL_PING: answer(POOL_PONG, 0, received.header.value); break;
    case POOL_LOOK: look(received.header.request); break;
    case POOL_TERMINATE: {
      if (received.header.request >= pool.library_count) process_end(1);
      const library *leaving = &pool.libraries[received.header.request];
      BOOL agrees = leaving->identity && leaving->terminate ? leaving->terminate(received.header.value) : TRUE;
      answer(POOL_TERMINATED, received.header.request, agrees != FALSE);
      break;
    }
    case POOL_STOP:
      threads_end();
      for (uint32_t index = pool.library_count; index > 0; index--) {
        if (pool.libraries[index - 1].identity) code_close(pool.libraries[index - 1].identity);
      }
      exit(0);
    default: process_end(1);
    }
  }
}

static paths variables, readable, writable;

static bool read_hello(void) {
  message greeting = channel_receive(&control);
  item facts = message_next(&greeting);
  if (greeting.header.type != POOL_HELLO || facts.count != sizeof hello) return false;
  memcpy(&hello, facts.bytes, sizeof hello);
  if (hello.version != POOL_VERSION) host_refuse("isagate-host is of another version");
  pool.name = item_copy(message_next(&greeting));
  pool.folder = item_copy(message_next(&greeting));
  variables = read_paths(&greeting, hello.variables);
  readable = read_paths(&greeting, hello.readable);
  writable = read_paths(&greeting, hello.writable);
  pool.library_count = hello.libraries;
  pool.libraries = calloc(hello.libraries ? hello.libraries : 1, sizeof *pool.libraries);
  if (!pool.libraries) abort();
  for (uint32_t index = 0; index < hello.libraries; index++) {
    pool_library library_facts;
    item first = message_next(&greeting);
    if (first.count != sizeof library_facts) process_end(1);
    memcpy(&library_facts, first.bytes, sizeof library_facts);
    pool.libraries[index].has_backslashes = library_facts.has_backslashes;
    pool.libraries[index].name = item_copy(message_next(&greeting));
    pool.libraries[index].path = item_copy(message_next(&greeting));
  }
  return true;
}

// Environment, working folder, memory and streams.
static channel *take_belongings(void) {
  for (uint32_t index = 0; index < variables.count; index++) process_set_variable(variables.list[index]);
  const char *refusal = process_enter_folder(pool.folder);
  if (refusal) host_refuse(refusal);
  shared_memory = handover_memory(&control);
  for (uint32_t index = 0; index < hello.libraries; index++) pool.libraries[index].file = handover_library(&control);
  run_channels = open_channels(hello.run_channels);
  return open_channels(hello.shared_channels);
}

int main(int count, char **arguments) {
  if (!process_begin(count, arguments)) return 1;
  channel_open(&control, handover_control());
  if (!read_hello()) {
    fputs("isagate-host is started by isagate, for a pool whose extensions run isolated\n", stderr);
    return 1;
  }
  channel *shared = take_belongings();
  if (handover_notice) send_notice(handover_notice);
  const char *refusal = sandbox_enter(&hello, pool.folder, &readable, &writable);
  if (refusal) host_refuse(refusal);
  catch_crashes();
  requests_open();
  calls_open(shared, hello.shared_channels, run_channels, hello.run_channels);
  for (uint32_t index = 0; index < hello.libraries; index++) library_load(&pool.libraries[index], index, &control);
  if (!start_threads(hello.run_channels)) host_refuse("no threads");
  answer(POOL_READY, 0, 0);
  serve_control();
}
