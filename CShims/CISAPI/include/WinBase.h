/* Another spelling that sources use. */
#include "winbase.h"
