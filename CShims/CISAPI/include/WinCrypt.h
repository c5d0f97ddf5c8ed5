/* Another spelling that sources use. */
#include "wincrypt.h"
