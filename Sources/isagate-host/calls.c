// Calls of the extension on their way to the gateway.
//
// A call is one message and its answer. Calls that only add to a response are deferred: they succeed at once, and their
// messages precede the next message of the same request, which mostly is that HttpExtensionProc has returned. The
// gateway has to receive the messages of a request in the order of its calls, also if other threads call for it:
//
// - What is deferred belongs to the request, not to a channel, and whoever calls for the request sends it first.
// - The request's lock is held until the answer shows that it has arrived. A call that may wait for the client is
//   preceded by a POOL_SYNCHRONIZE instead, and does not hold the lock.
#include <string.h>

#include "host.h"

// Bytes of deferred messages of a request.
#define DEFERRED_LIMIT (32u << 10)
// Nanoseconds after which they are sent although no further call was made.
#define DEFERRED_FOR 2000000
// Looks at the run channels, with nothing deferred, before the thread that sends sleeps.
#define IDLE_ROUNDS 5
#define SENDER_STACK (256u << 10)

_Thread_local channel *own_channel;
_Thread_local request *own_request;

// ---- Channels for threads without one ----

static struct {
  mutex lock;
  condition returned;
  channel *first;
} idle = {.lock = MUTEX_INITIALIZER, .returned = CONDITION_INITIALIZER};

static channel *take_channel(void) {
  mutex_lock(&idle.lock);
  while (!idle.first) condition_wait(&idle.returned, &idle.lock);
  channel *taken = idle.first;
  idle.first = taken->next;
  mutex_unlock(&idle.lock);
  return taken;
}

static void give_channel(channel *taken) {
  mutex_lock(&idle.lock);
  taken->next = idle.first;
  idle.first = taken;
  condition_signal(&idle.returned);
  mutex_unlock(&idle.lock);
}

// ---- Calls ----

static message perform(channel *by) {
  channel_flush(by);
  return channel_receive_reply(by);
}

static void forget_deferred(request *owner) {
  buffer_clear(&owner->deferred, 4096);
  atomic_store(&owner->deferred_since, 0);
}

void call_deliver(request *owner, channel *by) {
  channel_append(by, owner->deferred.bytes, owner->deferred.count);
  forget_deferred(owner);
  message_begin(by, POOL_SYNCHRONIZE, 0, owner->index, 0);
  message_end(by);
  // After an error further calls get their own answers.
  if (perform(by).header.value != 0) owner->may_defer = false;
}

static call found(HCONN connection) {
  call self = {.channel = own_channel};
  self.request = request_find(connection, &self.index);
  return self;
}

// The call is not deferred: it has a channel, and the messages before it.
static void precede(call *self, bool may_wait) {
  if (!self->channel) self->channel = take_channel();
  if (!self->request) return;
  if (!self->is_locked) mutex_lock(&self->request->lock);
  self->is_locked = self->request->deferred.count > 0;
  if (self->is_locked && may_wait) {
    call_deliver(self->request, self->channel);
    self->is_locked = false;
  } else if (self->is_locked) {
    channel_append(self->channel, self->request->deferred.bytes, self->request->deferred.count);
    forget_deferred(self->request);
  }
  if (!self->is_locked) mutex_unlock(&self->request->lock);
}

call call_begin(HCONN connection, bool may_wait) {
  call self = found(connection);
  precede(&self, may_wait);
  return self;
}

bool call_begin_deferred(call *self, HCONN connection, size_t count) {
  *self = found(connection);
  request *owner = self->request;
  if (owner && self->channel && owner == own_request) {
    mutex_lock(&owner->lock);
    self->is_locked = true;
    if (owner->may_defer && owner->deferred.count + count <= DEFERRED_LIMIT) return true;
  }
  precede(self, true);
  return false;
}

void call_message(call *self, uint16_t type, uint32_t value) {
  message_begin(self->channel, type, 0, self->index, value);
}

message call_perform(call *self) {
  message_end(self->channel);
  return perform(self->channel);
}

static void end(call *self) {
  if (self->request) {
    if (self->is_locked) mutex_unlock(&self->request->lock);
    request_release(self->request);
  }
  if (self->channel && self->channel != own_channel) give_channel(self->channel);
}

BOOL call_refuse(uint32_t error) {
  SetLastError(error);
  return FALSE;
}

BOOL call_end(call *self, uint32_t error) {
  end(self);
  return error == 0 ? TRUE : call_refuse(error);
}

// ---- What is deferred for too long ----

static struct {
  unsigned count;
  channel *run;
  struct {
    mutex lock;
    request *running;
  } channels[POOL_CHANNELS];
  mutex lock;
  condition noted;
  bool is_noted;
  atomic_bool is_asleep;
} sender = {.lock = MUTEX_INITIALIZER, .noted = CONDITION_INITIALIZER};

void calls_note_deferred(void) {
  if (!atomic_load(&sender.is_asleep)) return;
  mutex_lock(&sender.lock);
  sender.is_noted = true;
  condition_signal(&sender.noted);
  mutex_unlock(&sender.lock);
}

BOOL call_defer(call *self) {
  channel *by = self->channel;
  request *owner = self->request;
  message_end(by);
  pool_header header;
  memcpy(&header, by->output.bytes + by->message, sizeof header);
  header.flags |= POOL_NO_REPLY;
  memcpy(by->output.bytes + by->message, &header, sizeof header);
  buffer_append(&owner->deferred, by->output.bytes + by->message, by->output.count - by->message);
  by->output.count = by->message;
  bool is_first = atomic_load_explicit(&owner->deferred_since, memory_order_relaxed) == 0;
  if (is_first) atomic_store(&owner->deferred_since, monotonic_now());
  end(self);
  if (is_first) calls_note_deferred();
  return TRUE;
}

void calls_set_running(unsigned run_channel, request *running) {
  mutex_lock(&sender.channels[run_channel].lock);
  sender.channels[run_channel].running = running;
  mutex_unlock(&sender.channels[run_channel].lock);
}

static request *running_on(unsigned run_channel) {
  mutex_lock(&sender.channels[run_channel].lock);
  request *running = sender.channels[run_channel].running;
  if (running) atomic_fetch_add_explicit(&running->references, 1, memory_order_relaxed);
  mutex_unlock(&sender.channels[run_channel].lock);
  return running;
}

// Sends what was deferred for too long; whether anything is deferred.
static bool send_deferred(void) {
  bool is_any = false;
  uint64_t limit = monotonic_now() - DEFERRED_FOR;
  for (unsigned index = 0; index < sender.count; index++) {
    is_any |= channel_release_held(&sender.run[index], limit);
    request *running = running_on(index);
    if (!running) continue;
    uint64_t since = atomic_load(&running->deferred_since);
    is_any |= since != 0;
    if (since != 0 && since <= limit) {
      channel *by = take_channel();
      mutex_lock(&running->lock);
      if (running->deferred.count > 0) call_deliver(running, by);
      mutex_unlock(&running->lock);
      give_channel(by);
    }
    request_release(running);
  }
  return is_any;
}

static void run_sender(void *unused) {
  (void)unused;
  for (;;) {
    for (unsigned rounds = 0; rounds < IDLE_ROUNDS; rounds++) {
      if (send_deferred()) rounds = 0;
      thread_sleep(DEFERRED_FOR / 2);
    }
    atomic_store(&sender.is_asleep, true);
    // What was deferred before the store is seen here, what comes after it is noted.
    if (!send_deferred()) {
      mutex_lock(&sender.lock);
      while (!sender.is_noted) condition_wait(&sender.noted, &sender.lock);
      sender.is_noted = false;
      mutex_unlock(&sender.lock);
    }
    atomic_store(&sender.is_asleep, false);
  }
}

void calls_open(channel *shared, unsigned count, channel *run, unsigned run_count) {
  for (unsigned index = 0; index < count; index++) give_channel(&shared[index]);
  for (unsigned index = 0; index < run_count; index++) mutex_open(&sender.channels[index].lock);
  sender.count = run_count;
  sender.run = run;
  if (!thread_start(run_sender, NULL, SENDER_STACK)) process_end(1);
}
