// Requests and their control blocks.
#include <stdlib.h>
#include <string.h>

#include "host.h"

// Control blocks are in one range of addresses, in slots, so that any pointer an extension passes can be checked without
// being dereferenced. The gateway chooses the slot, and uses it again only after many others.
#define SLOT_SIZE 256

typedef struct {
  EXTENSION_CONTROL_BLOCK block;
  request *owner;
  // Whether it ever had an owner.
  bool was_used;
} slot;

_Static_assert(sizeof(slot) <= SLOT_SIZE, "a control block and its owner fit a slot");
_Static_assert(_Alignof(request) <= _Alignof(max_align_t), "malloc aligns a request");

static uint8_t *slots;
// Slots that may be used: their memory is taken as the gateway uses higher ones, so that it counts as data
// (RLIMIT_DATA) no earlier.
static atomic_uint usable_slots;
#define SLOTS_AT_ONCE 4096u
static mutex growth = MUTEX_INITIALIZER;
// Each guards the owners of every sixteenth slot.
static mutex locks[16];

static char no_text[8];

void requests_open(void) {
  slots = memory_reserve((size_t)SLOT_SIZE * POOL_REQUESTS);
  for (size_t index = 0; index < 16; index++) mutex_open(&locks[index]);
}

static slot *slot_at(uint32_t index) { return (slot *)(void *)(slots + (size_t)index * SLOT_SIZE); }

EXTENSION_CONTROL_BLOCK *request_block(request *self) { return &slot_at(self->index)->block; }

static request *retained(uint32_t index) {
  mutex *lock = &locks[index % 16];
  mutex_lock(lock);
  request *owner = slot_at(index)->owner;
  if (owner) atomic_fetch_add_explicit(&owner->references, 1, memory_order_relaxed);
  mutex_unlock(lock);
  return owner;
}

// Makes the slot usable.
static void reach_slot(uint32_t index) {
  if (index < atomic_load_explicit(&usable_slots, memory_order_acquire)) return;
  mutex_lock(&growth);
  uint32_t usable = atomic_load(&usable_slots);
  uint32_t wanted = (index / SLOTS_AT_ONCE + 1) * SLOTS_AT_ONCE;
  if (wanted > usable) {
    memory_use(slots + (size_t)SLOT_SIZE * usable, (size_t)SLOT_SIZE * (wanted - usable));
    atomic_store_explicit(&usable_slots, wanted, memory_order_release);
  }
  mutex_unlock(&growth);
}

request *request_at(uint32_t index) { return index < atomic_load(&usable_slots) ? retained(index) : NULL; }

request *request_find(HCONN connection, uint32_t *index) {
  *index = POOL_NO_REQUEST;
  uintptr_t offset = (uintptr_t)connection - (uintptr_t)slots;
  if (offset >= (uintptr_t)SLOT_SIZE * atomic_load(&usable_slots) || offset % SLOT_SIZE != 0) return NULL;
  uint32_t place = (uint32_t)(offset / SLOT_SIZE);
  request *found = retained(place);
  if (found || slot_at(place)->was_used) *index = place;
  return found;
}

void request_release(request *self) {
  if (atomic_fetch_sub_explicit(&self->references, 1, memory_order_acq_rel) > 1) return;
  while (self->variables) {
    variable *next = self->variables->next;
    free(self->variables);
    self->variables = next;
  }
  while (self->completions) {
    completion *next = self->completions->next;
    free(self->completions);
    self->completions = next;
  }
  free(self->deferred.bytes);
  mutex_close(&self->lock);
  free(self);
}

// Puts `owner` in place of the present one, which is returned.
static request *exchange_owner(uint32_t index, request *owner, request *expected) {
  mutex *lock = &locks[index % 16];
  mutex_lock(lock);
  slot *place = slot_at(index);
  request *previous = place->owner;
  bool changes = owner || previous == expected;
  if (changes) {
    place->owner = owner;
    place->was_used = true;
  }
  mutex_unlock(lock);
  return changes ? previous : NULL;
}

void request_end(request *self) {
  EXTENSION_CONTROL_BLOCK *block = request_block(self);
  if (exchange_owner(self->index, NULL, self) != self) return;
  // An extension that still reads a finished request finds an empty one.
  block->lpszMethod = block->lpszQueryString = block->lpszPathInfo = block->lpszPathTranslated = no_text;
  block->lpszContentType = no_text;
  block->cbAvailable = 0;
  block->lpbData = (LPBYTE)no_text;
  request_release(self);
}

// Copies a text with a NUL behind it.
static LPSTR place_text(uint8_t **place, item text) {
  uint8_t *start = *place;
  if (text.count) memcpy(start, text.bytes, text.count);
  start[text.count] = 0;
  *place = start + text.count + 1;
  return (LPSTR)start;
}

EXTENSION_CONTROL_BLOCK *request_begin(message *run, const library *library, request **made) {
  item first = message_next(run);
  pool_run facts;
  if (first.count != sizeof facts || run->header.request >= POOL_REQUESTS) process_end(1);
  memcpy(&facts, first.bytes, sizeof facts);
  reach_slot(run->header.request);
  item texts[6];
  size_t room = 0;
  for (size_t index = 0; index < 6; index++) {
    texts[index] = message_next(run);
    room += texts[index].count + 1;
  }
  request *self = malloc(sizeof *self + room);
  if (!self) abort();
  memset(self, 0, sizeof *self);
  self->index = run->header.request;
  self->is_running = self->may_defer = true;
  self->library = library;
  memcpy(self->trace, facts.trace, sizeof self->trace);
  mutex_open(&self->lock);
  // One reference of the slot, one of the thread that runs it.
  atomic_init(&self->references, 2);
  for (uint32_t count = facts.variables; count > 0; count--) {
    item name = message_next(run);
    uint32_t error = message_next_word(run);
    item value = message_next(run);
    request_add_variable(self, (const char *)name.bytes, error, value.bytes, value.count);
  }
  // The body first: some extensions read it as numbers.
  uint8_t *place = self->texts;
  LPSTR body = place_text(&place, texts[5]);
  EXTENSION_CONTROL_BLOCK *block = request_block(self);
  request *previous = exchange_owner(self->index, self, NULL);
  if (previous) request_release(previous);
  *block = (EXTENSION_CONTROL_BLOCK){
      .cbSize = sizeof *block,
      .dwVersion = HSE_VERSION,
      // Some extensions pass the block itself in place of ConnID; this way both work.
      .ConnID = (HCONN)block,
      .dwHttpStatusCode = 200,
      .lpszMethod = place_text(&place, texts[0]),
      .lpszQueryString = place_text(&place, texts[1]),
      .lpszPathInfo = place_text(&place, texts[2]),
      .lpszPathTranslated = place_text(&place, texts[3]),
      .lpszContentType = place_text(&place, texts[4]),
      .cbTotalBytes = run->header.value,
      .cbAvailable = texts[5].count,
      .lpbData = (LPBYTE)body,
      .GetServerVariable = host_get_server_variable,
      .WriteClient = host_write_client,
      .ReadClient = host_read_client,
      .ServerSupportFunction = host_server_support,
  };
  *made = self;
  return block;
}

void request_add_variable(request *self, const char *name, uint32_t error, const void *value, uint32_t count) {
  size_t name_size = strlen(name) + 1;
  variable *added = malloc(sizeof *added + count + name_size);
  // Without memory it is asked for again.
  if (!added) return;
  added->error = error;
  added->count = count;
  if (count) memcpy(added->value, value, count);
  added->name = (char *)added->value + count;
  memcpy(added->name, name, name_size);
  added->next = self->variables;
  self->variables = added;
}

variable *request_variable(request *self, const char *name) {
  for (variable *known = self->variables; known; known = known->next) {
    if (strcasecmp(known->name, name) == 0) return known;
  }
  return NULL;
}

completion *request_completion(request *self, PFN_HSE_IO_COMPLETION function, void *context) {
  mutex_lock(&self->lock);
  completion *known = self->completions;
  while (known && (known->function != function || known->context != context)) known = known->next;
  if (!known && (known = malloc(sizeof *known))) {
    *known = (completion){.next = self->completions, .function = function, .context = context};
    self->completions = known;
  }
  mutex_unlock(&self->lock);
  return known;
}
