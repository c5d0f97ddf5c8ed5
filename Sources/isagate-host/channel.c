// Messages over streams.
#include <stdlib.h>
#include <string.h>

#include "host.h"

// Bytes of a channel's buffers that are kept between messages.
#define KEPT (64u << 10)
// Attempts to receive before a thread sleeps.
#define YIELDS 3
// Room for what may have arrived.
#define RECEIVED_AT_ONCE (32u << 10)

static void *grown(void *bytes, size_t capacity) {
  void *larger = realloc(bytes, capacity);
  // Without memory for its calls the extension cannot be served; the gateway starts another process.
  if (!larger) abort();
  return larger;
}

static void reserve(buffer *target, size_t count) {
  if (target->capacity - target->count >= count) return;
  size_t capacity = target->capacity ? target->capacity : 1024;
  while (capacity - target->count < count) capacity *= 2;
  target->bytes = grown(target->bytes, capacity);
  target->capacity = capacity;
}

void buffer_append(buffer *target, const void *bytes, size_t count) {
  if (count == 0) return;
  reserve(target, count);
  memcpy(target->bytes + target->count, bytes, count);
  target->count += count;
}

void buffer_clear(buffer *target, size_t kept) {
  target->count = 0;
  if (target->capacity <= kept) return;
  free(target->bytes);
  *target = (buffer){0};
}

void channel_open(channel *self, system_stream stream) {
  *self = (channel){.stream = stream};
  mutex_open(&self->held_lock);
}

void message_begin(channel *self, uint16_t type, uint16_t flags, uint32_t request, uint32_t value) {
  self->message = self->output.count;
  pool_header header = {.type = type, .flags = flags, .request = request, .value = value};
  buffer_append(&self->output, &header, sizeof header);
}

void message_bytes(channel *self, const void *bytes, size_t count) { buffer_append(&self->output, bytes, count); }

void message_item(channel *self, const void *bytes, size_t count) {
  static const uint8_t padding[4];
  message_word(self, (uint32_t)count);
  buffer_append(&self->output, bytes, count);
  buffer_append(&self->output, padding, -count & 3);
}

void message_null(channel *self) { message_word(self, POOL_NULL); }

void message_word(channel *self, uint32_t word) { buffer_append(&self->output, &word, sizeof word); }

bool message_file(channel *self, system_file file) {
  if (self->file_count == POOL_FILES) return false;
  self->files[self->file_count++] = file;
  return true;
}

void message_end(channel *self) {
  size_t length = self->output.count - self->message - sizeof(pool_header);
  uint32_t stored = (uint32_t)length;
  uint8_t *header = self->output.bytes + self->message;
  memcpy(header + offsetof(pool_header, length), &stored, sizeof stored);
  uint16_t flags;
  memcpy(&flags, header + offsetof(pool_header, flags), sizeof flags);
  flags |= (uint16_t)(self->file_count << POOL_FILES_SHIFT);
  memcpy(header + offsetof(pool_header, flags), &flags, sizeof flags);
}

void channel_append(channel *self, const void *messages, size_t count) {
  buffer_append(&self->output, messages, count);
}

// Sends some of the bytes, with the files; how many.
static size_t send_part(channel *self, const uint8_t *bytes, size_t count, unsigned file_count) {
  size_t sent = stream_send(self->stream, bytes, count, self->files, file_count);
  // The gateway has closed the channel, or has ended: so does this process, without a report.
  if (sent == 0) process_end(0);
  return sent;
}

// Sends what is held, with the lock held.
static void send_held(channel *self) {
  size_t sent = 0;
  while (sent < self->held.count) {
    sent += send_part(self, self->held.bytes + sent, self->held.count - sent, 0);
  }
  buffer_clear(&self->held, KEPT);
  // Not earlier: who finds nothing held sends.
  atomic_store(&self->held_since, 0);
}

void channel_hold(channel *self) {
  if (self->file_count > 0 || self->held.count + self->output.count > KEPT) return channel_flush(self);
  mutex_lock(&self->held_lock);
  buffer_append(&self->held, self->output.bytes, self->output.count);
  bool is_first = atomic_load(&self->held_since) == 0;
  if (is_first) atomic_store(&self->held_since, monotonic_now());
  mutex_unlock(&self->held_lock);
  buffer_clear(&self->output, KEPT);
  if (is_first) calls_note_deferred();
}

bool channel_release_held(channel *self, uint64_t before) {
  uint64_t since = atomic_load(&self->held_since);
  if (since == 0 || since > before) return since != 0;
  mutex_lock(&self->held_lock);
  send_held(self);
  mutex_unlock(&self->held_lock);
  return false;
}

void channel_send_last(channel *self) {
  if (!mutex_try(&self->held_lock)) return;
  if (self->held.count > 0) stream_send_last(self->stream, self->held.bytes, self->held.count);
  self->held.count = 0;
  mutex_unlock(&self->held_lock);
}

void channel_flush(channel *self) {
  if (atomic_load(&self->held_since) != 0) {
    mutex_lock(&self->held_lock);
    if (self->held.count > 0 && self->file_count == 0) {
      buffer_append(&self->held, self->output.bytes, self->output.count);
      buffer_clear(&self->output, KEPT);
    }
    send_held(self);
    mutex_unlock(&self->held_lock);
  }
  size_t sent = 0;
  while (sent < self->output.count) {
    // The files go with the first bytes.
    unsigned file_count = sent == 0 ? self->file_count : 0;
    sent += send_part(self, self->output.bytes + sent, self->output.count - sent, file_count);
  }
  self->file_count = 0;
  buffer_clear(&self->output, KEPT);
}

// Receives into the room of the input: how many bytes, 0 at the end, -1 for none yet.
static long receive(channel *self, bool may_wait) {
  system_file files[POOL_FILES];
  unsigned count = 0;
  long got = stream_receive(self->stream, self->input.bytes + self->input.count,
                            self->input.capacity - self->input.count, files, &count, may_wait);
  for (unsigned index = 0; index < count; index++) {
    if (self->received_count < POOL_FILES) {
      self->received[self->received_count++] = files[index];
    } else {
      file_close(files[index]);
    }
  }
  return got;
}

// Receives until `count` bytes from `start` on are there.
static void receive_up_to(channel *self, size_t count) {
  unsigned yields = 0;
  while (self->input.count - self->start < count) {
    if (self->start > 0) {
      memmove(self->input.bytes, self->input.bytes + self->start, self->input.count - self->start);
      self->input.count -= self->start;
      self->start = 0;
    }
    size_t room = count - self->input.count;
    reserve(&self->input, room > RECEIVED_AT_ONCE ? room : RECEIVED_AT_ONCE);
    // On a busy machine the gateway's thread runs meanwhile, and this one needs not be woken.
    bool may_wait = yields++ >= YIELDS;
    long got = receive(self, may_wait);
    if (got == 0) process_end(0);
    if (got > 0) {
      self->input.count += (size_t)got;
    } else if (!may_wait) {
      thread_yield();
    }
  }
}

static message receive_next(channel *self) {
  if (self->start == self->input.count) {
    buffer_clear(&self->input, KEPT);
    self->start = 0;
  }
  message received = {0};
  receive_up_to(self, sizeof received.header);
  memcpy(&received.header, self->input.bytes + self->start, sizeof received.header);
  receive_up_to(self, sizeof received.header + received.header.length);
  received.payload = self->input.bytes + self->start + sizeof received.header;
  self->start += sizeof received.header + received.header.length;
  return received;
}

message channel_receive(channel *self) {
  if (self->early_start == self->early.count) {
    buffer_clear(&self->early, KEPT);
    self->early_start = 0;
    return receive_next(self);
  }
  const uint8_t *bytes = self->early.bytes + self->early_start;
  message received = {.payload = bytes + sizeof received.header};
  memcpy(&received.header, bytes, sizeof received.header);
  self->early_start += sizeof received.header + received.header.length;
  return received;
}

message channel_receive_reply(channel *self) {
  for (;;) {
    message received = receive_next(self);
    if (received.header.type == POOL_REPLY) return received;
    if (received.header.type != POOL_RUN) process_end(1);
    buffer_append(&self->early, &received.header, sizeof received.header);
    buffer_append(&self->early, received.payload, received.header.length);
  }
}

bool channel_has_message(channel *self) {
  if (self->early_start < self->early.count) return true;
  size_t count = self->input.count - self->start;
  pool_header header;
  if (count < sizeof header) return false;
  memcpy(&header, self->input.bytes + self->start, sizeof header);
  return count >= sizeof header + header.length;
}

system_file channel_take_file(channel *self) {
  if (self->received_count == 0) return NO_FILE;
  system_file first = self->received[0];
  self->received_count--;
  memmove(self->received, self->received + 1, self->received_count * sizeof(system_file));
  return first;
}

uint32_t message_next_word(message *self) {
  uint32_t word = 0;
  if (self->header.length - self->position < sizeof word) process_end(1);
  memcpy(&word, self->payload + self->position, sizeof word);
  self->position += sizeof word;
  return word;
}

item message_next(message *self) {
  uint32_t count = message_next_word(self);
  if (count == POOL_NULL) return (item){0};
  size_t padded = ((size_t)count + 3) & ~(size_t)3;
  if (self->header.length - self->position < padded) process_end(1);
  item next = {.bytes = self->payload + self->position, .count = count};
  self->position += padded;
  return next;
}

char *item_copy(item text) {
  char *copy = malloc((size_t)text.count + 1);
  if (!copy) abort();
  if (text.count) memcpy(copy, text.bytes, text.count);
  copy[text.count] = 0;
  return copy;
}
