/* The older name of the annotations. */
#include "sal.h"
