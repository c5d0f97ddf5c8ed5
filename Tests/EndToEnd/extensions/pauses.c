/*
 * Sends one piece, waits until another request has "?go", and sends a second one: from a thread of its own, so that the
 * request is pending meanwhile; with "?at=once" the first piece is written before HttpExtensionProc returns.
 */
#include <pthread.h>

#include "extension.h"

EXTENSION("A pause between two pieces")

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static BOOL goes = FALSE;

static BOOL begin(EXTENSION_CONTROL_BLOCK *block) { return send_text_head(block) && write_text(block, "first\n"); }

static void *send_rest(void *argument) {
  EXTENSION_CONTROL_BLOCK *block = argument;
  BOOL sent = strcmp(block->lpszQueryString, "at=once") == 0 || begin(block);
  pthread_mutex_lock(&lock);
  while (!goes) pthread_cond_wait(&changed, &lock);
  goes = FALSE;
  pthread_mutex_unlock(&lock);
  sent = sent && write_text(block, "second\n");
  done_with_session(block, sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR);
  return NULL;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  if (strcmp(block->lpszQueryString, "go") == 0) {
    pthread_mutex_lock(&lock);
    goes = TRUE;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return send_text_head(block) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
  }
  if (strcmp(block->lpszQueryString, "at=once") == 0 && !begin(block)) return HSE_STATUS_ERROR;
  pthread_t thread;
  if (pthread_create(&thread, NULL, send_rest, block) != 0) return HSE_STATUS_ERROR;
  pthread_detach(thread);
  return HSE_STATUS_PENDING;
}
