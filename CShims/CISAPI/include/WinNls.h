/* Another spelling that sources use. */
#include "winnls.h"
