/* Another spelling that sources use. */
#include "strsafe.h"
