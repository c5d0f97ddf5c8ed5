/* Another spelling that sources use. */
#include "winuser.h"
