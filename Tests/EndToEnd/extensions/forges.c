/* Sends messages of its own making on the channels of its process; the query string seeds them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "extension.h"
#include "../../../CShims/CPoolProtocol/include/pool_protocol.h"

EXTENSION("Forges")

static unsigned long long state;

static unsigned next(unsigned below) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(state >> 33) % below;
}

/* A length as an item has it: mostly one that fits, else any. */
static uint32_t length_for(uint32_t room) { return next(4) ? next(room + 1) : next(8) ? next(1u << 31) : POOL_NULL; }

static size_t compose(uint8_t *place) {
  static const uint16_t types[] = {POOL_GET_VARIABLE, POOL_WRITE,       POOL_WRITE_ASYNC, POOL_READ,  POOL_SUPPORT,
                                   POOL_SYNCHRONIZE,  POOL_RETURN,      POOL_REPLY,       POOL_PONG,  POOL_LOADED,
                                   POOL_READY,        POOL_TERMINATED,  POOL_NOTICE,      POOL_SUPPORT, POOL_SUPPORT};
  pool_header header = {.type = types[next(sizeof types / sizeof *types)], .length = next(600)};
  if (next(20) == 0) header.type = (uint16_t)next(65536);
  if (next(30) == 0) header.length = next(8 << 20);
  header.flags = next(3) ? (uint16_t)next(2) : (uint16_t)next(65536);
  header.request = next(4) ? next(1100) : next(1u << 31);
  header.value = next(3) ? next(1100) : next(1u << 31);
  memcpy(place, &header, sizeof header);
  uint8_t *payload = place + sizeof header;
  uint32_t count = header.length < 600 ? header.length : 600;
  for (uint32_t index = 0; index < count; index++) payload[index] = (uint8_t)next(256);
  for (uint32_t position = 0; position + 4 < count;) {
    uint32_t room = count - position - 4, length = next(3) ? (uint32_t)sizeof(pool_support) : length_for(room);
    memcpy(payload + position, &length, sizeof length);
    if (length > room) break;
    position += 4 + ((length + 3) & ~3u);
  }
  return sizeof header + count;
}

/* The memory that the process shares with the gateway. */
static pool_memory *find_memory(void) {
  char line[512];
  void *found = NULL;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && !found && fgets(line, sizeof line, maps)) {
    if (strstr(line, "/memfd:pool")) found = (void *)(uintptr_t)strtoull(line, NULL, 16);
  }
  if (maps) fclose(maps);
  return found;
}

static void scribble(pool_memory *memory) {
  for (unsigned rounds = next(20); rounds > 0; rounds--) {
    uint64_t word = (uint64_t)next(1u << 31) << 32 | next(1u << 31);
    memory->admissions[next(16)].word = next(2) ? word : memory->admissions[next(16)].word + next(4);
  }
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  uint8_t bytes[1024];
  state = strtoull(block->lpszQueryString, NULL, 10);
  int channels[64], count = 0;
  for (int number = 3; number < 64 && count < 64; number++) {
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) == 0) channels[count++] = number;
  }
  pool_memory *memory = next(2) ? find_memory() : NULL;
  if (memory) scribble(memory);
  for (unsigned rounds = 1 + next(40); rounds > 0 && count > 0; rounds--) {
    size_t length = compose(bytes);
    if (send(channels[next(next(2) ? 2 : (unsigned)count)], bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) continue;
  }
  send_head(block, "200 OK", "Content-Length: 5\r\n\r\n");
  write_text(block, "sent\n");
  return HSE_STATUS_SUCCESS_AND_KEEP_CONN;
}
