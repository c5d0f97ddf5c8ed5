/* Another spelling that sources use. */
#include "tchar.h"
