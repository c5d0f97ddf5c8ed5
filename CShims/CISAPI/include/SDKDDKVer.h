/* Another spelling that sources use. */
#include "sdkddkver.h"
