/* Another spelling that sources use. */
#include "process.h"
