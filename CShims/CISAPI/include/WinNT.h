/* Another spelling that sources use. */
#include "winnt.h"
