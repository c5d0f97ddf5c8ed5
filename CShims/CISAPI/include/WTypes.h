/* Another spelling that sources use. */
#include "windows.h"
