#include "pool_protocol.h"

_Static_assert(sizeof(pool_header) == 16, "a header has no padding");
