// Frames of stacks as text, with the names of exported functions; no memory is allocated.
#include "parts.h"

#ifndef __x86_64__
#error "stacks are unwound on x86-64 only"
#endif

// ---- Text ----

void line_put(line *to, const char *text) {
  for (; *text && to->count < sizeof to->bytes - 1; text++) {
    unsigned char byte = (unsigned char)*text;
    to->bytes[to->count++] = byte < 0x20 || byte == 0x7F ? '?' : (char)byte;
  }
}

void line_put_number(line *to, uint64_t number, unsigned base, int width) {
  char digits[64];
  int count = 0;
  for (; number > 0 || count < width; number /= base) digits[count++] = "0123456789abcdef"[number % base];
  while (count > 0 && to->count < sizeof to->bytes - 1) to->bytes[to->count++] = digits[--count];
}

void line_put_address(line *to, uintptr_t address) {
  line_put(to, "0x");
  line_put_number(to, address, 16, 1);
}

// ---- Libraries ----

// By the address where they begin.
static struct {
  _Atomic(uintptr_t) begin;
  char name[64], path[192];
} libraries[POOL_LIBRARIES];

// The image in memory that contains an address, 0 for none.
static uintptr_t image_with(const void *address) {
  MEMORY_BASIC_INFORMATION region;
  if (VirtualQuery(address, &region, sizeof region) == 0 || region.Type != MEM_IMAGE) return 0;
  return (uintptr_t)region.AllocationBase;
}

static int library_at(uintptr_t begin) {
  for (int index = 0; index < POOL_LIBRARIES && begin != 0; index++) {
    if (atomic_load(&libraries[index].begin) == begin) return index;
  }
  return -1;
}

void code_name(const void *function, const char *name, const char *path) {
  static unsigned count;
  uintptr_t begin = image_with(function);
  if (begin == 0 || count == POOL_LIBRARIES) return;
  strncpy(libraries[count].name, name, sizeof libraries[count].name - 1);
  strncpy(libraries[count].path, path, sizeof libraries[count].path - 1);
  atomic_store(&libraries[count++].begin, begin);
}

const char *frames_extension(void *const *frames, int count) {
  for (int index = 0; index < count; index++) {
    int library = library_at(image_with(frames[index]));
    if (library >= 0) return libraries[library].name;
  }
  return NULL;
}

// ---- Functions ----

// The exported function nearest below an offset in the image; NULL if there is none.
static const char *exported(uintptr_t image, uint32_t offset, uint32_t *begin) {
  const IMAGE_DOS_HEADER *start = (const IMAGE_DOS_HEADER *)image;
  if (start->e_magic != IMAGE_DOS_SIGNATURE) return NULL;
  const IMAGE_NT_HEADERS *headers = (const IMAGE_NT_HEADERS *)(image + (uint32_t)start->e_lfanew);
  const IMAGE_DATA_DIRECTORY *place = &headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT];
  if (headers->Signature != IMAGE_NT_SIGNATURE || place->Size == 0) return NULL;
  const IMAGE_EXPORT_DIRECTORY *exports = (const IMAGE_EXPORT_DIRECTORY *)(image + place->VirtualAddress);
  const uint32_t *functions = (const uint32_t *)(image + exports->AddressOfFunctions);
  const uint32_t *names = (const uint32_t *)(image + exports->AddressOfNames);
  const uint16_t *ordinals = (const uint16_t *)(image + exports->AddressOfNameOrdinals);
  const char *best = NULL;
  *begin = 0;
  for (uint32_t index = 0; index < exports->NumberOfNames; index++) {
    uint32_t function = ordinals[index] < exports->NumberOfFunctions ? functions[ordinals[index]] : 0;
    // One within the directory is the name of a function elsewhere.
    bool is_elsewhere = function - place->VirtualAddress < place->Size;
    if (function == 0 || is_elsewhere || function > offset || function < *begin) continue;
    *begin = function;
    best = (const char *)(image + names[index]);
  }
  return best;
}

static void put_function(line *to, uintptr_t image, uintptr_t frame) {
  DWORD64 base;
  uint32_t begin;
  const RUNTIME_FUNCTION *function = RtlLookupFunctionEntry(frame, &base, NULL);
  const char *name = exported(image, (uint32_t)(frame - image), &begin);
  // A function that is not exported is not named after the one before it.
  if (!name || (function && begin < function->BeginAddress)) return;
  line_put(to, " ");
  line_put(to, name);
  line_put(to, "+");
  line_put_address(to, frame - image - begin);
}

void line_put_frame(line *to, int number, void *frame) {
  line_put(to, "#");
  line_put_number(to, (uint64_t)number, 10, 1);
  line_put(to, " ");
  line_put_address(to, (uintptr_t)frame);
  uintptr_t image = image_with(frame);
  if (image == 0) return;
  put_function(to, image, (uintptr_t)frame);
  int library = library_at(image);
  char path[MAX_PATH] = "";
  if (library < 0) GetModuleFileNameA((HMODULE)image, path, sizeof path);
  line_put(to, " in ");
  line_put(to, library >= 0 ? libraries[library].path : path);
  line_put(to, "+");
  line_put_address(to, (uintptr_t)frame - image);
}

size_t stack_describe(int number, void *frame, char *text, size_t room) {
  line own = {.count = 0};
  line_put_frame(&own, number, frame);
  size_t count = own.count < room ? own.count : room;
  memcpy(text, own.bytes, count);
  return count;
}

// ---- Unwinding ----
//
// A stack that was overwritten leads anywhere: what cannot be read ends the unwinding. The key has, for a thread that
// unwinds, the place to go on at then. (Unlike _Thread_local it allocates nothing.)

static DWORD unwinding;

static LONG CALLBACK leave_unwinding(EXCEPTION_POINTERS *raised) {
  (void)raised;
  void **place = TlsGetValue(unwinding);
  if (!place) return EXCEPTION_CONTINUE_SEARCH;
  TlsSetValue(unwinding, NULL);
  __builtin_longjmp(place, 1);
}

bool frames_open(void) {
  unwinding = TlsAlloc();
  return unwinding != TLS_OUT_OF_INDEXES && AddVectoredExceptionHandler(1, leave_unwinding) != NULL;
}

static void unwind(CONTEXT *registers, uintptr_t low, uintptr_t high, void **frames, int limit, volatile int *taken) {
  int count = 0;
  while (count < limit) {
    uintptr_t stack = registers->Rsp;
    frames[count++] = (void *)registers->Rip;
    *taken = count;
    if (stack < low || stack > high - sizeof(uint64_t) || stack % sizeof(uint64_t) != 0) break;
    DWORD64 base, frame;
    void *data;
    RUNTIME_FUNCTION *function = RtlLookupFunctionEntry(registers->Rip, &base, NULL);
    if (function) {
      RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, registers->Rip, function, registers, &data, &frame, NULL);
    } else {
      // One without an entry leaves the stack as it is; so does a jump to nowhere.
      registers->Rip = *(const uint64_t *)stack;
      registers->Rsp = stack + sizeof(uint64_t);
    }
    if (registers->Rip == 0 || registers->Rsp <= stack) break;
  }
}

// Not inlined: __builtin_longjmp has to leave another function.
__attribute__((noinline)) int frames_take(CONTEXT *registers, uintptr_t low, uintptr_t high, void **frames, int limit) {
  void *place[5];
  volatile int taken = 0;
  if (__builtin_setjmp(place) == 0) {
    TlsSetValue(unwinding, place);
    unwind(registers, low, high, frames, limit, &taken);
    TlsSetValue(unwinding, NULL);
  }
  return taken;
}
