// The functions of a control block: they put the arguments of a call into a message and store what is answered. What a
// call means, and whether its arguments are valid, is decided by the gateway, except for arguments that cannot be read.
// ServerSupportFunction is in support.c.
#include <string.h>

#include "host.h"

// ---- GetServerVariable ----

static BOOL copy_out(const void *bytes, uint32_t count, LPVOID value, LPDWORD size) {
  DWORD capacity = *size;
  if (capacity > 0 && !value) return call_refuse(ERROR_INVALID_PARAMETER);
  *size = count;
  if (!value || capacity < count) return call_refuse(ERROR_INSUFFICIENT_BUFFER);
  if (count > 0) memcpy(value, bytes, count);
  return TRUE;
}

// Looks for a variable that is known here; false if the gateway has to be asked.
static bool answer_known(request *owner, LPSTR name, LPVOID value, LPDWORD size, BOOL *result) {
  mutex_lock(&owner->lock);
  variable *known = owner->is_done ? NULL : request_variable(owner, name);
  if (known) *result = known->error ? call_refuse(known->error) : copy_out(known->value, known->count, value, size);
  mutex_unlock(&owner->lock);
  return known != NULL;
}

BOOL WINAPI host_get_server_variable(HCONN connection, LPSTR name, LPVOID value, LPDWORD size) {
  if (!name || !size) return call_refuse(ERROR_INVALID_PARAMETER);
  uint32_t index;
  BOOL result;
  request *owner = request_find(connection, &index);
  if (owner) {
    bool is_known = answer_known(owner, name, value, size, &result);
    request_release(owner);
    if (is_known) return result;
  }
  call self = call_begin(connection, false);
  call_message(&self, POOL_GET_VARIABLE, 0);
  message_item(self.channel, name, strnlen(name, 1024));
  message answer = call_perform(&self);
  uint32_t error = answer.header.value;
  if (!self.request || error == ERROR_INVALID_PARAMETER) return call_end(&self, error);
  item given = message_next(&answer);
  if (!self.is_locked) mutex_lock(&self.request->lock);
  request_add_variable(self.request, name, error, given.bytes, given.count);
  if (!self.is_locked) mutex_unlock(&self.request->lock);
  result = error ? call_refuse(error) : copy_out(given.bytes, given.count, value, size);
  error = result ? 0 : GetLastError();
  return call_end(&self, error);
}

// ---- WriteClient and ReadClient ----

static BOOL write_async(HCONN connection, LPVOID bytes, DWORD count) {
  DWORD inline_count = count < POOL_ASYNC_SIZE ? count : POOL_ASYNC_SIZE;
  DWORD rest = count - inline_count;
  uint32_t error;
  system_file file = rest ? memory_file((char *)bytes + inline_count, rest, &error) : NO_FILE;
  if (rest && file == NO_FILE) return call_refuse(error);
  call self = call_begin(connection, false);
  if (self.request) self.request->may_defer = false;
  call_message(&self, POOL_WRITE_ASYNC, rest);
  if (rest) message_file(self.channel, file);
  message_bytes(self.channel, bytes, inline_count);
  message answer = call_perform(&self);
  if (rest) file_close(file);
  return call_end(&self, answer.header.value);
}

BOOL WINAPI host_write_client(HCONN connection, LPVOID bytes, LPDWORD count, DWORD flags) {
  if (!count || (*count > 0 && !bytes)) return call_refuse(ERROR_INVALID_PARAMETER);
  DWORD length = *count;
  if (flags & HSE_IO_ASYNC) return write_async(connection, bytes, length);
  call self;
  if (call_begin_deferred(&self, connection, length + sizeof(pool_header))) {
    self.request->has_begun_response = true;
    call_message(&self, POOL_WRITE, 0);
    message_bytes(self.channel, bytes, length);
    return call_defer(&self);
  }
  DWORD written = 0;
  uint32_t error = 0;
  do {
    DWORD piece = length - written < POOL_WRITE_SIZE ? length - written : POOL_WRITE_SIZE;
    call_message(&self, POOL_WRITE, 0);
    message_bytes(self.channel, (char *)bytes + written, piece);
    message answer = call_perform(&self);
    error = answer.header.value;
    DWORD taken = message_next_word(&answer);
    written += taken <= piece ? taken : piece;
  } while (error == 0 && written < length);
  if (self.request) *count = written;
  return call_end(&self, error);
}

BOOL WINAPI host_read_client(HCONN connection, LPVOID bytes, LPDWORD size) {
  if (!size || (*size > 0 && !bytes)) return call_refuse(ERROR_INVALID_PARAMETER);
  DWORD wanted = *size < POOL_READ_SIZE ? *size : POOL_READ_SIZE;
  call self = call_begin(connection, true);
  call_message(&self, POOL_READ, wanted);
  message answer = call_perform(&self);
  DWORD count = answer.header.length <= wanted ? answer.header.length : wanted;
  if (count > 0) memcpy(bytes, answer.payload, count);
  if (self.request) *size = count;
  return call_end(&self, answer.header.value);
}
