/* Another spelling that sources use. */
#include "windef.h"
