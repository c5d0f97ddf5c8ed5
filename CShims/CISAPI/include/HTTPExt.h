/* Another spelling that sources use. */
#include "httpext.h"
