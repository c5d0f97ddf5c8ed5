// Stream sockets, the files that are passed over them, and what the gateway hands over that way.
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../host.h"

// ---- Streams ----

// The files go with the first of the bytes.
static ssize_t send_files(int stream, const void *bytes, size_t count, const int *files, unsigned file_count) {
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(POOL_FILES * sizeof(int))];
  } ancillary;
  size_t size = file_count * sizeof(int);
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
  packet.msg_control = ancillary.bytes;
  packet.msg_controllen = CMSG_SPACE(size);
  struct cmsghdr *first = CMSG_FIRSTHDR(&packet);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(first), files, size);
  return sendmsg(stream, &packet, MSG_NOSIGNAL);
}

size_t stream_send(system_stream stream, const void *bytes, size_t count, const system_file *files,
                   unsigned file_count) {
  for (;;) {
    ssize_t sent = file_count > 0 ? send_files(stream, bytes, count, files, file_count)
                                  : send(stream, bytes, count, MSG_NOSIGNAL);
    if (sent > 0) return (size_t)sent;
    if (sent == 0 || errno != EINTR) return 0;
  }
}

void stream_send_last(system_stream stream, const void *bytes, size_t count) {
  send(stream, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

long stream_receive(system_stream stream, void *bytes, size_t room, system_file *files, unsigned *file_count,
                    bool may_wait) {
  int count = POOL_FILES;
  long got = CLinux_receive_packet(stream, bytes, room, files, &count, may_wait ? 0 : MSG_DONTWAIT);
  *file_count = got >= 0 ? (unsigned)count : 0;
  if (got < 0) return errno == EINTR || errno == EAGAIN ? -1 : 0;
  return got;
}

// ---- Files ----

system_file memory_file(const void *bytes, size_t count, uint32_t *error) {
  *error = ERROR_NOT_ENOUGH_MEMORY;
  int file = memfd_create("response", MFD_CLOEXEC);
  for (size_t written = 0; file >= 0 && written < count;) {
    ssize_t got = write(file, (const char *)bytes + written, count - written);
    if (got <= 0) {
      close(file);
      return NO_FILE;
    }
    written += (size_t)got;
  }
  return file;
}

void file_close(system_file file) { close(file); }

file_outcome file_retain(void *handle, file_reference *reference, system_file *file) {
  *reference = isagate_file_retain(handle);
  *file = reference->descriptor;
  return reference->descriptor >= 0 ? FILE_TAKEN : FILE_IS_NONE;
}

void file_release(file_reference reference) { isagate_file_release(reference); }

// ---- What the gateway hands over ----

const char *const handover_notice = NULL;

// The next of the descriptors that the gateway passes.
static int next_descriptor(channel *control) {
  static unsigned left;
  while (left == 0) {
    message received = channel_receive(control);
    if (received.header.type != POOL_DESCRIPTORS) host_refuse("descriptors are missing");
    left = received.header.flags >> POOL_FILES_SHIFT;
  }
  left--;
  int next = channel_take_file(control);
  if (next == NO_FILE) host_refuse("descriptors are missing");
  return next;
}

system_stream handover_control(void) { return POOL_CONTROL_FD; }

pool_memory *handover_memory(channel *control) {
  int file = next_descriptor(control);
  void *memory = mmap(NULL, sizeof(pool_memory), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) host_refuse("no shared memory");
  close(file);
  return memory;
}

library_file handover_library(channel *control) { return next_descriptor(control); }

system_stream handover_stream(channel *control) { return next_descriptor(control); }
