// The process's handles: entries of one table, so that any value can be checked without dereferencing it, and a closed
// handle is refused until its entry has been reused 4,095 times.
#include "../compat.h"

// A handle's number, from the lowest bit: two zero bits, sixteen for the index, twelve that count how often the entry
// was used, and a bit that no descriptor below 2^30 has.
#define PLACES 65536u
#define USES 4096u
#define HANDLE_BIT ((uintptr_t)1 << 30)

typedef struct {
  compat_object *object;
  unsigned use;
  // For a free entry: the next free entry.
  unsigned next;
} place;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// All guarded by the lock. Free entries are in a queue, the one that was freed first at the front; those from
// `untouched` on have never been used.
static place places[PLACES];
static unsigned untouched;
static unsigned free_count, first_free, last_free;

static HANDLE handle_of(unsigned index) {
  return (HANDLE)(HANDLE_BIT | (uintptr_t)places[index].use << 18 | (uintptr_t)index << 2);
}

// The entry of an open handle, or NULL. The lock is held.
static place *find(HANDLE handle) {
  uintptr_t number = (uintptr_t)handle;
  if ((number & HANDLE_BIT) == 0 || number >> 31 != 0 || (number & 3) != 0) {
    return NULL;
  }
  place *found = &places[number >> 2 & (PLACES - 1)];
  return found->object != NULL && found->use == (number >> 18 & (USES - 1)) ? found : NULL;
}

// The index of a free entry, or PLACES. The lock is held.
static unsigned take_place(void) {
  if (untouched < PLACES) {
    return untouched++;
  }
  if (free_count == 0) {
    return PLACES;
  }
  unsigned index = first_free;
  first_free = places[index].next;
  free_count -= 1;
  return index;
}

// The lock is held.
static void give_place_back(place *given) {
  unsigned index = (unsigned)(given - places);
  given->object = NULL;
  given->use = (given->use + 1) % USES;
  if (free_count == 0) {
    first_free = index;
  } else {
    places[last_free].next = index;
  }
  last_free = index;
  free_count += 1;
}

HANDLE compat_handle_open(compat_object *object) {
  pthread_mutex_lock(&lock);
  unsigned index = take_place();
  HANDLE handle = NULL;
  if (index < PLACES) {
    places[index].object = object;
    handle = handle_of(index);
  }
  pthread_mutex_unlock(&lock);
  if (handle == NULL) {
    compat_release(object);
    SetLastError(ERROR_NO_SYSTEM_RESOURCES);
  }
  return handle;
}

compat_object *compat_handle_any(HANDLE handle) {
  pthread_mutex_lock(&lock);
  place *found = find(handle);
  compat_object *object = found != NULL ? found->object : NULL;
  if (object != NULL) {
    compat_retain(object);
  }
  pthread_mutex_unlock(&lock);
  if (object == NULL) {
    SetLastError(ERROR_INVALID_HANDLE);
  }
  return object;
}

compat_object *compat_handle_object(HANDLE handle, compat_kind kind) {
  compat_object *object = compat_handle_any(handle);
  if (object != NULL && object->kind != kind) {
    compat_release(object);
    SetLastError(ERROR_INVALID_HANDLE);
    return NULL;
  }
  return object;
}

void compat_retain(compat_object *object) { __atomic_add_fetch(&object->references, 1, __ATOMIC_RELAXED); }

void compat_release(compat_object *object) {
  if (__atomic_sub_fetch(&object->references, 1, __ATOMIC_ACQ_REL) == 0) {
    object->destroy(object);
  }
}

BOOL compat_handle_close(HANDLE handle, unsigned kinds) {
  pthread_mutex_lock(&lock);
  place *found = find(handle);
  compat_object *object = found != NULL && (kinds >> found->object->kind & 1) != 0 ? found->object : NULL;
  if (object != NULL) {
    give_place_back(found);
  }
  pthread_mutex_unlock(&lock);
  if (object == NULL) {
    return compat_fail(ERROR_INVALID_HANDLE);
  }
  compat_release(object);
  return TRUE;
}

BOOL WINAPI CloseHandle(HANDLE hObject) {
  if (hObject == COMPAT_THIS_PROCESS || hObject == COMPAT_THIS_THREAD) {
    return TRUE;
  }
  return compat_handle_close(hObject, ~(1u << COMPAT_SEARCH | 1u << COMPAT_EVENT_SOURCE));
}
