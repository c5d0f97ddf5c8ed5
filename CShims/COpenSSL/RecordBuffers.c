// Memory for OpenSSL. Each record of a connection is read into, or written from, a buffer of its own, which is freed
// once the record has been processed (SSL_MODE_RELEASE_BUFFERS), which keeps idle connections small. malloc is slow for
// blocks of that size, so each thread keeps the last few instead of freeing them.
#include "COpenSSL.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

// A record of 16 KiB with OpenSSL's additional bytes for headers, alignment and tags is smaller than LARGEST.
enum { SMALLEST = 16 << 10, LARGEST = 17 << 10, KEPT = 4 };

struct stock {
  void *blocks[KEPT];
  int count;
  int is_announced;
};

static _Thread_local struct stock stock;
static pthread_key_t ending;

static void clear_stock(void *ignored) {
  (void)ignored;
  while (stock.count > 0) {
    free(stock.blocks[--stock.count]);
  }
}

static void *take(size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  if (size < SMALLEST || size > LARGEST) {
    return malloc(size);
  }
  return stock.count > 0 ? stock.blocks[--stock.count] : malloc(LARGEST);
}

static void *resize(void *block, size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  return realloc(block, size);
}

static void free_block(void *block, const char *file, int line) {
  (void)file;
  (void)line;
  size_t size = block == NULL ? 0 : malloc_usable_size(block);
  // The usable size of a block of LARGEST bytes is never much larger.
  if (size < LARGEST || size > LARGEST + 64 || stock.count == KEPT) {
    free(block);
    return;
  }
  if (!stock.is_announced) {
    // Makes the thread's end clear the stock.
    pthread_setspecific(ending, &stock);
    stock.is_announced = 1;
  }
  stock.blocks[stock.count++] = block;
}

int COpenSSL_keep_record_buffers(void) {
  return pthread_key_create(&ending, clear_stock) == 0 && CRYPTO_set_mem_functions(take, resize, free_block);
}
