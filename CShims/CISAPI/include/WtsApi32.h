/* The spelling that many sources include. */
#include "wtsapi32.h"
