/* The spelling of sources for file systems that ignore case. */
#include "httpext.h"
