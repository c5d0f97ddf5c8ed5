/* Another spelling that sources use. */
#include "winerror.h"
