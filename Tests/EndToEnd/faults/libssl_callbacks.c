// A library that is loaded in front of libssl and suppresses callbacks on which the gateway depends, as a later version
// might. FAULT names the fault: `no-key-log`, `wrong-key-log` (a digit of the gateway's own secret is changed),
// `late-key-log` (a secret is passed one call too late), `no-messages`, `messages-twice`, `messages-halved`, `no-info`.
// FAULT_FROM, a number, leaves as many key logs unchanged before the first fault: those of the trial at the start.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static int is(const char *fault) {
  const char *given = getenv("FAULT");
  return given != NULL && strcmp(given, fault) == 0;
}

static SSL_CTX_keylog_cb_func key_log;
static atomic_long told;

static void tell_key(const SSL *session, const char *line) {
  static _Thread_local char kept[1024];
  const char *from = getenv("FAULT_FROM");
  if (atomic_fetch_add(&told, 1) < (from != NULL ? atol(from) : 0)) {
    key_log(session, line);
  } else if (is("wrong-key-log")) {
    char wrong[1024];
    strncpy(wrong, line, sizeof wrong - 1);
    wrong[sizeof wrong - 1] = 0;
    char *last = wrong + strlen(wrong) - 1;
    *last = *last == '0' ? '1' : '0';
    key_log(session, wrong);
  } else if (is("late-key-log")) {
    if (kept[0] != 0) {
      key_log(session, kept);
    }
    strncpy(kept, line, sizeof kept - 1);
  }
}

void SSL_CTX_set_keylog_callback(SSL_CTX *context, SSL_CTX_keylog_cb_func callback) {
  void (*set)(SSL_CTX *, SSL_CTX_keylog_cb_func) = dlsym(RTLD_NEXT, "SSL_CTX_set_keylog_callback");
  if (is("wrong-key-log") || is("late-key-log") || (is("no-key-log") && getenv("FAULT_FROM") != NULL)) {
    key_log = callback;
    set(context, tell_key);
  } else if (!is("no-key-log")) {
    set(context, callback);
  }
}

typedef void message_callback(int, int, int, const void *, size_t, SSL *, void *);
static message_callback *messages;

static void tell_message(int written, int version, int type, const void *bytes, size_t count, SSL *session, void *more) {
  static _Thread_local int turn;
  if (is("messages-twice")) {
    messages(written, version, type, bytes, count, session, more);
    messages(written, version, type, bytes, count, session, more);
  } else if (turn++ % 2 == 0) {
    messages(written, version, type, bytes, count, session, more);
  }
}

void SSL_set_msg_callback(SSL *session, message_callback *callback) {
  void (*set)(SSL *, message_callback *) = dlsym(RTLD_NEXT, "SSL_set_msg_callback");
  if (is("messages-twice") || is("messages-halved")) {
    messages = callback;
    set(session, callback == NULL ? NULL : tell_message);
  } else if (!is("no-messages")) {
    set(session, callback);
  }
}

void SSL_set_info_callback(SSL *session, void (*callback)(const SSL *, int, int)) {
  void (*set)(SSL *, void (*)(const SSL *, int, int)) = dlsym(RTLD_NEXT, "SSL_set_info_callback");
  if (!is("no-info")) {
    set(session, callback);
  }
}
