// Stresses how isagate-host and the gateway wake each other: `wakes ROUNDS [THREADS]`.
//
// Every part of the host but its start runs in this process, against a gateway that sends batches of requests, takes
// some back, and answers what is asked. The requests pause for random times, and many of them wait until what they have
// written, or the end of the request before them, has arrived: a wake-up that is lost makes one of them wait for ever,
// which ends the program with status 1. `make test` runs some ten thousand rounds; for ten million, build it as
// test_host_wakes.py does.
#define _GNU_SOURCE
#define main host_main
#include "../../Sources/isagate-host/main.c"
#undef main

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 8
// Seconds that nothing takes that has not been lost.
#define PATIENCE 20

static unsigned thread_count = 4;
static atomic_llong rounds_left;
// By the slot of a request: what the gateway has seen of the request that has it.
enum { NOTHING, WRITTEN, RETURNED };
static atomic_int seen[1024];
// The slot of the request before, on the same channel; -1 for none.
static atomic_int before[1024];

static void fail(const char *what, uint32_t slot) {
  fprintf(stderr, "lost: %s of the request in slot %u\n", what, slot);
  exit(1);
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005ull + 1442695040888963407ull;
  return *state >> 33;
}

// ---- The extension ----

static _Thread_local uint64_t own_state;

static void pause_for(uint64_t nanoseconds) {
  if (nanoseconds > 50000) {
    nanosleep(&(struct timespec){.tv_nsec = (long)nanoseconds}, NULL);
    return;
  }
  for (uint64_t end = monotonic_now() + nanoseconds; monotonic_now() < end;) continue;
}

static void await(int slot, int state, const char *what) {
  for (uint64_t end = monotonic_now() + PATIENCE * 1000000000ull; atomic_load(&seen[slot]) < state;) {
    if (monotonic_now() > end) fail(what, (uint32_t)slot);
    nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
  }
}

static DWORD WINAPI run_request(EXTENSION_CONTROL_BLOCK *block) {
  if (own_state == 0) own_state = (uint64_t)(uintptr_t)&own_state ^ monotonic_now();
  int slot = (int)own_request->index;
  DWORD count = 1;
  uint64_t way = next_random(&own_state) % 1000;
  uint64_t length = next_random(&own_state);
  if (way < 900 && !block->WriteClient(block->ConnID, "x", &count, HSE_IO_SYNC)) fail("the write", own_request->index);
  if (way >= 300 && way < 330) pause_for(length % 3000000);
  if (way >= 330 && way < 500) pause_for(length % 20000);
  // Rarely, as each takes two milliseconds.
  if (way < 4) await(slot, WRITTEN, "the bytes");
  int previous = atomic_load(&before[slot]);
  if (way >= 4 && way < 8 && previous >= 0) await(previous, RETURNED, "the end");
  return HSE_STATUS_SUCCESS;
}

// ---- The gateway ----

typedef struct {
  channel channel;
  unsigned number;
  uint32_t sequence;
  uint64_t state;
  uint32_t first_slot;
} gateway_side;

static void send_batch(gateway_side *side, unsigned count) {
  pool_admission *admission = &shared_memory->admissions[side->number];
  uint32_t last = side->sequence + count;
  __atomic_store_n(&admission->word, (uint64_t)last << 32 | side->sequence, __ATOMIC_RELEASE);
  for (unsigned index = 0; index < count; index++) {
    uint32_t slot = side->first_slot + index;
    atomic_store(&seen[slot], NOTHING);
    atomic_store(&before[slot], index > 0 ? (int)slot - 1 : -1);
    pool_run facts = {.sequence = side->sequence + 1 + index};
    message_begin(&side->channel, POOL_RUN, 0, slot, 0);
    message_item(&side->channel, &facts, sizeof facts);
    for (int text = 0; text < 6; text++) message_item(&side->channel, "", 0);
    message_end(&side->channel);
  }
  side->sequence = last;
  channel_flush(&side->channel);
}

// Takes back what has not been entered, except the first `kept`; how many are run.
static unsigned take_back(gateway_side *side, unsigned count, unsigned kept) {
  uint64_t *place = &shared_memory->admissions[side->number].word;
  uint32_t base = side->sequence - count;
  uint64_t word = __atomic_load_n(place, __ATOMIC_ACQUIRE);
  for (;;) {
    uint32_t entered = (uint32_t)word, last = base + kept;
    if ((int32_t)(entered - last) > 0) last = entered;
    uint64_t next = (uint64_t)last << 32 | entered;
    if (__atomic_compare_exchange_n(place, &word, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return last - base;
  }
}

static void reply(channel *by, const message *received) {
  if (received->header.flags & POOL_NO_REPLY) return;
  message_begin(by, POOL_REPLY, 0, received->header.request, 0);
  message_word(by, 1);
  message_end(by);
  channel_flush(by);
}

static void *serve_run_channel(void *context) {
  gateway_side *side = context;
  while (atomic_fetch_sub(&rounds_left, BATCH / 2) > 0) {
    unsigned count = 1 + (unsigned)(next_random(&side->state) % BATCH);
    send_batch(side, count);
    unsigned expected = count;
    if (next_random(&side->state) % 16 == 0) {
      pause_for(next_random(&side->state) % 30000);
      expected = take_back(side, count, 1);
    }
    for (unsigned ended = 0; ended < expected;) {
      message received = channel_receive(&side->channel);
      uint32_t slot = received.header.request;
      if (received.header.type == POOL_WRITE) atomic_store(&seen[slot], WRITTEN);
      if (received.header.type == POOL_RETURN) {
        if (slot != side->first_slot + ended) fail("the order", slot);
        atomic_store(&seen[slot], RETURNED);
        ended++;
      } else {
        reply(&side->channel, &received);
      }
    }
    if (next_random(&side->state) % 4 == 0) pause_for(next_random(&side->state) % 100000);
  }
  return NULL;
}

// What is deferred for too long comes on other channels.
static void *serve_shared_channel(void *context) {
  channel *own = context;
  for (;;) {
    message received = channel_receive(own);
    if (received.header.type == POOL_WRITE) atomic_store(&seen[received.header.request], WRITTEN);
    reply(own, &received);
  }
  return NULL;
}

static int make_pair(channel *host) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
  channel_open(host, pair[0]);
  return pair[1];
}

int main(int count, char **arguments) {
  static library tested = {.name = "tested", .run = run_request, .identity = 1};
  static channel shared_host[2], shared_gateway[2];
  if (count < 2) return 64;
  unsigned long long rounds = strtoull(arguments[1], NULL, 10);
  if (count > 2) thread_count = (unsigned)strtoul(arguments[2], NULL, 10);
  atomic_store(&rounds_left, (long long)rounds);
  pool.name = "stress";
  pool.library_count = 1;
  pool.libraries = &tested;
  hello.run_channels = thread_count;
  shared_memory = calloc(1, sizeof *shared_memory);
  run_channels = calloc(thread_count, sizeof *run_channels);
  gateway_side *sides = calloc(thread_count, sizeof *sides);
  pthread_t threads[64];
  requests_open();
  for (unsigned index = 0; index < thread_count; index++) {
    channel_open(&sides[index].channel, make_pair(&run_channels[index]));
    sides[index].number = index;
    sides[index].state = index + 1;
    sides[index].first_slot = index * BATCH;
  }
  for (unsigned index = 0; index < 2; index++) {
    channel_open(&shared_gateway[index], make_pair(&shared_host[index]));
    if (pthread_create(&threads[0], NULL, serve_shared_channel, &shared_gateway[index]) != 0) abort();
  }
  calls_open(shared_host, 2, run_channels, thread_count);
  if (!start_threads(thread_count)) abort();
  uint64_t began = monotonic_now();
  for (unsigned index = 0; index < thread_count; index++) {
    if (pthread_create(&threads[index], NULL, serve_run_channel, &sides[index]) != 0) abort();
  }
  for (unsigned index = 0; index < thread_count; index++) pthread_join(threads[index], NULL);
  printf("%llu rounds in %.1f s, none lost\n", rounds, (double)(monotonic_now() - began) / 1e9);
  return 0;
}
