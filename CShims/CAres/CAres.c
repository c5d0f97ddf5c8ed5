#include "CAres.h"

#include <stdlib.h>

struct question {
  CAres_answer answered;
  void *argument;
};

static void answer(void *reference, int status, const unsigned char *message, int count) {
  struct question question = *(struct question *)reference;
  free(reference);
  question.answered(question.argument, status, message, count);
}

// The library's headers are decisive, not its version: if there are records, ares_query is deprecated.
#if __has_include(<ares_dns_record.h>)

static void pass_on(void *question, ares_status_t status, size_t timeouts, const ares_dns_record_t *record) {
  (void)timeouts;
  unsigned char *message = NULL;
  size_t count = 0;
  if (status == ARES_SUCCESS) {
    status = ares_dns_write(record, &message, &count);
  }
  answer(question, (int)status, message, (int)count);
  ares_free_string(message);
}

static void ask(ares_channel channel, const char *name, int type, struct question *question) {
  // A failure to send the query is reported to the callback as well.
  ares_query_dnsrec(channel, name, ARES_CLASS_IN, (ares_dns_rec_type_t)type, pass_on, question, NULL);
}

#else

static void pass_on(void *question, int status, int timeouts, unsigned char *message, int count) {
  (void)timeouts;
  answer(question, status, message, count);
}

static void ask(ares_channel channel, const char *name, int type, struct question *question) {
  const int internet_class = 1;
  ares_query(channel, name, internet_class, type, pass_on, question);
}

#endif

void CAres_query(ares_channel channel, const char *name, int type, CAres_answer answered, void *argument) {
  struct question *question = malloc(sizeof *question);
  if (question == NULL) {
    answered(argument, ARES_ENOMEM, NULL, 0);
    return;
  }
  *question = (struct question){answered, argument};
  ask(channel, name, type, question);
}
