// ServerSupportFunction: the arguments of its requests, as messages.
#include <string.h>

#include "host.h"

// A call of ServerSupportFunction with its arguments.
typedef struct {
  call call;
  DWORD number;
  LPVOID bytes;
  LPDWORD size, type;
  // The completion function of a file's transmission, or that of IO_COMPLETION.
  uint64_t token;
  // Files that were made for the message.
  system_file files[POOL_FILES];
  unsigned file_count;
  // References that are kept until the answer.
  file_reference references[POOL_FILES];
  unsigned reference_count;
  // Why the message cannot be composed.
  uint32_t failure;
} support;

static void put_text(channel *to, const void *text) {
  if (!text) return message_null(to);
  message_item(to, text, strlen(text));
}

// A text whose length may be given, as it is unless that is 0.
static void put_counted(channel *to, const char *text, DWORD count) {
  if (!text) return message_null(to);
  message_item(to, text, count ? count : strlen(text));
}

static void put_bytes(channel *to, const void *bytes, DWORD count) {
  if (!bytes) return message_null(to);
  message_item(to, bytes, count);
}

static size_t wide_length(const void *text, size_t limit) {
  const char *units = text;
  size_t count = 0;
  uint16_t unit;
  while (count < limit) {
    memcpy(&unit, units + 2 * count, sizeof unit);
    if (unit == 0) break;
    count++;
  }
  return count;
}

static void put_wide(channel *to, const void *text, size_t limit) {
  if (!text) return message_null(to);
  message_item(to, text, 2 * wide_length(text, limit));
}

// Adds the file of a handle to the message. False if the system cannot pass files; `has_file` is 1, or 2 if there is
// none.
static bool put_file(support *self, HANDLE handle, uint32_t *has_file) {
  *has_file = 2;
  if (self->reference_count == POOL_FILES) return true;
  system_file file;
  file_outcome outcome = file_retain(handle, &self->references[self->reference_count], &file);
  if (outcome == FILES_CANNOT_PASS) {
    self->failure = ERROR_NOT_SUPPORTED;
    return false;
  }
  self->reference_count++;
  if (outcome == FILE_TAKEN && message_file(self->call.channel, file)) *has_file = 1;
  return true;
}

static bool put_transmit(support *self) {
  const HSE_TF_INFO *from = self->bytes;
  channel *to = self->call.channel;
  pool_transmit facts = {.target = self->token,
                         .bytes_to_write = from->BytesToWrite,
                         .offset = from->Offset,
                         .flags = from->dwFlags};
  if (from->hFile && !put_file(self, from->hFile, &facts.has_file)) return false;
  message_item(to, &facts, sizeof facts);
  put_text(to, from->dwFlags & HSE_IO_SEND_HEADERS ? from->pszStatusCode : NULL);
  put_bytes(to, from->pHead, from->HeadLength);
  put_bytes(to, from->pTail, from->TailLength);
  // Lengths without memory are refused there.
  message_word(to, from->HeadLength);
  message_word(to, from->TailLength);
  return true;
}

// A large element is passed as a file. False if that cannot be.
static bool put_element(support *self, const HSE_VECTOR_ELEMENT *from, size_t *inline_bytes) {
  channel *to = self->call.channel;
  pool_element facts = {from->cbOffset, from->cbSize, from->ElementType, from->pvContext != NULL};
  bool is_memory = from->ElementType == HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER && from->pvContext;
  if (is_memory && *inline_bytes + from->cbSize > POOL_ASYNC_SIZE) {
    if (self->file_count == POOL_FILES) return false;
    system_file file = memory_file(from->pvContext, from->cbSize, &self->failure);
    if (file == NO_FILE) return false;
    self->files[self->file_count++] = file;
    if (!message_file(to, file)) return false;
    facts = (pool_element){0, from->cbSize, HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE, 1};
    message_item(to, &facts, sizeof facts);
    return true;
  }
  if (from->ElementType == HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE &&
      !put_file(self, from->pvContext, &facts.has_content)) {
    return false;
  }
  message_item(to, &facts, sizeof facts);
  if (is_memory) {
    message_item(to, from->pvContext, from->cbSize);
    *inline_bytes += from->cbSize;
  }
  return true;
}

static bool put_vector(support *self) {
  const HSE_RESPONSE_VECTOR *from = self->bytes;
  channel *to = self->call.channel;
  // More elements than the gateway takes are not read; it refuses their number.
  bool is_readable = from->lpElementArray && from->nElementCount <= 65536;
  pool_vector facts = {from->dwFlags, from->nElementCount};
  message_item(to, &facts, sizeof facts);
  put_text(to, from->pszStatus);
  put_text(to, from->pszHeaders);
  message_word(to, is_readable);
  size_t inline_bytes = 0;
  for (DWORD index = 0; is_readable && index < from->nElementCount; index++) {
    if (!put_element(self, &from->lpElementArray[index], &inline_bytes)) return false;
  }
  return true;
}

static bool put_child(support *self) {
  const HSE_EXEC_URL_INFO *from = self->bytes;
  channel *to = self->call.channel;
  const HSE_EXEC_URL_ENTITY_INFO *entity = from->pEntity;
  pool_child facts = {from->dwExecUrlFlags, entity != NULL, entity && entity->lpbData, entity ? entity->cbAvailable : 0};
  if (facts.available > POOL_PAYLOAD_LIMIT / 2) return false;
  message_item(to, &facts, sizeof facts);
  if (self->number == HSE_REQ_EXEC_UNICODE_URL) {
    put_wide(to, from->pszUrl, SIZE_MAX);
  } else {
    put_text(to, from->pszUrl);
  }
  put_text(to, from->pszMethod);
  put_text(to, from->pszChildHeaders);
  put_bytes(to, entity ? entity->lpbData : NULL, facts.available);
  return true;
}

static void put_custom_error(support *self) {
  const HSE_CUSTOM_ERROR_INFO *from = self->bytes;
  put_text(self->call.channel, from->pszStatus);
  message_word(self->call.channel, from->uHttpSubError);
  message_word(self->call.channel, from->fAsync != 0);
}

static void put_header_ex(support *self) {
  const HSE_SEND_HEADER_EX_INFO *from = self->bytes;
  channel *to = self->call.channel;
  put_counted(to, from->pszStatus, from->cchStatus);
  put_counted(to, from->pszHeader, from->cchHeader);
  message_word(to, from->cchStatus);
  message_word(to, from->cchHeader);
  message_word(to, from->fKeepConn != 0);
}

// What the message has beside the arguments that are not NULL; false, with the failure set, if it cannot be composed.
static bool put_arguments(support *self) {
  channel *to = self->call.channel;
  if (!self->bytes && self->number != HSE_REQ_SEND_RESPONSE_HEADER) return true;
  switch (self->number) {
  case HSE_REQ_SEND_RESPONSE_HEADER:
    put_text(to, self->bytes);
    put_text(to, self->type);
    return true;
  case HSE_REQ_SEND_RESPONSE_HEADER_EX: put_header_ex(self); return true;
  case HSE_REQ_SEND_URL_REDIRECT_RESP:
  case HSE_REQ_SEND_URL:
  case HSE_REQ_MAP_URL_TO_PATH_EX: put_counted(to, self->bytes, self->size ? *self->size : 0); return true;
  case HSE_REQ_MAP_URL_TO_PATH:
    if (self->size) message_item(to, self->bytes, strnlen(self->bytes, *self->size));
    return true;
  case HSE_REQ_MAP_UNICODE_URL_TO_PATH:
    if (self->size) put_wide(to, self->bytes, *self->size / 2);
    return true;
  case HSE_REQ_MAP_UNICODE_URL_TO_PATH_EX:
    put_wide(to, self->bytes, self->size && *self->size ? *self->size : SIZE_MAX);
    return true;
  case HSE_APPEND_LOG_PARAMETER:
  case HSE_REQ_NORMALIZE_URL:
  case HSE_REQ_REPORT_UNHEALTHY: put_text(to, self->bytes); return true;
  case HSE_REQ_DONE_WITH_SESSION: {
    DWORD status;
    memcpy(&status, self->bytes, sizeof status);
    message_word(to, status);
    return true;
  }
  case HSE_REQ_TRANSMIT_FILE: return put_transmit(self);
  case HSE_REQ_VECTOR_SEND: return put_vector(self);
  case HSE_REQ_EXEC_URL:
  case HSE_REQ_EXEC_UNICODE_URL: return put_child(self);
  case HSE_REQ_SEND_CUSTOM_ERROR: put_custom_error(self); return true;
  case HSE_REQ_GET_CERT_INFO_EX: {
    const CERT_CONTEXT_EX *from = self->bytes;
    message_word(to, from->CertContext.pbCertEncoded ? from->cbAllocated : 0);
    return true;
  }
  default: return true;
  }
}

// Stores an answer for the extension.
static void store_answer(support *self, message *answer) {
  item facts = message_next(answer);
  item given = message_next(answer);
  pool_support after;
  if (facts.count != sizeof after) process_end(1);
  memcpy(&after, facts.bytes, sizeof after);
  if (self->size && after.present & POOL_HAS_SIZE) *self->size = after.size;
  switch (self->number) {
  case HSE_REQ_MAP_URL_TO_PATH_EX:
  case HSE_REQ_MAP_UNICODE_URL_TO_PATH_EX:
    if (given.count) memcpy(self->type, given.bytes, given.count);
    return;
  case HSE_REQ_GET_CERT_INFO_EX: {
    if (!given.count) return;
    CERT_CONTEXT_EX *to = self->bytes;
    to->CertContext.dwCertEncodingType = X509_ASN_ENCODING;
    to->CertContext.cbCertEncoded = after.size;
    to->dwCertificateFlags = after.type;
    // The first byte only shows that there is a certificate.
    if (given.count - 1 == after.size && to->CertContext.pbCertEncoded && to->cbAllocated >= after.size) {
      memcpy(to->CertContext.pbCertEncoded, given.bytes + 1, after.size);
    }
    return;
  }
  default:
    if (self->bytes && given.count) memcpy(self->bytes, given.bytes, given.count);
  }
}

static HRESULT WINAPI invalidate(WCHAR *url) {
  // Nothing is cached, so there is nothing to drop.
  (void)url;
  return 0;
}

// Whether a call may wait for the client, so that the request's lock must not be held meanwhile.
static bool may_wait(DWORD number, LPVOID bytes) {
  if (number != HSE_REQ_VECTOR_SEND || !bytes) return false;
  return (((const HSE_RESPONSE_VECTOR *)bytes)->dwFlags & HSE_IO_ASYNC) == 0;
}

// Whether later calls still only add to the response.
static bool changes_nothing(DWORD number) {
  switch (number) {
  case HSE_REQ_SEND_RESPONSE_HEADER:
  case HSE_REQ_SEND_RESPONSE_HEADER_EX:
  case HSE_APPEND_LOG_PARAMETER:
  case HSE_REQ_MAP_URL_TO_PATH:
  case HSE_REQ_MAP_URL_TO_PATH_EX:
  case HSE_REQ_MAP_UNICODE_URL_TO_PATH:
  case HSE_REQ_MAP_UNICODE_URL_TO_PATH_EX:
  case HSE_REQ_NORMALIZE_URL:
  case HSE_REQ_IS_KEEP_CONN:
  case HSE_REQ_IS_CONNECTED:
  case HSE_REQ_IS_IN_PROCESS:
  case HSE_REQ_GET_CERT_INFO_EX: return true;
  default: return false;
  }
}

// The text for the log and the status that the extension has set in the control block.
static void put_log(channel *to, request *owner) {
  static const EXTENSION_CONTROL_BLOCK none;
  const EXTENSION_CONTROL_BLOCK *block = owner ? request_block(owner) : &none;
  message_word(to, block->dwHttpStatusCode);
  message_item(to, block->lpszLogData, strnlen(block->lpszLogData, HSE_LOG_BUFFER_LEN));
}

// The message of a call whose ends are known: its arguments, and what they refer to.
static bool compose(support *self) {
  pool_support facts = {0};
  facts.present = (self->bytes ? POOL_HAS_BUFFER : 0) | (self->size ? POOL_HAS_SIZE : 0) | (self->type ? POOL_HAS_TYPE : 0);
  // lpdwDataType is a text, a structure or a pointer for some.
  bool is_read = self->number == HSE_REQ_ASYNC_READ_CLIENT;
  if (self->size) facts.size = *self->size;
  if (self->type && is_read) facts.type = *self->type;
  facts.token = is_read ? (uintptr_t)self->bytes : self->token;
  call_message(&self->call, POOL_SUPPORT, self->number);
  message_item(self->call.channel, &facts, sizeof facts);
  if (self->number == HSE_REQ_DONE_WITH_SESSION) put_log(self->call.channel, self->call.request);
  return put_arguments(self);
}

static void release_files(support *self) {
  for (unsigned index = 0; index < self->file_count; index++) file_close(self->files[index]);
  for (unsigned index = 0; index < self->reference_count; index++) file_release(self->references[index]);
}

static BOOL perform(support *self) {
  request *owner = self->call.request;
  DWORD number = self->number;
  if (owner && !changes_nothing(number)) owner->may_defer = false;
  size_t begin = self->call.channel->output.count;
  if (!compose(self)) {
    self->call.channel->output.count = begin;
    self->call.channel->file_count = 0;
    release_files(self);
    return call_end(&self->call, self->failure);
  }
  message answer = call_perform(&self->call);
  release_files(self);
  uint32_t error = answer.header.value;
  if (answer.header.length > 0) store_answer(self, &answer);
  // An invalid parameter means that another thread has ended it.
  bool has_ended = error == 0 || error == ERROR_INVALID_PARAMETER;
  if (owner && has_ended && number == HSE_REQ_DONE_WITH_SESSION) {
    bool is_last = !self->call.is_locked;
    if (is_last) mutex_lock(&owner->lock);
    owner->is_done = true;
    bool has_returned = !owner->is_running;
    if (is_last) mutex_unlock(&owner->lock);
    if (has_returned) request_end(owner);
  }
  return call_end(&self->call, error);
}

// A head whose status cannot be refused need not be answered.
static bool is_plain_status(const char *status) {
  if (!status) return true;
  return status[0] >= '2' && status[0] <= '9' && status[1] >= '0' && status[1] <= '9' && status[2] >= '0' &&
         status[2] <= '9' && (status[3] == ' ' || status[3] == 0);
}

static bool may_defer_head(const support *self) {
  if (self->number == HSE_REQ_SEND_RESPONSE_HEADER) return is_plain_status(self->bytes);
  if (self->number != HSE_REQ_SEND_RESPONSE_HEADER_EX || !self->bytes) return false;
  const HSE_SEND_HEADER_EX_INFO *from = self->bytes;
  return from->pszStatus && from->pszHeader && from->cchStatus != 1 && from->cchStatus != 2 &&
         is_plain_status(from->pszStatus);
}

static size_t head_size(const support *self) {
  if (self->number == HSE_REQ_SEND_RESPONSE_HEADER) {
    return (self->bytes ? strlen(self->bytes) : 0) + (self->type ? strlen((const char *)self->type) : 0);
  }
  const HSE_SEND_HEADER_EX_INFO *from = self->bytes;
  return (from->cchStatus ? from->cchStatus : strlen(from->pszStatus)) +
         (from->cchHeader ? from->cchHeader : strlen(from->pszHeader));
}

// Gives the completion function of an operation a name; false without memory.
static bool name_completion(HCONN connection, support *self) {
  PFN_HSE_IO_COMPLETION function = NULL;
  void *context = NULL;
  if (self->number == HSE_REQ_IO_COMPLETION && self->bytes) {
    memcpy(&function, &self->bytes, sizeof function);
    context = self->type;
  } else if (self->number == HSE_REQ_TRANSMIT_FILE && self->bytes) {
    function = ((const HSE_TF_INFO *)self->bytes)->pfnHseIO;
    context = ((const HSE_TF_INFO *)self->bytes)->pContext;
  }
  uint32_t index;
  request *owner = function ? request_find(connection, &index) : NULL;
  if (!owner) return true;
  self->token = (uintptr_t)request_completion(owner, function, context);
  request_release(owner);
  return self->token != 0;
}

BOOL WINAPI host_server_support(HCONN connection, DWORD number, LPVOID bytes, LPDWORD size, LPDWORD type) {
  support self = {.number = number, .bytes = bytes, .size = size, .type = type,
                  .failure = ERROR_NOT_ENOUGH_MEMORY};
  if (may_defer_head(&self)) {
    bool is_first = own_request && !own_request->has_begun_response;
    if (is_first && call_begin_deferred(&self.call, connection, head_size(&self) + 128)) {
      self.call.request->has_begun_response = true;
      compose(&self);
      return call_defer(&self.call);
    }
    if (!is_first) self.call = call_begin(connection, false);
    return perform(&self);
  }
  if (!name_completion(connection, &self)) return call_refuse(ERROR_NOT_ENOUGH_MEMORY);
  self.call = call_begin(connection, may_wait(number, bytes));
  if (number == HSE_REQ_GET_CACHE_INVALIDATION_CALLBACK && bytes) {
    // The gateway only checks the ConnID: the function is one of this process.
    call_message(&self.call, POOL_SUPPORT, HSE_REQ_RAISE_TRACE_EVENT);
    pool_support facts = {0};
    message_item(self.call.channel, &facts, sizeof facts);
    message answer = call_perform(&self.call);
    if (answer.header.value == 0) memcpy(bytes, &(PFN_HSE_CACHE_INVALIDATION_CALLBACK){invalidate}, sizeof(void *));
    return call_end(&self.call, answer.header.value);
  }
  return perform(&self);
}
