#include "CLinux.h"

static __thread void *current_worker;

void *CLinux_current_worker(void) { return current_worker; }
void CLinux_set_current_worker(void *worker) { current_worker = worker; }
