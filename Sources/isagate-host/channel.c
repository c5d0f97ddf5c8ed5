// Messages over stream sockets.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CLinux.h"
#include "host.h"

// Bytes of a channel's buffers that are kept between messages.
#define KEPT (64u << 10)
// Attempts to receive before a thread sleeps.
#define YIELDS 3

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

void channel_open(channel *self, int descriptor) { *self = (channel){.descriptor = descriptor}; }

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

bool message_file(channel *self, int descriptor) {
  if (self->file_count == POOL_FILES) return false;
  self->files[self->file_count++] = descriptor;
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

static ssize_t send_files(channel *self) {
  struct iovec part = {.iov_base = self->output.bytes, .iov_len = self->output.count};
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof self->files)];
  } control;
  size_t size = self->file_count * sizeof(int);
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
  packet.msg_control = control.bytes;
  packet.msg_controllen = CMSG_SPACE(size);
  struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(head), self->files, size);
  return sendmsg(self->descriptor, &packet, MSG_NOSIGNAL);
}

void channel_flush(channel *self) {
  size_t sent = 0;
  while (sent < self->output.count) {
    bool has_files = sent == 0 && self->file_count > 0;
    ssize_t count = has_files ? send_files(self)
                              : send(self->descriptor, self->output.bytes + sent, self->output.count - sent,
                                     MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    // The gateway has closed the channel, or has ended: so does this process, without a report.
    if (count <= 0) _exit(0);
    sent += (size_t)count;
  }
  self->file_count = 0;
  buffer_clear(&self->output, KEPT);
}

// One call of recvmsg(2), into the room of the input.
static ssize_t receive(channel *self, int flags) {
  int files[POOL_FILES];
  int count = POOL_FILES;
  long got = CLinux_receive_packet(self->descriptor, self->input.bytes + self->input.count,
                                   self->input.capacity - self->input.count, files, &count, flags);
  for (int index = 0; got >= 0 && index < count; index++) {
    if (self->received_count < POOL_FILES) {
      self->received[self->received_count++] = files[index];
    } else {
      close(files[index]);
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
    reserve(&self->input, room > 4096 ? room : 4096);
    // On a busy machine the gateway's thread runs meanwhile, and this one needs not be woken.
    bool may_wait = yields++ >= YIELDS;
    ssize_t got = receive(self, may_wait ? 0 : MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) sched_yield();
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) _exit(0);
    self->input.count += (size_t)got;
  }
}

message channel_receive(channel *self) {
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

int channel_take_file(channel *self) {
  if (self->received_count == 0) return -1;
  int first = self->received[0];
  self->received_count--;
  memmove(self->received, self->received + 1, self->received_count * sizeof(int));
  return first;
}

uint32_t message_next_word(message *self) {
  uint32_t word = 0;
  if (self->header.length - self->position < sizeof word) _exit(1);
  memcpy(&word, self->payload + self->position, sizeof word);
  self->position += sizeof word;
  return word;
}

item message_next(message *self) {
  uint32_t count = message_next_word(self);
  if (count == POOL_NULL) return (item){0};
  size_t padded = ((size_t)count + 3) & ~(size_t)3;
  if (self->header.length - self->position < padded) _exit(1);
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
