/* The spelling of sources that were written where names have no case. */
#include "httpext.h"
